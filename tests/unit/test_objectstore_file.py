"""FileStore keeps the promises of a store, and some of its own."""

import io
import os
import tempfile

import pytest
from filestores import body_files, file_store, files_of, only_body
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_contract import BODY, LARGE, StoreContract
from stores import PATIENCE_SECONDS, put, read_whole

from hgs3.objectstore import filenames
from hgs3.objectstore.base import StoreUnavailable
from hgs3.objectstore.breaker import BreakerStore


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    return file_store(folder)


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, folder):
        return file_store(folder)


class TestABreakerAroundIt(StoreContract):
    @pytest.fixture
    def store(self, folder):
        return BreakerStore(file_store(folder), failures=1, rest_seconds=1e9)


class TestOneWithALimit(StoreContract):
    @pytest.fixture
    def store(self, folder):
        return file_store(folder, 1024**3)


# Keys


#: Parts that lead out of a folder, that clash with each other or with what the
#: store itself makes, that are too long for a file name.
PARTS = [
    "", "/", "//", ".", "..", "../..", "a", "A", "a/b", "%2f", "%", "+", "=", "~",
    " ", "\n", "\0", "\\", ":", ".json", ".body", ".0123456789abcdef.body", ".new",
    "e\u0301", "\xe9", "\u2603", "\U0001f600", "\ud800", "x" * 300, "\u2603" * 100,
]  # fmt: skip
KEYS = st.lists(st.one_of(st.sampled_from(PARTS), st.text()), max_size=4).map("".join)


@given(st.lists(KEYS, unique=True, max_size=12), KEYS)
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_any_keys_are_kept_apart_and_in_order(keys, prefix):
    with tempfile.TemporaryDirectory() as parent:
        store = file_store(os.path.join(parent, "store"))
        for key in keys:
            body = repr(key).encode()
            assert store.put_if_absent(key, body, {"key": ascii(key)}) is True
        for key in keys:
            assert read_whole(store, key) == repr(key).encode()
            assert dict(store.head(key).metadata) == {"key": ascii(key)}
        wanted = sorted(key for key in keys if key.startswith(prefix))
        assert [each.key for each in store.list(prefix)] == wanted
        assert os.listdir(parent) == ["store"]
        assert store.delete(keys) == len(keys)
        assert list(store.list("")) == []


@given(KEYS)
def test_a_name_is_safe_everywhere(key):
    name = filenames.name_of(key)
    assert len(name) <= filenames.MAX_NAME_CHARS
    # Also where there are no capitals, and no two ways to write an accent.
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-~%+=")
    assert filenames.key_of(name) in (key, None)


def test_the_names_of_what_is_cached_can_be_read():
    key = "cache/%s/lease/v2/rawstorefiledata/%s" % ("0" * 32, "1" * 40)
    assert filenames.name_of(key) == key.replace("/", "+")


def test_what_others_put_there_is_no_object(store, folder):
    put(store, "mine", b"mine")
    place = only_body(folder).parent
    for name in ["%ff.json", "A.json", "=x.json", "x.0123456789abcdef.body", "note"]:
        (place / name).write_bytes(b"{}")
    (folder / "objects" / "lost+found").mkdir()
    assert [each.key for each in store.list("")] == ["mine"]


# Bodies


def test_the_body_is_a_plain_file(store, folder):
    put(store, "a/b", BODY)
    path = store.body_path("a/b")
    assert path == str(only_body(folder))
    with open(path, "rb") as file:
        assert file.read() == BODY
    assert store.body_path("none/such") is None


def test_a_breaker_does_not_hide_it(store):
    put(store, "a/b", BODY)
    around = BreakerStore(store, failures=1, rest_seconds=1)
    assert around.body_path("a/b") == store.body_path("a/b")


def test_an_object_that_is_replaced_or_deleted_is_read_to_its_end(store, folder):
    put(store, "key", LARGE)
    first = store.read("key")
    begun = next(first)
    put(store, "key", b"new")
    second = store.read("key")
    store.delete(["key"])
    assert begun + b"".join(first) == LARGE
    assert b"".join(second) == b"new"
    assert files_of(folder) == []


@pytest.mark.parametrize("step", ["read_record", "_find"])
def test_one_that_is_replaced_between_two_steps_is_there(store, monkeypatch, step):
    """Its record has been read by then, or its body been found."""
    owner = store if step == "_find" else store._folder
    original = getattr(owner, step)

    def then_replaced(asked):
        found = original(asked)
        monkeypatch.undo()
        put(store, "key", b"new one")
        return found

    for use, wanted in (
        (lambda: read_whole(store, "key"), b"new one"),
        (lambda: store.head("key") is not None, True),
        (lambda: store.put_if_absent("key", b"other", {}), False),
    ):
        put(store, "key", b"old")
        monkeypatch.setattr(owner, step, then_replaced)
        assert use() == wanted


def test_only_one_body_is_kept(store, folder):
    for number in range(5):
        put(store, "key", b"%d" % number)
        (path,) = body_files(folder)
    assert path.read_bytes() == b"4"


@pytest.mark.parametrize("wrong", [b"other", b"bod", b"body and more"])
def test_what_is_not_what_was_announced_is_not_stored(store, folder, wrong):
    with pytest.raises(StoreUnavailable, match="not that body"):
        put(store, "key", b"body!", file=io.BytesIO(wrong))
    assert store.head("key") is None
    assert files_of(folder) == [] and store.used_bytes() == 0


def test_a_body_that_cannot_be_read_leaves_nothing(store, folder):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(10)

    put(store, "key", b"old")
    with pytest.raises(StoreUnavailable, match="PUT failed: Input/output error"):
        put(store, "key", BODY, file=Broken(BODY))
    assert read_whole(store, "key") == b"old"
    assert len(files_of(folder)) == 2


def record_file(folder):
    (found,) = [each for each in files_of(folder) if each.suffix == ".json"]
    return found


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def with_zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    "which, damage",
    [
        (record_file, truncate),
        (record_file, with_zeros),
        (record_file, empty),
        (only_body, truncate),
        (only_body, empty),
        (only_body, os.unlink),
    ],
)
def test_what_a_crash_has_torn_is_not_there(store, folder, which, damage):
    put(store, "key", BODY)
    damage(which(folder))
    assert store.head("key") is None and store.read("key") is None
    assert store.body_path("key") is None and list(store.list("")) == []
    assert store.put_if_absent("key", b"anew", {}) is True
    assert read_whole(store, "key") == b"anew"


def test_a_body_is_on_the_disk_before_its_record_is_there(store, folder, monkeypatch):
    synced = []

    def fsync(descriptor):
        assert store.head("key") is None
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    put(store, "key", BODY)
    assert synced == [len(BODY)]


def test_a_body_that_shrinks_while_it_is_read(store, folder):
    put(store, "key", LARGE)
    chunks = store.read("key")
    next(chunks)
    os.truncate(str(only_body(folder)), 1000)
    with pytest.raises(StoreUnavailable, match="ends .* bytes early"):
        list(chunks)


def test_its_age_is_that_of_the_upload(store, folder):
    put(store, "key", BODY)
    written = record_file(folder)
    os.utime(str(written), (written.stat().st_mtime - 1000,) * 2)
    read_whole(store, "key")
    assert 1000 <= store.head("key").age_seconds < 1000 + PATIENCE_SECONDS
    (listed,) = store.list("")
    assert listed.modified == written.stat().st_mtime


def test_it_makes_no_urls(store):
    assert store.public_base_url() is None
    with pytest.raises(StoreUnavailable, match="no URLs"):
        store.presign_get("key", 60)
