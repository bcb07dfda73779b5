"""What a FileStore never evicts, in a folder that it shares with what it does."""

import os
import signal
import stat

import pytest
from filestores import (
    SYSTEM_CALLS,
    age,
    assert_sound,
    body_files,
    file_store,
    files_of,
    in_child,
    killed_at,
    sweep,
    sweep_all,
    used_bytes,
)
from stores import put, read_whole
from test_objectstore_file_processes import workers

from hgs3.cache import key as cachekey
from hgs3.objectstore import filefolder, filesweep
from hgs3.objectstore.base import StoreFull
from hgs3.objectstore.filespace import cost
from hgs3.objectstore.filesweep import LEFTOVER_SECONDS, SWEEP_SECONDS

BODY = b"x" * 100_000
COST = cost(len(BODY))
REPO = "0123456789abcdef" * 2
LONG_AGO = 400 * 86400


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    """Room for ten bodies."""
    return file_store(folder, 10 * COST)


@pytest.fixture
def walks(monkeypatch):
    """The tree of each walk."""
    made = []
    walk = filefolder.Folder._walk

    def counted(self, tree):
        made.append(os.path.basename(tree))
        return walk(self, tree)

    monkeypatch.setattr(filefolder.Folder, "_walk", counted)
    return made


def push_key(number, prefix="p/"):
    return cachekey.try_key(prefix, REPO, "%064x" % number)


def cache_key(number, prefix="p/"):
    return cachekey.object_key(prefix, REPO, "v2", "filesdata", "%040x" % number)


def push(store, *numbers, prefix="p/", body=BODY):
    for number in numbers:
        put(store, push_key(number, prefix), body)
        age(store.body_path(push_key(number, prefix)), LONG_AGO)


def cache(store, *numbers):
    """Each used a minute after the one before, all long after any push."""
    for number in numbers:
        put(store, cache_key(number), BODY)
        age(store.body_path(cache_key(number)), 86400 - 60 * number)


def pushed(store):
    return [each.key for each in store.list("") if "try/" in each.key]


def cached(store):
    return [int(each.key[-40:], 16) for each in store.list(cachekey.cache_folder("p/"))]


@pytest.mark.parametrize("prefix", ["", "hg", "a/b/", "cache/", "p" * 200])
def test_what_is_pushed_is_never_evicted(store, folder, prefix):
    push(store, 1, 2, 3, prefix=prefix)
    cache(store, *range(20))
    assert pushed(store) == [push_key(number, prefix) for number in (1, 2, 3)]
    assert all(read_whole(store, each) == BODY for each in pushed(store))
    assert cached(store) == list(range(20))[-len(cached(store)) :]
    assert used_bytes(folder) == store.used_bytes() <= 10 * COST
    assert store.kept_bytes() == 3 * COST
    assert_sound(folder)


def test_pushes_take_the_room_of_what_is_cached(store, folder):
    cache(store, *range(10))
    for number in range(9):
        push(store, number)
        assert used_bytes(folder) == store.used_bytes() <= 10 * COST
    assert len(pushed(store)) == 9 and len(cached(store)) <= 1


def test_pushes_beyond_the_limit_succeed(store, walks):
    cache(store, 1)
    push(store, *range(12))
    push(store, 12, body=bytes(11 * COST))
    assert len(pushed(store)) == 13 and cached(store) == []
    del walks[:]
    for number in range(5):
        with pytest.raises(StoreFull, match="store-size"):
            cache(store, number)
    # Nobody looks for room where there is none.
    assert walks == []
    push(store, 13)
    assert walks == [] and len(pushed(store)) == 14


def test_what_does_not_fit_beside_them_evicts_nothing(store):
    push(store, *range(8))
    cache(store, 1)
    with pytest.raises(StoreFull):
        put(store, cache_key(2), bytes(3 * COST))
    assert cached(store) == [1]


def test_a_push_that_is_deleted_or_replaced_makes_room(store, folder):
    push(store, *range(10))
    push(store, 0, 1, 2, body=b"small")
    assert store.kept_bytes() == 7 * COST + 3 * cost(5)
    store.delete([push_key(number) for number in range(9)])
    cache(store, *range(8))
    assert cached(store) == list(range(8))
    assert store.used_bytes() == used_bytes(folder) == 9 * COST


def test_only_one_of_many_puts_a_push_first(store):
    assert store.put_if_absent(push_key(1), b"one", {}) is True
    assert store.put_if_absent(push_key(1), b"two", {}) is False
    assert read_whole(store, push_key(1)) == b"one"


def test_without_a_limit(folder):
    store = file_store(folder)
    push(store, 1, 2)
    cache(store, 1, 2)
    assert sweep_all(store)
    assert (len(pushed(store)), len(cached(store))) == (2, 2)


def test_pushes_are_walked_once_a_day(store, walks):
    push(store, 1)
    del walks[:]
    cache(store, *range(30))
    assert "objects" in walks and "kept" not in walks
    with store._space.locked() as counts:
        counts.kept.write(counts.kept.bytes, counts.kept.swept - SWEEP_SECONDS - 60)
    push(store, 2)
    assert walks.count("kept") == 1


def test_a_count_of_pushes_that_is_too_high_is_put_right(store, folder):
    """As a process leaves it that is killed."""
    push(store, 1)
    with store._space.locked() as counts:
        counts.kept.add(9 * COST)
    with pytest.raises(StoreFull):
        cache(store, 1)
    with store._space.locked() as counts:
        counts.kept.write(counts.kept.bytes, 0)
    cache(store, 1)
    assert store.used_bytes() == used_bytes(folder) == 2 * COST


