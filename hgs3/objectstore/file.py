"""A store in a folder of this machine: no service, no account, no network.

An object is two plain files, the body and a record that names it (see
filenames.py). The record is what makes an object: it is put in place by a
rename, after the body is complete and on the disk, so that both appear and
change at once. A body never changes and is never written to again; a reader
that has opened it reads it to its end, even if it is replaced or evicted
meanwhile. Readers take no lock.

Of what is used, the file of the body is touched: its time is the time of the
last use, and that of the record the time of the upload.

What is never evicted (filenames.py says what that is) is stored even where it
takes up all of the room and more; then there is none for anything else.
"""

import contextlib
import hashlib
import io
import itertools
import os
import re
import time
import typing

from . import filenames
from .base import (
    CHUNK_BYTES,
    ListedObject,
    ObjectInfo,
    ObjectStore,
    StoreFull,
    StoreSettingsError,
    StoreUnavailable,
)
from .filefolder import Folder, faults, remove
from .filerecord import Record
from .filesettings import FileSettings
from .filespace import Space, cost, locks_exist
from .filesweep import Sweep, is_due, room_beside_kept

_CONTENT_TYPE = "application/octet-stream"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Found(typing.NamedTuple):
    """An object that is there, or was a moment ago."""

    record: Record
    modified: float
    path: str


