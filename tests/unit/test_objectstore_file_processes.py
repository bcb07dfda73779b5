"""A FileStore that many processes use at once, some of which are killed."""

import contextlib
import os
import pathlib
import random
import resource
import subprocess
import sys
import threading

import pytest
from filestores import (
    assert_sound,
    body_files,
    file_store,
    files_of,
    in_child,
    killed_at,
    used_bytes,
)
from stores import PATIENCE_SECONDS, put, read_whole

from hgs3.objectstore import filespace
from hgs3.objectstore.base import StoreUnavailable
from hgs3.objectstore.filespace import cost

WORKER = pathlib.Path(__file__).with_name("fileworker.py")
BODY = b"x" * 100_000
COST = cost(len(BODY))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@contextlib.contextmanager
def workers(folder, limit_bytes, argument_lists):
    """Processes that begin together, and are gone at the end."""
    started = []
    try:
        for arguments in argument_lists:
            started.append(
                subprocess.Popen(
                    [sys.executable, str(WORKER), str(folder), str(limit_bytes)]
                    + [str(each) for each in arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        for each in started:
            assert each.stdout.readline() == b"ready\n"
        for each in started:
            each.stdin.write(b"go\n")
            each.stdin.flush()
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def outputs(started):
    found = [each.communicate(timeout=PATIENCE_SECONDS)[0] for each in started]
    assert [each.returncode for each in started] == [0] * len(started)
    return found


def test_of_many_processes_one_is_the_first(folder):
    with workers(folder, 0, [("first", 200)] * 6) as started:
        won = [line.split() for line in outputs(started)]
    winners = {int(key): pid for pid, *keys in won for key in keys}
    assert sum(len(each) - 1 for each in won) == len(winners) == 200
    store = file_store(folder)
    assert {
        int(each.key.split("/")[1]): read_whole(store, each.key)
        for each in store.list("key/")
    } == winners
    assert_sound(folder)


def test_what_processes_share_is_always_whole(folder):
    limit = 3_000_000
    with workers(folder, limit, [("share", seed, 400) for seed in range(5)]) as started:
        found = [int(line) for line in outputs(started)]
    assert min(found) > 0
    store = file_store(folder)
    # What is put while somebody else sweeps comes on top.
    assert used_bytes(folder) <= store.used_bytes() <= limit + 5 * cost(400_064)
    assert_sound(folder)


@pytest.mark.parametrize("seed", range(6))
def test_processes_that_are_killed_while_they_put_and_evict(folder, seed):
    limit = 2_000_000
    chance = random.Random(seed)
    with workers(folder, limit, [("put", n) for n in range(3)]) as started:
        for each in started:
            # They are in the middle of what comes after this line.
            for _ in range(chance.randrange(20, 60)):
                assert each.stdout.readline()
            each.kill()
    assert used_bytes(folder) <= limit + 3 * cost(400_064)
    store = file_store(folder, limit)
    put(store, "after", BODY)
    assert read_whole(store, "after") == BODY
    assert_sound(folder)


#: What a process does to a full store when it is killed.
SCENARIOS = {
    "put": lambda store: put(store, "new", b"new" * 30_000),
    "replace": lambda store: put(store, "3", b"new" * 30_000),
    "put_if_absent": lambda store: store.put_if_absent("new", b"new" * 30_000, {}),
    "delete": lambda store: store.delete(["3"]),
    "read": lambda store: read_whole(store, "3"),
}

#: At how many places, at least: those of a put hold those of an eviction.
CALLS = {"put": 40, "replace": 40, "put_if_absent": 15, "delete": 6, "read": 2}


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_system_call(folder, name):
    store, full_store = file_store(folder), file_store(folder, 5 * COST)
    calls = 0
    while True:
        for number in range(5):
            put(store, str(number), BODY)
        store.delete(["new", "next"])
        if not killed_at(calls, lambda: SCENARIOS[name](full_store)):
            break
        calls += 1
        # Never too low, or nobody would look.
        assert store.used_bytes() >= used_bytes(folder)
        for key in ("0", "1", "2", "3", "4", "new"):
            assert read_whole(store, key) in (None, BODY, b"new" * 30_000)
        # Nobody is in the way of anybody.
        assert store.put_if_absent("next", b"next", {}) is True
        put(store, "next", b"next one")
        assert read_whole(store, "next") == b"next one"
        assert_sound(folder)
    assert calls >= CALLS[name]


def test_a_full_disk(folder):
    """As far as a process can be told that there is no more room."""

    def use():
        store = file_store(folder)
        put(store, "old", b"old")
        _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
        reasons = []
        for key in ("new", "old"):
            try:
                put(store, key, BODY)
            except StoreUnavailable as err:
                reasons.append(err.reason)
        put(store, "small", b"small")
        return reasons

    reasons = in_child(use)
    assert len(reasons) == 2
    for reason in reasons:
        assert reason.startswith("PUT failed: File too large: ")
        assert "store-size" in reason and len(reason.splitlines()) == 1
    store = file_store(folder)
    assert [each.key for each in store.list("")] == ["old", "small"]
    assert read_whole(store, "old") == b"old"
    assert len(files_of(folder)) == 4
    assert store.used_bytes() == used_bytes(folder)


def test_a_disk_that_is_full_for_records_only(folder, monkeypatch):
    store = file_store(folder)
    put(store, "old", b"old")

    def replace(source, target):
        raise OSError(28, "No space left on device", source)

    monkeypatch.setattr(os, "replace", replace)
    for key in ("old", "new"):
        with pytest.raises(StoreUnavailable, match="No space left .*store-size"):
            put(store, key, BODY)
    assert read_whole(store, "old") == b"old"
    assert len(files_of(folder)) == 2
    assert store.used_bytes() == used_bytes(folder)


def test_a_process_that_was_stopped_with_the_lock(folder, monkeypatch):
    store = file_store(folder)
    put(store, "key", b"body")
    monkeypatch.setattr(filespace, "LOCK_SECONDS", 0.05)
    with file_store(folder)._space.locked():
        for use in (
            lambda: put(store, "new", b"body"),
            lambda: store.put_if_absent("new", b"body", {}),
            lambda: store.delete(["key"]),
        ):
            with pytest.raises(StoreUnavailable, match="another process keeps"):
                use()
        # Who reads needs no lock.
        assert read_whole(store, "key") == b"body"
        assert store.head("key") is not None
    assert len(body_files(folder)) == 1


def test_a_child_that_was_forked_keeps_no_lock(folder):
    """As a WSGI server forks a worker while a thread stores something."""
    store = file_store(folder)
    locked, done = threading.Event(), threading.Event()

    def hold():
        with store._space.locked(), store._space.sweeping():
            locked.set()
            done.wait(PATIENCE_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(PATIENCE_SECONDS)
    try:
        assert in_child(lambda: sorted(filespace._descriptors)) == []
        assert len(filespace._descriptors) == 2
    finally:
        done.set()
        thread.join()
    assert filespace._descriptors == set()
