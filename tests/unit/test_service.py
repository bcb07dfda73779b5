"""What a process shares, and what it says of a store that is out of order."""

import pytest
from hgui import make_ui
from mercurial import error

from hgs3 import service
from hgs3.objectstore.null import NullStore
from hgs3.service import LOOKUP, UPLOAD, Health

KEYS = {"access_key_id": "k", "secret_access_key": "s", "bucket": "hg-cache"}


class RecordingUi:
    def __init__(self):
        self.said = []

    def warn(self, message):
        self.said.append(b"again" if b"can be used again" in message else b"down")

    def flush(self):
        pass


class BrokenUi(RecordingUi):
    def warn(self, message):
        self.said.append(b"tried")
        raise OSError(28, "No space left on device")


class LateBrokenUi(RecordingUi):
    def flush(self):
        raise BrokenPipeError()


@pytest.fixture(autouse=True)
def forgotten():
    service._forget()
    yield
    service._forget()


def test_one_warning_an_outage_and_one_line_at_its_end():
    health, ui = Health("hg-cache"), RecordingUi()
    for _ in range(3):
        health.fault(ui, LOOKUP, "no answer")
    health.fine(ui, LOOKUP)
    health.fine(ui, LOOKUP)
    assert ui.said == [b"down", b"again"]


def test_a_lookup_that_works_does_not_hide_uploads_that_fail():
    """A bucket that is missing, or that may only be read."""
    health, ui = Health("hg-cache"), RecordingUi()
    for _ in range(3):
        health.fine(ui, LOOKUP)
        health.fault(ui, UPLOAD, "no such bucket")
    assert ui.said == [b"down"]
    health.fine(ui, UPLOAD)
    assert ui.said == [b"down", b"again"]


def test_it_is_one_outage_until_all_is_fine():
    health, ui = Health("hg-cache"), RecordingUi()
    health.fault(ui, UPLOAD, "no answer")
    health.fault(ui, LOOKUP, "no answer")
    health.fine(ui, UPLOAD)
    health.fault(ui, UPLOAD, "no answer")
    health.fine(ui, LOOKUP)
    assert ui.said == [b"down"]
    health.fine(ui, UPLOAD)
    assert ui.said == [b"down", b"again"]
    health.fault(ui, LOOKUP, "no answer")
    assert ui.said == [b"down", b"again", b"down"]


@pytest.mark.parametrize("broken", [BrokenUi, LateBrokenUi])
def test_a_terminal_that_is_gone_takes_nothing_with_it(broken):
    health, ui = Health("hg-cache"), broken()
    health.fault(ui, LOOKUP, "no answer")
    health.fine(ui, LOOKUP)
    assert len(ui.said) == 2
    # What could not be said is not said later either.
    health.fine(ui, LOOKUP)
    assert len(ui.said) == 2


def test_repositories_that_differ_in_their_identity_share_a_store():
    one = service.start(make_ui(repo_id="one", **KEYS))
    two = service.start(make_ui(repo_id="two", prefix="p/", **KEYS))
    other = service.start(make_ui(**dict(KEYS, bucket="other-bucket")))
    assert one.store is two.store and one.health is two.health
    assert other.store is not one.store
    assert service.start(make_ui(repo_id="one", **KEYS)).store is one.store


def test_a_folder_is_a_store_too(tmp_path):
    path = tmp_path / "store"
    one = service.start(make_ui(repo_id="one", store="file:%s" % path))
    two = service.start(make_ui(repo_id="two", store="file:%s" % path))
    assert one.store is two.store and one.store.keeps_objects
    assert one.store.put_if_absent("key", b"body", {}) is True
    assert path.is_dir()
    larger = service.start(make_ui(store="file:%s" % path, store_size="20GB"))
    assert larger.store.head("key") is not None


@pytest.mark.parametrize("path", ["relative", "./x", "//host/x", "FILE"])
def test_a_folder_that_can_never_be_one(tmp_path, path):
    (tmp_path / "file").write_text("")
    ui = make_ui(store="file:" + path.replace("FILE", str(tmp_path / "file")))
    with pytest.raises(error.Abort) as caught:
        service.start(ui)
    assert caught.value.message.startswith(b"s3wireprotocache.store: is not a")
    assert caught.value.hint == b"correct s3wireprotocache.store"


def test_an_outage_of_a_folder_is_said_by_its_name(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(service, "_tell", lambda ui, message: said.append(message))
    ui = make_ui(store="file:%s/none/store" % tmp_path)
    service.probe(ui, service.start(ui))
    (message,) = said
    assert b"folder %s/none/store cannot be used" % bytes(tmp_path) in message
    assert b"No such file" in message


def test_settings_that_change_for_ever_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(service, "_make_store", lambda settings: NullStore())
    for number in range(300):
        service.start(make_ui(session_token="token %d" % number, **KEYS))
    assert len(service._backends) == 32


def test_a_bad_setting_while_serving_is_said_once(monkeypatch):
    said = []
    monkeypatch.setattr(service, "_tell", lambda ui, message: said.append(message))
    monkeypatch.setattr(service, "_complaints", set())
    for _ in range(3):
        assert service.of(make_ui(url_lifetime="soon", **KEYS)) is service.OFF
    assert len(said) == 1 and b"url-lifetime" in said[0]
