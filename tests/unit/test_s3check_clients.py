"""The checks of what clients get, with public endpoints that are wrong."""

import urllib.parse

import pytest
from s3checks import FOLDER, LIFETIME_SECONDS, check
from stores import PATIENCE_SECONDS, s3_settings

from hgs3.objectstore.finding import FAILED, OK, UNKNOWN, WARNING
from hgs3.objectstore.s3check import S3Check
from testlib import faultserver
from testlib.alterproxy import AlterProxy
from testlib.faultserver import FaultServer


@pytest.fixture
def proxy(moto):
    with AlterProxy(moto.url) as proxy:
        yield proxy


def test_clients_are_sent_where_nobody_answers(moto, bucket):
    with faultserver.ClosedPort() as port:
        findings = check(moto.url, bucket, public_endpoint_url=port.url)
    assert findings["presigned-get"].status == FAILED
    assert "public-endpoint-url" in findings["presigned-get"].hint
    assert findings["unsigned-get"].status == UNKNOWN
    assert findings["delete"].status == OK
    assert moto.objects(bucket) == []


@pytest.mark.parametrize(
    "fault, words",
    [
        (faultserver.answer(403), "answers 403"),
        (faultserver.answer(200, b"welcome"), "other bytes"),
        (faultserver.raw(b"SSH-2.0-OpenSSH\r\n"), "no answer"),
        (faultserver.close_after_request, "no answer"),
        (faultserver.answer(200, b"x" * 10, announced=2000), "other bytes"),
    ],
    ids=["refusal", "another page", "no HTTP", "silence", "half an answer"],
)
def test_clients_are_sent_to_something_else(moto, bucket, fault, words):
    with FaultServer(fault) as server:
        finding = check(moto.url, bucket, public_endpoint_url=server.url)[
            "presigned-get"
        ]
    assert finding.status == FAILED
    assert words in finding.detail


def test_a_redirect_is_not_followed(moto, bucket):
    with FaultServer(faultserver.answer(200)) as target:
        fault = faultserver.answer(307, headers={"Location": target.url + "/"})
        with FaultServer(fault) as server:
            findings = check(moto.url, bucket, public_endpoint_url=server.url)
        assert target.requests == []
    assert "answers 307" in findings["presigned-get"].detail
    assert findings["presigned-get"].status == FAILED


def test_the_client_has_nothing_but_the_url(moto, bucket):
    with FaultServer(faultserver.answer(404)) as server:
        check(moto.url, bucket, public_endpoint_url=server.url)
    signed, unsigned = server.requests
    assert signed.method == "GET" and "X-Amz-Signature" in signed.target
    assert "?" not in unsigned.target
    for request in server.requests:
        assert not {"authorization", "cookie"} & set(request.headers)


def test_a_page_for_everybody_is_not_the_object(moto, bucket):
    with FaultServer(faultserver.answer(200, b"welcome")) as server:
        findings = check(moto.url, bucket, public_endpoint_url=server.url)
    assert findings["unsigned-get"].status == WARNING


def test_bytes_that_are_damaged_on_their_way(proxy, bucket):
    proxy.alter_body = lambda method, body: (
        body[:-1] + bytes([body[-1] ^ 1]) if method == "GET" and body else body
    )
    assert "other bytes" in check(proxy.url, bucket)["presigned-get"].detail


def test_bytes_that_nobody_stored(proxy, bucket):
    proxy.alter_body = lambda method, body: body + b"x" if method == "GET" else body
    assert "other bytes" in check(proxy.url, bucket)["presigned-get"].detail


def test_a_url_lives_as_long_as_it_is_set(moto, bucket):
    with FaultServer(faultserver.answer(404)) as server:
        check(moto.url, bucket, public_endpoint_url=server.url)
    query = urllib.parse.parse_qs(
        urllib.parse.urlsplit(server.requests[0].target).query
    )
    assert query["X-Amz-Expires"] == [str(LIFETIME_SECONDS)]


def test_patience_is_bounded_by_the_settings(moto, bucket):
    """A public endpoint that never answers does not hold the check for ever."""
    with FaultServer(faultserver.hang) as server:
        settings = s3_settings(
            moto.url,
            bucket,
            public_endpoint_url=server.url,
            connect_timeout_seconds=0.2,
            read_timeout_seconds=2.0,
        )
        assert PATIENCE_SECONDS > settings.read_timeout_seconds
        found = {
            each.check: each
            for each in S3Check(settings, FOLDER, LIFETIME_SECONDS).run()
        }
    assert found["presigned-get"].status == FAILED
