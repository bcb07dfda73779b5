"""A store that fails on purpose: each method, each fault, one way out."""

import re
import types

import botocore.endpoint
import pytest
from store_contract import LARGE
from stores import SECRET, put, read_whole, s3_store

from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported
from testlib import faultserver
from testlib.faultserver import ClosedPort, FaultServer, answer, raw, s3_error

METHODS = {
    "head": lambda store: store.head("key"),
    "read": lambda store: read_whole(store, "key"),
    "put": lambda store: put(store, "key", b"body"),
    "put-large": lambda store: put(store, "key", LARGE),
    "put-if-absent": lambda store: store.put_if_absent("key", b"body", {}),
    "delete": lambda store: store.delete(["key"]),
    "list": lambda store: list(store.list("key")),
    "probe": lambda store: store.probe(),
}

#: What an S3 server may say, with things in it that are no one's business.
LEAKY = s3_error(
    "InternalError",
    "GET https://host/key?X-Amz-Credential=k&amp;X-Amz-Signature=0123\nis broken",
)
HTML = b"<html><body><h1>Bad gateway</body>\n"

#: Each is a fault for every method.
FAULTS = {
    "reset": faultserver.reset_after_request,
    "closed": faultserver.close_after_request,
    "hanging": faultserver.hang,
    "garbage": raw(b"\x00\x01 what is this?\r\n\r\n"),
    "other protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "half a status": raw(b"HTTP/1.1 2"),
    "endless header": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
    "forbidden": answer(403, s3_error("AccessDenied")),
    "forbidden without a word": answer(403),
    "bad signature": answer(403, s3_error("SignatureDoesNotMatch")),
    "unknown key": answer(403, s3_error("InvalidAccessKeyId")),
    "skewed": answer(403, s3_error("RequestTimeTooSkewed")),
    "expired token": answer(400, s3_error("ExpiredToken")),
    "error": answer(500, s3_error("InternalError")),
    "leaky error": answer(500, LEAKY),
    "slow down": answer(503, s3_error("SlowDown", "Please reduce your rate.")),
    "html": answer(502, HTML),
    "no xml": answer(500, b"<Error><Code>Half"),
    "empty error": answer(500),
    "not there at all": answer(410, s3_error("Gone")),
    "not implemented": answer(501, s3_error("NotImplemented")),
    "login page": answer(302, HTML, {"Location": "/login?token=1"}),
    "redirect to nowhere": answer(301),
    "redirect to a region": answer(
        301, s3_error("PermanentRedirect"), {"x-amz-bucket-region": "eu-west-1"}
    ),
    "temporary redirect": answer(307, s3_error("TemporaryRedirect"), {"Location": "/"}),
    "wrong region": answer(400, s3_error("AuthorizationHeaderMalformed")),
    "bad request": answer(400),
}
SERVERS = {
    name: lambda fault=fault: FaultServer(fault) for name, fault in FAULTS.items()
}
SERVERS["refused"] = ClosedPort
SERVERS["reset at accept"] = lambda: FaultServer(faultserver.hang, reset_at_accept=True)

PRESIGNED_PART = re.compile(r"\?|X-Amz-|Signature=|%s" % re.escape(SECRET))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """boto3 waits a random time of up to a second before it tries again."""
    slept = []
    monkeypatch.setattr(
        botocore.endpoint, "time", types.SimpleNamespace(sleep=slept.append)
    )
    return slept


def failing_store(server, **settings):
    settings.setdefault("read_timeout_seconds", 0.2)
    return s3_store(server.url, **settings)


def reason_of(use, *args, kind=StoreUnavailable):
    """The reason of the StoreUnavailable that ``use(*args)`` raises."""
    with pytest.raises(kind) as caught:
        use(*args)
    reason = caught.value.reason
    assert str(caught.value) == reason
    assert reason == reason.strip() and len(reason.splitlines()) == 1
    assert reason.isprintable()
    assert not PRESIGNED_PART.search(reason)
    return reason


@pytest.fixture(scope="module", params=SERVERS)
def failing(request):
    """A server with each fault, and a store that uses it."""
    with SERVERS[request.param]() as server:
        yield types.SimpleNamespace(
            name=request.param, server=server, store=failing_store(server)
        )


@pytest.mark.parametrize("method", METHODS)
def test_every_fault_is_an_outage(method, failing):
    del failing.server.requests[:]
    unknown = (method, failing.name) == ("put-if-absent", "not implemented")
    kind = StoreUnsupported if unknown else StoreUnavailable
    reason_of(METHODS[method], failing.store, kind=kind)
    # One more attempt for a connection that had gone stale, and no more: a
    # client is waiting. A large put aborts its upload.
    assert len(failing.server.requests) <= 2 + 2 * (method == "put-large")


def test_presigning_needs_no_store(failing):
    del failing.server.requests[:]
    url = failing.store.presign_get("key", 60)
    assert url.startswith(failing.server.url)
    assert failing.server.requests == []


@pytest.mark.parametrize(
    "body", [b"", s3_error("NoSuchKey"), HTML], ids=["bare", "xml", "html"]
)
def test_a_404_means_missing_only_where_something_is_looked_for(body):
    with FaultServer(answer(404, body)) as server:
        store = failing_store(server)
        assert store.head("key") is None
        assert store.read("key") is None
        reason_of(put, store, "key", b"body")
        for method in ("put-if-absent", "list"):
            reason_of(METHODS[method], store)
        assert "bucket" in reason_of(store.probe)


