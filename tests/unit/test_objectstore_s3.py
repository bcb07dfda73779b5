"""S3Store keeps the promises of a store on moto's server, and NullStore its
own; what exactly goes over the wire is in test_objectstore_wire.py.
"""

import io
import types

import pytest
from store_contract import LARGE, UrlStoreContract
from stores import put, s3_store

from hgs3.objectstore import s3 as s3module
from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported
from hgs3.objectstore.breaker import BreakerStore
from hgs3.objectstore.null import NullStore
from hgs3.objectstore.s3 import MULTIPART_BYTES


class TestS3StoreOnMoto(UrlStoreContract):
    @pytest.fixture
    def store(self, moto, bucket):
        return s3_store(moto.url, bucket, addressing_style="path")


class TestABreakerAroundIt(UrlStoreContract):
    @pytest.fixture
    def store(self, moto, bucket):
        store = s3_store(moto.url, bucket, addressing_style="path")
        return BreakerStore(store, failures=1, rest_seconds=1e9)


class TestOneClientForServerAndOneForClients(UrlStoreContract):
    """The same store under two names, as behind a proxy."""

    @pytest.fixture
    def store(self, moto, bucket):
        return s3_store(
            moto.url,
            bucket,
            addressing_style="path",
            public_endpoint_url="http://localhost:%d" % moto.port,
        )

    def test_urls_name_the_public_side(self, store, moto):
        assert store.public_base_url() == "http://localhost:%d/" % moto.port


def requests_for(moto, key):
    """``METHOD ?query`` of each request about ``key``, oldest first."""
    found = []
    for line in moto.log().splitlines():
        request = line.partition('"')[2].partition(" HTTP/1.")[0]
        method, _space, target = request.partition(" ")
        path, _mark, query = target.partition("?")
        if path.endswith("/" + key):
            found.append((method.rpartition("m")[2], query))
    return found


def test_a_large_body_goes_up_in_parts(moto, moto_store):
    put(moto_store, "in/parts", LARGE)
    requests = requests_for(moto, "in/parts")
    parts = [query for method, query in requests if "partNumber=" in query]
    assert requests[0] == ("POST", "uploads")
    assert len(parts) == 4
    assert requests[-1][0] == "POST" and "uploadId=" in requests[-1][1]


def test_a_body_of_the_limit_goes_up_in_one_piece(moto, moto_store):
    put(moto_store, "in/one", LARGE[:MULTIPART_BYTES])
    assert requests_for(moto, "in/one") == [("PUT", "")]


def test_one_byte_more_goes_up_in_parts(moto, moto_store):
    put(moto_store, "more", LARGE[: MULTIPART_BYTES + 1])
    assert ("POST", "uploads") in requests_for(moto, "more")


def test_no_more_than_a_part_is_in_memory(moto_store):
    """The body is asked for in pieces of a part, never whole."""
    asked = []

    class Body(io.BytesIO):
        def read(self, size=-1):
            asked.append(len(self.getvalue()) if size is None or size < 0 else size)
            return super().read(size)

    put(moto_store, "pieces", LARGE, file=Body(LARGE))
    assert asked and max(asked) <= MULTIPART_BYTES // 2


def test_a_probe_names_a_bucket_that_is_not_there(moto):
    with pytest.raises(StoreUnavailable, match="no bucket no-such.*bucket") as caught:
        s3_store(moto.url, "no-such").probe()
    assert "bucket" in caught.value.reason


def test_a_missing_bucket_is_no_place_to_put_or_read(moto):
    store = s3_store(moto.url, "no-such-either")
    for use in (lambda: store.read("key"), lambda: put(store, "key", b"body")):
        with pytest.raises(StoreUnavailable, match="NoSuchBucket") as caught:
            use()
        assert "bucket" in caught.value.reason


class TestNullStore:
    @pytest.fixture
    def store(self):
        return NullStore()

    def test_it_holds_nothing(self, store):
        put(store, "key", b"body")
        assert store.head("key") is None
        assert store.read("key") is None
        assert store.keeps_objects is False

    def test_it_reads_no_body_that_it_does_not_keep(self, store):
        closed = io.BytesIO()
        closed.close()
        put(store, "key", b"", file=closed)

    def test_nobody_is_the_first_to_put_what_it_does_not_keep(self, store):
        with pytest.raises(StoreUnsupported, match="no bucket is configured"):
            store.put_if_absent("lease", b"body", {})

    def test_it_has_nothing_to_delete_or_to_list(self, store):
        assert store.delete(iter(["a", "b"])) == 2
        assert list(store.list("")) == []

    def test_it_presigns_nothing(self, store):
        assert store.public_base_url() is None
        with pytest.raises(StoreUnavailable, match="no bucket is configured"):
            store.presign_get("key", 60)

    def test_it_is_never_down(self, store):
        assert store.probe() is None


def test_a_url_is_shared_for_a_small_part_of_its_lifetime(moto_store, monkeypatch):
    now = [1000.0]
    signed = []

    def presign(key, lifetime_seconds):
        signed.append((key, lifetime_seconds))
        return "http://host/%s?%d" % (key, len(signed))

    monkeypatch.setattr(
        s3module, "time", types.SimpleNamespace(monotonic=lambda: now[0])
    )
    monkeypatch.setattr(moto_store, "_presign", presign)
    first = moto_store.presign_get("a", 160)
    now[0] += 9.9
    assert moto_store.presign_get("a", 160) == first
    assert moto_store.presign_get("b", 160) != first
    assert moto_store.presign_get("a", 600) != first
    now[0] += 0.2
    assert moto_store.presign_get("a", 160) != first
    assert signed == [("a", 160), ("b", 160), ("a", 600), ("a", 160)]
    for number in range(2 * s3module.SHARED_URLS):
        moto_store.presign_get("many/%d" % number, 160)
        assert len(moto_store._shared_urls) <= s3module.SHARED_URLS
