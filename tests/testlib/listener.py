"""What serves connections on 127.0.0.1, each in a thread of its own: the part
that servers and proxies of tests share.
"""

from __future__ import annotations

import socket
import struct
import threading

from .httpstream import BadMessage, Disconnected, Stream

SETTLE_SECONDS = 5.0


class Listener:
    """Listens from :meth:`start` on, which the constructor of a subclass calls
    last, until `stop()` or the end of the `with` block.

    A subclass defines :meth:`serve`.
    """

    #: See Stream.
    acknowledge_at_once = False

    def __init__(self, port: int = 0) -> None:
        #: Guards what a subclass notes, too.
        self.changed = threading.Condition()
        self._open: set[Stream] = set()
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        self._acceptor.start()

    def serve(self, client: Stream) -> None:
        """One connection to its end; the stream is closed afterwards. May
        raise Disconnected, BadMessage and OSError."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close the listener and every connection. May be called twice."""
        with self.changed:
            self._stopping = True
            streams = list(self._open)
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        except OSError:
            pass
        self._listener.close()
        for stream in streams:
            stream.close()
        self._acceptor.join(SETTLE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def opened(self, connection: socket.socket) -> Stream:
        """A stream that `stop()` closes."""
        stream = Stream(connection, self.acknowledge_at_once)
        with self.changed:
            self._open.add(stream)
            stopping = self._stopping
        if stopping:
            stream.close()
        return stream

    def connected(self, host: str, port: int) -> Stream:
        """A stream to another server; raises OSError."""
        return self.opened(socket.create_connection((host, port)))

    def closed(self, stream: Stream | None) -> None:
        if stream is not None:
            with self.changed:
                self._open.discard(stream)
            stream.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            client = self.opened(connection)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: Stream) -> None:
        try:
            self.serve(client)
        except (Disconnected, BadMessage, OSError):
            pass  # one of the sides has gone: the other learns by our closing
        finally:
            self.closed(client)


def reset(stream: Stream) -> None:
    """Close so that the client gets ECONNRESET, not the end of a stream."""
    linger = struct.pack("ii", 1, 0)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    stream.socket.close()
