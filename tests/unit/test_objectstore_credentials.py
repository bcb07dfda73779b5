"""Credentials that change under a running server, and objects it cannot read."""

import types

import pytest
from stores import put, s3_store
from test_objectstore_settings import FILE, NO_KEYS, credentials_file, key_of

from hgs3.objectstore import s3
from hgs3.objectstore.base import StoreUnavailable
from testlib.faultserver import FaultServer, answer, s3_error

__all__ = ["credentials_file"]  # a fixture

REFUSED = answer(403)


def key_in(request):
    return request.headers["authorization"].partition("Credential=")[2].split("/")[0]


def test_a_file_that_some_tool_rewrites(credentials_file, monkeypatch):
    monkeypatch.setattr(s3, "CREDENTIALS_SEARCH_SECONDS", 0.0)
    credentials_file.write_text(FILE % "default")
    with FaultServer(REFUSED) as server:
        store = s3_store(server.url, **NO_KEYS)
        with pytest.raises(StoreUnavailable):
            store.head("key")
        server.fault = answer(200)
        credentials_file.write_text((FILE % "default").replace("key-of", "new-key-of"))
        assert store.head("key") is not None
        assert [key_in(r) for r in server.requests][-1] == "new-key-of-a-file"
    assert key_of(store) == "new-key-of-a-file"


def test_the_search_is_not_made_with_every_refusal(credentials_file, monkeypatch):
    searches = []
    monkeypatch.setattr(
        s3, "credentials_exist", lambda settings: searches.append(1) or False
    )
    credentials_file.write_text(FILE % "default")
    with FaultServer(REFUSED) as server:
        store = s3_store(server.url, **NO_KEYS)
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                store.head("key")
    assert searches == [1]


REFUSALS = {
    "403": REFUSED,
    "400": answer(400),  # all that a HEAD can say of a token that has expired
    "ExpiredToken": answer(400, s3_error("ExpiredToken")),
    "InvalidToken": answer(400, s3_error("InvalidToken")),
    "InvalidAccessKeyId": answer(403, s3_error("InvalidAccessKeyId")),
    "SignatureDoesNotMatch": answer(403, s3_error("SignatureDoesNotMatch")),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_after_a_refusal_a_search_is_made_in_time(
    refusal, credentials_file, monkeypatch
):
    now = [1000.0]
    monkeypatch.setattr(s3, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    credentials_file.write_text(FILE % "default")
    with FaultServer(REFUSALS[refusal]) as server:
        store = s3_store(server.url, **NO_KEYS)
        for _ in range(2):
            # The search that the first one leads to finds nothing new.
            with pytest.raises(StoreUnavailable):
                list(store.read("key"))
        credentials_file.write_text(FILE.replace("key-of", "new-key-of") % "default")
        now[0] += s3.CREDENTIALS_SEARCH_SECONDS - 1
        with pytest.raises(StoreUnavailable):
            list(store.read("key"))
        now[0] += 1
        server.fault = answer(200, headers={"ETag": '"etag"'})
        put(store, "key", b"body")
        used = [key_in(request) for request in server.requests]
    assert used == ["key-of-a-file"] * (len(used) - 1) + ["new-key-of-a-file"]


def test_where_all_is_well_nothing_is_searched(credentials_file, monkeypatch):
    monkeypatch.setattr(s3, "CREDENTIALS_SEARCH_SECONDS", 0.0)
    monkeypatch.setattr(s3, "credentials_exist", lambda settings: 1 / 0)
    credentials_file.write_text(FILE % "default")
    with FaultServer(answer(200)) as server:
        store = s3_store(server.url, **NO_KEYS)
        for _ in range(2):
            assert store.head("key") is not None
        # Neither an outage nor an object that is missing asks for others.
        server.fault = answer(404)
        for _ in range(2):
            assert store.head("key") is None
        for status in (301, 410):
            server.fault = answer(status, s3_error("Gone"))
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match=str(status)):
                    store.head("key")


def test_keys_of_the_settings_are_what_they_are(monkeypatch):
    monkeypatch.setattr(s3, "CREDENTIALS_SEARCH_SECONDS", 0.0)
    monkeypatch.setattr(s3, "credentials_exist", lambda settings: 1 / 0)
    with FaultServer(REFUSED) as server:
        store = s3_store(server.url)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                store.head("key")


@pytest.mark.parametrize(
    "headers, there",
    [
        ({}, True),
        ({"x-amz-storage-class": "STANDARD_IA"}, True),
        ({"x-amz-storage-class": "GLACIER_IR"}, True),
        ({"x-amz-storage-class": "GLACIER"}, False),
        ({"x-amz-storage-class": "DEEP_ARCHIVE"}, False),
        ({"x-amz-archive-status": "ARCHIVE_ACCESS"}, False),
        (
            {
                "x-amz-storage-class": "GLACIER",
                "x-amz-restore": 'ongoing-request="true"',
            },
            False,
        ),
        (
            {
                "x-amz-storage-class": "GLACIER",
                "x-amz-restore": 'ongoing-request="false", '
                'expiry-date="Fri, 21 Dec 2040 00:00:00 GMT"',
            },
            True,
        ),
    ],
)
def test_an_object_in_an_archive_is_not_there(headers, there):
    with FaultServer(answer(200, b"body", headers)) as server:
        assert (s3_store(server.url).head("key") is not None) == there


def test_a_bad_request_names_a_region_only_if_s3_does():
    with FaultServer(answer(400)) as server:
        with pytest.raises(StoreUnavailable) as caught:
            s3_store(server.url).head("key")
    assert "us-west-2" not in caught.value.reason
    assert "session token" in caught.value.reason
    with FaultServer(answer(400, headers={"x-amz-bucket-region": "eu-1"})) as server:
        with pytest.raises(StoreUnavailable) as caught:
            s3_store(server.url).head("key")
    assert "is in eu-1, not in us-west-2" in caught.value.reason
