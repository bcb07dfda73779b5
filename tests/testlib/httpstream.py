"""Just enough HTTP/1.1 to know where a message ends, so that its bytes can be
passed on as they are.
"""

from __future__ import annotations

import socket
import typing

BLOCK_BYTES = 64 * 1024
MAX_HEAD_BYTES = 256 * 1024

Sink = typing.Callable[[bytes], None]


class Disconnected(Exception):
    """The peer closed the connection, or it broke."""


class BadMessage(Exception):
    """The bytes are no HTTP/1.1 message this proxy understands."""


class Head:
    """The first line and the headers of a message; `raw` is all of it, the
    empty line included.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.first = first.split(" ", 2)
        if len(self.first) < 2:
            raise BadMessage(f"first line: {first[:80]!r}")
        self.headers: dict[str, str] = {}
        for line in lines:
            name, _colon, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()

    @property
    def chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Content-Length in bytes; None when the head gives none (or chunked
        encoding overrules it).
        """
        value = self.headers.get("content-length")
        if self.chunked or value is None:
            return None
        if not value.isdigit():
            raise BadMessage(f"Content-Length: {value[:80]!r}")
        return int(value)

    def keeps_alive(self, version: str) -> bool:
        """Whether the connection outlives this message, for `version` as the
        first line gives it.
        """
        connection = self.headers.get("connection", "").lower()
        return (
            "keep-alive" in connection
            if version == "HTTP/1.0"
            else "close" not in connection
        )


class _ChunkScanner:
    """Finds the end of a chunked body in blocks that are cut anywhere."""

    def __init__(self) -> None:
        self._skip = 0  # bytes of the present chunk (with its line end) still to come
        self._line = b""
        self._in_trailer = False

    def end_in(self, block: bytes) -> int | None:
        """The position after the body's last byte, or None when all of `block`
        belongs to the body.
        """
        position = 0
        while position < len(block):
            if self._skip:
                step = min(self._skip, len(block) - position)
                self._skip -= step
                position += step
                continue
            end = block.find(b"\n", position)
            if end < 0:
                self._line += block[position:]
                return None
            line, self._line = (self._line + block[position:end]).strip(), b""
            position = end + 1
            if self._in_trailer:
                if not line:
                    return position
                continue
            size = self._size(line)
            self._in_trailer = size == 0
            self._skip = size + 2 if size else 0
        return None

    @staticmethod
    def _size(line: bytes) -> int:
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError:
            raise BadMessage(f"size of a chunk: {line[:80]!r}") from None


class Stream:
    """One side of a connection: what was received beyond the present message
    waits for the next.

    Linux holds acknowledgements back for up to 40 ms, and a peer that writes a
    message in pieces (Mercurial's server does) waits for them in the middle of
    it. With `acknowledge_at_once` it need not.
    """

    def __init__(
        self, connection: socket.socket, acknowledge_at_once: bool = False
    ) -> None:
        self.socket = connection
        self._acknowledge_at_once = acknowledge_at_once
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, data: bytes) -> None:
        """Raises Disconnected."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def _receive(self) -> bytes:
        """What is there, at most a block; empty at the end of the stream."""
        if self._received:
            block, self._received = self._received, b""
            return block
        try:
            if self._acknowledge_at_once:
                # The system goes back to its own ways after a while.
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            return self.socket.recv(BLOCK_BYTES)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def read_head(self) -> Head | None:
        """The next message's head; None when the stream ends before it;
        Disconnected when it ends within.
        """
        raw = b""
        while True:
            end = raw.find(b"\r\n\r\n")
            if end >= 0:
                self._received = raw[end + 4 :] + self._received
                return Head(raw[: end + 4])
            if len(raw) > MAX_HEAD_BYTES:
                raise BadMessage("head too long")
            block = self._receive()
            if not block:
                if raw:
                    raise Disconnected("in the middle of a head")
                return None
            raw += block

    def copy_length(self, length: int, sink: Sink) -> None:
        """Pass on `length` bytes."""
        left = length
        while left:
            block = self._receive()
            if not block:
                raise Disconnected("in the middle of a body")
            if len(block) > left:
                block, self._received = block[:left], block[left:] + self._received
            sink(block)
            left -= len(block)

    def copy_chunked(self, sink: Sink) -> None:
        """Pass on a chunked body, framing included, as it comes."""
        scanner = _ChunkScanner()
        while True:
            block = self._receive()
            if not block:
                raise Disconnected("in the middle of a chunked body")
            end = scanner.end_in(block)
            if end is None:
                sink(block)
                continue
            self._received = block[end:] + self._received
            sink(block[:end])
            return

    def copy_to_end(self, sink: Sink) -> None:
        """Pass on everything until the peer closes."""
        while True:
            block = self._receive()
            if not block:
                return
            sink(block)

    def copy_body(self, head: Head, to_end: bool, sink: Sink) -> None:
        """Pass on the body that `head` announces; `to_end` says what no
        announcement means.
        """
        if head.chunked:
            self.copy_chunked(sink)
        elif head.length is not None:
            self.copy_length(head.length, sink)
        elif to_end:
            self.copy_to_end(sink)

    def close(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
