"""Look at all files of a store in a folder: evict, clean up, count anew.

This is a walk of the whole folder, and so it is made when the count says that
the store is full, and then makes more room than is needed at once; and once a
day, for what killed processes have left behind.

What can be left behind are bodies without a record, since a record comes after
its body and goes before it, and records that were being written. A body that is
being written has no record either: it is told by its age.

What is never evicted is looked at once a day only, and takes its room from the rest.
Of it, nothing goes but what was never an object: a record that cannot be read, or
has lost its body, stays for whoever comes to see what has happened.
"""

import os
import time
import typing

from . import filenames
from .filefolder import Folder, remove
from .filespace import Count, Counts, Space, cost

#: After an eviction the store is so full: the next one is not due at once.
KEPT_PART = 0.9
#: How often there is a sweep, whether room is needed or not.
SWEEP_SECONDS = 24 * 3600
#: Who writes a body does not pause for so long.
LEFTOVER_SECONDS = 3600


class _Body(typing.NamedTuple):
    """``used_ns`` first: they are evicted in this order."""

    used_ns: int
    path: str
    name: str
    token: str
    bytes: int


def is_due(count: Count) -> bool:
    """Whether the files were not looked at for too long, or nobody knows."""
    # Not the other way round, for clocks that are set back.
    return count.bytes is None or not 0 <= time.time() - count.swept <= SWEEP_SECONDS


class Sweep:
    """One sweep of ``folder``, whose store may take up ``limit_bytes``.

    Safe beside every other use of the folder, and wherever it is killed. Raises
    OSError and StoreUnavailable.
    """

    def __init__(self, folder: Folder, space: Space, limit_bytes: int) -> None:
        self._folder = folder
        self._space = space
        self._limit_bytes = limit_bytes

    def run(self) -> bool:
        """False if somebody else is at it."""
        with self._space.sweeping() as mine:
            if not mine:
                return False
            with self._space.locked() as counts:
                kept_is_due = is_due(counts.kept)
            if kept_is_due:
                self._space.count_anew(self._count_kept, _kept)
            self._space.count_anew(self._make_room)
            return True

    def _count_kept(self):
        return sum(body.bytes for body in self._clean_up(self._folder.walk_kept()))

    def _make_room(self):
        return self._evict(self._clean_up(self._folder.walk()))

    def _clean_up(self, walk):
        """Remove leftovers; a list of the _Body of each object, and of bodies
        that are being written."""
        bodies = []
        for path, file_names in walk:
            bodies_of, named = self._sorted_out(path, file_names)
            for name, found in bodies_of.items():
                if len(found) == 1 and name in named:
                    bodies.extend(found)
                else:
                    bodies.extend(self._settled(name, found))
        return bodies

    def _sorted_out(self, path, file_names):
        """(name to its list of _Body, names with a record) of one folder."""
        bodies_of, named = {}, set()
        for file_name in file_names:
            parts = filenames.body_parts(file_name)
            if parts is not None:
                body = _body(os.path.join(path, file_name), *parts)
                if body is not None:
                    bodies_of.setdefault(parts[0], []).append(body)
            elif file_name.endswith(filenames.RECORD_SUFFIX):
                name = file_name[: -len(filenames.RECORD_SUFFIX)]
                named.add(name)
                bodies_of.setdefault(name, [])
            elif file_name.endswith(filenames.NEW_SUFFIX):
                with self._space.locked():
                    # Whoever was writing it had the lock.
                    remove(os.path.join(path, file_name))
        return bodies_of, named

    def _settled(self, name, bodies):
        """Those of ``bodies`` that are to stay, with their record.

        Several are an object and what came before or will come after it; none
        is a record alone.
        """
        with self._space.locked():
            found = self._folder.read_record(name)
            token = None if found is None else found[0].token
            if token is None or _used_ns(self._folder.body_path(name, token)) is None:
                record_path = self._folder.record_path(name)
                if filenames.is_kept(name) and os.path.lexists(record_path):
                    return bodies
                remove(record_path)
                token = None
            return [
                body
                for body in bodies
                if body.token == token or not self._removed_leftover(body)
            ]

    def _removed_leftover(self, body):
        return (
            time.time() - body.used_ns / 1e9 > LEFTOVER_SECONDS
            and _used_ns(body.path) == body.used_ns
            and remove(body.path)
        )

    def _evict(self, bodies):
        """Delete the least recently used; how many bytes are left."""
        left = sum(body.bytes for body in bodies)
        with self._space.locked() as counts:
            room = room_beside_kept(counts, self._limit_bytes)
        if not self._limit_bytes or left <= room:
            return left
        for body in sorted(bodies):
            if left <= room * KEPT_PART:
                break
            if self._evicted(body):
                left -= body.bytes
        return left

    def _evicted(self, body):
        with self._space.locked():
            if _used_ns(body.path) != body.used_ns:
                # Used meanwhile; or replaced, which others have counted.
                return False
            found = self._folder.read_record(body.name)
            if found is None or found[0].token != body.token:
                return self._removed_leftover(body)
            remove(self._folder.record_path(body.name))
            return remove(body.path)


def room_beside_kept(counts: Counts, limit_bytes: int) -> int:
    """What may be evicted may take up so many bytes."""
    return max(0, limit_bytes - (counts.kept.bytes or 0))


def _kept(counts):
    return counts.kept


def _used_ns(path):
    """None if it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return None


def _body(path, name, token):
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return _Body(status.st_mtime_ns, path, name, token, cost(status.st_size))
