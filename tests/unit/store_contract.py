"""The promises of hgs3/objectstore/base.py, as tests.

A test class inherits :class:`StoreContract` and has a fixture ``store``.
"""

import base64
import os
import threading

import pytest
from stores import (
    MEDIA_TYPE,
    METADATA,
    PATIENCE_SECONDS,
    WatchedBody,
    fetch,
    put,
    read_whole,
)

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

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    def test_a_key_may_hold_anything(self, store, key):
        body = key.encode()
        put(store, key, body)
        assert store.head(key).size_bytes == len(body)
        assert read_whole(store, key) == body
        status, _headers, fetched = fetch(store.presign_get(key, 600))
        assert (status, fetched) == (200, body)

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
        results = {}

        def work(number):
            try:
                results[number] = self._use(store, number, start)
            except BaseException as err:
                results[number] = err

        threads = [
            threading.Thread(target=work, args=(number,), daemon=True)
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert results == {number: "fine" for number in range(8)}

    @staticmethod
    def _use(store, number, start):
        body = base64.b64encode(bytes([number])) * 50_000
        start.wait()
        for turn in range(3):
            key = "threads/%d/%d" % (number, turn)
            put(store, key, body)
            assert store.head(key).size_bytes == len(body)
            assert read_whole(store, key) == body
            assert read_whole(store, "threads/shared") == BODY
            assert fetch(store.presign_get(key, 600))[2] == body
            assert store.head("threads/none") is None
            store.probe()
        return "fine"
