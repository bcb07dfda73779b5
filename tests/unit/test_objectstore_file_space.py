"""The limit of a FileStore: what is evicted, what is counted, what is left behind."""

import os

import pytest
from filestores import (
    age,
    assert_sound,
    body_files,
    file_store,
    files_of,
    only_body,
    sweep,
    used_bytes,
)
from stores import WatchedBody, put, read_whole

from hgs3.objectstore import filefolder
from hgs3.objectstore.base import StoreUnavailable
from hgs3.objectstore.filespace import cost
from hgs3.objectstore.filesweep import KEPT_PART, LEFTOVER_SECONDS, SWEEP_SECONDS

BODY = b"x" * 100_000
COST = cost(len(BODY))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    """Room for ten bodies."""
    return file_store(folder, 10 * COST)


def keys(store):
    return [each.key for each in store.list("")]


def fill(store, number=10):
    """Objects 0, 1, ... each used a minute after the one before, all long ago."""
    for index in range(number):
        put(store, str(index), BODY)
        age(store.body_path(str(index)), 86400 - 60 * index)


@pytest.fixture
def walks(monkeypatch):
    """One item for each walk of the whole folder."""
    made = []
    walk = filefolder.Folder.walk

    def counted(self):
        made.append(self)
        return walk(self)

    monkeypatch.setattr(filefolder.Folder, "walk", counted)
    return made


def test_what_an_object_costs():
    assert [cost(0), cost(1), cost(4096), cost(4097)] == [4096, 8192, 8192, 12288]


def test_the_oldest_go_first_and_more_than_one(store, folder):
    fill(store)
    assert len(keys(store)) == 10
    put(store, "new", BODY)
    # To nine tenths of the limit, the new one included.
    assert keys(store) == ["2", "3", "4", "5", "6", "7", "8", "9", "new"]
    assert used_bytes(folder) == store.used_bytes() == 9 * COST


USES = {
    "read": lambda store: read_whole(store, "0"),
    "head": lambda store: store.head("0"),
    "body_path": lambda store: store.body_path("0"),
    "replaced": lambda store: put(store, "0", BODY),
}


@pytest.mark.parametrize("use", USES)
def test_what_is_used_stays(store, use):
    fill(store)
    USES[use](store)
    put(store, "new", BODY)
    assert "0" in keys(store) and "1" not in keys(store)


def test_what_is_listed_is_not_used(store):
    fill(store)
    list(store.list(""))
    put(store, "new", BODY)
    assert "0" not in keys(store)


def test_an_object_that_is_being_read_is_read_to_its_end(store):
    fill(store, 9)
    put(store, "read", BODY)
    chunks = store.read("read")
    begun = next(chunks)
    age(store.body_path("read"), 2 * 86400)
    put(store, "new", BODY)
    assert store.head("read") is None
    assert begun + b"".join(chunks) == BODY


def test_one_that_is_used_while_others_are_evicted_stays(store, monkeypatch):
    fill(store)
    remove = filefolder.remove

    def use_then_remove(path):
        store.head("1")
        return remove(path)

    monkeypatch.setattr("hgs3.objectstore.filesweep.remove", use_then_remove)
    put(store, "new", BODY)
    assert keys(store) == ["1", "3", "4", "5", "6", "7", "8", "9", "new"]


def test_the_limit_is_never_passed(store, folder):
    for number in range(60):
        put(store, str(number), BODY[: 1 + 9_000 * number % len(BODY)])
        assert used_bytes(folder) <= 10 * COST
    assert store.used_bytes() == used_bytes(folder)


def test_the_folder_is_walked_seldom(folder, walks):
    store = file_store(folder, 100 * cost(1))
    for number in range(300):
        put(store, str(number), b"x")
    # One at first, when nobody knows; and then one for each tenth.
    assert 10 < len(walks) <= 1 + 200 / (100 * (1 - KEPT_PART)) + 1


def test_what_is_deleted_makes_room(store, walks):
    fill(store)
    store.delete(["3", "4", "none"])
    assert store.used_bytes() == 8 * COST
    del walks[:]
    put(store, "new", BODY)
    put(store, "newer", BODY)
    assert walks == [] and len(keys(store)) == 10


def test_what_is_larger_than_all_is_refused_and_evicts_nothing(store):
    fill(store)
    with pytest.raises(StoreUnavailable, match="store-size"):
        put(store, "huge", bytes(10 * COST))
    assert len(keys(store)) == 10


def test_one_that_just_fits(folder):
    store = file_store(folder, cost(100_000))
    put(store, "a", BODY)
    put(store, "b", BODY)
    assert keys(store) == ["b"] and store.used_bytes() == cost(100_000)


def test_without_a_limit_nothing_is_evicted(folder):
    store = file_store(folder, 0)
    fill(store, 30)
    assert len(keys(store)) == 30


