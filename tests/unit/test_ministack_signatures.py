"""Against a server that verifies signatures and expiry, which moto does not."""

import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from store_contract import UrlStoreContract
from stores import PATIENCE_SECONDS, fetch, new_bucket_name, put, s3_store

from hgs3.objectstore.base import StoreUnavailable
from testlib import processes
from testlib.servers import HgServer, clean_environment

#: The one Mercurial that serves wire protocol version 2, whichever runs us.
HG = pathlib.Path(__file__).resolve().parents[2] / ".venv" / "hg-6.0.3" / "bin" / "hg"
BODY = b"some body" * 1000


@pytest.fixture
def checked_bucket(ministack):
    name = new_bucket_name()
    ministack.create_bucket(name)
    return name


@pytest.fixture
def open_store(ministack, checked_bucket):
    """Makes an S3Store for the bucket, with the right keys unless told."""

    def make(**settings):
        key, secret = ministack.keys
        settings.setdefault("access_key_id", key)
        settings.setdefault("secret_access_key", secret)
        return s3_store(ministack.url, checked_bucket, **settings)

    return make


@pytest.fixture
def signed_store(open_store):
    return open_store()


class TestS3StoreOnMinistack(UrlStoreContract):
    @pytest.fixture
    def store(self, signed_store):
        return signed_store


def test_a_presigned_url_works(signed_store):
    put(signed_store, "key", BODY)
    status, _headers, body = fetch(signed_store.presign_get("key", 60))
    assert (status, body) == (200, BODY)


def test_a_presigned_url_expires(signed_store):
    put(signed_store, "key", BODY)
    url = signed_store.presign_get("key", 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, _headers, body = fetch(url)
        if status != 200:
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert status == 403
    assert BODY not in body
    # It is the URL that has ended, and nothing else.
    assert fetch(signed_store.presign_get("key", 60))[0] == 200


def assert_refused(url):
    status, _headers, body = fetch(url)
    assert status == 403
    assert BODY not in body


def test_a_url_signed_with_a_wrong_secret_is_refused(open_store, signed_store):
    put(signed_store, "key", BODY)
    assert_refused(open_store(secret_access_key="wrong").presign_get("key", 60))


def test_a_url_of_an_unknown_key_is_refused(open_store, signed_store):
    put(signed_store, "key", BODY)
    assert_refused(open_store(access_key_id="AKIAUNKNOWN").presign_get("key", 60))


def test_a_url_is_good_for_its_own_key_only(signed_store):
    put(signed_store, "mine", b"mine")
    put(signed_store, "yours", BODY)
    url = signed_store.presign_get("mine", 60)
    assert fetch(url)[0] == 200
    assert_refused(url.replace("/mine?", "/yours?"))


@pytest.mark.parametrize(
    "name, value", [("X-Amz-Expires", "600"), ("X-Amz-Signature", "0" * 64)]
)
def test_a_url_cannot_be_changed(name, value, signed_store):
    put(signed_store, "key", BODY)
    parts = urllib.parse.urlsplit(signed_store.presign_get("key", 60))
    query = dict(urllib.parse.parse_qsl(parts.query))
    query[name] = value
    assert_refused(parts._replace(query=urllib.parse.urlencode(query)).geturl())


def test_a_url_does_not_allow_to_write(signed_store):
    put(signed_store, "key", BODY)
    url = signed_store.presign_get("key", 60)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, b"changed", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=PATIENCE_SECONDS)
    caught.value.close()
    assert caught.value.code == 403
    assert fetch(url)[2] == BODY


def test_a_wrong_secret_is_an_outage_that_says_what_to_change(open_store):
    store = open_store(secret_access_key="wrong")
    for use in (store.probe, lambda: store.head("key"), lambda: store.read("key")):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        reason = caught.value.reason
        assert "credentials" in reason or "secret-access-key" in reason
        assert "wrong" not in reason


def test_with_a_wrong_secret_nothing_is_stored(open_store, signed_store):
    with pytest.raises(StoreUnavailable, match="secret-access-key"):
        put(open_store(secret_access_key="wrong"), "key", BODY)
    assert signed_store.head("key") is None


def hg(*args):
    environment = clean_environment(HGRCPATH=os.devnull, HGPLAIN="1", HGUSER="test")
    return processes.run([str(HG)] + [str(arg) for arg in args], environment, 120)


@pytest.fixture
def repository(tmp_path):
    repo = tmp_path / "repo"
    hg("init", repo)
    for number in range(5):
        for name in ("a", "b", "gone"):
            (repo / name).write_text("%s %d\n" % (name, number) * 300)
        hg("-R", repo, "commit", "-qAm", "changeset %d" % number)
    hg("-R", repo, "remove", repo / "gone")
    hg("-R", repo, "commit", "-qm", "a file is removed")
    return repo


def server_config(ministack, bucket):
    key, secret = ministack.keys
    return {
        "extensions.s3wireprotocache": "",
        "extensions.blackbox": "",
        "blackbox.track": "s3wireprotocache",
        "experimental.web.apiserver": "true",
        "experimental.web.api.http-v2": "true",
        "s3wireprotocache.bucket": bucket,
        "s3wireprotocache.endpoint-url": ministack.url,
        "s3wireprotocache.access-key-id": key,
        "s3wireprotocache.secret-access-key": secret,
        "s3wireprotocache.minimum-object-size": "1",
    }


def clone(server, target):
    hg(
        *("--config", "experimental.httppeer.advertise-v2=true"),
        *("clone", "-q", "-U", server.url, target),
    )
    hg("-R", target, "verify", "-q")
    return hg("-R", target, "log", "-T", "{node}\n")


def events(repo, event, wanted):
    """The blackbox lines of an event, when there are as many as wanted."""
    path = repo / ".hg" / "blackbox.log"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        text = path.read_text() if path.exists() else ""
        lines = [line for line in text.splitlines() if "> %s " % event in line]
        if len(lines) >= wanted or time.monotonic() > deadline:
            assert len(lines) == wanted, text
            return lines
        time.sleep(0.05)


def test_a_stock_client_follows_urls_that_are_verified(
    ministack, checked_bucket, repository, tmp_path
):
    config = server_config(ministack, checked_bucket)
    nodes = hg("-R", repository, "log", "-T", "{node}\n")
    with HgServer(HG, repository, config) as server:
        assert clone(server, tmp_path / "first") == nodes
        # Uploads go on beside the answers.
        events(repository, "stored", 3)
        assert clone(server, tmp_path / "second") == nodes
    hits = events(repository, "hit", 3)
    assert sorted(line.split("> hit ")[1].split()[0] for line in hits) == [
        "changesetdata",
        "filesdata",
        "manifestdata",
    ]
    assert all(" via=redirect" in line for line in hits)
    events(repository, "error", 0)
