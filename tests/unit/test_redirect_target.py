"""What v2 clients are told of the store that they may be sent to."""

import pytest
from stores import s3_store

from hgs3.objectstore.null import NullStore
from hgs3.wireproto import redirect

TLS = {b"protocol": b"https", b"snirequired": True, b"tlsversions": [b"1.2", b"1.3"]}


@pytest.mark.parametrize(
    "settings, target",
    [
        (
            {"endpoint_url": "http://127.0.0.1:9000"},
            {
                b"name": b"127.0.0.1:9000",
                b"protocol": b"http",
                b"uris": [b"http://127.0.0.1:9000/"],
            },
        ),
        (
            {"endpoint_url": "https://s3.example.com/base/"},
            dict(TLS, name=b"s3.example.com", uris=[b"https://s3.example.com/"]),
        ),
        (
            {
                "endpoint_url": "https://s3.example.com",
                "addressing_style": "virtual",
            },
            dict(
                TLS,
                name=b"hg-cache.s3.example.com",
                uris=[b"https://hg-cache.s3.example.com/"],
            ),
        ),
        (
            {
                "endpoint_url": "http://10.0.0.1:9000",
                "public_endpoint_url": "https://s3.example.com",
            },
            dict(TLS, name=b"s3.example.com", uris=[b"https://s3.example.com/"]),
        ),
        (
            {},
            dict(
                TLS,
                name=b"hg-cache.s3.us-west-2.amazonaws.com",
                uris=[b"https://hg-cache.s3.us-west-2.amazonaws.com/"],
            ),
        ),
    ],
    ids=["http", "https", "virtual", "public", "amazon"],
)
def test_exactly_one_target(settings, target):
    expected = {
        name.encode() if isinstance(name, str) else name: value
        for name, value in target.items()
    }
    store = s3_store(**settings)
    assert redirect.advertised_targets(store) == [expected]
    assert redirect.target_name(store) == expected[b"name"]


def test_urls_begin_with_what_was_advertised():
    store = s3_store()
    (target,) = redirect.advertised_targets(store)
    (uri,) = target[b"uris"]
    assert store.presign_get("cache/key", 60).encode().startswith(uri)


def test_a_name_is_the_same_in_each_process():
    """Any of a group of servers may answer what another has advertised to."""
    one, other = s3_store(), s3_store(access_key_id="another", session_token="t")
    assert redirect.target_name(one) == redirect.target_name(other)
    assert redirect.target_name(one) != redirect.target_name(s3_store(bucket="b-2"))


def test_advertised_objects_are_not_shared():
    """Whoever gets them may change them."""
    store = s3_store()
    redirect.advertised_targets(store)[0][b"tlsversions"].clear()
    assert redirect.advertised_targets(store)[0][b"tlsversions"] == [b"1.2", b"1.3"]


def test_without_a_bucket_nothing_is_advertised():
    assert redirect.advertised_targets(NullStore()) == []
    assert redirect.target_name(NullStore()) is None
