"""Try all that serving from a folder needs, with objects that are deleted.

Each finding names the setting to change. Nothing is raised for what a folder
does: that is what is to be found out.
"""

import contextlib
import hashlib
import io
import os
import pwd
import secrets
import shutil
import typing

from .base import StoreUnavailable
from .file import FileStore
from .filesettings import FileSettings
from .finding import FAILED, OK, SKIPPED, UNKNOWN, WARNING, Finding

FOLDER = "folder"
OWNER = "owner"
PUT = "put"
GET = "get"
CONDITIONAL_PUT = "conditional-put"
MODE = "mode"
DELETE = "delete"
SPACE = "space"

BODY_BYTES = 1024
_GB = 1024.0**3


class FileCheck:
    """One run of all checks; ``folder`` is the beginning of the keys of cached
    objects, and of the test objects."""

    def __init__(self, settings: FileSettings, folder: str) -> None:
        self._settings = settings
        self._store = FileStore(settings)
        self._body = secrets.token_bytes(BODY_BYTES)
        # Another name each time: two checks at once do not meet.
        self._key = "%scheck/%s" % (folder, secrets.token_hex(16))
        self._condition_key = self._key + "-once"

    def run(self) -> typing.Iterator[Finding]:
        """All findings, in the order in which things are needed.

        What was stored for the check is deleted when the iterator ends, is
        closed, or a check fails.
        """
        try:
            yield from self._findings()
        finally:
            # The finding about the fault is what counts.
            with contextlib.suppress(StoreUnavailable):
                self._store.delete([self._key, self._condition_key])

    def _findings(self):
        checks = (
            (FOLDER, None, self._check_folder),
            (OWNER, FOLDER, self._check_owner),
            (PUT, FOLDER, self._check_put),
            (GET, PUT, self._check_get),
            (CONDITIONAL_PUT, PUT, self._check_conditional_put),
            (MODE, PUT, self._check_mode),
            (DELETE, PUT, self._check_delete),
            (SPACE, FOLDER, self._check_space),
        )
        failed = set()
        for name, needed, check in checks:
            if needed in failed:
                failed.add(name)
                yield Finding(name, SKIPPED, "not tried, since it needs %s" % needed)
                continue
            finding = self._tried(name, check)
            if finding.status == FAILED:
                failed.add(name)
            yield finding

    def _tried(self, name, check):
        try:
            return Finding(name, *check())
        except StoreUnavailable as err:
            reason = err.reason
        except OSError as err:
            reason = "%s: %s" % (err.strerror or err, self._settings.path)
        return Finding(
            name,
            FAILED,
            reason,
            "correct s3wireprotocache.store, or see to its folder; run this as the "
            "user that serves",
        )

    # Each check gives what a Finding has behind its name, and may raise.

    def _check_folder(self):
        self._store.probe()
        return OK, self._settings.path

    def _check_owner(self):
        owner, user = os.stat(self._settings.path).st_uid, os.geteuid()
        if owner == user:
            return OK, "%s, as is this command" % _user_name(user)
        return (
            WARNING,
            "the folder belongs to %s, this command runs as %s"
            % (_user_name(owner), _user_name(user)),
            "run this as the user that serves, or what follows is not about it",
        )

    def _check_put(self):
        self._store.put(
            self._key,
            io.BytesIO(self._body),
            len(self._body),
            "application/octet-stream",
            {"command": "check"},
            hashlib.sha256(self._body).hexdigest(),
        )
        return OK, "%d bytes with their SHA-256" % len(self._body)

    def _check_get(self):
        chunks = self._store.read(self._key)
        if chunks is None or b"".join(chunks) != self._body:
            return (
                FAILED,
                "the folder gives other bytes than were stored",
                "see what else writes to s3wireprotocache.store",
            )
        return OK, "gives what was stored"

    def _check_conditional_put(self):
        first, second = [
            self._store.put_if_absent(self._condition_key, self._body, {})
            for _attempt in range(2)
        ]
        if not first or second:
            return (
                FAILED,
                "the file system does not lock files, or something else is at work",
                "set s3wireprotocache.store to a folder on a disk of this machine",
            )
        return OK, "a second one was refused"

    def _check_mode(self):
        body = self._store.body_path(self._key)
        if body is None:
            return UNKNOWN, "the test object is gone"
        folders, path = [], os.path.dirname(body)
        while len(path) >= len(self._settings.path.rstrip("/")):
            folders.append(os.stat(path))
            path = os.path.dirname(path)
        status = os.stat(body)
        if _reach(folders, status, 0o001, 0o004):
            return (
                FAILED,
                "anybody on this machine can read what is stored",
                "remove the rights of others from s3wireprotocache.store: cached "
                "responses hold the content of repositories",
            )
        readers = "only %s" % _user_name(status.st_uid)
        if _reach(folders, status, 0o010, 0o040):
            readers += " and the group %d" % status.st_gid
        return OK, "%s can read what is stored" % readers

    def _check_delete(self):
        keys = [self._key, self._condition_key]
        self._store.delete(keys)
        if any(self._store.head(key) is not None for key in keys):
            return (
                FAILED,
                "the test objects are still there",
                "see what else writes to s3wireprotocache.store",
            )
        return OK, "the test objects are gone"

    def _check_space(self):
        free = shutil.disk_usage(self._settings.path).free
        limit, used = self._settings.limit_bytes, self._store.used_bytes()
        if not limit:
            return (
                WARNING,
                "%s free, and no limit" % _size(free),
                "set s3wireprotocache.store-size, or see that the disk never fills",
            )
        detail = "%s of %s used, %s free" % (_size(used), _size(limit), _size(free))
        kept = self._store.kept_bytes()
        if 2 * kept > limit:
            return (
                WARNING,
                "%s, %s of it by pushes" % (detail, _size(kept)),
                "raise s3wireprotocache.store-size: pushes are never deleted to make "
                "room, and leave little of it for cached responses",
            )
        if limit - used > free:
            return (
                WARNING,
                detail,
                "lower s3wireprotocache.store-size, or make room: the disk is full "
                "before the store is",
            )
        return OK, detail


def _reach(folders, body, enter, read):
    return body.st_mode & read and all(folder.st_mode & enter for folder in folders)


def _user_name(number):
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return "user %d" % number


def _size(number):
    return "%.1f GB" % (number / _GB)
