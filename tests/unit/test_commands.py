"""What the actions of ``hg s3cache`` make of a store, and what they refuse."""

import dataclasses
import json
import threading

import pytest
from filestores import file_store
from hgui import EXTENSION, make_ui
from mercurial import error
from stores import PATIENCE_SECONDS, put

from hgs3 import eventlog
from hgs3 import service as servicemod
from hgs3.cache import key as cachekey
from hgs3.cache.spool import Spool
from hgs3.cache.upload import STORED, Upload, Uploader
from hgs3.commands import common, inventory, purge, s3cache, warm
from hgs3.objectstore.base import ListedObject, StoreUnavailable
from hgs3.objectstore.null import NullStore
from testlib.alterproxy import AlterProxy

ROOT = b"/srv/hg/repo"
FOLDER = cachekey.repo_folder("", cachekey.repo_digest(ROOT))


class ListStore(NullStore):
    """Lists what it is given, and then raises ``fault``, if any."""

    def __init__(self, keys, fault=None):
        self.listed = [
            ListedObject(key, 10, modified) for key, modified in sorted(keys.items())
        ]
        self.fault = fault
        #: What the second deletion raises.
        self.deletion_fault = None
        self.deleted = []

    def list(self, prefix):
        yield from self.listed
        if self.fault:
            raise StoreUnavailable(self.fault)

    def delete(self, keys):
        keys = list(keys)
        if self.deleted and self.deletion_fault:
            raise StoreUnavailable(self.deletion_fault)
        self.deleted.extend(keys)
        return len(keys)


@dataclasses.dataclass
class Repo:
    ui: object
    root: bytes = ROOT


@pytest.fixture
def run(moto, bucket, monkeypatch):
    """Run an action against ``store``; the exit code and what it has said."""

    def run(action, store, endpoint_url=moto.url, **opts):
        ui = make_ui(
            bucket=bucket,
            endpoint_url=endpoint_url,
            access_key_id="test-key",
            secret_access_key="test-secret",
        )
        service = servicemod.start(ui)
        monkeypatch.setattr(
            servicemod,
            "start",
            lambda ui: servicemod.CacheService(
                service.settings, servicemod.Backend(store, service.health, None)
            ),
        )
        ui.pushbuffer(error=True)
        try:
            code = s3cache.run(ui, Repo(ui), (action,), dict({"template": b""}, **opts))
        finally:
            output = ui.popbuffer()
            monkeypatch.undo()
        return code, output.decode()

    return run


def test_a_fault_in_the_middle_of_a_listing_says_nothing_else(run):
    for action in (b"list", b"stat"):
        store = ListStore({FOLDER + "v2/filesdata/1": 1.0}, fault="it is down")
        with pytest.raises(error.Abort) as raised:
            run(action, store, template=b"json")
        assert raised.value.message == b"the store cannot be used: it is down"


def test_what_is_not_ours_is_never_deleted(run):
    """Whatever a store makes of a prefix."""
    store = ListStore({FOLDER + "v2/filesdata/1": 1.0, "cache/other/1": 1.0})
    with pytest.raises(error.Abort):
        run(b"purge", store, all=True, yes=True)
    assert store.deleted == []


def test_a_dry_run_deletes_nothing(run):
    store = ListStore({FOLDER + "v2/filesdata/1": 1.0})
    code, output = run(b"purge", store, all=True)
    assert (code, store.deleted) == (0, [])
    assert output.startswith("would delete 1 objects (10 bytes)")


def test_age_decides(run, monkeypatch):
    monkeypatch.setattr(common.time, "time", lambda: 10 * 86400.0)
    day = {FOLDER + str(number): number * 86400.0 for number in range(10)}
    store = ListStore(day)
    code, _output = run(b"purge", store, older_than=b"7", yes=True)
    assert code == 0
    # Those of day 0, 1 and 2; the one of day 3 is seven days old, not older.
    assert store.deleted == [FOLDER + "0", FOLDER + "1", FOLDER + "2"]


def test_deletion_goes_by_batches_and_says_how_far_it_came(run):
    number = 2 * purge.BATCH_OBJECTS
    store = ListStore({FOLDER + "%05d" % i: 1.0 for i in range(number)})
    assert run(b"purge", store, all=True, yes=True)[0] == 0
    assert len(store.deleted) == number

    store = ListStore({FOLDER + "%05d" % i: 1.0 for i in range(number)})
    store.deletion_fault = "it is down"
    with pytest.raises(error.Abort) as raised:
        run(b"purge", store, all=True, yes=True)
    assert raised.value.hint == b"1000 of 2000 objects were deleted; purge again"


def test_uploads_that_nobody_lets_us_see(run, moto):
    with AlterProxy(moto.url) as proxy:
        proxy.refuse = lambda method, target: (403, "AccessDenied")
        code, output = run(b"purge", ListStore({}), proxy.url, all=True)
    assert code == 1
    assert "s3:ListBucketMultipartUploads" in output


def test_a_store_without_multipart_uploads_is_fine(run, moto):
    with AlterProxy(moto.url) as proxy:
        proxy.refuse = lambda method, target: (501, "NotImplemented")
        code, output = run(b"purge", ListStore({}), proxy.url, all=True)
    assert code == 0
    assert output == "would delete 0 objects (0 bytes) and 0 incomplete uploads\n"


