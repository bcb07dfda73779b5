"""A response on its way into the store: written once, hashed as it passes,
and read by any number while it is being written and after.

Small ones stay in memory; what grows beyond :data:`MEMORY_BYTES` moves to a
temporary file that has no name, so that a killed process leaves nothing.

One rule makes readers cheap: a body is a file (or none yet) and a *tail* that
is still in memory. ``_view`` holds where the tail begins and the tail itself
in one tuple, which is replaced as a whole and only after the file has what
the former tail had. Whoever takes the tuple once reads consistent bytes
without a lock, and the writer never waits for a reader.
"""

import hashlib
import io
import os
import sys
import tempfile
import threading
import typing

from ..objectstore.base import CHUNK_BYTES

#: Half of the 8 MB that one response may hold in memory: with those, the peak
#: of the process was 10 MiB higher (benchmarks/v2_clone.py), and too high.
MEMORY_BYTES = 4 * 1024 * 1024

#: Most pieces of a response are small; the system is called for many at once.
DISK_BUFFER_BYTES = 256 * 1024

#: A follower that has read all there is sleeps until there is that much more,
#: or until FOLLOW_SECONDS have passed and there is anything: else a herd would
#: be woken for every piece of a few bytes.
FOLLOW_BYTES = 256 * 1024
FOLLOW_SECONDS = 0.1

_NEVER = sys.maxsize
_DONE = -1


class SpoolError(Exception):
    """Anything that a spool may raise, to its writer or to a reader."""


class SpoolFull(SpoolError):
    """The body cannot be kept (a full disk, for instance), or not read back."""


class SpoolFailed(SpoolError):
    """The writer gave up before the end of the body."""


