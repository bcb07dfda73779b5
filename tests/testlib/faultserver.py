"""A server that fails on purpose, and remembers what it was asked.

    with FaultServer(answer(503)) as server:
        ...use server.url...
        for request in server.requests: ...

What it does with each request is its ``fault``: a function of the connection
(a Stream) and the Request, which returns True to keep the connection.
"""

from __future__ import annotations

import dataclasses
import socket
import threading
import typing

from .httpstream import Stream
from .listener import Listener, reset


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]  # lower-case names
    body: bytes


Fault = typing.Callable[[Stream, Request, "FaultServer"], bool]


class FaultServer(Listener):
    """With `reset_at_accept` a connection is reset before a request is read."""

    def __init__(self, fault: Fault, reset_at_accept: bool = False) -> None:
        super().__init__()
        self.fault = fault
        #: Ends every hang.
        self.released = threading.Event()
        self.requests: list[Request] = []
        self._reset_at_accept = reset_at_accept
        self.start()

    def stop(self) -> None:
        self.released.set()
        super().stop()

    def serve(self, client: Stream) -> None:
        if self._reset_at_accept:
            reset(client)
            return
        while True:
            request = self._read(client)
            if request is None or not self.fault(client, request, self):
                return

    def _read(self, stream: Stream) -> Request | None:
        head = stream.read_head()
        if head is None:
            return None
        if head.headers.get("expect", "").lower() == "100-continue":
            stream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body: list[bytes] = []
        stream.copy_body(head, False, body.append)
        request = Request(head.first[0], head.first[1], head.headers, b"".join(body))
        with self.changed:
            self.requests.append(request)
        return request


def hang(_stream: Stream, _request: Request, server: FaultServer) -> bool:
    """Say nothing until the server is stopped or `released`."""
    server.released.wait()
    return False


def reset_after_request(stream: Stream, _request: Request, _server: object) -> bool:
    reset(stream)
    return False


def close_after_request(_stream: Stream, _request: Request, _server: object) -> bool:
    return False


def raw(data: bytes) -> Fault:
    """Send exactly `data`, and close."""

    def fault(stream: Stream, _request: Request, _server: object) -> bool:
        stream.send(data)
        return False

    return fault


def answer(
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    announced: int | None = None,
) -> Fault:
    """A proper answer; `announced` is a Content-Length that is not kept."""

    def fault(stream: Stream, request: Request, _server: object) -> bool:
        length = len(body) if announced is None else announced
        lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        stream.send(head + (b"" if request.method == "HEAD" else body))
        return announced is None

    return fault


def s3_error(code: str, message: str = "Because.") -> bytes:
    """The body in which S3 says what is wrong."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    ).encode()


class ClosedPort:
    """A port of 127.0.0.1 that refuses connections, kept from others."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))  # and never listen()
        self.url = "http://127.0.0.1:%d" % self._socket.getsockname()[1]
        self.requests: list[Request] = []

    def stop(self) -> None:
        self._socket.close()

    def __enter__(self) -> ClosedPort:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()
