"""A proxy on 127.0.0.1 in whose place a client seems to read slowly, or not at
all, until it is released."""

from __future__ import annotations

import socket
import threading

from .httpstream import Stream
from .listener import Listener

#: Little, so that a server soon has to wait for its client.
BUFFER_BYTES = 16 * 1024


class SlowProxy(Listener):
    """Waits ``pause_seconds`` after each piece of a big body (None: for ever),
    until it is `released`. Passes on whatever is smaller than a buffer."""

    def __init__(self, upstream_port: int, pause_seconds: float | None) -> None:
        super().__init__()
        self.released = threading.Event()
        #: Set as soon as there is something to wait with.
        self.waiting = threading.Event()
        self._upstream_port = upstream_port
        self._pause_seconds = pause_seconds
        self.start()

    def stop(self) -> None:
        self.released.set()
        super().stop()

    def serve(self, client: Stream) -> None:
        connection = socket.socket()
        # Before it is connected: afterwards the window does not shrink.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        upstream = self.opened(connection)
        try:
            connection.connect(("127.0.0.1", self._upstream_port))
            while True:
                head = client.read_head()
                if head is None:
                    return
                upstream.send(head.raw)
                client.copy_body(head, False, upstream.send)
                reply = upstream.read_head()
                if reply is None:
                    return
                client.send(reply.raw)
                self._pass_slowly(client, reply, upstream)
        finally:
            self.closed(upstream)

    def _pass_slowly(self, client, reply, upstream) -> None:
        passed = [0]

        def sink(block: bytes) -> None:
            passed[0] += len(block)
            if passed[0] > BUFFER_BYTES and not self.released.is_set():
                self.waiting.set()
                self.released.wait(self._pause_seconds)
            client.send(block)

        upstream.copy_body(reply, True, sink)
