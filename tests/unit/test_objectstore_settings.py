"""Where URLs lead and whose keys sign them; no test here makes a request."""

import socket
import urllib.parse

import boto3.session
import botocore.session
import pytest
from stores import SECRET, s3_settings, s3_store

from hgs3.objectstore.base import StoreSettingsError, StoreUnavailable
from hgs3.objectstore.leanloader import LeanLoader
from hgs3.objectstore.s3 import S3Store

NO_KEYS = {"access_key_id": "", "secret_access_key": ""}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any attempt to reach anything fails the test, also one that boto3
    would take for an outage."""
    attempts = []

    def refuse(*args, **_kwargs):
        attempts.append(args[-1])
        raise OSError("a test of settings asked the network for %r" % (args[-1],))

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert attempts == []


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


#: Settings, to the URL of key "k" without its query.
ADDRESSES = [
    ({}, "https://hg-cache.s3.us-west-2.amazonaws.com/k"),
    ({"region": "eu-west-1"}, "https://hg-cache.s3.eu-west-1.amazonaws.com/k"),
    ({"region": "cn-north-1"}, "https://hg-cache.s3.cn-north-1.amazonaws.com.cn/k"),
    ({"bucket": "a.b"}, "https://s3.us-west-2.amazonaws.com/a.b/k"),
    ({"bucket": "Not_dns"}, "https://s3.us-west-2.amazonaws.com/Not_dns/k"),
    (
        {"addressing_style": "path"},
        "https://s3.us-west-2.amazonaws.com/hg-cache/k",
    ),
    (
        {"addressing_style": "virtual"},
        "https://hg-cache.s3.us-west-2.amazonaws.com/k",
    ),
    (
        {"endpoint_url": "http://127.0.0.1:9000"},
        "http://127.0.0.1:9000/hg-cache/k",
    ),
    (
        {"endpoint_url": "https://s3.example.com:9000/"},
        "https://s3.example.com:9000/hg-cache/k",
    ),
    (
        {"endpoint_url": "https://example.com/s3/"},
        "https://example.com/s3/hg-cache/k",
    ),
    (
        {"endpoint_url": "https://s3.example.com", "addressing_style": "virtual"},
        "https://hg-cache.s3.example.com/k",
    ),
    (
        {
            "endpoint_url": "http://10.0.0.1:9000",
            "public_endpoint_url": "https://s3.example.com",
        },
        "https://s3.example.com/hg-cache/k",
    ),
    (
        {
            "endpoint_url": "http://10.0.0.1:9000",
            "public_endpoint_url": "https://s3.example.com",
            "addressing_style": "virtual",
        },
        "https://hg-cache.s3.example.com/k",
    ),
]


@pytest.mark.parametrize("settings, expected", ADDRESSES)
def test_where_a_url_leads(settings, expected):
    store = s3_store(**settings)
    url = store.presign_get("k", 60)
    assert url.partition("?")[0] == expected
    parts = urllib.parse.urlsplit(expected)
    assert store.public_base_url() == "%s://%s/" % (parts.scheme, parts.netloc)


@pytest.mark.parametrize("bucket, path", [("hg-cache", "/k"), ("a.b", "/a.b/k")])
def test_where_a_url_of_the_oldest_region_leads(bucket, path):
    """Its host has two names, the short one from when there was no other."""
    store = s3_store(region="us-east-1", bucket=bucket)
    parts = urllib.parse.urlsplit(store.presign_get("k", 60))
    name = "hg-cache." if bucket == "hg-cache" else ""
    hosts = [name + "s3.amazonaws.com", name + "s3.us-east-1.amazonaws.com"]
    assert (parts.netloc in hosts, parts.path) == (True, path)
    assert store.public_base_url() == "https://%s/" % parts.netloc


def test_a_presigned_url_says_how_long_and_who():
    query = query_of(s3_store(region="eu-west-1").presign_get("k", 123))
    assert query["X-Amz-Expires"] == "123"
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    key, _date, region, service, _end = query["X-Amz-Credential"].split("/")
    assert (key, region, service) == ("test-key", "eu-west-1", "s3")
    # A stock client sends no header but Host that could be signed.
    assert query["X-Amz-SignedHeaders"] == "host"
    assert "X-Amz-Security-Token" not in query


def test_a_session_token_is_part_of_a_presigned_url():
    url = s3_store(session_token="tok/en+=").presign_get("k", 60)
    assert query_of(url)["X-Amz-Security-Token"] == "tok/en+="


def test_a_presigned_url_holds_no_secret():
    url = s3_store().presign_get("k", 60)
    assert SECRET not in urllib.parse.unquote(url)


def test_without_credentials_the_reason_names_the_settings():
    store = s3_store(**NO_KEYS)
    for use in (
        lambda: store.head("k"),
        lambda: store.read("k"),
        lambda: store.presign_get("k", 60),
        store.probe,
    ):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        for setting in ("access-key-id", "secret-access-key", "profile"):
            assert setting in caught.value.reason


def test_without_credentials_the_place_of_urls_is_known():
    store = s3_store(**NO_KEYS)
    assert store.public_base_url() == "https://hg-cache.s3.us-west-2.amazonaws.com/"


FILE = "[%s]\naws_access_key_id = key-of-a-file\naws_secret_access_key = s\n"


@pytest.fixture
def credentials_file(tmp_path, monkeypatch):
    """Where boto3 looks; not there yet."""
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    return path


def key_of(store):
    return query_of(store.presign_get("k", 60))["X-Amz-Credential"].split("/")[0]


def test_credentials_of_a_profile(credentials_file):
    credentials_file.write_text(FILE % "work")
    assert key_of(s3_store(profile="work", **NO_KEYS)) == "key-of-a-file"


def test_credentials_of_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-of-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert key_of(s3_store(**NO_KEYS)) == "key-of-environment"
    assert key_of(s3_store()) == "test-key"


def test_a_store_that_found_no_credentials_finds_them_when_they_come(credentials_file):
    """A role may be attached, or its service reachable, only after a server
    has started; the cache comes back by itself."""
    store = s3_store(**NO_KEYS)
    with pytest.raises(StoreUnavailable):
        store.presign_get("k", 60)
    credentials_file.write_text(FILE % "default")
    assert key_of(store) == "key-of-a-file"


def test_an_unknown_profile_is_a_bad_setting():
    with pytest.raises(StoreSettingsError) as caught:
        s3_store(profile="no-such", **NO_KEYS)
    assert caught.value.setting == "profile"
    assert "no-such" in caught.value.reason
    assert len(caught.value.reason.splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["[work\nkey = value", "not an ini file at all", "[work]\nkey"]
)
def test_a_config_file_that_cannot_be_read_is_a_bad_setting(
    text, tmp_path, monkeypatch
):
    path = tmp_path / "config"
    path.write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    with pytest.raises(StoreSettingsError) as caught:
        s3_store(profile="work", **NO_KEYS)
    assert len(caught.value.reason.splitlines()) == 1


@pytest.mark.parametrize(
    "setting, values",
    [
        ("endpoint-url", {"endpoint_url": "http://[::1"}),
        ("endpoint-url", {"endpoint_url": "nonsense"}),
        ("region", {"region": "no region!"}),
    ],
)
def test_what_boto3_refuses_is_a_bad_setting(setting, values):
    with pytest.raises(StoreSettingsError) as caught:
        S3Store(s3_settings(**values))
    assert caught.value.setting == setting


def test_a_bad_public_endpoint_is_named():
    with pytest.raises(StoreSettingsError) as caught:
        s3_store("http://127.0.0.1:9", public_endpoint_url="nonsense")
    assert caught.value.setting == "public-endpoint-url"


def test_settings_do_not_show_their_secrets():
    text = repr(s3_settings(session_token="the-token"))
    assert SECRET not in text and "the-token" not in text


class TestLeanLoader:
    @pytest.fixture(scope="class")
    def sessions(self):
        """boto3 sessions with our loader, and with boto3's own."""
        lean = botocore.session.Session()
        lean.register_component("data_loader", LeanLoader())
        return [
            boto3.session.Session("key", "secret", botocore_session=session)
            for session in (lean, botocore.session.Session())
        ]

    @pytest.mark.parametrize("service", ["s3", "sts", "sso", "sso-oidc"])
    @pytest.mark.parametrize(
        "region", ["us-west-2", "us-east-1", "cn-north-1", "us-gov-west-1", "eu-west-3"]
    )
    def test_endpoints_are_those_of_boto3(self, sessions, service, region):
        lean, usual = [
            session.client(service, region_name=region).meta.endpoint_url
            for session in sessions
        ]
        assert lean == usual
        assert region in lean or region == "us-east-1"

    def test_a_service_that_is_left_out_is_still_found(self, sessions):
        for session in sessions:
            url = session.client("sqs", region_name="us-west-2").meta.endpoint_url
            assert url == "https://sqs.us-west-2.amazonaws.com"

    def test_what_no_bucket_needs_is_not_kept(self):
        loader = LeanLoader()
        for partition in loader.load_data("endpoints")["partitions"]:
            assert set(partition["services"]) <= {
                "s3",
                "sts",
                "sso",
                "portal.sso",
                "oidc",
            }
        model = loader.load_service_model("s3", "service-2")
        assert model["operations"]["GetObject"]["documentation"] == ""
        assert longest_text(model) < 1000

    def test_what_is_loaded_again_is_still_lean(self):
        loader = LeanLoader()
        first = loader.load_data("endpoints")
        assert loader.load_data("endpoints") is first
        assert "ec2" not in first["partitions"][0]["services"]
        assert "s3" in first["partitions"][0]["services"]

    def test_a_store_uses_it(self):
        loader = s3_store()._client.meta.service_model
        assert loader.operation_model("GetObject").documentation == ""


def longest_text(value):
    if isinstance(value, dict):
        return max([longest_text(each) for each in value.values()] or [0])
    if isinstance(value, list):
        return max([longest_text(each) for each in value] or [0])
    return len(value) if isinstance(value, str) else 0
