"""The secret that short URLs are signed with.

All processes that answer the same URL must have the same one. It is

- the setting ``url-secret``, for several servers behind one address;
- or follows from ``secret-access-key``, which those share that share a bucket;
- or, where neither is set, random, and kept in a file: in the folder of a file
  store, or in the repository's ``.hg/cache/hg-s3``. Then it is that of one host.
"""

import contextlib
import errno
import hmac
import os
import tempfile
import typing

from . import crossing
from .forksafe import ForkSafeLock

FILE_NAME = "url-secret"
SECRET_BYTES = 32

_lock = ForkSafeLock()
#: Path to (device, inode, time of change) of the file and the secret in it.
_read: typing.Dict[str, typing.Tuple[tuple, bytes]] = {}


def of(settings, cache_folder: str, report) -> typing.Optional[bytes]:
    """The secret for a CacheSettings, or None when there can be none.

    ``cache_folder`` is where the file goes if the store has no folder. It is
    made when it is first needed. ``report(line)`` is called with what hinders
    that, each time.
    """
    given = settings.short_urls.secret
    if given:
        return _derived(given, b"url-secret")
    key = getattr(settings.store, "secret_access_key", "")
    if key:
        return _derived(key, b"secret-access-key")
    folder = getattr(settings.store, "path", None)
    try:
        if folder is None:
            folder = cache_folder
            os.makedirs(folder, exist_ok=True)
        # A store that has vanished is not made anew: its disk may be unmounted.
        return _in_file(os.path.join(folder, FILE_NAME))
    except (OSError, _Damaged) as err:
        report(
            "no short urls, since their secret cannot be kept in a file (set "
            "s3wireprotocache.url-secret): %s" % err
        )
        return None


class _Damaged(Exception):
    """The file holds no secret. The message is one line."""


def _derived(text, purpose):
    # Not the key itself: what is signed with one is no help with the other.
    return hmac.digest(
        crossing.to_bytes(text), b"hg-s3 short urls, by " + purpose, "sha256"
    )


def _in_file(path):
    """The secret in the file at ``path``, which is made if it is not there.

    Looked at each time: somebody may empty the folder, and the next process
    makes another one.
    """
    try:
        state = _state(os.stat(path))
    except FileNotFoundError:
        _make(path)
        state = _state(os.stat(path))
    known = _read.get(path)
    if known is None or known[0] != state:
        with _lock:
            known = _read[path] = _load(path)
    return known[1]


def _state(status):
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _load(path):
    with open(path, "rb") as stream:
        state = _state(os.fstat(stream.fileno()))
        secret = stream.read(SECRET_BYTES + 1)
    if len(secret) != SECRET_BYTES:
        raise _Damaged("%s is damaged, remove it" % path)
    return state, secret


def _make(path):
    """Of any number of processes at once, all find the same file afterwards."""
    folder = os.path.dirname(path)
    # Readable by its owner only, which is what mkstemp does.
    descriptor, temporary = tempfile.mkstemp(prefix=FILE_NAME + "-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(SECRET_BYTES))
            stream.flush()
            # Its name must not outlive a crash that its content does not.
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)
        except OSError as err:
            if err.errno != errno.EEXIST:
                raise
            # Somebody else was first.
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