@pytest.mark.parametrize(
    "method", ["read", "put", "put-large", "put-if-absent", "delete", "list"]
)
def test_a_missing_bucket_is_no_missing_object(method):
    with FaultServer(answer(404, s3_error("NoSuchBucket"))) as server:
        reason = reason_of(METHODS[method], failing_store(server))
        assert "bucket" in reason


@pytest.mark.parametrize("sent", [0, 1, 100_000])
def test_a_body_that_is_cut_short_is_noticed_by_who_reads_it(sent):
    with FaultServer(answer(200, b"x" * sent, announced=100_001)) as server:
        chunks = failing_store(server).read("key")
        received = []
        reason_of(received.extend, chunks)
        assert len(b"".join(received)) <= sent


def test_a_body_that_stops_coming_is_noticed_by_who_reads_it():
    def stall(stream, request, server):
        answer(200, b"x" * 70_000, announced=100_001)(stream, request, server)
        return faultserver.hang(stream, request, server)

    with FaultServer(stall) as server:
        chunks = failing_store(server).read("key")
        assert len(next(chunks)) > 0
        reason_of(list, chunks)


def test_a_connection_that_breaks_in_a_body_is_noticed():
    def break_off(stream, request, server):
        answer(200, b"x" * 70_000, announced=100_001)(stream, request, server)
        return faultserver.reset_after_request(stream, request, server)

    with FaultServer(break_off) as server:
        reason_of(read_whole, failing_store(server), "key")


@pytest.mark.parametrize("method", ["put", "put-large", "delete", "list"])
def test_an_answer_that_is_cut_short_is_no_confirmation(method):
    with FaultServer(answer(200, b"<x>", announced=1000)) as server:
        reason_of(METHODS[method], failing_store(server))


@pytest.mark.parametrize("body", [b"", b"<Half", HTML, b"\x00\xff"])
def test_a_multipart_upload_that_nobody_started(body):
    with FaultServer(answer(200, body)) as server:
        reason_of(METHODS["put-large"], failing_store(server))


@pytest.mark.parametrize("method", ["head", "read"])
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        # Python takes the end of the stream for the end of the headers.
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
    ids=["no number", "broken off"],
)
def test_a_length_that_cannot_be_read(data, method):
    with FaultServer(raw(data)) as server:
        reason_of(METHODS[method], failing_store(server))


def test_an_object_without_a_length_cannot_be_used():
    with FaultServer(raw(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        reason_of(METHODS["head"], failing_store(server))


def test_an_error_in_an_answer_of_200_is_an_error():
    """So does S3 confirm a multipart upload that then fails after all."""

    def fault(stream, request, server):
        if request.target.endswith("?uploads"):
            body = b"<R><UploadId>7</UploadId></R>"
        else:
            body = s3_error("InternalError") if request.method == "POST" else b""
        return answer(200, body, {"ETag": '"etag"'})(stream, request, server)

    with FaultServer(fault) as server:
        reason_of(METHODS["put-large"], failing_store(server))


@pytest.mark.parametrize(
    "code, setting",
    [
        ("SignatureDoesNotMatch", "check secret-access-key"),
        ("InvalidAccessKeyId", "check access-key-id"),
        ("AccessDenied", "s3:GetObject"),
        ("NoSuchBucket", "correct bucket"),
        ("ExpiredToken", "expired"),
        ("RequestTimeTooSkewed", "clock"),
    ],
)
def test_a_reason_says_what_to_change(code, setting):
    with FaultServer(answer(403, s3_error(code))) as server:
        assert setting in reason_of(METHODS["read"], failing_store(server))


def test_a_bare_403_says_what_to_change():
    with FaultServer(answer(403)) as server:
        store = failing_store(server)
        for method in ("head", "probe"):
            assert "credentials" in reason_of(METHODS[method], store)


def test_one_bad_connection_is_made_up_for_by_a_second_try():
    def once(stream, request, server):
        if len(server.requests) == 1:
            return False
        return answer(200, headers={"x-amz-meta-sha256": "1"})(stream, request, server)

    with FaultServer(once) as server:
        assert failing_store(server).head("key").metadata == {"sha256": "1"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("region", [None, "eu-west-1"])
def test_nobody_is_followed_to_another_region(status, region):
    """Our own requests would succeed there, and the URLs of clients fail."""
    with FaultServer(answer(200)) as elsewhere:
        headers = {"Location": elsewhere.url + "/hg-cache/key"}
        if region:
            headers["x-amz-bucket-region"] = region
        body = s3_error("PermanentRedirect", "Endpoint: " + elsewhere.url)
        with FaultServer(answer(status, body, headers)) as server:
            store = failing_store(server)
            reasons = [reason_of(use, store) for use in METHODS.values()]
            assert len(server.requests) == len(METHODS)
        assert elsewhere.requests == []
    for reason in reasons:
        assert "region" in reason
        assert region is None or region in reason


def test_a_bucket_elsewhere_is_told_apart_from_a_bad_request():
    with FaultServer(answer(400, s3_error("InvalidArgument"))) as server:
        assert "region" not in reason_of(METHODS["read"], failing_store(server))
    with FaultServer(answer(400, s3_error("AuthorizationHeaderMalformed"))) as server:
        assert "region" in reason_of(METHODS["read"], failing_store(server))


def test_a_store_that_comes_back_is_used_again():
    with FaultServer(answer(503)) as server:
        store = failing_store(server)
        reason_of(store.head, "key")
        server.fault = answer(200, b"body")
        assert store.head("key") is not None
        assert read_whole(store, "key") == b"body"
