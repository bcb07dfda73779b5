"""Conditional PUTs, deletions and listings that go wrong half-way."""

import base64
import hashlib
import re

import pytest
from stores import read_whole
from test_objectstore_faults import HTML, LEAKY, failing_store, no_waiting, reason_of

from hgs3.objectstore import s3
from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported
from testlib import faultserver
from testlib.faultserver import FaultServer, answer, raw, s3_error

__all__ = ["no_waiting"]  # a fixture

CONFLICT = answer(409, s3_error("ConditionalRequestConflict"))
EXISTS = answer(412, s3_error("PreconditionFailed"))
STORED = answer(200, headers={"ETag": '"etag"'})


def in_turn(*faults):
    """One fault a request, the last of them for ever."""

    def fault(stream, request, server):
        number = min(len(server.requests), len(faults))
        return faults[number - 1](stream, request, server)

    return fault


def put_if_absent(server, body=b"mine"):
    return failing_store(server).put_if_absent("key", body, {"holder": "me"})


def test_the_condition_and_a_digest_go_out_with_the_body():
    with FaultServer(STORED) as server:
        assert put_if_absent(server) is True
        (request,) = server.requests
    assert (request.method, request.body) == ("PUT", b"mine")
    assert request.headers["if-none-match"] == "*"
    assert request.headers["x-amz-meta-holder"] == "me"
    digest = base64.b64encode(hashlib.sha256(b"mine").digest()).decode()
    assert request.headers["x-amz-checksum-sha256"] == digest
    assert "x-amz-acl" not in request.headers


def test_what_exists_is_not_put_and_not_read():
    with FaultServer(EXISTS) as server:
        assert put_if_absent(server) is False
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_conflict_is_tried_again(code):
    conflict = answer(409, s3_error(code))
    with FaultServer(in_turn(conflict, conflict, STORED)) as server:
        assert put_if_absent(server) is True
        assert [each.body for each in server.requests] == [b"mine"] * 3
    with FaultServer(in_turn(conflict, EXISTS)) as server:
        assert put_if_absent(server) is False


def test_a_conflict_without_end_is_lost():
    with FaultServer(CONFLICT) as server:
        assert put_if_absent(server) is False
        assert len(server.requests) == s3.CONFLICT_ATTEMPTS


@pytest.mark.parametrize(
    "held, won", [(b"mine", True), (b"yours", False), (b"", False)]
)
@pytest.mark.parametrize(
    "loss",
    [faultserver.reset_after_request, answer(500), raw(b"HTTP/1.1 2")],
    ids=["reset", "error", "cut"],
)
def test_an_object_of_our_own_is_known_when_the_answer_was_lost(loss, held, won):
    """boto3 tries again, and finds what the first try may have stored."""
    with FaultServer(in_turn(loss, EXISTS, answer(200, held))) as server:
        assert put_if_absent(server) is won
        methods = [request.method for request in server.requests]
    assert methods == ["PUT", "PUT", "GET"]


def test_an_object_that_is_gone_again_is_not_ours():
    lost = in_turn(answer(500), EXISTS, answer(404, s3_error("NoSuchKey")))
    with FaultServer(lost) as server:
        assert put_if_absent(server) is False


def test_whose_object_it_is_cannot_always_be_told():
    with FaultServer(in_turn(answer(500), EXISTS, answer(403))) as server:
        reason_of(put_if_absent, server)


@pytest.mark.parametrize(
    "status, code, message",
    [
        (501, "NotImplemented", "A header you provided implies ..."),
        (501, "", ""),
        (501, "Unsupported", "Not here."),
        (400, "NotImplemented", "Not here."),
        (400, "InvalidArgument", "Unsupported header If-None-Match."),
        (400, "InvalidRequest", "Conditional requests are not supported"),
        (405, "MethodNotAllowed", "no conditional writes"),
    ],
)
def test_a_server_without_the_condition(status, code, message):
    body = s3_error(code, message) if code else b""
    with FaultServer(answer(status, body)) as server:
        reason = reason_of(put_if_absent, server, kind=StoreUnsupported)
        assert "conditional PUT" in reason


@pytest.mark.parametrize(
    "status, code, message",
    [
        (400, "InvalidArgument", "x-amz-meta-holder"),
        (403, "AccessDenied", "denied by an explicit condition: if-none-match"),
        (404, "NoSuchBucket", "gone"),
        (503, "SlowDown", "Reduce your rate of conditional requests."),
    ],
)
def test_any_other_refusal_is_an_outage(status, code, message):
    with FaultServer(answer(status, s3_error(code, message))) as server:
        reason_of(put_if_absent, server)


def deleted(*keys, errors=()):
    """S3's answer to a DeleteObjects; ``errors`` are (key, code)."""
    body = "<DeleteResult>"
    body += "".join("<Deleted><Key>%s</Key></Deleted>" % key for key in keys)
    body += "".join(
        "<Error><Key>%s</Key><Code>%s</Code><Message>no</Message></Error>" % error
        for error in errors
    )
    return answer(200, (body + "</DeleteResult>").encode())


def test_keys_go_out_in_batches_as_they_come():
    def confirm(stream, request, server):
        keys = re.findall(r"<Key>(\w+)</Key>", request.body.decode())
        sizes.append((len(keys), len(drawn)))
        return deleted(*keys)(stream, request, server)

    def keys():
        for number in range(s3.DELETE_BATCH_KEYS + 2):
            drawn.append(number)
            yield "k%d" % number

    sizes, drawn = [], []
    with FaultServer(confirm) as server:
        assert failing_store(server).delete(keys()) == 1002
        targets = [(each.method, each.target) for each in server.requests]
    assert sizes == [(1000, 1000), (2, 1002)]
    assert targets == [("POST", "/hg-cache?delete")] * 2


