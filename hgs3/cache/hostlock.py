"""Which process of this host leads: a small file a key, locked while it does.

The lock is flock's, which the kernel gives back however a process ends. The
file holds one record, written by the leader, read by those who follow it:

``token``
    random; another one is another leader
``place``
    boot and process namespace, in which the process id means something
``pid``, ``spool``
    where the leader's spool is: [descriptor, st_dev, st_ino], or None
``complete_bytes``
    the size of the body, once all of it is in that file
``stored``
    [size in bytes, SHA-256] of the object that has been stored, or None
``outcome``
    written last, before the lock is released

A leader removes its file before it releases the lock, so only a killed one
leaves its file. Whoever locks a file therefore looks whether it still has its
name. Followers test the lock with a *shared* lock of a moment: that tells a
leader (nobody else can have any lock) from another follower's test.
"""

import errno
import json
import os
import random
import re
import secrets
import threading
import time
import typing
import weakref
import zlib

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]

#: A record is padded to this: to write it again takes no new space on a disk
#: that is full by then.
RECORD_BYTES = 512

Record = typing.Dict[str, typing.Any]


class StoredBody(typing.NamedTuple):
    """What is in the store now, so that nobody has to ask it."""

    size_bytes: int
    sha256_hex: str


_NAME = re.compile(r"[0-9a-f]{40}\.lock\Z")
#: Of tests by followers that may be in the way of a new leader.
_ATTEMPTS = 200

#: Held while a file is opened or closed, and while the process forks, so that
#: a child knows them all.
#: Reentrant, since the garbage collector may close a file anywhere.
_files_lock = threading.RLock()
_open_files: typing.MutableSet["LockFile"] = weakref.WeakSet()


class LockFile:
    """An open file that may be locked. Raises OSError, also when it was
    closed; in a forked child it is closed from the beginning."""

    def __init__(self, path: str, flags: int = os.O_CREAT) -> None:
        self.path = path
        self.descriptor = -1
        with _files_lock:
            self.descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
            _open_files.add(self)

    def lock(self, how: int) -> bool:
        """Without waiting: whether the lock was free for ``how``."""
        if self.descriptor < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        try:
            fcntl.flock(self.descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self) -> None:
        """Return with the lock that nobody else can have."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def has_leader(self) -> bool:
        if not self.lock(fcntl.LOCK_SH):
            return True
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        return False

    def has_its_name(self) -> bool:
        try:
            named = os.stat(self.path)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self.descriptor))

    def close(self) -> None:
        """Release the lock, too, even if a forked child still has the file."""
        with _files_lock:
            if self.descriptor < 0:
                return
            _open_files.discard(self)
            descriptor, self.descriptor = self.descriptor, -1
            try:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            finally:
                os.close(descriptor)

    def __del__(self) -> None:
        # Of a follower that was forgotten.
        self.close()

    def write(self, record: Record) -> None:
        text = json.dumps(record, separators=(",", ":")).encode("ascii")
        # Whoever reads while this is written must not believe a mixture.
        data = b"%08x %s\n" % (zlib.crc32(text), text)
        if os.pwrite(self.descriptor, data.ljust(RECORD_BYTES), 0) != RECORD_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def read(self) -> Record:
        """The record; empty while there is none that makes sense."""
        data = os.pread(self.descriptor, RECORD_BYTES, 0).rstrip()
        checksum, _space, text = data.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(text):
            return {}
        return json.loads(text)


class Leadership:
    """This process holds the lock. Methods may be called from any thread."""

    def __init__(self, file: LockFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._ended = False
        self._record: Record = {
            "token": secrets.token_hex(8),
            "place": place(),
            "pid": os.getpid(),
            "spool": None,
            "complete_bytes": None,
            "stored": None,
            "outcome": None,
        }
        file.write(self._record)

    def publish(
        self, descriptor: int, complete_bytes: typing.Optional[int] = None
    ) -> None:
        """Say where the spool is. It must stay open until :meth:`finish` has
        returned. Raises OSError; does nothing once it is over."""
        status = os.fstat(descriptor)
        with self._lock:
            if not self._ended:
                self._record.update(
                    spool=[descriptor, status.st_dev, status.st_ino],
                    complete_bytes=complete_bytes,
                )
                self._file.write(self._record)

    def finish(self, outcome: str, stored: typing.Optional[StoredBody] = None) -> None:
        """Leave the outcome, remove the file, release the lock.

        Raises OSError when the followers elsewhere will not know it.
        """
        with self._lock:
            if self._ended or self._file.descriptor < 0:
                return
            self._ended = True
            self._record.update(stored=stored, outcome=outcome)
            try:
                self._file.write(self._record)
            finally:
                try:
                    os.unlink(self._file.path)
                finally:
                    self._file.close()


class News(typing.NamedTuple):
    """What a look at another process's lock file has found."""

    record: Record
    #: False: it has finished (``record["outcome"]``) or was killed (None).
    leads: bool


