"""A proxy on 127.0.0.1 that breaks chosen requests, each in one way.

with CutProxy(store.port) as proxy:
    proxy.rule = lambda head: CUT if head.first[0] == 'PUT' else PASS
    ...use proxy.url...
"""

from __future__ import annotations

import socket
import threading
import typing

from .httpstream import BadMessage, Disconnected, Head, Stream

#: Let it through.
PASS = "pass"
#: Pass half of the request's body on, then close both sides.
CUT = "cut"
#: Pass the request on, and close instead of giving the answer.
LOSE_ANSWER = "lose answer"
#: Do not pass it on, and answer 500.
REFUSE = "refuse"

SETTLE_SECONDS = 5.0
REFUSAL = (
    b"HTTP/1.1 500 Refused\r\nContent-Length: 0\r\nConnection: close\r\n"
    b"x-amz-request-id: cutproxy\r\n\r\n"
)


class CutProxy:
    """One request a connection, so that each is broken for itself."""

    def __init__(self, upstream_port: int) -> None:
        self.rule: typing.Callable[[Head], str] = lambda head: PASS
        #: What was done with which request, in the order of arrival.
        self.done: list[tuple[str, str, str]] = []
        self._upstream_port = upstream_port
        self._lock = threading.Lock()
        self._open: set[Stream] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            stream.close()
        self._acceptor.join(SETTLE_SECONDS)

    def __enter__(self) -> CutProxy:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            client = self._opened(connection)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _opened(self, connection: socket.socket) -> Stream:
        stream = Stream(connection)
        with self._lock:
            self._open.add(stream)
        return stream

    def _closed(self, stream: Stream) -> None:
        with self._lock:
            self._open.discard(stream)
        stream.close()

    def _serve(self, client: Stream) -> None:
        upstream = None
        try:
            head = client.read_head()
            if head is None:
                return
            action = self.rule(head)
            with self._lock:
                self.done.append((action, head.first[0], head.first[1]))
            if head.headers.get("expect", "").lower() == "100-continue":
                client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            if action == REFUSE:
                client.copy_body(head, False, lambda block: None)
                client.send(REFUSAL)
                return
            upstream = self._opened(
                socket.create_connection(("127.0.0.1", self._upstream_port))
            )
            self._relay(client, head, upstream, action)
        except (Disconnected, BadMessage, OSError):
            pass  # one of the sides has gone: the other learns by our closing
        finally:
            self._closed(client)
            if upstream is not None:
                self._closed(upstream)

    @staticmethod
    def _relay(client: Stream, head: Head, upstream: Stream, action: str) -> None:
        upstream.send(_without_keepalive(head.raw))
        if action == CUT:
            client.copy_length((head.length or 0) // 2, upstream.send)
            return
        client.copy_body(head, False, upstream.send)
        reply = upstream.read_head()
        while reply is not None and reply.first[1] == "100":
            reply = upstream.read_head()
        if reply is None or action == LOSE_ANSWER:
            return
        client.send(_without_keepalive(reply.raw))
        if head.first[0] != "HEAD":
            upstream.copy_body(reply, True, client.send)


def _without_keepalive(raw: bytes) -> bytes:
    """Both sides are told that this connection serves one request; we have
    answered an Expect ourselves."""
    lines = [
        line
        for line in raw[:-4].split(b"\r\n")
        if not line.lower().startswith((b"connection:", b"expect:"))
    ]
    return b"\r\n".join(lines + [b"Connection: close"]) + b"\r\n\r\n"
