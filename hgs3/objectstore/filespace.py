"""How much room a store takes up, counted by all processes together.

The file ``space`` is the lock of a store and holds the count: a line for what may
be evicted, and one for what is kept, which earlier releases neither read nor write.
Whoever changes
which objects there are has the lock meanwhile, for a few system calls and never
while a body is copied. The kernel gives it back, however a process ends.

The count may be too high after somebody was killed, and wrong after a crash of
the machine: nobody depends on it but for when to look at the files themselves,
see filesweep.py.
"""

import contextlib
import os
import time
import typing

from . import filenames
from .base import StoreUnavailable
from .filefolder import Folder

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]

BLOCK_BYTES = 4096

#: How long others may keep the lock. They need it for less than a millisecond,
#: unless somebody has stopped the process.
LOCK_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 0.02

_RECORD = "%020d %020d %020d\n"
_RECORD_BYTES = len(_RECORD % (0, 0, 0))

#: Descriptors that a forked child must not keep: a lock belongs to the open
#: file, so the child would keep that of a parent that was killed.
_descriptors: typing.Set[int] = set()


def locks_exist() -> bool:
    """Whether this system has what the store needs of it."""
    return fcntl is not None


def cost(size_bytes: int) -> int:
    """The bytes that an object of this size takes up, its record included."""
    blocks = (size_bytes + BLOCK_BYTES - 1) // BLOCK_BYTES
    return (blocks + 1) * BLOCK_BYTES


class Count:
    """What a line of the file says, to whoever has the lock.

    ``bytes`` is None where nobody knows. ``added`` is what has ever been added
    to it, with nothing taken off. ``swept`` is when the files were last looked
    at, in seconds since the epoch.
    """

    def __init__(self, descriptor: int, offset: int) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self.bytes: typing.Optional[int] = None
        self.added = self.swept = 0
        fields = os.pread(descriptor, _RECORD_BYTES, offset).split()
        if len(fields) == 3 and all(field.isdigit() for field in fields):
            self.bytes, self.added, self.swept = map(int, fields)

    def add(self, more: int) -> None:
        if self.bytes is not None:
            self.added += max(0, more)
            self.write(self.bytes + more, self.swept)

    def write(self, total: int, swept: float) -> None:
        # In place: this takes no new room on a disk that is full by now.
        self.bytes, self.swept = max(0, total), int(swept)
        text = _RECORD % (self.bytes, self.added, self.swept)
        os.pwrite(self._descriptor, text.encode("ascii"), self._offset)


class Counts(Count):
    """That of what may be evicted, and in ``kept`` that of what may not."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, 0)
        self.kept = Count(descriptor, _RECORD_BYTES)

    def of(self, name: str) -> Count:
        """The one that an object of this name is part of."""
        return self.kept if filenames.is_kept(name) else self


class Space:
    """The count and the locks of the store in ``folder``. For any thread."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def locked(self) -> typing.Iterator[Counts]:
        """Within: nobody else changes which objects there are.

        Raises OSError, and StoreUnavailable when others keep the lock.
        """
        with self._open("space") as descriptor:
            self._wait(descriptor)
            yield Counts(descriptor)

    def _wait(self, descriptor):
        deadline = time.monotonic() + LOCK_SECONDS
        pause = 0.0005
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    "another process keeps %s locked" % self._folder.path("space")
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    @contextlib.contextmanager
    def sweeping(self) -> typing.Iterator[bool]:
        """Within, if it gives True: nobody else sweeps."""
        with self._open("sweeping") as descriptor:
            yield _try_lock(descriptor)

    def count_anew(
        self,
        look: typing.Callable[[], int],
        which: typing.Callable[[Counts], Count] = lambda counts: counts,
    ) -> None:
        """Let ``which(counts)`` be what ``look()`` gives; for whoever sweeps."""
        with self.locked() as counts:
            count = which(counts)
            if count.bytes is None:
                # What others add from now on is counted; and if this is
                # killed, a sweep is due at once.
                count.write(0, 0)
            before = count.added
        left = look()
        with self.locked() as counts:
            count = which(counts)
            # What others have stored meanwhile may have been seen, too, or
            # deleted again, and is then counted too much. Better than too
            # little.
            meanwhile = max(0, count.added - before)
            count.write(left + meanwhile, time.time())

    @contextlib.contextmanager
    def _open(self, file_name):
        path = self._folder.path(file_name)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _descriptors.add(descriptor)
        try:
            self._folder.give_to_owner(path)
            yield descriptor
        finally:
            _descriptors.discard(descriptor)
            try:
                # Closing alone would leave it to a child forked meanwhile.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            finally:
                os.close(descriptor)


def _try_lock(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_in_child():
    while _descriptors:
        os.close(_descriptors.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