class FileStore(ObjectStore):
    """The folder that FileSettings describe; made if it is missing, in a folder
    that exists. It may be used by any number of processes at once.

    Raises StoreSettingsError for a path that can never be one. A folder that
    vanishes later is not made anew: the disk that it is on may be unmounted.
    """

    def __init__(self, settings: FileSettings) -> None:
        if not locks_exist():
            raise StoreSettingsError("store", "this system has no flock for a folder")
        if _CONTROL.search(settings.path):
            raise StoreSettingsError("store", "holds a control character")
        if not os.path.isabs(settings.path):
            raise StoreSettingsError(
                "store", "is not an absolute path: '%s'" % settings.path
            )
        if os.path.exists(settings.path) and not os.path.isdir(settings.path):
            raise StoreSettingsError("store", "is not a folder: '%s'" % settings.path)
        self._limit_bytes = settings.limit_bytes
        self._folder = Folder(settings.path)
        self._space = Space(self._folder)
        # What is in the way of it, is so for each request, too.
        with contextlib.suppress(OSError):
            os.mkdir(settings.path, 0o700)

    def head(self, key):
        with faults("HEAD", self._folder):
            found = self._find(key)
        if found is None:
            return None
        # Whoever is told that it is there may read it soon.
        _touch(found.path)
        return ObjectInfo(
            key,
            found.record.size_bytes,
            found.record.metadata,
            age_seconds=max(0.0, time.time() - found.modified),
            sha256_hex=found.record.sha256_hex,
        )

    def read(self, key):
        with faults("GET", self._folder):
            found = self._find(key)
            while found is not None:
                try:
                    file = open(found.path, "rb", buffering=0)
                except FileNotFoundError:
                    # Replaced or evicted a moment ago: it is looked for again.
                    found = self._find(key)
                else:
                    _touch(found.path)
                    return _chunks(file, found.record.size_bytes, self._folder)
        return None

    def body_path(self, key):
        with faults("GET", self._folder):
            found = self._find(key)
        if found is None:
            return None
        _touch(found.path)
        return found.path

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        record = Record(key, size_bytes, sha256_hex, content_type, dict(metadata))
        with faults("PUT", self._folder):
            if not filenames.is_kept(filenames.name_of(key)):
                self._require_room(size_bytes)
            self._store(record, body, lambda: True, sweeps=True)

    def put_if_absent(self, key, body, metadata):
        record = Record(
            key,
            len(body),
            hashlib.sha256(body).hexdigest(),
            _CONTENT_TYPE,
            dict(metadata),
        )
        with faults("conditional PUT", self._folder):
            if self._find(key) is not None:
                return False
            return self._store(
                record,
                io.BytesIO(body),
                lambda: self._find(key) is None,
                # Nobody waits for that here, a put follows soon.
                sweeps=False,
            )

    def _require_room(self, size_bytes):
        """Raise StoreFull if no eviction would make enough."""
        if not self._limit_bytes:
            return
        needed = cost(size_bytes)
        if needed > self._limit_bytes:
            raise StoreFull(
                "PUT failed: %d bytes are more than store-size allows" % size_bytes
            )
        room, may_be_wrong = self._room()
        if needed > room and may_be_wrong:
            Sweep(self._folder, self._space, self._limit_bytes).run()
            room, _may_be_wrong = self._room()
        if needed > room:
            raise StoreFull(
                "PUT failed: of store-size, pushes leave %d bytes, and %d are needed "
                "(raise it)" % (room, needed)
            )

    def _room(self):
        """(bytes for all that may be evicted, whether nobody has looked lately)."""
        with self._space.locked() as counts:
            return room_beside_kept(counts, self._limit_bytes), is_due(counts.kept)

    def _reserve(self, name, path, size_bytes):
        """Make the file of a body that is going to be written, and count it;
        whether a sweep is due.

        The file has its size at once. So a sweep sees all that is counted.
        """
        with self._space.locked() as counts:
            count = counts.of(name)
            # First, so that nobody who is killed here leaves too little.
            count.add(cost(size_bytes))
            try:
                with self._folder.create(path) as file:
                    file.truncate(size_bytes)
            except BaseException:
                remove(path)
                count.add(-cost(size_bytes))
                raise
            if is_due(counts) or is_due(counts.kept):
                return True
            room = room_beside_kept(counts, self._limit_bytes)
            return 0 < self._limit_bytes and room < counts.bytes

    def _store(self, record, body, may_replace, sweeps):
        """What may_replace() says, when nobody else can change it."""
        name = filenames.name_of(record.key)
        path = self._folder.body_path(name, record.token)
        stored = False
        try:
            if self._reserve(name, path, record.size_bytes) and sweeps:
                self._sweep(name)
            self._write_body(path, body, record)
            with self._space.locked() as counts:
                if may_replace():
                    self._set_record(name, record, counts)
                    stored = True
        finally:
            if not stored:
                self._give_up(name, path, record)
        return stored

    def _sweep(self, name):
        try:
            Sweep(self._folder, self._space, self._limit_bytes).run()
        except (OSError, StoreUnavailable):
            # What is never evicted does not depend on the room for the rest.
            if not filenames.is_kept(name):
                raise

    def _write_body(self, path, body, record):
        digest, size_bytes = hashlib.sha256(), 0
        body.seek(0)
        # No new file, should this one have been taken for a leftover.
        with open(path, "r+b") as file:
            for chunk in iter(lambda: body.read(CHUNK_BYTES), b""):
                size_bytes += len(chunk)
                if size_bytes > record.size_bytes:
                    break
                digest.update(chunk)
                file.write(chunk)
            if (size_bytes, digest.hexdigest()) != (
                record.size_bytes,
                record.sha256_hex,
            ):
                raise StoreUnavailable("PUT failed: this is not that body")
            file.flush()
            # After a crash of the machine, a record must not be there with
            # half of its body, or with as many zeros.
            os.fsync(file.fileno())

    def _set_record(self, name, record, counts):
        """Let ``record`` be the one of ``name``; for whoever has the lock."""
        # A body that was taken for a leftover must not get one.
        os.stat(self._folder.body_path(name, record.token))
        old = self._folder.read_record(name)
        new_path = self._folder.new_record_path(name)
        # Of one who was killed here.
        remove(new_path)
        try:
            with self._folder.create(new_path) as file:
                file.write(record.encoded())
                if filenames.is_kept(name):
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(new_path, self._folder.record_path(name))
        except BaseException:
            with contextlib.suppress(OSError):
                remove(new_path)
            raise
        if filenames.is_kept(name):
            self._folder.sync_names(new_path)
        if old is not None:
            self._remove_body(name, old[0], counts)

    def _remove_body(self, name, record, counts):
        if remove(self._folder.body_path(name, record.token)):
            counts.of(name).add(-cost(record.size_bytes))

    def _give_up(self, name, path, record):
        with contextlib.suppress(OSError, StoreUnavailable):
            with self._space.locked() as counts:
                if remove(path):
                    counts.of(name).add(-cost(record.size_bytes))
            return
        # Without the lock it is counted until the next sweep.
        with contextlib.suppress(OSError):
            remove(path)

    def delete(self, keys):
        number = 0
        with faults("DELETE", self._folder):
            self._folder.require()
        # Outside, since they may come from a listing, which has its own faults.
        for key in keys:
            with faults("DELETE", self._folder):
                self._delete(filenames.name_of(key))
            number += 1
        return number

    def _delete(self, name):
        path = self._folder.record_path(name)
        try:
            os.lstat(path)
        except FileNotFoundError:
            return
        with self._space.locked() as counts:
            found = self._folder.read_record(name)
            remove(path)
            if found is not None:
                self._remove_body(name, found[0], counts)

    def list(self, prefix):
        with faults("listing", self._folder):
            keys = sorted(key for key in self._keys() if key.startswith(prefix))
        for key in keys:
            with faults("listing", self._folder):
                found = self._find(key)
            if found is not None:
                yield ListedObject(key, found.record.size_bytes, found.modified)

    def _keys(self):
        walks = itertools.chain(self._folder.walk(), self._folder.walk_kept())
        for _path, file_names in walks:
            for file_name in file_names:
                if file_name.endswith(filenames.RECORD_SUFFIX):
                    name = file_name[: -len(filenames.RECORD_SUFFIX)]
                    key = filenames.key_of(name)
                    if key is None:
                        found = self._folder.read_record(name)
                        key = None if found is None else found[0].key
                    if key is not None:
                        yield key

    def presign_get(self, key, lifetime_seconds):
        raise StoreUnavailable("a folder has no URLs")

    def public_base_url(self):
        return None

    def probe(self):
        with faults("the folder", self._folder):
            self._folder.require()
            os.listdir(self._folder.root)

    def used_bytes(self) -> int:
        """What it takes up by its own count."""
        with faults("the folder", self._folder), self._space.locked() as counts:
            return (counts.bytes or 0) + (counts.kept.bytes or 0)

    def kept_bytes(self) -> int:
        """What of it is never evicted."""
        with faults("the folder", self._folder), self._space.locked() as counts:
            return counts.kept.bytes or 0

    def _find(self, key):
        """The _Found at ``key``, or None."""
        name = filenames.name_of(key)
        token = None
        while True:
            found = self._folder.read_record(name)
            if found is None or found[0].key != key or found[0].token == token:
                return None
            record, modified = found
            path = self._folder.body_path(name, record.token)
            try:
                size_bytes = os.stat(path).st_size
            except FileNotFoundError:
                # Replaced a moment ago, if the record has another token now.
                token = record.token
                continue
            # Another size would be that of a body that somebody has damaged.
            if size_bytes != record.size_bytes:
                return None
            return _Found(record, modified, path)


def _chunks(file, size_bytes, folder):
    with file, faults("GET", folder):
        left = size_bytes
        while left:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise StoreUnavailable(
                    "GET failed: the body ends %d bytes early" % left
                )
            left -= len(chunk)
            yield chunk


def _touch(path):
    """Now it was used. By the time of change: many disks keep no time of access."""
    # In a folder that may only be read nothing is evicted either.
    with contextlib.suppress(OSError):
        os.utime(path)
