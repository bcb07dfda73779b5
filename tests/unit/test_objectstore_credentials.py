"""Credentials that change under a running server, and objects it cannot read."""

import pytest
from stores import s3_store
from test_objectstore_settings import FILE, NO_KEYS, credentials_file, key_of

from hgs3.objectstore import s3
from hgs3.objectstore.base import StoreUnavailable
from testlib.faultserver import FaultServer, answer

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
