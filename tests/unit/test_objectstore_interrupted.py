"""Uploads that are interrupted on their way to moto leave nothing behind."""

import types

import botocore.endpoint
import pytest
from store_contract import LARGE
from stores import MEDIA_TYPE, WatchedBody, fetch, put, read_whole, s3_store

from hgs3.objectstore.base import StoreUnavailable
from testlib.faultproxy import CUT, LOSE_ANSWER, PASS, REFUSE, FaultProxy

BODY = b"0123456789abcdef" * 40_000


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(
        botocore.endpoint, "time", types.SimpleNamespace(sleep=lambda seconds: None)
    )


@pytest.fixture
def proxy(moto):
    with FaultProxy(moto.port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy, bucket):
    return s3_store(proxy.url, bucket)


def unfinished_uploads(moto, bucket):
    """How many multipart uploads still take up room (and cost money)."""
    status, _headers, body = fetch("%s/%s?uploads" % (moto.url, bucket))
    assert status == 200
    return body.count(b"<Upload>")


def is_part(number):
    wanted = "partNumber=%d&" % number

    def matches(head):
        return head.first[0] == "PUT" and wanted in head.first[1] + "&"

    return matches


def is_plain_put(head):
    return head.first[0] == "PUT" and "?" not in head.first[1]


def is_start(head):
    return head.first[0] == "POST" and head.first[1].endswith("?uploads")


def is_completion(head):
    return head.first[0] == "POST" and "uploadId=" in head.first[1]


CASES = {
    "put is cut": (BODY, is_plain_put, CUT),
    "put is refused": (BODY, is_plain_put, REFUSE),
    "start is not answered": (LARGE, is_start, LOSE_ANSWER),
    "start is refused": (LARGE, is_start, REFUSE),
    "part 1 is cut": (LARGE, is_part(1), CUT),
    "part 3 is cut": (LARGE, is_part(3), CUT),
    "part 3 is refused": (LARGE, is_part(3), REFUSE),
    "part 4 is not answered": (LARGE, is_part(4), LOSE_ANSWER),
    "completion is refused": (LARGE, is_completion, REFUSE),
}


@pytest.mark.parametrize("before", [None, b"what was there"], ids=["new", "replace"])
@pytest.mark.parametrize("case", CASES)
def test_an_interrupted_upload_changes_nothing(
    case, before, store, proxy, moto, bucket
):
    body, matches, action = CASES[case]
    if before is not None:
        put(store, "key", before)
    proxy.rule = lambda head: action if matches(head) else PASS
    with pytest.raises(StoreUnavailable):
        put(store, "key", body)
    assert action in [what for what, _method, _target in proxy.done]
    proxy.rule = lambda head: PASS
    assert read_whole(store, "key") == before
    if matches is not is_start:
        # Whose id never came here can only be ended by a lifecycle rule.
        assert unfinished_uploads(moto, bucket) == 0


def test_a_single_break_is_made_up_for(store, proxy):
    """Each attempt sends the whole body, from its start."""
    broken = []

    def once(head):
        if is_part(2)(head) and not broken:
            broken.append(head)
            return CUT
        return PASS

    proxy.rule = once
    put(store, "key", LARGE)
    assert broken
    assert read_whole(store, "key") == LARGE


def test_a_body_that_cannot_be_read_to_its_end_is_not_stored(store, moto, bucket):
    """A full or failing disk under the spool, in the middle of an upload."""
    reads = []

    def fail():
        reads.append(1)
        if len(reads) > 2:
            raise OSError(5, "Input/output error")

    with pytest.raises(StoreUnavailable, match="Input/output error"):
        put(store, "key", LARGE, file=WatchedBody(LARGE, fail))
    assert store.head("key") is None
    assert unfinished_uploads(moto, bucket) == 0


def test_a_store_that_dies_in_an_upload_takes_the_abort_with_it(
    store, proxy, moto, bucket
):
    proxy.rule = lambda head: PASS if is_start(head) or is_part(1)(head) else REFUSE
    with pytest.raises(StoreUnavailable) as caught:
        put(store, "key", LARGE)
    assert caught.value.reason
    aborts = [what for what, method, _target in proxy.done if method == "DELETE"]
    assert aborts and set(aborts) == {REFUSE}
    proxy.rule = lambda head: PASS
    assert store.head("key") is None
    # Nobody is left to end it: that is what a lifecycle rule is for.
    assert unfinished_uploads(moto, bucket) == 1


def test_a_read_that_is_cut_is_noticed(store, proxy):
    # More than the buffers of all sockets between.
    put(store, "key", LARGE)
    chunks = store.read("key")
    assert LARGE.startswith(next(chunks))
    proxy.stop()
    received = []
    with pytest.raises(StoreUnavailable):
        received.extend(chunks)
    # What was on its way already may still arrive.
    assert len(b"".join(received)) < len(LARGE)


def test_what_the_store_serves_is_what_was_announced(store):
    put(store, "key", BODY)
    status, headers, body = fetch(store.presign_get("key", 60))
    assert (status, headers["Content-Type"], body) == (200, MEDIA_TYPE, BODY)
