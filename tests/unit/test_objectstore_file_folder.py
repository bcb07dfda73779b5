"""The folder of a FileStore: one that can be none, one that breaks, its rights."""

import os
import stat
import tempfile

import pytest
from filestores import NOBODY, as_nobody, file_store, files_of, only_body
from store_contract import BODY
from stores import METADATA, put, read_whole

from hgs3.objectstore import filespace
from hgs3.objectstore.base import StoreSettingsError, StoreUnavailable


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(folder):
    return file_store(folder)


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
