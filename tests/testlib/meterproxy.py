"""A reverse proxy on 127.0.0.1 that passes every byte unchanged and notes what
each request cost.

    with MeterProxy('127.0.0.1', server.port, cpu_clock=server.cpu_seconds) as proxy:
        ...use proxy.url instead of the server's...
        for exchange in proxy.exchanges(): ...

Host is passed as the client sent it: a presigned S3 URL is signed for the host
that the client sees. Nothing is buffered beyond a block of 64 KiB; a slow
client slows the server down, as it would without the proxy.
"""

from __future__ import annotations

import dataclasses
import select
import time
import typing
import urllib.parse

from .httpstream import BadMessage, Disconnected, Head, Stream
from .listener import SETTLE_SECONDS, Listener

BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A request and its response.

    `command` is Mercurial's: the `cmd` of a version 1 request, the end of the
    path below /api/ of a version 2 one; empty for others. Bodies count as they
    are on the wire, chunk framing included. `cpu_seconds` is what the server
    process used between the start of the request and the end of the response,
    in all its threads; None without a clock. `aborted` means that one side went
    away in the middle.
    """

    method: str
    path: str
    command: str
    status: int
    request_bytes: int
    response_bytes: int
    started: float  # seconds, time.monotonic()
    seconds: float
    cpu_seconds: float | None
    aborted: bool


class _Meter:
    """Counts one exchange while it passes."""

    def __init__(self, head: Head, clock: typing.Callable[[], float] | None) -> None:
        target = urllib.parse.urlsplit(head.first[1])
        self.method = head.first[0]
        self.path = target.path
        self.command = urllib.parse.parse_qs(target.query).get("cmd", [""])[0]
        if self.path.startswith("/api/") and "/exp-http-v2" in self.path:
            self.command = self.path.rpartition("/")[2]
        self.status = 0
        self.request_bytes = 0
        self.response_bytes = 0
        self._clock = clock
        self.started = time.monotonic()
        self._cpu_started = self._cpu()

    def _cpu(self) -> float | None:
        try:
            return self._clock() if self._clock else None
        except OSError:
            return None  # the server has ended

    def finished(self, aborted: bool) -> Exchange:
        cpu, before = self._cpu(), self._cpu_started
        return Exchange(
            method=self.method,
            path=self.path,
            command=self.command,
            status=self.status,
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
            started=self.started,
            seconds=time.monotonic() - self.started,
            cpu_seconds=None if cpu is None or before is None else cpu - before,
            aborted=aborted,
        )


class MeterProxy(Listener):
    def __init__(
        self,
        upstream_host: str,
        upstream_port: int,
        cpu_clock: typing.Callable[[], float] | None = None,
        port: int = 0,
        acknowledge_at_once: bool = False,
    ) -> None:
        super().__init__(port)
        self.acknowledge_at_once = acknowledge_at_once
        self._upstream = (upstream_host, upstream_port)
        self._clock = cpu_clock
        self._finished: list[Exchange] = []
        self._in_flight = 0
        self.start()

    def exchanges(self) -> list[Exchange]:
        """Every finished exchange in the order of starting; waits a few seconds
        for those still passing.
        """
        with self.changed:
            self.changed.wait_for(lambda: not self._in_flight, SETTLE_SECONDS)
            return sorted(self._finished, key=lambda exchange: exchange.started)

    def clear(self) -> None:
        """Forget the finished exchanges."""
        with self.changed:
            self._finished.clear()

    def serve(self, client: Stream) -> None:
        """All requests of one client connection, one after the other, over one
        kept upstream connection.
        """
        upstream: Stream | None = None
        try:
            while True:
                head = client.read_head()
                if head is None:
                    return
                if upstream is not None and _has_ended(upstream):
                    self.closed(upstream)
                    upstream = None
                upstream, alive = self._exchange(client, head, upstream)
                if not alive:
                    return
        finally:
            self.closed(upstream)

    def _exchange(
        self, client: Stream, head: Head, upstream: Stream | None
    ) -> tuple[Stream | None, bool]:
        """Pass one request and its response; the upstream connection, and
        whether both connections live on.
        """
        meter = _Meter(head, self._clock)
        with self.changed:
            self._in_flight += 1
        aborted = True
        alive = False
        try:
            if upstream is None:
                upstream = self._connect()
            if upstream is None:
                meter.status = 502
                client.send(BAD_GATEWAY)
            else:
                alive = _relay(client, head, upstream, meter)
            aborted = False
        except (Disconnected, BadMessage):
            alive = False
        finally:
            finished = meter.finished(aborted)
            with self.changed:
                self._in_flight -= 1
                self._finished.append(finished)
                self.changed.notify_all()
        return upstream, alive

    def _connect(self) -> Stream | None:
        try:
            return self.connected(*self._upstream)
        except OSError:
            return None


class _BodyNotWanted(Exception):
    """The server closed while the request's body was passed to it."""


def _has_ended(upstream: Stream) -> bool:
    """Between two requests the server has nothing to say: a readable connection
    is one that it closed.
    """
    readable, _writable, _failed = select.select([upstream.socket], [], [], 0)
    return bool(readable)


def _relay(client: Stream, head: Head, upstream: Stream, meter: _Meter) -> bool:
    """One request upstream and its response back; whether both sides keep their
    connection open.

    Raises Disconnected or BadMessage; what was counted until then stays counted.
    """

    def to_upstream(block: bytes) -> None:
        try:
            upstream.send(block)
        except Disconnected as error:
            raise _BodyNotWanted from error
        meter.request_bytes += len(block)

    def to_client(block: bytes) -> None:
        client.send(block)
        meter.response_bytes += len(block)

    upstream.send(head.raw)
    answer = None
    body_sent = True
    if head.headers.get("expect", "").lower() == "100-continue":
        # The client holds its body back until the server wants it, or has refused it.
        answer = _next_head(upstream)
        if answer.first[1] == "100":
            client.send(answer.raw)
            answer = None
        else:
            body_sent = False
    if answer is None:
        try:
            client.copy_body(head, False, to_upstream)
        except _BodyNotWanted:
            # The server has answered before it had read everything: the client gets
            # that answer.
            body_sent = False
        answer = _final_head(client, upstream)
    meter.status = int(answer.first[1])
    client.send(answer.raw)
    bodyless = meter.method == "HEAD" or meter.status in (204, 304)
    if not bodyless:
        upstream.copy_body(answer, True, to_client)
    delimited = bodyless or answer.chunked or answer.length is not None
    return (
        body_sent
        and delimited
        and head.keeps_alive(head.first[-1])
        and answer.keeps_alive(answer.first[0])
    )


def _final_head(client: Stream, upstream: Stream) -> Head:
    """The head of the final response; interim ones (1xx) are passed on."""
    while True:
        answer = _next_head(upstream)
        if not answer.first[1].startswith("1"):
            return answer
        client.send(answer.raw)


def _next_head(upstream: Stream) -> Head:
    answer = upstream.read_head()
    if answer is None:
        raise Disconnected("no answer")
    if not answer.first[1].isdigit():
        raise BadMessage(f"status: {answer.first[1][:20]!r}")
    return answer
