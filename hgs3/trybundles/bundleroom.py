"""How much room the cache of bundles takes up: what goes, and when.

The time of a file's last change is that of its last use, true to a minute. Beyond
the limit those go that were not used for the longest time, and a tenth more than
has to go, so that not each bundle makes a walk; but of what was used a moment ago no
more than has to. The bundle that was just added stays: one that is larger than the
limit goes with the next sweep.

All processes count together, by the file and the locks of filespace.py. The count
is too high after somebody was killed, never too low. Each sweep puts it right;
there is one an hour, if anything is added.
"""

import contextlib
import os
import re
import time

from ..objectstore.filefolder import Folder, remove
from ..objectstore.filespace import Space

#: How often a use is noted on the disk.
USE_SECONDS = 60
#: What was used so lately goes last.
RECENT_SECONDS = 2 * USE_SECONDS
#: After an eviction so much of the limit is left.
KEPT_PART = 0.9
#: How often the folder is looked at, whether room is needed or not.
SWEEP_SECONDS = 3600
#: Who writes a bundle does not pause for so long.
LEFTOVER_SECONDS = 3600

BUNDLE_NAME = re.compile(r"[0-9a-f]{64}\Z")
_TEMPORARY_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tmp\Z")


class Room:
    """That of the bundles in ``folder``, ``limit_bytes`` of it; 0 for no limit.

    Methods raise OSError and StoreUnavailable.
    """

    def __init__(self, folder: Folder, limit_bytes: int) -> None:
        self._folder = folder
        self._space = Space(folder)
        self._limit_bytes = limit_bytes

    def take(self, size_bytes: int) -> None:
        """Count what is about to be added: who is killed after that leaves too
        much in the count, and not too little."""
        with self._space.locked() as count:
            count.add(size_bytes)

    def make(self, added: str) -> None:
        """Let go what has to, but not the bundle whose path is ``added``."""
        with self._space.locked() as count:
            is_due = (
                count.bytes is None
                or 0 < self._limit_bytes < count.bytes
                # Not the other way round, for clocks that are set back.
                or not 0 <= time.time() - count.swept <= SWEEP_SECONDS
            )
        if not is_due:
            return
        with self._space.sweeping() as mine:
            if mine:
                self._space.count_anew(lambda: self._evict(self._bundles(), added))

    def _bundles(self):
        """(time of last use in ns, path, bytes) of each; removes leftovers."""
        found = []
        with os.scandir(self._folder.root) as entries:
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if BUNDLE_NAME.match(entry.name):
                    found.append((status.st_mtime_ns, entry.path, status.st_size))
                elif (
                    _TEMPORARY_NAME.match(entry.name)
                    and time.time() - status.st_mtime > LEFTOVER_SECONDS
                ):
                    remove(entry.path)
        return found

    def _evict(self, bundles, added):
        """How many bytes are left."""
        left = sum(size_bytes for _used_ns, _path, size_bytes in bundles)
        if not self._limit_bytes or left <= self._limit_bytes:
            return left
        recent_ns = (time.time() - RECENT_SECONDS) * 1e9
        for used_ns, path, size_bytes in sorted(bundles):
            part = 1 if used_ns > recent_ns else KEPT_PART
            if left <= self._limit_bytes * part:
                break
            if path != added and _is_unused_since(used_ns, path) and remove(path):
                left -= size_bytes
        return left


def note_use(path: str, status: os.stat_result) -> None:
    """Of a file, which is as ``status`` says. Raises nothing."""
    if not 0 <= time.time() - status.st_mtime <= USE_SECONDS:
        # In a folder that may only be read nothing is evicted either.
        with contextlib.suppress(OSError):
            os.utime(path)


def _is_unused_since(used_ns, path):
    try:
        return os.stat(path).st_mtime_ns == used_ns
    except FileNotFoundError:
        return False
