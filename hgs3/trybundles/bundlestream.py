"""What a bundle is fetched into, and what can be wrong with it, or with the disk."""

import errno
import hashlib
import os
import typing

#: What says of a file that there is no place for it.
_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


class BundleDamaged(Exception):
    """What was fetched is not the bundle: other bytes, fewer or more.

    ``reason`` is one line.
    """

    def __init__(self, sha256: str, reason: str) -> None:
        super().__init__("bundle %s: %s" % (sha256, reason))
        self.sha256 = sha256
        self.reason = reason


class BundleUnavailable(Exception):
    """There is no place on this host for the bundle. ``reason`` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BundleStream:
    """What a bundle is fetched into; takes no byte more than it has."""

    def __init__(self, file: typing.BinaryIO, sha256: str, size_bytes: int) -> None:
        self._file = file
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._written = 0
        self._digest = hashlib.sha256()
        self._fault: typing.Optional[Exception] = None

    def write(self, data: bytes) -> int:
        """Raises BundleDamaged and BundleUnavailable, which should pass on."""
        length = memoryview(data).nbytes
        self._written += length
        if self._written > self._size_bytes:
            raise BundleDamaged(
                self._sha256, "it is longer than its %d bytes" % self._size_bytes
            )
        self._digest.update(data)
        try:
            self._file.write(data)
        except OSError as err:
            self._fault = unavailable(err)
            raise self._fault
        return length

    def finish(self) -> os.stat_result:
        """Of the file, if all of it is there and right; raises as write does."""
        if self._fault is not None:
            raise self._fault
        if self._written != self._size_bytes:
            reason = "there are %d of its %d bytes" % (self._written, self._size_bytes)
            raise BundleDamaged(self._sha256, reason)
        if self._digest.hexdigest() != self._sha256:
            raise BundleDamaged(self._sha256, "its SHA-256 is another")
        try:
            self._file.flush()
            return os.fstat(self._file.fileno())
        except OSError as err:
            raise unavailable(err)


#: Writes the uncompressed bundle by ``stream.write(bytes)``.
Fetch = typing.Callable[[BundleStream], None]


def says_disk_is_full(err: OSError) -> bool:
    """Or that it may not be written to."""
    return err.errno in _DISK_FAULTS


def one_line(err: OSError) -> str:
    text = err.strerror or str(err)
    if isinstance(err.filename, str):
        text += ": %s" % err.filename
    return text


def unavailable(err: OSError) -> BundleUnavailable:
    return BundleUnavailable("no place for a bundle: %s" % one_line(err))