class Spool:
    """Collects one body. One thread writes; readers may be in any.

    Memory and disk are given back when the writer (:meth:`close`) and every
    reader have closed. A writer that closes without :meth:`complete` has
    failed.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._tail = bytearray()
        #: (offset of the tail in the body, the tail); see the module.
        self._view = (0, self._tail)
        self._tail_limit = memory_bytes
        self._file: typing.Optional[typing.BinaryIO] = None
        #: Of what stands before the tail; of all once the body is complete.
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0
        #: Whether all of the body is here, and in the file if there is one.
        self.completed = False
        #: Why it will never be complete: one line, or None.
        self.failure: typing.Optional[str] = None
        # Reentrant, since the garbage collector may close a reader anywhere.
        self._changed = threading.Condition(threading.RLock())
        self._wake_at = _NEVER
        self._users = 1
        self._writer_closed = False
        self._watchers: typing.List[typing.Callable[[], None]] = []

    def write(self, chunk: bytes) -> None:
        """Append; raises SpoolFull, after which the spool is of no use."""
        size_bytes = len(chunk)
        if len(self._tail) + size_bytes > self._tail_limit:
            self._write_through(chunk)
        else:
            self._tail += chunk
        self.size_bytes += size_bytes
        if self.size_bytes >= self._wake_at:
            self._wake()

    def move_to_disk(self) -> None:
        """Give the memory back at the cost of a temporary file.

        For the writer's thread, or any one thread after :meth:`complete`.
        Raises SpoolFull.
        """
        if self._file is None:
            self._flush()
            self._tell_watchers()

    def complete(self) -> None:
        """Say that this was all; may be said again. Raises SpoolFull."""
        if self.completed:
            return
        if self.failure is not None:
            raise SpoolFull(self.failure)
        if self._file is not None:
            self._flush()
        else:
            self._sha256.update(self._tail)
        self._tail_limit = _DONE
        self.completed = True
        self._wake()
        self._tell_watchers()

    def fail(self, reason: str) -> None:
        """Say that there will be no more; readers that follow are told why.

        Does nothing once the body is complete, or failed before.
        """
        if not self.completed and self.failure is None:
            self._tail_limit = _DONE
            self.failure = reason
            self._wake()
            self._tell_watchers()

    def close(self) -> None:
        """The writer needs it no more; may be called again."""
        if not self._writer_closed:
            self._writer_closed = True
            self.fail("closed before its end")
            self._let_go()

    def watch(self, callback: typing.Callable[[], None]) -> None:
        """Call ``callback()`` when the body has moved to the disk, and when it
        is complete or has failed; in the writer's thread. It must not raise."""
        self._watchers.append(callback)

    @property
    def closed(self) -> bool:
        """Whether memory and disk are given back."""
        return not self._users

    @property
    def memory_bytes(self) -> int:
        """How much of the body is in memory: all of it or nothing."""
        return self.size_bytes if self._file is None else 0

    @property
    def descriptor(self) -> typing.Optional[int]:
        """The descriptor of the temporary file; None while there is none."""
        return None if self._file is None or self.closed else self._file.fileno()

    @property
    def sha256_hex(self) -> str:
        """SHA-256 of all that was written, 64 hexadecimal digits.

        For the writer's thread, or any one after :meth:`complete`.
        """
        digest = self._sha256.copy()
        if not self.completed:
            digest.update(self._tail)
        return digest.hexdigest()

    def reader(self) -> "SpoolReader":
        """A file of its own position, at the start. For one thread.

        It ends where the body ends at the moment: whoever wants all of it
        waits for :attr:`completed` or uses :meth:`follow`.
        """
        return SpoolReader(self)

    def follow(
        self,
        on_wait: typing.Callable[[], None] = lambda: None,
        slice_seconds: float = FOLLOW_SECONDS,
    ) -> typing.Generator[bytes, None, None]:
        """The whole in chunks, waiting for what is still to be written.

        ``on_wait()`` is called each time ``slice_seconds`` have brought
        nothing, and ends it all by raising. Raises SpoolFailed when the writer
        gives up, SpoolFull when the disk does.
        """
        # Now, not when the first chunk is asked for: it could be gone by then.
        return self._follow(self.reader(), on_wait, slice_seconds)

    def chunks(self) -> typing.Generator[bytes, None, None]:
        """Read the whole back; closes the spool at the end.

        For the writer. Has no reference of its own: it ends with
        :meth:`close`, too.
        """
        try:
            self.complete()
            position = 0
            while position < self.size_bytes:
                if self._writer_closed:
                    raise SpoolFull("the spool was closed")
                chunk = self._read_at(position, CHUNK_BYTES)
                position += len(chunk)
                yield chunk
        finally:
            self.close()

    def _follow(self, reader, on_wait, slice_seconds):
        with reader:
            while True:
                # In this order: what is written in between is read next time.
                completed = self.completed
                if self.failure is not None:
                    raise SpoolFailed(self.failure)
                position = reader.tell()
                if not completed and self.size_bytes - position < CHUNK_BYTES:
                    self._wait_beyond(position + FOLLOW_BYTES, slice_seconds)
                chunk = reader.read(CHUNK_BYTES)
                if chunk:
                    yield chunk
                elif completed:
                    return
                elif not self.completed and self.failure is None:
                    on_wait()

    def _wait_beyond(self, size_bytes, seconds):
        with self._changed:
            # First this, then a look: the writer does it the other way round.
            self._wake_at = min(self._wake_at, size_bytes)
            if not (
                self.completed
                or self.failure is not None
                or self.size_bytes >= size_bytes
            ):
                self._changed.wait(seconds)

    def _wake(self):
        with self._changed:
            self._wake_at = _NEVER
            self._changed.notify_all()

    def _tell_watchers(self):
        for callback in self._watchers:
            callback()

    def _write_through(self, chunk):
        """Write what does not fit into the tail any more."""
        if self.completed:
            raise ValueError("the body is complete")
        if self.failure is not None:
            raise SpoolFull(self.failure)
        moves = self._file is None
        large = len(chunk) > DISK_BUFFER_BYTES
        # A large one goes by the tail: a copy of it would be as large.
        self._flush(chunk if large else b"")
        if not large:
            self._tail += chunk
        if moves:
            self._tell_watchers()

    def _flush(self, beyond=b""):
        """Write the tail to the file, and ``beyond`` after it."""
        offset, tail = self._view
        file = self._file
        try:
            if file is None:
                file = tempfile.TemporaryFile(prefix="hg-s3-", buffering=0)
            _write_at(file.fileno(), tail, offset)
            _write_at(file.fileno(), beyond, offset + len(tail))
        except OSError as err:
            if file is not None and file is not self._file:
                file.close()
            self.fail(str(err))
            raise SpoolFull(str(err)) from err
        if not self.completed:
            self._sha256.update(tail)
            self._sha256.update(beyond)
        self._file = file
        offset += len(tail) + len(beyond)
        self._tail = bytearray()
        self._view = (offset, self._tail)
        if self._tail_limit != _DONE:
            self._tail_limit = DISK_BUFFER_BYTES

    def _read_at(self, position, size_bytes):
        """Up to ``size_bytes``, and nothing only at the end of what is there."""
        offset, tail = self._view
        if position >= offset:
            start = position - offset
            return bytes(tail[start : start + size_bytes])
        try:
            chunk = os.pread(
                self._file.fileno(), min(size_bytes, offset - position), position
            )
        except OSError as err:
            raise SpoolFull(str(err)) from err
        if not chunk:
            raise SpoolFull("the temporary file was cut")
        return chunk

    def _use(self):
        with self._changed:
            if not self._users:
                raise SpoolFull("the spool was closed")
            self._users += 1

    def _let_go(self):
        with self._changed:
            self._users -= 1
            if self._users:
                return
        self._tail = bytearray()
        self._view = (0, self._tail)
        self._watchers.clear()
        if self._file is not None:
            self._file.close()


class SpoolReader(io.BufferedIOBase):
    """What :meth:`Spool.reader` gives: a seekable binary file.

    ``read(n)`` gives less than ``n`` only at the end of what is written: S3
    refuses parts that are too small. Reading raises SpoolFull.
    """

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        #: Called ahead of each read, for who wants to know that it goes on.
        self.on_read: typing.Optional[typing.Callable[[], None]] = None
        self._spool: typing.Optional[Spool] = None
        spool._use()
        self._spool = spool
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._position,
            os.SEEK_END: self._open_spool().size_bytes,
        }[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._position = base + offset
        return self._position

    def read(self, size: typing.Optional[int] = -1) -> bytes:
        if self.on_read is not None:
            self.on_read()
        spool = self._open_spool()
        if size is None or size < 0:
            size = max(0, spool.size_bytes - self._position)
        pieces: typing.List[bytes] = []
        while size > 0:
            piece = spool._read_at(self._position, size)
            if not piece:
                break
            self._position += len(piece)
            size -= len(piece)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size: int = -1) -> bytes:
        return self.read(CHUNK_BYTES if size < 0 else size)

    def close(self) -> None:
        spool, self._spool = self._spool, None
        super().close()
        if spool is not None:
            spool._let_go()

    def _open_spool(self):
        if self._spool is None:
            raise ValueError("I/O operation on a closed reader")
        return self._spool


def _write_at(descriptor, data, offset):
    """All of it: the system may take less at a time, before it refuses."""
    with memoryview(data) as view:
        written = 0
        while written < len(view):
            with view[written:] as rest:
                written += os.pwrite(descriptor, rest, offset + written)
