"""What S3Store sends, as a server that writes everything down sees it."""

import base64
import hashlib

import pytest
from store_contract import LARGE
from stores import MEDIA_TYPE, METADATA, put, s3_store

from testlib.faultserver import FaultServer, answer

BODY = b"some body" * 1000


@pytest.fixture
def server():
    """Agrees to everything."""
    with FaultServer(answer(200, headers={"ETag": '"etag"'})) as server:
        yield server


def put_request(server, **settings):
    put(s3_store(server.url, **settings), "a/key", BODY)
    (request,) = server.requests
    assert (request.method, request.target) == ("PUT", "/hg-cache/a/key")
    return request


def test_a_body_goes_out_plain(server):
    """Other servers do not understand Amazon's trailing checksums."""
    request = put_request(server)
    assert request.body == BODY
    assert request.headers["content-length"] == str(len(BODY))
    assert "transfer-encoding" not in request.headers
    assert "content-encoding" not in request.headers
    assert "x-amz-trailer" not in request.headers
    assert not any(name.startswith("x-amz-sdk") for name in request.headers)
    assert "STREAMING" not in request.headers["x-amz-content-sha256"]


def test_a_body_goes_out_with_its_digest(server):
    request = put_request(server)
    digest = hashlib.sha256(BODY).digest()
    assert request.headers["x-amz-checksum-sha256"] == (
        base64.b64encode(digest).decode()
    )
    others = [name for name in request.headers if name.startswith("x-amz-checksum-")]
    assert others == ["x-amz-checksum-sha256"]


def test_a_body_goes_out_with_type_and_metadata(server):
    request = put_request(server)
    assert request.headers["content-type"] == MEDIA_TYPE
    sent = {
        name[len("x-amz-meta-") :]: value
        for name, value in request.headers.items()
        if name.startswith("x-amz-meta-")
    }
    assert sent == METADATA


def test_private_is_not_said(server):
    """A bucket without ACLs, which all new ones are, refuses any."""
    assert "x-amz-acl" not in put_request(server, acl="private").headers


@pytest.mark.parametrize("acl", ["bucket-owner-full-control", "bucket-owner-read"])
def test_another_acl_is_said(server, acl):
    assert put_request(server, acl=acl).headers["x-amz-acl"] == acl


def test_requests_are_signed_for_the_region(server):
    authorization = put_request(server, region="eu-north-1").headers["authorization"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=test-key/")
    assert "/eu-north-1/s3/aws4_request" in authorization
    assert "x-amz-security-token" not in server.requests[0].headers


def test_a_session_token_is_sent(server):
    request = put_request(server, session_token="the-token")
    assert request.headers["x-amz-security-token"] == "the-token"


def multipart(acl):
    """A server that takes an upload in parts from a store with ``acl``."""
    started = (
        b"<InitiateMultipartUploadResult><UploadId>7</UploadId>"
        b"</InitiateMultipartUploadResult>"
    )
    done = (
        b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
    )

    def fault(stream, request, server):
        body = b""
        if request.method == "POST":
            body = started if request.target.endswith("?uploads") else done
        reply = answer(200, body, {"ETag": '"etag"'})
        return reply(stream, request, server)

    with FaultServer(fault) as server:
        put(s3_store(server.url, acl=acl), "a/key", LARGE)
        return server.requests


@pytest.fixture(scope="module")
def multipart_requests():
    return multipart("bucket-owner-full-control")


def test_parts_go_out_plain_and_make_the_body(multipart_requests):
    parts = [request for request in multipart_requests if request.method == "PUT"]
    assert b"".join(part.body for part in parts) == LARGE
    for part in parts:
        assert "x-amz-trailer" not in part.headers
        assert "content-encoding" not in part.headers
        assert part.headers["content-length"] == str(len(part.body))


def test_a_multipart_upload_has_no_checksums_that_nobody_asked_for(multipart_requests):
    """The signature covers each part; not every server knows CRC headers."""
    names = {name for request in multipart_requests for name in request.headers}
    prefixes = ("x-amz-checksum", "x-amz-sdk-checksum")
    assert [name for name in names if name.startswith(prefixes)] == []


def test_the_first_request_of_a_multipart_upload_says_what_it_is(multipart_requests):
    first = multipart_requests[0]
    assert (first.method, first.target) == ("POST", "/hg-cache/a/key?uploads")
    assert first.headers["content-type"] == MEDIA_TYPE
    assert first.headers["x-amz-meta-command"] == METADATA["command"]
    assert first.headers["x-amz-acl"] == "bucket-owner-full-control"


def test_nor_does_a_multipart_upload_say_private():
    requests = multipart("private")
    assert not any("x-amz-acl" in request.headers for request in requests)


def test_looking_and_reading_are_one_request_each(server):
    store = s3_store(server.url)
    store.probe()
    store.head("a/key")
    list(store.read("a/key"))
    assert [(request.method, request.target) for request in server.requests] == [
        ("HEAD", "/hg-cache"),
        ("HEAD", "/hg-cache/a/key"),
        ("GET", "/hg-cache/a/key"),
    ]


def test_presigning_asks_nobody(server):
    store = s3_store(server.url)
    store.presign_get("a/key", 60)
    store.public_base_url()
    assert server.requests == []
