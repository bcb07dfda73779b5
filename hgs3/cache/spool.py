"""A response on its way into the store: written once, hashed as it passes.

Small ones stay in memory; what grows beyond :data:`MEMORY_BYTES` moves to a
temporary file that has no name, so that a killed process leaves nothing.
"""

import hashlib
import io
import tempfile
import typing

from ..objectstore.base import CHUNK_BYTES

#: Half of the 8 MB that one response may hold in memory: with those, the peak
#: of the process was 10 MiB higher (benchmarks/v2_clone.py), and too high.
MEMORY_BYTES = 4 * 1024 * 1024

#: Most pieces of a response are small; the system is called for many at once.
DISK_BUFFER_BYTES = 256 * 1024


class SpoolFull(Exception):
    """The body cannot be kept (a full disk, for instance)."""


class Spool:
    """Collects one body. Not for use by two threads at once.

    Not tempfile.SpooledTemporaryFile, which holds the body twice while it
    moves to the disk: with several clients at a time that adds up.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._file: typing.BinaryIO = io.BytesIO()
        self._in_memory = True
        self._sha256 = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append; raises SpoolFull, after which the spool is of no use."""
        if self._in_memory and self.size_bytes + len(chunk) > self._memory_bytes:
            self.move_to_disk()
        try:
            self._file.write(chunk)
        except OSError as err:
            raise SpoolFull(str(err)) from err
        self._sha256.update(chunk)
        self.size_bytes += len(chunk)

    def move_to_disk(self) -> None:
        """Give the memory back at the cost of a temporary file.

        Raises SpoolFull.
        """
        if not self._in_memory:
            return
        memory = typing.cast(io.BytesIO, self._file)
        try:
            self._file = tempfile.TemporaryFile(
                prefix="hg-s3-", buffering=DISK_BUFFER_BYTES
            )
            self._in_memory = False
            self._file.write(memory.getbuffer())
        except OSError as err:
            raise SpoolFull(str(err)) from err

    @property
    def memory_bytes(self) -> int:
        """How much of the body is in memory: all of it or nothing."""
        return self.size_bytes if self._in_memory else 0

    @property
    def sha256_hex(self) -> str:
        """SHA-256 of all that was written, 64 hexadecimal digits."""
        return self._sha256.hexdigest()

    def body(self) -> typing.BinaryIO:
        """The whole as a seekable file that stands at its start."""
        try:
            self._file.flush()
            self._file.seek(0)
        except OSError as err:
            raise SpoolFull(str(err)) from err
        return self._file

    def chunks(self) -> typing.Iterator[bytes]:
        """Read the whole back; closes the spool at the end."""
        try:
            body = self.body()
            while True:
                chunk = body.read(CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk
        finally:
            self.close()

    def close(self) -> None:
        """Give memory and disk back; may be called again."""
        try:
            self._file.close()
        except OSError:
            # The last buffer did not fit on a full disk. It is gone either way.
            pass