class Following:
    """Another process leads. One thread at a time looks after it."""

    def __init__(self, file: LockFile) -> None:
        self._file = file
        self._token: typing.Optional[str] = None

    def look(self) -> News:
        """Raises OSError."""
        # In this order: the last record is written before the lock is free.
        leads = self._file.has_leader()
        record = self._file.read()
        token = record.get("token")
        if self._token is None:
            self._token = token
        if token != self._token:
            # Ours was killed, and another has its file already.
            return News({}, False)
        return News(record, leads)

    def open_spool(self, record: Record) -> typing.Optional[int]:
        """A descriptor of our own for the leader's spool; None if it cannot
        be had: no /proc, another container, a leader that has just gone."""
        if not record.get("spool") or record.get("place") != place():
            return None
        number, device, inode = record["spool"]
        path = "/proc/%d/fd/%d" % (record["pid"], number)
        try:
            # A look first: to open something else could block, or worse.
            if not _is(os.stat(path), device, inode):
                return None
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        # A spool that is closed soon has a successor with the same descriptor
        # and inode. As long as the leader leads, it keeps this one open.
        if _is(os.fstat(descriptor), device, inode) and self.look().leads:
            return descriptor
        os.close(descriptor)
        return None

    def close(self) -> None:
        self._file.close()


class LockFolder:
    """The lock files of one host; a folder that is made if it is missing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._swept = False

    def enter(self, name: str) -> typing.Union[Leadership, Following]:
        """Lead, or follow who leads. Raises OSError."""
        if fcntl is None:
            raise OSError("this system has no flock")
        if not self._swept:
            os.makedirs(self._path, mode=0o700, exist_ok=True)
            self._sweep()
            self._swept = True
        for _attempt in range(_ATTEMPTS):
            try:
                file = LockFile(os.path.join(self._path, name + ".lock"))
            except FileNotFoundError:
                # Somebody has removed the folder. It is made anew next time.
                self._swept = False
                raise
            try:
                entered = self._enter(file)
            except BaseException:
                file.close()
                raise
            if entered is not None:
                return entered
            file.close()
            time.sleep(random.uniform(0, 0.002))
        raise OSError("%s changes hands all the time" % name)

    def _enter(self, file):
        """None: try again."""
        if file.lock(fcntl.LOCK_EX):
            if not file.has_its_name():
                return None
            try:
                return Leadership(file)
            except OSError:
                os.unlink(file.path)  # nothing could be written into it
                raise
        # Either a leader or followers that are testing.
        return Following(file) if file.has_leader() else None

    def _sweep(self):
        """Remove what killed leaders have left."""
        for name in os.listdir(self._path):
            if not _NAME.match(name):
                continue
            try:
                file = LockFile(os.path.join(self._path, name), flags=0)
            except FileNotFoundError:
                continue
            try:
                if file.lock(fcntl.LOCK_EX) and file.has_its_name():
                    os.unlink(file.path)
            finally:
                file.close()


def _is(status, device, inode):
    return (status.st_dev, status.st_ino) == (device, inode)


_place: typing.Optional[str] = None


def place() -> str:
    """Where process ids mean the same; empty where that cannot be told."""
    global _place
    if _place is None:
        try:
            with open("/proc/sys/kernel/random/boot_id") as boot:
                namespace = os.stat("/proc/self/ns/pid").st_ino
                _place = "%s/%d" % (boot.read().strip(), namespace)
        except OSError:
            _place = ""
    return _place


def _forget_in_child():
    """The locks are the parent's: a child that kept the files would keep the
    locks, too, when the parent is killed."""
    try:
        for file in list(_open_files):
            descriptor, file.descriptor = file.descriptor, -1
            os.close(descriptor)
    finally:
        _open_files.clear()
        _files_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_files_lock.acquire,
        after_in_parent=_files_lock.release,
        after_in_child=_forget_in_child,
    )