def test_an_object_that_cannot_be_deleted_is_named():
    fault = deleted("a", errors=[("b", "AccessDenied"), ("c", "InternalError")])
    with FaultServer(fault) as server:
        reason = reason_of(failing_store(server).delete, ["a", "b", "c"])
    assert "AccessDenied for b" in reason and "2 of 3" in reason
    assert "s3:DeleteObject" in reason


def test_an_object_that_was_not_there_is_deleted():
    with FaultServer(deleted("a", errors=[("b", "NoSuchKey")])) as server:
        assert failing_store(server).delete(["a", "b"]) == 2


@pytest.mark.parametrize(
    "fault",
    [deleted("a"), answer(200), answer(200, b"<html><body/></html>")],
    ids=["one", "empty", "html"],
)
def test_a_deletion_that_nobody_confirms(fault):
    with FaultServer(fault) as server:
        assert "of 2" in reason_of(failing_store(server).delete, ["a", "b"])


def test_a_deletion_that_is_refused_says_what_to_change():
    with FaultServer(answer(403, s3_error("AccessDenied"))) as server:
        reason = reason_of(failing_store(server).delete, ["a"])
    assert "s3:DeleteObject" in reason


@pytest.mark.parametrize(
    "refusal",
    [
        answer(501),
        answer(400, s3_error("NotImplemented")),
        answer(405, s3_error("MethodNotAllowed")),
        answer(400, s3_error("MissingContentMD5")),
        answer(400, s3_error("InvalidRequest", "Content-MD5 is required")),
    ],
    ids=["501", "code", "405", "md5", "md5 message"],
)
def test_a_server_without_batches_gets_single_deletions(refusal):
    def single(stream, request, server):
        reply = refusal if request.method == "POST" else answer(204)
        return reply(stream, request, server)

    with FaultServer(single) as server:
        store = failing_store(server)
        assert store.delete(["a", "b"]) == 2
        server.fault = answer(404, s3_error("NoSuchKey"))
        assert store.delete(["c"]) == 1
        server.fault = answer(403, s3_error("AccessDenied"))
        assert "s3:DeleteObject" in reason_of(store.delete, ["d", "e"])
        targets = ["%s %s" % (each.method, each.target) for each in server.requests]
    assert targets == ["POST /hg-cache?delete"] + [
        "DELETE /hg-cache/%s" % key for key in "abcd"
    ]


def test_a_fault_of_the_listing_behind_a_deletion_is_its_own():
    def keys():
        yield "a"
        raise StoreUnavailable("listing failed: half-way")

    with FaultServer(deleted("a")) as server:
        reason = reason_of(failing_store(server).delete, keys())
    assert reason == "listing failed: half-way"


def page(*keys, more=None):
    """A page of a listing; ``more`` is what says that there is another."""
    body = "<ListBucketResult><IsTruncated>%s</IsTruncated>" % (
        "false" if more is None else "true"
    )
    body += more or ""
    for key in keys:
        body += (
            "<Contents><Key>%s</Key><Size>4</Size>"
            "<LastModified>2014-03-05T10:00:00.000Z</LastModified></Contents>" % key
        )
    return answer(200, (body + "</ListBucketResult>").encode())


def token(text):
    return "<NextContinuationToken>%s</NextContinuationToken>" % text


def test_pages_are_fetched_as_they_are_needed():
    with FaultServer(in_turn(page("a", more=token("t")), page("b"))) as server:
        listing = failing_store(server).list("")
        first = next(listing)
        assert (first.key, first.size_bytes, first.modified) == ("a", 4, 1394013600.0)
        assert len(server.requests) == 1
        assert [each.key for each in listing] == ["b"]
        assert "continuation-token=t" in server.requests[1].target


#: What an answer to the second request may be.
MIDDLES = {
    "403": answer(403, s3_error("AccessDenied")),
    "500": answer(500, LEAKY),
    "503": answer(503, s3_error("SlowDown")),
    "501": answer(501, s3_error("NotImplemented")),
    "404": answer(404, s3_error("NoSuchBucket")),
    "reset": faultserver.reset_after_request,
    "cut": answer(200, b"<ListBucketResult><Contents>", announced=1000),
    "half": answer(200, b"<ListBucketResult><Contents><Key>b</Key>"),
    "garbage": answer(200, b"\x00\xff what is this?"),
    "html": answer(200, HTML),
    "tidy html": answer(200, b"<html><body>Please log in.</body></html>"),
    "empty": answer(200),
    "no way on": page("b", more=""),
    "in circles": page("b", more=token("t")),
    "no size": answer(
        200,
        b"<R><IsTruncated>false</IsTruncated><Contents><Key>b</Key></Contents></R>",
    ),
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_a_listing_that_breaks_in_the_middle_says_so(middle):
    with FaultServer(in_turn(page("a", more=token("t")), MIDDLES[middle])) as server:
        found = []
        reason_of(found.extend, failing_store(server).list(""))
    assert found[0].key == "a" and {each.key for each in found} <= {"a", "b"}


@pytest.mark.parametrize("kind", ["empty", "tidy html", "no way on"])
def test_what_is_no_listing_is_not_an_empty_one(kind):
    with FaultServer(MIDDLES[kind]) as server:
        reason = reason_of(list, failing_store(server).list(""))
    assert reason.startswith("listing failed: the answer ")


def test_after_a_fault_all_is_as_before():
    with FaultServer(answer(503)) as server:
        store = failing_store(server)
        reason_of(store.put_if_absent, "key", b"mine", {})
        server.fault = STORED
        assert store.put_if_absent("key", b"mine", {}) is True
        server.fault = page("a")
        assert [each.key for each in store.list("")] == ["a"]
        server.fault = answer(200, b"body")
        assert read_whole(store, "key") == b"body"