def test_a_limit_that_is_lowered(store, folder):
    fill(store)
    lower = file_store(folder, 4 * COST)
    put(lower, "new", BODY)
    assert keys(lower) == ["8", "9", "new"]


def test_a_store_that_was_made_without_a_count(store, folder):
    fill(store)
    (folder / "space").unlink()
    put(store, "new", BODY)
    assert store.used_bytes() == used_bytes(folder) == 9 * COST


@pytest.mark.parametrize("text", [b"", b"\0" * 42, b"some thing\n", b"7\n"])
def test_a_count_that_a_crash_has_torn(store, folder, text):
    fill(store)
    (folder / "space").write_bytes(text)
    put(store, "new", BODY)
    assert store.used_bytes() == used_bytes(folder) == 9 * COST


def test_a_lease_does_not_wait_for_a_sweep(store, walks):
    fill(store)
    del walks[:]
    assert store.put_if_absent("lease", b"me", {}) is True
    assert walks == []


# What is left behind


def leave_behind(store, folder):
    """A body without a record, a record without a body, a second body, and
    a record that was being written; the paths of those that are to go."""
    for key in ("killed", "lost", "replaced", "kept"):
        put(store, key, key.encode())
    bodies = {each.read_bytes(): each for each in body_files(folder)}
    no_record = bodies[b"killed"]
    record = no_record.with_name("killed.json")
    record.unlink()
    bodies[b"lost"].unlink()
    second = bodies[b"replaced"].with_name("replaced.0123456789abcdef.body")
    second.write_bytes(b"before")
    new = bodies[b"kept"].with_name("kept.new")
    new.write_bytes(b"{")
    return [no_record, bodies[b"lost"].with_name("lost.json"), second, new]


def test_leftovers_of_killed_processes_are_removed(store, folder):
    paths = leave_behind(store, folder)
    for path in paths:
        age(path, LEFTOVER_SECONDS + 60)
    assert sweep(store)
    assert not any(path.exists() for path in paths)
    assert keys(store) == ["kept", "replaced"]
    assert_sound(folder)


def test_what_may_be_in_the_making_stays(store, folder):
    no_record, lost, second, new = leave_behind(store, folder)
    assert sweep(store)
    assert no_record.exists() and second.exists()
    # Nobody makes one without a body, nor leaves one half without the lock.
    assert not lost.exists() and not new.exists()


def test_leftovers_go_without_a_limit_too_and_by_themselves(folder, walks):
    store = file_store(folder)
    paths = leave_behind(store, folder)
    for path in paths:
        age(path, LEFTOVER_SECONDS + 60)
    del walks[:]
    put(store, "another", b"body")
    assert walks == []
    with store._space.locked() as count:
        count.write(count.bytes, count.swept - SWEEP_SECONDS - 60)
    put(store, "another", b"body")
    assert len(walks) == 1 and not any(path.exists() for path in paths)


def test_a_body_that_was_taken_for_a_leftover_gets_no_record(store, folder):
    fsync = os.fsync

    def too_late(descriptor):
        fsync(descriptor)
        age(only_body(folder), LEFTOVER_SECONDS + 60)
        assert sweep(store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", too_late)
        with pytest.raises(StoreUnavailable):
            put(store, "key", BODY)
    assert store.head("key") is None and files_of(folder) == []
    assert store.used_bytes() == 0


def test_what_is_put_during_a_sweep_is_counted(store, folder, monkeypatch):
    fill(store, 3)
    walk = filefolder.Folder.walk

    def with_others(self):
        found = list(walk(self))
        other = file_store(folder, 10 * COST)
        put(other, "other", BODY)
        other.delete(["0"])
        return found

    monkeypatch.setattr(filefolder.Folder, "walk", with_others)
    assert sweep(store)
    # One that was seen no more, and one that was not seen yet.
    assert store.used_bytes() == used_bytes(folder) == 3 * COST


def test_what_is_half_written_during_a_sweep_is_counted_whole(store, folder):
    swept = []
    put(store, "new", BODY, file=WatchedBody(BODY, lambda: swept.append(sweep(store))))
    assert swept and all(swept)
    assert store.used_bytes() == used_bytes(folder) == COST


@pytest.mark.parametrize("text", [None, b""])
def test_what_is_put_during_the_first_sweep_is_counted(
    store, folder, monkeypatch, text
):
    fill(store, 2)
    if text is None:
        (folder / "space").unlink()
    else:
        (folder / "space").write_bytes(text)
    walk = filefolder.Folder.walk

    def with_another(self):
        found = list(walk(self))
        put(file_store(folder, 10 * COST), "other", BODY)
        return found

    monkeypatch.setattr(filefolder.Folder, "walk", with_another)
    assert sweep(store)
    assert store.used_bytes() == used_bytes(folder) == 3 * COST


def test_one_sweeps_at_a_time(store):
    with store._space.sweeping() as mine:
        assert mine and not sweep(store)
    assert sweep(store)
