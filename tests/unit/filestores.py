"""Stores in folders for tests: what is in them, and processes that use them."""

import hashlib
import os
import pathlib
import pickle
import signal
import time

from stores import read_whole

from hgs3.objectstore.file import FileStore
from hgs3.objectstore.filesettings import FileSettings
from hgs3.objectstore.filespace import cost
from hgs3.objectstore.filesweep import LEFTOVER_SECONDS, Sweep

NOBODY = 65534


def file_store(path, limit_bytes=0):
    return FileStore(FileSettings(str(path), limit_bytes))


def files_of(path):
    """Of all objects below the store's folder, with any leftovers."""
    trees = [path / "objects", path / "kept"]
    return sorted(each for tree in trees for each in tree.rglob("*") if each.is_file())


def body_files(path):
    return [each for each in files_of(path) if each.suffix == ".body"]


def used_bytes(path):
    return sum(cost(each.stat().st_size) for each in body_files(path))


def age(path, seconds):
    """Make a file look as if it had been used so long ago."""
    then = time.time() - seconds
    os.utime(str(path), (then, then))


def sweep(store):
    return Sweep(store._folder, store._space, store._limit_bytes).run()


def sweep_all(store):
    """With what is never evicted, as once a day."""
    with store._space.locked() as counts:
        if counts.kept.bytes is not None:
            counts.kept.write(counts.kept.bytes, 0)
    return sweep(store)


def assert_sound(path):
    """Whatever was killed: what there is, is whole; after an hour, a sweep
    leaves nothing else."""
    store = file_store(path)
    for each in files_of(path):
        age(each, 2 * LEFTOVER_SECONDS)
    assert sweep_all(store)
    listed = list(store.list(""))
    for each in listed:
        body = read_whole(store, each.key)
        assert len(body) == each.size_bytes
        assert store.head(each.key).sha256_hex == hashlib.sha256(body).hexdigest()
    assert len(files_of(path)) == 2 * len(listed)
    assert store.used_bytes() == used_bytes(path)


def in_child(work):
    """What ``work()`` returns or raises in a process of its own; -9 if that was
    killed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            result = work()
        except BaseException as err:
            result = err
        with open(writer, "wb") as file:
            file.write(pickle.dumps(result))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        data = file.read()
    _pid, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    result = pickle.loads(data)
    if isinstance(result, BaseException):
        raise result
    return result


def as_nobody(work):
    """``in_child``, without the rights of root, which may do anything."""

    def run():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return work()

    return in_child(run)


#: What a process that uses a store asks of the system, each a place to die at.
SYSTEM_CALLS = (
    "open", "mkdir", "stat", "fsync", "replace", "unlink", "pread", "pwrite", "close",
    "utime",
)  # fmt: skip


def killed_at(number, work):
    """Run ``work()`` in a child that is killed before its system call of that
    number; whether it was."""

    def run():
        left = [number]
        for name in SYSTEM_CALLS:
            setattr(os, name, _counting(getattr(os, name), left))
        work()

    result = in_child(run)
    assert result in (None, -signal.SIGKILL)
    return result is not None


def _counting(function, left):
    def call(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)

    return call


def only_body(path):
    (found,) = body_files(pathlib.Path(path))
    return found