def test_pushes_are_not_met(run, tmp_path):
    """In a folder with all that two repositories have stored."""
    store = file_store(tmp_path / "store")
    digest, other = cachekey.repo_digest(ROOT), cachekey.repo_digest(b"other")
    ours = cachekey.object_key("", digest, "v2", "filesdata", "0" * 40)
    others = [
        cachekey.try_key("", digest, "a" * 64),
        cachekey.try_key("", other, "a" * 64),
        cachekey.object_key("", other, "v2", "filesdata", "0" * 40),
    ]
    for key in [ours] + others:
        put(store, key, b"body")
    listed = json.loads(run(b"list", store, template=b"json")[1])
    assert [each["key"] for each in listed] == [ours]
    sums = json.loads(run(b"stat", store, template=b"json")[1])
    assert [(each["command"], each["objects"]) for each in sums] == [
        ("filesdata", 1),
        ("total", 1),
    ]
    assert run(b"purge", store, all=True, yes=True)[0] == 0
    assert [each.key for each in store.list("")] == sorted(others)


def test_the_age_of_an_object_from_the_future_is_none(run, monkeypatch):
    monkeypatch.setattr(inventory.time, "time", lambda: 100.0)
    store = ListStore({FOLDER + "v2/filesdata/1": 160.0})
    _code, output = run(b"list", store, template=b"json")
    assert json.loads(output)[0]["age"] == 0


def test_a_folder_is_one_repository_s():
    one, other = cachekey.repo_digest(b"a"), cachekey.repo_digest(b"b")
    key = cachekey.object_key("p/", one, "v2", "filesdata", "0" * 40)
    assert key.startswith(cachekey.repo_folder("p/", one))
    assert not key.startswith(cachekey.repo_folder("p/", other))
    assert key.startswith(cachekey.cache_folder("p/"))
    assert cachekey.command_of(cachekey.repo_folder("p/", one), key) == "filesdata"
    assert cachekey.command_of("p/", "p/lease") == ""


@pytest.mark.parametrize(
    "events, result",
    [
        ([], warm.UNCACHED),
        (["hit"], warm.PRESENT),
        (["miss", "stored"], warm.STORED),
        # An upload may end before the line of the miss is written.
        (["stored", "miss"], warm.STORED),
        (["miss", "skipped-small"], warm.SKIPPED),
        (["miss", "skipped-for-another-reason"], warm.SKIPPED),
        (["miss", "dropped"], warm.FAILED),
        (["miss", "error"], warm.FAILED),
        (["error"], warm.FAILED),
        (["error", "hit"], warm.PRESENT),
        (["miss", "something new"], warm.FAILED),
        (["miss"], warm.UNCACHED),
    ],
    ids=str,
)
def test_what_became_of_a_request(events, result):
    found = warm._result(b"filesdata", [(event, "key", 1, "") for event in events])
    assert found.result == result


class BlockedStore(NullStore):
    keeps_objects = True

    def __init__(self):
        self.entered = threading.Event()
        self.released = threading.Event()

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        self.entered.set()
        assert self.released.wait(PATIENCE_SECONDS)


def test_an_uploader_is_idle_when_all_is_stored_and_told():
    uploader, store, told = Uploader(), BlockedStore(), []
    assert uploader.wait_until_idle(0)
    spool = Spool()
    spool.write(b"body")
    uploader.submit(
        Upload(store, "key", spool, "", {}, lambda outcome, *_: told.append(outcome))
    )
    # Nothing waits any more, but something is being sent.
    assert store.entered.wait(PATIENCE_SECONDS)
    assert not uploader.wait_until_idle(0)
    store.released.set()
    assert uploader.wait_until_idle(PATIENCE_SECONDS)
    assert told == [STORED]
    # Unlike after a drain, it takes another one.
    spool = Spool()
    uploader.submit(
        Upload(store, "key", spool, "", {}, lambda outcome, *_: told.append(outcome))
    )
    assert uploader.wait_until_idle(PATIENCE_SECONDS)
    assert told == [STORED, STORED]


def test_listeners_hear_each_event_of_each_thread():
    heard = []

    def listener(*args):
        heard.append(args)

    ui = make_ui()
    with eventlog.listening(listener):
        thread = threading.Thread(
            target=eventlog.log, args=(ui, "stored", b"filesdata", "key", 5)
        )
        thread.start()
        thread.join()
        eventlog.log(ui, "error", b"filesdata", "key", reason="because")
    eventlog.log(ui, "error", b"filesdata", "key")
    assert heard == [
        ("stored", b"filesdata", "key", 5, ""),
        ("error", b"filesdata", "key", 0, "because"),
    ]


def test_every_action_and_option_is_in_the_manual():
    entry = EXTENSION.cmdtable[b"s3cache"]
    manual = entry[0].__doc__
    for action, (_function, options) in s3cache.ACTIONS.functions.items():
        assert "    ``%s``\n" % action.decode() in manual
        for option in options:
            assert "--%s" % option.replace("_", "-") in manual
    declared = {option[1].decode().replace("-", "_") for option in entry[1]}
    assert declared == set(s3cache.ACTIONS.options) | {"template"}


def test_texts_in_the_terminal_s_encoding(monkeypatch):
    monkeypatch.setattr(common.encoding, "encoding", b"latin-1")
    assert common.to_local("caf\xe9") == b"caf\xe9"
