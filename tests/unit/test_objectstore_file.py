"""FileStore keeps the promises of a store, and some of its own."""

import io
import os
import stat
import tempfile

import pytest
from filestores import (
    NOBODY,
    as_nobody,
    body_files,
    file_store,
    files_of,
    only_body,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_contract import BODY, LARGE, StoreContract
from stores import METADATA, PATIENCE_SECONDS, put, read_whole

from hgs3.objectstore import filenames, filespace
from hgs3.objectstore.base import StoreSettingsError, StoreUnavailable
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


# The folder


@pytest.mark.parametrize("path", ["", "relative", "./x", "../x", "/a\nb"])
def test_paths_that_can_never_be_one(path):
    with pytest.raises(StoreSettingsError) as caught:
        file_store(path)
    assert caught.value.setting == "store"
    assert len(caught.value.reason.splitlines()) == 1


def test_a_path_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreSettingsError, match="not a folder") as caught:
        file_store(tmp_path / "file")
    assert caught.value.setting == "store"


def test_a_system_without_locks(folder, monkeypatch):
    monkeypatch.setattr(filespace, "fcntl", None)
    with pytest.raises(StoreSettingsError, match="flock"):
        file_store(folder)


USES = {
    "head": lambda store: store.head("key"),
    "read": lambda store: store.read("key"),
    "body_path": lambda store: store.body_path("key"),
    "put": lambda store: put(store, "key", b"body"),
    "put_if_absent": lambda store: store.put_if_absent("key", b"body", {}),
    "delete": lambda store: store.delete(["key"]),
    "list": lambda store: list(store.list("")),
    "probe": lambda store: store.probe(),
}


def reasons(store, names=tuple(USES)):
    """What each use says of the store's being unavailable, or None."""
    found = {}
    for name in names:
        try:
            USES[name](store)
        except StoreUnavailable as err:
            found[name] = err.reason
            assert len(err.reason.splitlines()) == 1
        else:
            found[name] = None
    return found


def test_a_folder_that_vanishes_is_unavailable_and_not_made_anew(store, folder):
    put(store, "key", b"body")
    moved = folder.with_name("moved")
    folder.rename(moved)
    for name, reason in reasons(store).items():
        assert reason is not None and "No such file" in reason, name
        assert "store" in reason
    assert not folder.exists()
    moved.rename(folder)
    assert set(reasons(store).values()) == {None}


def test_a_folder_in_a_folder_that_is_not_there(tmp_path):
    store = file_store(tmp_path / "none" / "store")
    assert None not in reasons(store).values()
    assert not (tmp_path / "none").exists()


def test_a_file_where_the_folder_was(store, folder):
    folder.rmdir()
    folder.write_text("")
    for name, reason in reasons(store).items():
        assert reason is not None and "Not a directory" in reason, name


def test_a_file_where_a_folder_of_the_store_should_be(store, folder):
    (folder / "objects").write_text("")
    found = reasons(store)
    for name in ("head", "read", "body_path", "put", "put_if_absent", "list"):
        assert "Not a directory" in found[name], name


def test_a_store_that_is_emptied_by_hand_goes_on(store, folder):
    put(store, "key", b"body")
    for each in files_of(folder):
        each.unlink()
    for each in sorted(folder.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() else each.unlink()
    assert store.head("key") is None and list(store.list("")) == []
    put(store, "key", b"body")
    assert read_whole(store, "key") == b"body"


def permissions(path):
    return stat.S_IMODE(os.stat(str(path)).st_mode)


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_nobody_else_can_read_it(folder, open_umask):
    store = file_store(folder)
    put(store, "key", b"body")
    store.put_if_absent("lease", b"body", {})
    assert permissions(folder) == 0o700
    for each in folder.rglob("*"):
        assert permissions(each) == (0o700 if each.is_dir() else 0o600), each


def test_an_open_folder_of_the_operator_s_does_not_open_what_is_in_it(folder):
    folder.mkdir()
    folder.chmod(0o755)
    put(file_store(folder), "key", b"body")
    path = only_body(folder)
    assert permissions(path) & 0o007 == permissions(path.parent) & 0o007 == 0


def test_what_the_group_may_do_is_up_to_the_folder(folder):
    folder.mkdir()
    folder.chmod(0o750)
    put(file_store(folder), "key", b"body")
    path = only_body(folder)
    assert permissions(path) == 0o640
    assert permissions(path.parent) == permissions(path.parent.parent) == 0o750
    assert permissions(folder / "space") == 0o600


@pytest.fixture
def open_folder():
    """One that nobody, the user, can get to: unlike tmp_path."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        path = os.path.join(parent, "store")
        os.mkdir(path)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        yield path


def test_a_folder_that_may_only_be_read(open_folder):
    def use():
        store = file_store(open_folder)
        put(store, "key", BODY, METADATA)
        for place, folders, _files in os.walk(open_folder, topdown=False):
            for name in folders:
                os.chmod(os.path.join(place, name), 0o500)
        os.chmod(open_folder, 0o500)
        os.chmod(os.path.join(open_folder, "space"), 0o400)
        try:
            assert read_whole(store, "key") == BODY
            store.probe()
            return reasons(store)
        finally:
            os.chmod(open_folder, 0o700)

    found = as_nobody(use)
    for name in ("put", "delete"):
        assert "Permission denied" in found[name] and "user that serves" in found[name]
    for name in ("head", "read", "body_path", "list", "probe", "put_if_absent"):
        # The last one, since there is an object.
        assert found[name] is None, name


def test_a_folder_that_may_not_be_read(open_folder):
    def use():
        store = file_store(open_folder)
        put(store, "key", BODY)
        os.chmod(open_folder, 0)
        try:
            return reasons(store)
        finally:
            os.chmod(open_folder, 0o700)

    for name, reason in as_nobody(use).items():
        assert reason is not None and "Permission denied" in reason, name


def test_what_root_makes_by_hand_the_server_can_use(open_folder):
    store = file_store(open_folder)
    put(store, "key", BODY)
    store.put_if_absent("lease", b"body", {})

    def use():
        assert read_whole(store, "key") == BODY
        put(store, "key", b"new")
        return store.delete(["key", "lease"])

    assert as_nobody(use) == 2