def test_a_push_does_not_need_a_sweep_that_works(store, monkeypatch):
    cache(store, *range(10))

    def evicted(self, body):
        raise PermissionError(13, "Permission denied", body.path)

    monkeypatch.setattr(filesweep.Sweep, "_evicted", evicted)
    push(store, 1)
    assert len(pushed(store)) == 1


# Beside an earlier release, which knows one tree and one line of the count


def test_an_earlier_release_cannot_see_them(store, folder):
    push(store, 1)
    assert [each for each in (folder / "objects").rglob("*")] == []
    name = push_key(1).replace("/", "+")
    assert [each.name for each in files_of(folder) if each.suffix == ".json"] == [
        "@%s.json" % name
    ]


def test_a_count_of_an_earlier_release(store, folder):
    cache(store, 1)
    push(store, 1)
    space = folder / "space"
    lines = space.read_bytes().splitlines(keepends=True)
    assert [len(each) for each in lines] == [63, 63]
    # It writes its line in place, and nothing behind it.
    with open(str(space), "r+b") as file:
        file.write(b"%020d %020d %020d\n" % (0, 0, 0))
    assert store.kept_bytes() == COST
    # One that was alone so far.
    space.write_bytes(lines[0])
    assert store.kept_bytes() == 0
    push(store, 2)
    assert store.kept_bytes() == 2 * COST
    assert store.used_bytes() == used_bytes(folder) == 3 * COST


# What is left behind, and what is damaged


def files(folder, number, suffix):
    name = push_key(number).replace("/", "+")
    return [
        each for each in files_of(folder) if name in each.name and each.suffix == suffix
    ]


def test_leftovers_that_were_never_an_object_go(store, folder):
    push(store, 1, 2)
    (record,), (body,) = files(folder, 1, ".json"), files(folder, 1, ".body")
    record.unlink()
    new = record.with_suffix(".new")
    new.write_bytes(b"{")
    (other,) = files(folder, 2, ".body")
    second = other.with_name(other.name.replace(other.suffixes[-2], "." + "0" * 16))
    second.write_bytes(b"before")
    age(body, LEFTOVER_SECONDS - 60)
    assert sweep_all(store) and body.exists() and second.exists()
    for path in (body, second):
        age(path, LEFTOVER_SECONDS + 60)
    assert sweep(store) and body.exists()
    assert sweep_all(store)
    assert not body.exists() and not new.exists() and not second.exists()
    assert pushed(store) == [push_key(2)]
    assert_sound(folder)


@pytest.mark.parametrize("damage", ["", "some thing\n", None])
def test_what_is_damaged_is_left_for_whoever_comes_to_see(store, folder, damage):
    push(store, 1, 2)
    (record,), (body,) = files(folder, 1, ".json"), files(folder, 1, ".body")
    if damage is None:
        body.unlink()
    else:
        record.write_text(damage)
    age(record, LONG_AGO)
    before = files_of(folder)
    assert sweep_all(store)
    assert files_of(folder) == before
    assert store.head(push_key(1)) is None and read_whole(store, push_key(2)) == BODY
    assert store.used_bytes() == used_bytes(folder)
    # To push it again is all that it needs.
    push(store, 1)
    assert read_whole(store, push_key(1)) == BODY


def test_a_push_is_on_the_disk_when_it_is_stored(store, folder, monkeypatch):
    cache(store, 1)
    synced, fsync = [], os.fsync

    def watched(descriptor):
        synced.append(os.fstat(descriptor))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    push(store, 1)
    (record,), (body,) = files(folder, 1, ".json"), files(folder, 1, ".body")
    inodes = [each.st_ino for each in synced]
    assert inodes == [
        each.stat().st_ino
        for each in (body, record, body.parent, folder / "kept", folder)
    ]
    assert [stat.S_ISDIR(each.st_mode) for each in synced] == [False] * 2 + [True] * 3


# With several processes


@pytest.mark.parametrize("limit", [1_000_000, 8_000_000])
def test_pushes_of_processes_that_are_killed(folder, limit):
    said = {}
    with workers(folder, limit, [("push", n) for n in range(3)]) as started:
        for each in started:
            for _ in range(4):
                name, digest = each.stdout.readline().decode().split()
                said[name] = digest
            each.kill()
    store = file_store(folder, limit)
    for name, digest in said.items():
        found = store.head("p/try/%s/%s" % ("0" * 32, name))
        assert found is not None and found.sha256_hex == digest
    assert store.used_bytes() >= used_bytes(folder)
    put(store, push_key(1), BODY)
    assert_sound(folder)
    assert {each.key.rsplit("/", 1)[1] for each in store.list("p/try/")} >= set(said)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_push_that_is_killed_at_any_system_call(folder, is_new):
    assert "fsync" in SYSTEM_CALLS
    calls, number = 0, 9 if is_new else 1
    full = file_store(folder, 4 * COST)
    while True:
        store = file_store(folder)
        push(store, 0, 1, 2)
        cache(store, 1, 2)
        store.delete([push_key(9)])
        if not killed_at(calls, lambda: put(full, push_key(number), b"new" * 30_000)):
            break
        calls += 1
        assert store.used_bytes() >= used_bytes(folder)
        for each in (0, 1, 2):
            assert read_whole(store, push_key(each)) in (BODY, b"new" * 30_000)
        assert read_whole(store, push_key(9)) in (None, b"new" * 30_000)
        assert_sound(folder)
    assert calls >= 40
    assert read_whole(store, push_key(number)) == b"new" * 30_000


def test_a_push_in_a_child_that_is_killed_after_it_was_stored(folder):
    def work():
        push(file_store(folder, COST), 1)
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(work) == -signal.SIGKILL
    assert read_whole(file_store(folder), push_key(1)) == BODY
    assert len(body_files(folder)) == 1
