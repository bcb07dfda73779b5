"""Bundles on the local disk, uncompressed, for all processes of the host.

In the folder of the cache are::

    <sha256>                   a bundle: all of it, or it would not have this name
    <sha256>.<random>.tmp      one that is being written
    lock-00 ... lock-63        held by whoever fetches a bundle
    space, sweeping            count and locks of what it takes up, see filespace.py

A bundle is written under another name and renamed into place. It is not synced:
after a crash of the machine there may be zeros in it, so a process compares the
SHA-256 of a file before it uses it for the first time, and its size each time.

What goes when the limit is passed is in bundleroom.py.
"""

import collections
import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import typing

from ..cache.hostlock import LockFile
from ..forksafe import ForkSafeLock
from ..objectstore.base import StoreUnavailable
from ..objectstore.filefolder import Folder, remove
from ..objectstore.filespace import locks_exist
from .bundleroom import BUNDLE_NAME, Room, note_use
from .bundlestream import (
    BundleDamaged,
    BundleStream,
    BundleUnavailable,
    Fetch,
    one_line,
    says_disk_is_full,
    unavailable,
)

#: How often open_with tries.
ATTEMPTS = 3

_LOCKS = 64
#: How many files a process remembers to be right.
_KNOWN = 10_000
_CHUNK_BYTES = 1 << 20

__all__ = ["BundleCache", "BundleDamaged", "BundleStream", "BundleUnavailable"]

#: Around what the threads of a process share.
_lock = ForkSafeLock()

_Opened = typing.TypeVar("_Opened")


