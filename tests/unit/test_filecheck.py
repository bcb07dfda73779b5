"""The checks of a folder, of one that is right and of some that are not."""

import os
import shutil

import pytest
from filestores import NOBODY, files_of
from stores import put

from hgs3.objectstore import filecheck
from hgs3.objectstore.base import StoreUnavailable
from hgs3.objectstore.file import FileStore
from hgs3.objectstore.filecheck import FileCheck
from hgs3.objectstore.filesettings import FileSettings
from hgs3.objectstore.finding import FAILED, OK, SKIPPED, WARNING

NAMES = [
    "folder",
    "owner",
    "put",
    "get",
    "conditional-put",
    "mode",
    "delete",
    "space",
]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def check(folder, limit_bytes=1_000_000):
    """{name: Finding}, in the order in which they came."""
    found = list(FileCheck(FileSettings(str(folder), limit_bytes), "p/cache/").run())
    assert not any("\n" in each.detail + each.hint for each in found)
    return {each.check: each for each in found}


def statuses(findings):
    return {name: each.status for name, each in findings.items()}


def test_a_folder_that_is_right(folder):
    findings = check(folder)
    assert list(findings) == NAMES
    assert set(statuses(findings).values()) == {OK}
    assert files_of(folder) == []
    assert "only " in findings["mode"].detail


def test_one_that_is_not_there(tmp_path):
    findings = check(tmp_path / "none" / "store")
    assert findings["folder"].status == FAILED
    assert "No such file" in findings["folder"].detail
    assert "s3wireprotocache.store" in findings["folder"].hint
    assert set(statuses(findings).values()) == {FAILED, SKIPPED}


@pytest.mark.parametrize("method", ["put", "read", "put_if_absent", "delete"])
def test_what_fails_is_named_and_nothing_is_left(folder, monkeypatch, method):
    def fail(*args):
        raise StoreUnavailable("it is broken")

    with monkeypatch.context() as patch:
        patch.setattr(FileStore, method, fail)
        findings = check(folder)
    name = {"read": "get", "put_if_absent": "conditional-put"}.get(method, method)
    assert findings[name].status == FAILED
    assert findings[name].detail == "it is broken"
    assert files_of(folder) == [] or method == "delete"


def test_a_condition_that_nobody_keeps(folder, monkeypatch):
    monkeypatch.setattr(FileStore, "put_if_absent", lambda *args: True)
    assert check(folder)["conditional-put"].status == FAILED


def test_other_bytes_than_were_stored(folder, monkeypatch):
    monkeypatch.setattr(FileStore, "read", lambda *args: iter([b"other"]))
    assert check(folder)["get"].status == FAILED


def test_a_deletion_that_does_nothing(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "delete", lambda *args: 2)
        assert check(folder)["delete"].status == FAILED


def test_the_group_is_named_where_the_folder_lets_it_in(folder):
    folder.mkdir()
    folder.chmod(0o750)
    finding = check(folder)["mode"]
    assert finding.status == OK and "and the group" in finding.detail


def test_an_open_folder_shows_nothing(folder):
    folder.mkdir()
    folder.chmod(0o777)
    assert check(folder)["mode"].status == OK


def test_what_anybody_can_read(folder, monkeypatch):
    """Whatever opened it: it has to be all the way down."""
    folder.mkdir()
    folder.chmod(0o755)
    put = FileStore.put

    def put_open(self, *args):
        put(self, *args)
        for place, folders, files in os.walk(str(folder)):
            for name in folders + files:
                os.chmod(os.path.join(place, name), 0o755)

    monkeypatch.setattr(FileStore, "put", put_open)
    finding = check(folder)["mode"]
    assert finding.status == FAILED and "s3wireprotocache.store" in finding.hint
    folder.chmod(0o700)
    assert check(folder)["mode"].status == OK


def test_a_folder_of_somebody_else_s(folder, monkeypatch):
    monkeypatch.setattr(filecheck.os, "geteuid", lambda: NOBODY)
    finding = check(folder)["owner"]
    assert finding.status == WARNING and "user that serves" in finding.hint
    monkeypatch.setattr(filecheck.os, "geteuid", lambda: 4242)
    assert "user 4242" in check(folder)["owner"].detail


def test_a_disk_that_is_full_before_the_store_is(folder):
    free = shutil.disk_usage(str(folder.parent)).free
    finding = check(folder, 10 * free)["space"]
    assert finding.status == WARNING and "s3wireprotocache.store-size" in finding.hint


def test_a_store_that_pushes_fill(folder):
    store = FileStore(FileSettings(str(folder)))
    put(store, "p/try/%s/push" % ("0" * 32), bytes(600_000))
    finding = check(folder)["space"]
    assert finding.status == WARNING and "s3wireprotocache.store-size" in finding.hint
    assert "of it by pushes" in finding.detail
    assert check(folder, 2_000_000)["space"].status == OK


def test_no_limit_at_all(folder):
    finding = check(folder, 0)["space"]
    assert finding.status == WARNING and "s3wireprotocache.store-size" in finding.hint
