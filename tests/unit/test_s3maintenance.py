"""Incomplete uploads, which only an operator's commands care about."""

import pytest
from stores import new_bucket_name, s3_settings

from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported
from hgs3.objectstore.s3maintenance import S3Maintenance
from testlib import faultserver
from testlib.alterproxy import AlterProxy
from testlib.faultserver import FaultServer


@pytest.fixture
def maintenance(ministack):
    """ministack's listing, unlike moto's, goes by pages and by prefix."""
    name = new_bucket_name()
    ministack.create_bucket(name)
    key, secret = ministack.keys
    return S3Maintenance(
        s3_settings(ministack.url, name, access_key_id=key, secret_access_key=secret)
    )


def begin(maintenance, *keys):
    for key in keys:
        maintenance._client.create_multipart_upload(Bucket=maintenance._bucket, Key=key)


def keys(maintenance, prefix=""):
    return sorted(each.key for each in maintenance.incomplete_uploads(prefix))


def test_uploads_are_found_below_a_prefix_and_aborted(maintenance):
    begin(maintenance, "a/1", "a/2", "b/1", "a")
    assert keys(maintenance) == ["a", "a/1", "a/2", "b/1"]
    assert keys(maintenance, "a/") == ["a/1", "a/2"]
    for upload in list(maintenance.incomplete_uploads("a/")):
        assert upload.started > 0
        maintenance.abort_upload(upload)
    assert keys(maintenance) == ["a", "b/1"]


def test_an_upload_that_has_ended_meanwhile_is_no_fault(maintenance):
    begin(maintenance, "a")
    (upload,) = maintenance.incomplete_uploads("")
    maintenance.abort_upload(upload)
    maintenance.abort_upload(upload)


@pytest.mark.parametrize(
    "status, code", [(501, "NotImplemented"), (405, "MethodNotAllowed")]
)
def test_a_store_that_does_not_know_them(moto, bucket, status, code):
    with AlterProxy(moto.url) as proxy:
        proxy.refuse = lambda method, target: (status, code)
        store = S3Maintenance(s3_settings(proxy.url, bucket))
        with pytest.raises(StoreUnsupported):
            list(store.incomplete_uploads("a/"))


def test_a_store_that_is_out_of_order(bucket):
    with FaultServer(faultserver.answer(500)) as server:
        store = S3Maintenance(s3_settings(server.url, bucket))
        with pytest.raises(StoreUnavailable):
            list(store.incomplete_uploads("a/"))
        with pytest.raises(StoreUnavailable):
            store.policy_is_public()
        with pytest.raises(StoreUnavailable):
            store.lifecycle_rules()
