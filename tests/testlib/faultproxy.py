"""A proxy on 127.0.0.1 that breaks chosen requests, each in one way.

In a test::

    with FaultProxy(store.port) as proxy:
        proxy.rule = lambda head: CUT if head.first[0] == 'PUT' else PASS
        ...use proxy.url...

In a shell, ``faultproxy.py PORT UPSTREAM-PORT RULES LOG``, until it is stopped.
A line of RULES, which is read anew for each request, is ``METHOD PATTERN
ACTION`` (or ``METHOD PATTERN header NAME VALUE``), the first that fits counts;
METHOD may be ``*``. LOG gets a line ``ACTION METHOD TARGET`` a request.
"""

from __future__ import annotations

import re
import sys
import threading
import typing

from .httpstream import BadMessage, Head, Stream
from .listener import Listener, reset

#: Let it through.
PASS = "pass"
#: Pass half of the request's body on, then close both sides.
CUT = "cut"
#: Pass it on, and close after the first line of the answer.
CUT_HEAD = "cut-head"
#: Pass it on, and close in the middle of the body of the answer.
CUT_BODY = "cut-body"
#: Pass the request on, and close instead of giving the answer.
LOSE_ANSWER = "lose-answer"
#: Do not pass it on, but reset the connection.
RESET = "reset"
#: Do not pass it on, and say nothing until `released`.
HANG = "hang"
#: Pass it on as soon as `released`.
HOLD = "hold"
#: Pass it on, and give half of the body as if that were all.
TRUNCATE = "truncate"
#: Pass it on, and give as many other bytes for a body.
ALTER = "alter"
#: Do not pass it on, and answer in no protocol.
GARBAGE = "garbage"
#: Pass it on, and set a header of the answer: ``header NAME VALUE``.
HEADER = "header"
#: Do not pass it on, and answer with that status: any of _CODES.
REFUSE = "500"

#: What S3 says beside these.
_CODES = {
    "403": "AccessDenied",
    "404": "NoSuchKey",
    "500": "InternalError",
    "501": "NotImplemented",
    "503": "SlowDown",
}


class FaultProxy(Listener):
    """One request a connection, so that each is broken for itself."""

    def __init__(self, upstream_port: int, port: int = 0) -> None:
        super().__init__(port)
        self.rule: typing.Callable[[Head], str] = lambda head: PASS
        #: What was done with which request, in the order of arrival.
        self.done: list[tuple[str, str, str]] = []
        #: Ends every HANG and HOLD.
        self.released = threading.Event()
        self.note: typing.Callable[[str, Head], None] = lambda action, head: None
        self._upstream_port = upstream_port
        self.start()

    def stop(self) -> None:
        self.released.set()
        super().stop()

    def serve(self, client: Stream) -> None:
        head = client.read_head()
        if head is None:
            return
        action = self.rule(head)
        with self.changed:
            self.done.append((action, head.first[0], head.first[1]))
            self.note(action, head)
            self.changed.notify_all()
        if head.headers.get("expect", "").lower() == "100-continue":
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if action == HOLD:
            self.released.wait()
        if action in (HANG, RESET, GARBAGE) or action in _CODES:
            self._answer(client, head, action)
            return
        upstream = self.connected("127.0.0.1", self._upstream_port)
        try:
            self._relay(client, head, upstream, action)
        finally:
            self.closed(upstream)

    def _answer(self, client: Stream, head: Head, action: str) -> None:
        if action == RESET:
            reset(client)
            return
        client.copy_body(head, False, lambda block: None)
        if action == HANG:
            self.released.wait()
        elif action == GARBAGE:
            client.send(b"\x00\x01 220 this is no HTTP\r\nand no S3\r\n\r\n")
        else:
            client.send(_refusal(action, head.first[0]))

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
        raw = _without_keepalive(reply.raw)
        if action == CUT_HEAD:
            client.send(raw.partition(b"\n")[0] + b"\n")
            return
        if action.startswith(HEADER):
            _header, name, value = action.split(None, 2)
            raw = _without(raw, name.encode() + b":")
            raw = raw[:-2] + f"{name}: {value}\r\n\r\n".encode("latin-1")
        if head.first[0] == "HEAD":
            client.send(raw)
            return
        if action in (CUT_BODY, TRUNCATE, ALTER):
            _spoil(client, upstream, reply, raw, action)
            return
        client.send(raw)
        upstream.copy_body(reply, True, client.send)


def _spoil(
    client: Stream, upstream: Stream, reply: Head, raw: bytes, action: str
) -> None:
    if reply.length is None:
        raise BadMessage("a body whose length is not announced")
    pieces: list[bytes] = []
    upstream.copy_body(reply, True, pieces.append)
    body = b"".join(pieces)
    half = len(body) // 2
    if action == ALTER:
        body = body[:half] + b"X" * (len(body) - half)
    else:
        body = body[:half]
    if action == TRUNCATE:
        raw = re.sub(rb"(?i)(content-length:) *\d+", rb"\1 %d" % half, raw)
    client.send(raw + body)


def _refusal(status: str, method: str) -> bytes:
    body = f"<Error><Code>{_CODES[status]}</Code><Message>No.</Message></Error>"
    head = (
        f"HTTP/1.1 {status} Because\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        "x-amz-request-id: faultproxy\r\n\r\n"
    )
    return (head if method == "HEAD" else head + body).encode("latin-1")


def _without_keepalive(raw: bytes) -> bytes:
    """Both sides are told that this connection serves one request; we have
    answered an Expect ourselves."""
    return _without(raw, b"connection:", b"expect:")[:-2] + b"Connection: close\r\n\r\n"


def _without(raw: bytes, *names: bytes) -> bytes:
    lines = [
        line
        for line in raw[:-4].split(b"\r\n")
        if not line.lower().startswith(tuple(name.lower() for name in names))
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def rule_of(text: str, head: Head) -> str:
    """The action that the lines of a RULES file say."""
    for line in text.splitlines():
        method, pattern, action = line.split(None, 2)
        if method in ("*", head.first[0]) and re.search(pattern, head.first[1]):
            return action
    return PASS


def main(port: str, upstream_port: str, rules: str, log: str) -> None:
    proxy = FaultProxy(int(upstream_port), int(port))

    def rule(head: Head) -> str:
        with open(rules) as stream:
            return rule_of(stream.read(), head)

    def note(action: str, head: Head) -> None:
        with open(log, "a") as stream:
            # Without the query, which may hold a signature.
            path = head.first[1].partition("?")[0]
            stream.write(f"{action.split()[0]} {head.first[0]} {path}\n")

    proxy.rule, proxy.note = rule, note
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
