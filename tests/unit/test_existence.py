"""What the store is known to have."""

import threading

import pytest
from memorystore import MemoryStore

from hgs3.cache import existence
from hgs3.objectstore.base import StoreUnavailable


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    store = MemoryStore()
    for name in "abc":
        store.put_if_absent(name, name.encode(), {})
    del store.requests[:]
    return store


def test_each_is_asked_for_once_in_a_while(store, clock):
    known = existence.Existence(store, clock)
    for _each in range(3):
        found = known.look(["a", "b", "x"], 60)
        assert found["a"].size_bytes == 1 and found["b"] is not None
        assert found["x"] is None
    assert sorted(key for _method, key in store.requests) == ["a", "b", "x"]
    clock.now += 59
    known.look(["a"], 60)
    assert len(store.requests) == 3
    clock.now += 1
    known.look(["a", "x"], 60)
    assert len(store.requests) == 5


def test_nothing_is_believed_for_no_time(store, clock):
    known = existence.Existence(store, clock)
    known.look(["a"], 60)
    known.look(["a"], 0)
    assert len(store.requests) == 2


def test_what_is_forgotten_is_asked_for_again(store, clock):
    known = existence.Existence(store, clock)
    assert known.look(["x"], 60) == {"x": None}
    store.put_if_absent("x", b"x", {})
    known.forget("x")
    known.forget("never heard of")
    assert known.look(["x"], 60)["x"] is not None


def test_a_fault_is_the_caller_s_and_is_not_remembered(store, clock):
    known = existence.Existence(store, clock)

    def fail(method, key):
        if key == "b":
            raise StoreUnavailable("down")

    store.before = fail
    with pytest.raises(StoreUnavailable):
        known.look(["a", "b", "c"], 60)
    store.before = lambda method, key: None
    assert known.look(["b"], 60)["b"] is not None


def test_many_are_asked_for_at_the_same_time(store, clock):
    known = existence.Existence(store, clock)
    together = threading.Barrier(4, timeout=60)
    store.before = lambda method, key: together.wait()
    assert sorted(known.look(["a", "b", "c", "x"], 60)) == ["a", "b", "c", "x"]


def test_the_oldest_go_first_when_there_are_many(store, clock, monkeypatch):
    monkeypatch.setattr(existence, "REMEMBERED_OBJECTS", 2)
    known = existence.Existence(store, clock)
    for key in "abc":
        known.look([key], 60)
    del store.requests[:]
    known.look(["c"], 60)
    known.look(["b"], 60)
    assert store.requests == []
    known.look(["a"], 60)
    assert store.requests == [("head", "a")]
