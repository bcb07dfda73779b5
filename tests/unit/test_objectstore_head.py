"""What S3Store makes of the headers that an answer to a HEAD may have."""

import base64
import hashlib

import pytest
from stores import s3_store

from hgs3.objectstore.base import StoreUnavailable
from testlib.faultserver import FaultServer, answer

#: No answer of today has this date.
NOW = "Wed, 05 Mar 2014 10:00:00 GMT"
DIGEST = hashlib.sha256(b"body")
CHECKSUM = base64.b64encode(DIGEST.digest()).decode()


def head(**headers):
    """The ObjectInfo of an answer with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with FaultServer(answer(200, b"body", named)) as server:
        return s3_store(server.url).head("key")


def expiring(date):
    return 'expiry-date="%s", rule-id="thirty days"' % date


def test_age_is_by_the_clock_of_the_store():
    assert head(
        Date=NOW, Last_Modified="Wed, 05 Mar 2014 09:58:30 GMT"
    ).age_seconds == (90.0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": NOW},
        {"Last_Modified": NOW},
        {"Last_Modified": NOW, "Date": "yesterday"},
        {"Last_Modified": NOW, "Date": ""},
        {"Last_Modified": NOW, "Date": "Wed, 05 Mar 99999999999 10:00:00 GMT"},
        # Written by one machine, told by another.
        {"Last_Modified": "Wed, 05 Mar 2014 10:00:02 GMT", "Date": NOW},
    ],
)
def test_what_has_no_age_is_new(headers):
    info = head(**headers)
    assert (info.size_bytes, info.age_seconds) == (4, 0.0)


@pytest.mark.parametrize(
    "date, seconds",
    [
        ("Fri, 07 Mar 2014 00:00:00 GMT", 38 * 3600),
        ("Wed, 05 Mar 2014 10:00:01 GMT", 1),
        ("Wed, 05 Mar 2014 00:00:00 GMT", -10 * 3600),
        ("Wed, 05 Mar 2014 10:01:00 -0000", 60),
        ("Wed, 05 Mar 2014 10:01:00", 60),
    ],
)
def test_the_end_of_an_object_is_by_the_clock_of_the_store(date, seconds):
    info = head(Date=NOW, x_amz_expiration=expiring(date))
    assert info.expires_in_seconds == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"Date": NOW},
        {"x_amz_expiration": expiring(NOW)},
        {"Date": "now", "x_amz_expiration": expiring(NOW)},
        {"Date": NOW, "x_amz_expiration": expiring("soon")},
        {"Date": NOW, "x_amz_expiration": expiring("")},
        {"Date": NOW, "x_amz_expiration": 'rule-id="x"'},
        {"Date": NOW, "x_amz_expiration": "NotImplemented"},
        {"Date": NOW, "x_amz_expiration": ""},
    ],
)
def test_an_end_that_is_not_known(headers):
    info = head(**headers)
    assert (info.size_bytes, info.expires_in_seconds) == (4, None)


@pytest.mark.parametrize("kind", [{}, {"x_amz_checksum_type": "FULL_OBJECT"}])
def test_the_checksum_of_a_whole_body(kind):
    info = head(x_amz_checksum_sha256=CHECKSUM, **kind)
    assert info.sha256_hex == DIGEST.hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_amz_checksum_crc32": "AAAAAA=="},
        {"x_amz_checksum_sha256": CHECKSUM + "-4"},
        {"x_amz_checksum_sha256": CHECKSUM, "x_amz_checksum_type": "COMPOSITE"},
        {"x_amz_checksum_sha256": CHECKSUM[:-4]},
        {"x_amz_checksum_sha256": "AAAAAA=="},
        {"x_amz_checksum_sha256": "what?"},
        {"x_amz_checksum_sha256": ""},
    ],
)
def test_what_is_no_checksum_of_a_whole_body(headers):
    info = head(**headers)
    assert (info.size_bytes, info.sha256_hex) == (4, None)


def unknowing(status):
    """A server that knows objects, but not the question for a checksum."""

    def fault(stream, request, server):
        asked = "x-amz-checksum-mode" in request.headers
        return answer(501 if asked else status, b"body")(stream, request, server)

    return fault


@pytest.mark.parametrize("status", [200, 404])
def test_a_server_that_cannot_bear_the_question_is_asked_once(status):
    with FaultServer(unknowing(status)) as server:
        store = s3_store(server.url)
        for _ in range(3):
            assert (store.head("key") is None) == (status == 404)
        asked = ["x-amz-checksum-mode" in each.headers for each in server.requests]
    assert asked == [True, False, False, False]


def test_a_server_that_knows_nothing_for_a_while_is_asked_again():
    with FaultServer(answer(501)) as server:
        store = s3_store(server.url)
        with pytest.raises(StoreUnavailable):
            store.head("key")
        server.fault = answer(200, b"body", {"x-amz-checksum-sha256": CHECKSUM})
        assert store.head("key").sha256_hex == DIGEST.hexdigest()