class BundleCache:
    """The bundles in ``folder``, which take up ``limit_bytes``; 0 for no limit.

    The folder is made when it is needed. Any number of threads and processes may
    use it at once, and be killed. ``report(line)`` is told once of each kind of
    fault that only makes the cache worse.
    """

    def __init__(
        self, folder: str, limit_bytes: int, report: typing.Callable[[str], None]
    ) -> None:
        self._path = os.path.abspath(folder)
        self._folder = Folder(self._path)
        self._room = Room(self._folder, limit_bytes)
        self._report = report
        self._reported: typing.Set[str] = set()
        #: Digest to device and inode of what this process has found to be right.
        self._known: typing.OrderedDict[str, typing.Tuple[int, int]]
        self._known = collections.OrderedDict()

    def path(self, sha256: str, size_bytes: int, fetch: Fetch) -> str:
        """The path of a file with the bundle of this digest (64 hexadecimal digits)
        and size, to be opened at once: it may be evicted.

        Where there is none, ``fetch(stream)`` is called, for one at a time on this
        host. It has to end by itself, and must not use the cache. What it raises
        passes on, and nothing of it is kept. Raises BundleDamaged if it gives
        anything else, and BundleUnavailable if the bundle cannot be written: disk
        full (also where ``fetch`` says so), folder not writable, no flock.
        """
        path = self._path_of(sha256)
        if self._is_known(sha256, size_bytes, path):
            return path
        try:
            turn = self._take_turn(sha256)
        except OSError as err:
            # Where nothing can be written, there may be something to read.
            if self._is_on_disk(sha256, size_bytes, path):
                return path
            raise unavailable(err)
        try:
            # Somebody may have fetched it while we waited.
            if self._is_known(sha256, size_bytes, path) or self._is_on_disk(
                sha256, size_bytes, path
            ):
                return path
            self._fetch(sha256, size_bytes, path, fetch)
        finally:
            turn.close()
        with self._reported_faults("sweep"):
            self._room.make(path)
        return path

    def open_with(
        self,
        sha256: str,
        size_bytes: int,
        fetch: Fetch,
        opener: typing.Callable[[str], _Opened],
    ) -> _Opened:
        """What ``opener(path)`` returns; again if the file was evicted before it
        was opened, which is a FileNotFoundError. Raises as path() does, and
        BundleUnavailable when it is evicted each time."""
        for _attempt in range(ATTEMPTS):
            path = self.path(sha256, size_bytes, fetch)
            with contextlib.suppress(FileNotFoundError):
                return opener(path)
        raise BundleUnavailable("%s is evicted before it can be opened" % path)

    def add(self, sha256: str, size_bytes: int, source_path: str) -> None:
        """Put a file into the cache that has this content and was just made.

        By a hard link where that works: nobody may write to the file any more.
        Raises nothing for what the disk does; it is reported.
        """
        path = self._path_of(sha256)
        temporary = _temporary_path(path)
        try:
            self._make_folder()
            try:
                status = self._link_or_copy(source_path, temporary)
                if status.st_size != size_bytes:
                    self._report_once("add", "%s has another size" % source_path)
                    return
                self._place(temporary, path, size_bytes)
            finally:
                # It is still there if the same file was there already.
                remove(temporary)
        except OSError as err:
            self._report_once("add", one_line(err))
            return
        self._remember(sha256, status)
        with self._reported_faults("sweep"):
            self._room.make(path)

    def _path_of(self, sha256):
        if not BUNDLE_NAME.match(sha256):
            raise ValueError("not a SHA-256 in hexadecimal digits: %r" % sha256)
        return os.path.join(self._path, sha256)

    def _make_folder(self):
        if not os.path.isdir(self._path):
            os.makedirs(self._path, mode=0o700, exist_ok=True)
            # What root makes, the server must be able to use.
            Folder(os.path.dirname(self._path)).give_to_owner(self._path)

    def _take_turn(self, sha256):
        """A LockFile that nobody else has. Should somebody remove the folder, there
        may be two, and a bundle is fetched twice."""
        if not locks_exist():
            raise OSError(errno.ENOLCK, "this system has no flock")
        self._make_folder()
        name = "lock-%02d" % (int(sha256[:2], 16) % _LOCKS)
        file = LockFile(os.path.join(self._path, name))
        try:
            self._folder.give_to_owner(file.path)
            file.wait()
        except BaseException:
            file.close()
            raise
        return file

    def _is_known(self, sha256, size_bytes, path):
        try:
            status = os.stat(path)
        except OSError:
            return False
        with _lock:
            if self._known.get(sha256) != (status.st_dev, status.st_ino):
                return False
            self._known.move_to_end(sha256)
        if status.st_size != size_bytes:
            return False
        note_use(path, status)
        return True

    def _remember(self, sha256, status):
        with _lock:
            self._known[sha256] = (status.st_dev, status.st_ino)
            self._known.move_to_end(sha256)
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)

    def _is_on_disk(self, sha256, size_bytes, path):
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                is_right = status.st_size == size_bytes and _digest(file) == sha256
        except OSError:
            # Not there, or not to be read: another may be put in its place.
            return False
        if not is_right:
            with contextlib.suppress(OSError):
                remove(path)
            return False
        self._remember(sha256, status)
        note_use(path, status)
        return True

    def _fetch(self, sha256, size_bytes, path, fetch):
        temporary = _temporary_path(path)
        try:
            status = self._fetched(sha256, size_bytes, temporary, fetch)
            try:
                self._place(temporary, path, size_bytes)
            except OSError as err:
                raise unavailable(err)
        finally:
            with contextlib.suppress(OSError):
                remove(temporary)
        self._remember(sha256, status)

    def _fetched(self, sha256, size_bytes, temporary, fetch):
        try:
            file = self._create(temporary)
        except OSError as err:
            raise unavailable(err)
        try:
            stream = BundleStream(file, sha256, size_bytes)
            try:
                fetch(stream)
            except OSError as err:
                if says_disk_is_full(err):
                    raise unavailable(err)
                raise
            return stream.finish()
        finally:
            # What it could not write is known by now.
            with contextlib.suppress(OSError):
                file.close()

    def _create(self, path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file = open(os.open(path, flags, 0o600), "wb")
        try:
            self._folder.give_to_owner(path)
        except BaseException:
            file.close()
            raise
        return file

    def _link_or_copy(self, source_path, temporary):
        try:
            os.link(source_path, temporary)
        except OSError:
            # Another disk, or one without links.
            with open(source_path, "rb") as source, self._create(temporary) as file:
                shutil.copyfileobj(source, file, _CHUNK_BYTES)
        self._folder.give_to_owner(temporary)
        return os.stat(temporary)

    def _place(self, temporary, path, size_bytes):
        try:
            replaced = os.stat(path).st_size
        except FileNotFoundError:
            replaced = 0
        with self._reported_faults("count"):
            self._room.take(size_bytes - replaced)
        os.replace(temporary, path)

    @contextlib.contextmanager
    def _reported_faults(self, what):
        try:
            yield
        except OSError as err:
            self._report_once(what, one_line(err))
        except StoreUnavailable as err:
            self._report_once(what, err.reason)

    def _report_once(self, what, line):
        with _lock:
            if what in self._reported:
                return
            self._reported.add(what)
        self._report("bundle cache: %s" % line)


def _temporary_path(path):
    return "%s.%s.tmp" % (path, secrets.token_hex(8))


def _digest(file):
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
        digest.update(chunk)
    return digest.hexdigest()
