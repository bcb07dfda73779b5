"""The checks of a bucket, against stores that are right and wrong on purpose."""

import json
import urllib.parse

import boto3
import pytest
from s3checks import FOLDER, LIFETIME_SECONDS, check
from stores import SECRET, s3_settings

from hgs3.objectstore import s3check
from hgs3.objectstore.finding import FAILED, OK, SKIPPED, UNKNOWN, WARNING
from hgs3.objectstore.s3check import S3Check
from testlib import faultserver
from testlib.alterproxy import AlterProxy
from testlib.faultserver import FaultServer


def statuses(findings, *but):
    return {name: each.status for name, each in findings.items() if name not in but}


@pytest.fixture
def s3(moto):
    """A boto3 client of moto's."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="test-key",
        aws_secret_access_key="test-secret",
    )


@pytest.fixture
def proxy(moto):
    with AlterProxy(moto.url) as proxy:
        yield proxy


def test_a_store_that_is_right(moto, bucket):
    findings = check(moto.url, bucket)
    assert list(findings) == [
        "credentials",
        "bucket",
        "clock",
        "put",
        "conditional-put",
        "presigned-get",
        "unsigned-get",
        "delete",
        "policy",
        "lifecycle",
    ]
    assert set(statuses(findings, "lifecycle").values()) == {OK}
    assert findings["lifecycle"].status == WARNING
    assert moto.objects(bucket) == []


def test_a_bucket_that_everybody_can_read(moto, bucket, s3):
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::%s/*" % bucket,
    }
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    findings = check(moto.url, bucket)
    assert findings["unsigned-get"].status == FAILED
    assert "public" in findings["unsigned-get"].hint
    assert findings["policy"].status == WARNING
    assert findings["delete"].status == OK
    assert moto.objects(bucket) == []


def refuse(proxy, method, status=403, code="AccessDenied", subresource=None):
    def rule(asked, target):
        query = urllib.parse.urlsplit(target).query
        if asked == method and subresource in (None, query):
            return status, code
        return None

    proxy.refuse = rule


def test_a_store_that_refuses_the_condition(proxy, bucket):
    # It calls for a test of the header, which a refusal of methods is not.
    def rule(method, target):
        return (501, "NotImplemented") if target.endswith("-once") else None

    proxy.refuse = rule
    finding = check(proxy.url, bucket)["conditional-put"]
    assert finding.status == WARNING
    assert "coalescing between hosts is off" in finding.detail


def test_a_store_that_ignores_the_condition(moto, proxy, bucket):
    proxy.dropped_headers = frozenset(["if-none-match"])
    findings = check(proxy.url, bucket)
    assert findings["conditional-put"].status == WARNING
    assert "ignores the condition" in findings["conditional-put"].detail
    assert moto.objects(bucket) == []


def test_a_conditional_put_that_is_forbidden(proxy, bucket):
    proxy.refuse = lambda method, target: (
        (403, "AccessDenied") if target.endswith("-once") and method == "PUT" else None
    )
    findings = check(proxy.url, bucket)
    assert findings["conditional-put"].status == FAILED
    assert "s3:PutObject" in findings["conditional-put"].hint


def test_puts_that_are_forbidden(moto, proxy, bucket):
    refuse(proxy, "PUT")
    findings = check(proxy.url, bucket)
    assert findings["put"].status == FAILED
    assert "s3:PutObject" in findings["put"].hint
    assert [findings[name].status for name in ("presigned-get", "delete")] == [
        SKIPPED,
        SKIPPED,
    ]
    # It does not depend on what failed.
    assert findings["policy"].status == OK
    assert moto.objects(bucket) == []


def test_deletions_that_are_forbidden(moto, proxy, bucket):
    proxy.refuse = lambda method, _target: (
        (403, "AccessDenied") if method in ("DELETE", "POST") else None
    )
    finding = check(proxy.url, bucket)["delete"]
    assert finding.status == FAILED
    left = [key for key, _size in moto.objects(bucket)]
    assert len(left) == 2
    assert all(key.startswith(FOLDER + "check/") for key in left)
    assert all(key in finding.detail for key in left)


@pytest.mark.parametrize(
    "status, code",
    [(403, "AccessDenied"), (501, "NotImplemented"), (405, "MethodNotAllowed")],
)
@pytest.mark.parametrize(
    "name, part", [("policy", "policyStatus"), ("lifecycle", "lifecycle")]
)
def test_what_the_store_does_not_say_is_not_needed(
    proxy, bucket, status, code, name, part
):
    refuse(proxy, "GET", status, code, part)
    findings = check(proxy.url, bucket)
    assert findings[name].status == UNKNOWN
    assert code in findings[name].detail


def test_a_lifecycle_rule(moto, bucket, s3):
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "hg-cache",
                    "Filter": {"Prefix": FOLDER},
                    "Status": "Enabled",
                    "Expiration": {"Days": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                }
            ]
        },
    )
    assert check(moto.url, bucket)["lifecycle"].status == OK


@pytest.mark.parametrize(
    "ahead, status, words",
    [
        (0, OK, "apart"),
        (30, OK, "apart"),
        (-300, WARNING, "ahead of the store"),
        (300, WARNING, "behind the store"),
        (4000, FAILED, "behind the store"),
        (-4000, FAILED, "ahead of the store"),
    ],
)
def test_the_clock(proxy, bucket, ahead, status, words):
    proxy.clock_ahead_seconds = ahead
    finding = check(proxy.url, bucket)["clock"]
    assert (finding.status, words in finding.detail) == (status, True)


def test_the_limits_of_the_clock_are_exact(bucket):
    """By a clock of our own, and a store that always says the same time."""
    date = "Thu, 01 Jan 1970 12:00:00 GMT"
    for seconds, status in (
        (s3check.CLOCK_WARNING_SECONDS, OK),
        (s3check.CLOCK_WARNING_SECONDS + 1, WARNING),
        (s3check.CLOCK_LIMIT_SECONDS, WARNING),
        (s3check.CLOCK_LIMIT_SECONDS + 1, FAILED),
    ):
        with FaultServer(faultserver.answer(200, headers={"Date": date})) as server:
            checks = S3Check(
                s3_settings(server.url, bucket),
                FOLDER,
                LIFETIME_SECONDS,
                now=lambda seconds=seconds: 12 * 3600 - seconds,
            )
            found = {each.check: each for each in checks.run()}
        assert found["clock"].status == status, seconds


def test_a_clock_is_compared_when_its_request_is_refused(bucket):
    """As S3 refuses one that is dated too far off."""
    fault = faultserver.answer(403, headers={"Date": "Thu, 01 Jan 1970 12:00:00 GMT"})
    with FaultServer(fault) as server:
        findings = check(server.url, bucket)
    assert (findings["bucket"].status, findings["clock"].status) == (FAILED, FAILED)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_store_that_does_not_say_the_time(bucket, date):
    with FaultServer(faultserver.answer(200, headers={"Date": date})) as server:
        assert check(server.url, bucket)["clock"].status == UNKNOWN


def test_a_bucket_that_is_not_there(moto):
    findings = check(moto.url, "no-such-bucket")
    assert findings["bucket"].status == FAILED
    assert "s3wireprotocache.bucket" in findings["bucket"].hint
    others = statuses(findings, "credentials", "bucket", "clock")
    assert set(others.values()) == {SKIPPED}


def test_a_bucket_of_another_region(bucket):
    fault = faultserver.answer(
        301,
        faultserver.s3_error("PermanentRedirect"),
        headers={"x-amz-bucket-region": "eu-west-1"},
    )
    with FaultServer(fault) as server:
        finding = check(server.url, bucket)["bucket"]
    assert finding.status == FAILED
    assert "is in eu-west-1, not in us-west-2" in finding.detail


def test_a_store_that_is_not_there(bucket):
    with faultserver.ClosedPort() as port:
        findings = check(port.url, bucket)
    assert findings["bucket"].status == FAILED
    assert findings["clock"].status == UNKNOWN


def test_no_credentials(moto, bucket):
    findings = check(moto.url, bucket, access_key_id="", secret_access_key="")
    assert findings["credentials"].status == FAILED
    assert "access-key-id" in findings["credentials"].hint
    assert set(statuses(findings, "credentials").values()) == {SKIPPED}


def test_credentials_of_the_environment(moto, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    findings = check(moto.url, bucket, access_key_id="", secret_access_key="")
    assert findings["credentials"].detail == "from environment variables"


def test_a_role_that_is_refused(moto, bucket, monkeypatch, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = k\naws_secret_access_key = s\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/hg\n"
        "source_profile = base\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    fault = faultserver.answer(403, faultserver.s3_error("AccessDenied"))
    with FaultServer(fault) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        findings = check(
            moto.url, bucket, access_key_id="", secret_access_key="", profile="role"
        )
        assert sts.requests
    assert findings["credentials"].status == FAILED
    assert "cannot be had" in findings["credentials"].detail


def test_who_stops_in_the_middle_leaves_nothing(moto, bucket):
    run = S3Check(s3_settings(moto.url, bucket), FOLDER, LIFETIME_SECONDS).run()
    for finding in run:
        if finding.check == "conditional-put":
            break
    assert len(moto.objects(bucket)) == 2
    run.close()
    assert moto.objects(bucket) == []
