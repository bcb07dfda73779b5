"""The promises of hgs3/objectstore/base.py, as tests.

A test class inherits :class:`StoreContract` and has a fixture ``store``.
"""

import base64
import hashlib
import os
import threading
import time

import pytest
from stores import (
    MEDIA_TYPE,
    METADATA,
    PATIENCE_SECONDS,
    WatchedBody,
    fetch,
    in_threads,
    put,
    read_whole,
)

from hgs3.objectstore import s3
from hgs3.objectstore.base import CHUNK_BYTES
from hgs3.objectstore.s3 import MULTIPART_BYTES

BODY = bytes(range(256)) * 1000
#: More than one part beyond the threshold, and no whole number of them.
LARGE = os.urandom(1024) * (MULTIPART_BYTES // 1024) + b"and a tail"

#: Keys come from a prefix that the operator chose, which may be anything.
AWKWARD_KEYS = [
    "with space/a b",
    "plus+plus/a+b",
    "percent/100%25 %zz",
    "unicode/\N{SNOWMAN}/\xe9",
    "marks/~!*'();:@&=$,[]#?x=1",
    "double//slash",
    "dots/./x/../y",
]


class StoreContract:
    def fetch_by_url(self, store, key, body):
        """Clients get ``body``, too, where the store makes URLs for them."""

    def test_an_object_that_is_not_there_is_none(self, store):
        assert store.head("none/such") is None
        assert store.read("none/such") is None

    @pytest.mark.parametrize("body", [BODY, b"", b"x"], ids=["some", "empty", "one"])
    def test_what_was_put_is_there(self, store, body):
        put(store, "a/key", body)
        info = store.head("a/key")
        assert (info.key, info.size_bytes) == ("a/key", len(body))
        assert read_whole(store, "a/key") == body

    def test_metadata_comes_back_under_lower_case_names(self, store):
        metadata = {
            "command": "manifestdata",
            "repo-id": "ab" * 16,
            "format-version": "1",
            "sha256": "c" * 64,
        }
        put(store, "with/metadata", BODY, metadata)
        assert dict(store.head("with/metadata").metadata) == metadata

    def test_no_metadata_at_all(self, store):
        put(store, "without/metadata", BODY, {})
        assert dict(store.head("without/metadata").metadata) == {}

    def test_a_second_put_replaces_body_and_metadata(self, store):
        put(store, "again", BODY, {"sha256": "1", "command": "old"})
        put(store, "again", b"new", {"sha256": "2"})
        assert read_whole(store, "again") == b"new"
        assert dict(store.head("again").metadata) == {"sha256": "2"}
        assert store.head("again").size_bytes == 3

    def test_a_body_is_read_from_its_start(self, store):
        read_at = []
        file = WatchedBody(BODY, lambda: read_at.append(file.tell()))
        file.seek(100)
        put(store, "from/start", BODY, file=file)
        # Not only at a second attempt.
        assert read_at[0] == 0
        assert read_whole(store, "from/start") == BODY

    def test_a_large_body_is_stored_whole(self, store):
        put(store, "large", LARGE)
        info = store.head("large")
        assert info.size_bytes == len(LARGE)
        assert dict(info.metadata) == METADATA
        assert read_whole(store, "large") == LARGE

    @pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
    def test_an_object_appears_only_when_it_is_whole(self, store, body):
        seen = []
        key = "appears/at/once/%d" % len(body)
        put(
            store,
            key,
            body,
            file=WatchedBody(body, lambda: seen.append(store.head(key))),
        )
        assert seen and not any(seen)
        assert store.head(key).size_bytes == len(body)

    def test_a_body_is_read_in_chunks(self, store):
        put(store, "chunks", BODY)
        sizes = [len(chunk) for chunk in store.read("chunks")]
        assert len(sizes) > 1 and 0 < min(sizes) and max(sizes) <= CHUNK_BYTES

    def test_reading_may_end_early(self, store):
        put(store, "early", LARGE)
        for _ in range(100):
            # More of them than a pool has connections.
            chunks = store.read("early")
            assert LARGE.startswith(next(chunks))
            chunks.close()
        assert store.head("early") is not None

    def test_an_object_says_how_old_it_is(self, store):
        put(store, "young", BODY)
        info = store.head("young")
        assert 0 <= info.age_seconds < PATIENCE_SECONDS
        assert info.expires_in_seconds is None

    @pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
    def test_a_digest_of_the_store_is_that_of_the_body(self, store, body):
        put(store, "digest", body)
        digest = store.head("digest").sha256_hex
        # moto computes none, and nobody does of a body that came in parts.
        assert digest in (None, hashlib.sha256(body).hexdigest())

    def test_what_is_there_is_not_put_again(self, store):
        assert store.put_if_absent("lease", b"first", {"holder": "1"}) is True
        assert store.put_if_absent("lease", b"second", {"holder": "2"}) is False
        assert read_whole(store, "lease") == b"first"
        assert dict(store.head("lease").metadata) == {"holder": "1"}
        put(store, "there", BODY)
        assert store.put_if_absent("there", b"new", {}) is False
        assert read_whole(store, "there") == BODY

    def test_what_was_deleted_is_absent(self, store):
        assert store.put_if_absent("lease", b"first", {}) is True
        assert store.delete(["lease"]) == 1
        assert store.put_if_absent("lease", b"second", {}) is True
        assert read_whole(store, "lease") == b"second"

    def test_of_sixteen_threads_one_is_first(self, store):
        def work(number):
            key, body = "first", b"holder %d" % number
            start.wait()
            return body if store.put_if_absent(key, body, {}) else None

        start = threading.Barrier(16, timeout=PATIENCE_SECONDS)
        winners = [body for body in in_threads(16, work) if body is not None]
        assert winners == [read_whole(store, "first")]

    def test_what_is_deleted_is_gone(self, store):
        keys = ["gone/%d" % number for number in range(3)] + AWKWARD_KEYS
        for key in keys + ["kept"]:
            put(store, key, b"body")
        assert store.delete(iter(keys)) == len(keys)
        assert [key for key in keys if store.head(key) is not None] == []
        assert [each.key for each in store.list("")] == ["kept"]

    def test_to_delete_what_is_not_there_does_no_harm(self, store):
        put(store, "kept", b"body")
        assert store.delete(["none/such", "none/such", "nor/this"]) == 3
        assert store.delete([]) == 0
        assert read_whole(store, "kept") == b"body"

    def test_more_keys_than_fit_in_a_batch_are_deleted(self, store, monkeypatch):
        monkeypatch.setattr(s3, "DELETE_BATCH_KEYS", 2)
        for number in range(5):
            put(store, "batch/%d" % number, b"body")
        assert store.delete(each.key for each in store.list("batch/")) == 5
        assert list(store.list("batch/")) == []

    def test_a_listing_is_of_one_prefix_in_the_order_of_keys(self, store):
        bodies = {"b/2": b"22", "b/10": b"", "b/1/x": b"333", "a": b"4", "c": b"5"}
        for key, body in bodies.items():
            put(store, key, body)
        found = list(store.list("b/"))
        assert [each.key for each in found] == ["b/1/x", "b/10", "b/2"]
        assert [each.size_bytes for each in found] == [3, 0, 2]
        assert [each.key for each in store.list("")] == sorted(bodies)
        assert list(store.list("none/such/")) == []

    def test_a_listing_says_when_an_object_was_written(self, store):
        put(store, "young", b"body")
        (young,) = store.list("young")
        # The server runs on this machine, and may count whole seconds.
        assert abs(time.time() - young.modified) < PATIENCE_SECONDS

    def test_a_listing_gives_keys_as_they_are(self, store):
        for key in AWKWARD_KEYS:
            put(store, key, b"body")
            assert [each.key for each in store.list(key)] == [key]

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    def test_a_key_may_hold_anything(self, store, key):
        body = key.encode()
        put(store, key, body)
        assert store.head(key).size_bytes == len(body)
        assert read_whole(store, key) == body
        self.fetch_by_url(store, key, body)

    def test_awkward_keys_are_not_mixed_up(self, store):
        keys = ["mixed/a b", "mixed/a+b", "mixed/a%20b", "mixed/a%2Bb", "mixed/a/b"]
        for key in keys:
            put(store, key, key.encode())
        assert [read_whole(store, key).decode() for key in keys] == keys

    def test_a_probe_of_a_working_store_says_nothing(self, store):
        assert store.probe() is None

    def test_it_says_that_it_keeps_objects(self, store):
        assert store.keeps_objects is True

    def test_eight_threads_at_once(self, store):
        put(store, "threads/shared", BODY)
        start = threading.Barrier(8, timeout=PATIENCE_SECONDS)

        def work(number):
            return self._use(store, number, start)

        assert in_threads(8, work) == ["fine"] * 8

    def _use(self, store, number, start):
        body = base64.b64encode(bytes([number])) * 50_000
        start.wait()
        for turn in range(3):
            key = "threads/%d/%d" % (number, turn)
            put(store, key, body)
            assert store.head(key).size_bytes == len(body)
            assert read_whole(store, key) == body
            assert read_whole(store, "threads/shared") == BODY
            self.fetch_by_url(store, key, body)
            assert store.head("threads/none") is None
            store.probe()
        return "fine"


class UrlStoreContract(StoreContract):
    """Of stores that clients get to by presigned URLs."""

    def fetch_by_url(self, store, key, body):
        status, _headers, fetched = fetch(store.presign_get(key, 600))
        assert (status, fetched) == (200, body)

    def test_anybody_can_get_a_presigned_url(self, store):
        put(store, "presigned", BODY)
        status, headers, body = fetch(store.presign_get("presigned", 600))
        assert (status, body) == (200, BODY)
        assert headers["Content-Type"] == MEDIA_TYPE
        # Clients take the body as it is on the wire.
        assert headers["Content-Encoding"] is None

    def test_the_presigned_url_of_nothing_is_a_404(self, store):
        assert fetch(store.presign_get("none/such", 600))[0] == 404

    def test_a_presigned_url_is_for_one_key(self, store):
        put(store, "mine", b"mine")
        put(store, "yours", b"yours")
        assert fetch(store.presign_get("mine", 600))[2] == b"mine"
        assert fetch(store.presign_get("yours", 600))[2] == b"yours"

    def test_without_a_signature_nothing_is_given(self, store):
        put(store, "private", BODY)
        url = store.presign_get("private", 600)
        status, _headers, body = fetch(url.partition("?")[0])
        assert status == 403
        assert BODY not in body

    def test_the_public_base_url_begins_presigned_urls(self, store):
        base = store.public_base_url()
        assert base.endswith("/") and base.count("/") == 3
        for key in ["a", "a/b"] + AWKWARD_KEYS:
            assert store.presign_get(key, 60).startswith(base)
