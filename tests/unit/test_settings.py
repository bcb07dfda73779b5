"""From hgrc to dataclasses: what is taken, and how a mistake is named."""

import dataclasses

import hgui
import pytest
from hgui import make_ui
from mercurial import error
from stores import SECRET

from hgs3 import settings
from hgs3.objectstore.base import StoreSettingsError
from hgs3.objectstore.s3settings import S3Settings
from hgs3.shorturlsettings import Sendfile, ShortUrlSettings

NAMES = [name.decode() for name, _default in settings.DEFAULTS]


def load(**items):
    return settings.load(make_ui(**items))


def refusal(**items):
    """(message, hint) of the Abort for these settings, as text."""
    with pytest.raises(error.Abort) as caught:
        load(**items)
    message, hint = caught.value.message.decode(), caught.value.hint.decode()
    assert len(message.splitlines()) == 1 and len(hint.splitlines()) == 1
    return message, hint


def test_defaults():
    assert load() == settings.CacheSettings(
        store=S3Settings(
            bucket="",
            region="us-west-2",
            access_key_id="",
            secret_access_key="",
            session_token="",
            profile="",
            endpoint_url="",
            public_endpoint_url="",
            addressing_style="auto",
            acl="private",
            connect_timeout_seconds=2.0,
            read_timeout_seconds=10.0,
        ),
        prefix="",
        minimum_object_bytes=65536,
        url_lifetime_seconds=900,
        repo_id=b"",
        commands=frozenset(settings.COMMANDS),
        segment_bytes=256 * 1024 * 1024,
        publish_on_push=False,
        exists_ttl_seconds=60.0,
        coalesce_timeout_seconds=30.0,
        lease_seconds=60.0,
        min_occurrences=0,
        breaker_failures=5,
        breaker_rest_seconds=30.0,
        object_lifetime_seconds=0,
        short_urls=ShortUrlSettings(
            public_url="", secret="", lifetime_seconds=21600, sendfile=None
        ),
    )


EVERYTHING = dict(
    bucket="hg-cache",
    prefix="mirror/\xe9/",
    region="eu-west-1",
    access_key_id="key",
    secret_access_key="s+e/c=ret",
    session_token="token",
    endpoint_url="http://10.0.0.1:9000",
    public_endpoint_url="https://s3.example.com",
    addressing_style="path",
    minimum_object_size="1MB",
    url_lifetime="604800",
    repo_id="the one",
    acl="bucket-owner-full-control",
    connect_timeout="0.5",
    read_timeout="60",
    commands="filesdata, manifestdata",
    segment_max_size="1MB",
    publish_on_push="yes",
    exists_ttl="0.5",
    coalesce_timeout="0.5",
    lease_time="90",
    min_occurrences="2",
    breaker_failures="0",
    breaker_rest="0.5",
    object_lifetime="30",
    public_url="https://hg.example.com:8443/mirror/repo/",
    url_secret="sixteen letters!",
    short_url_lifetime="3600",
    sendfile_header="X-Accel-Redirect: /hg-s3/",
)


def test_everything_set():
    loaded = load(**EVERYTHING)
    assert loaded == settings.CacheSettings(
        store=S3Settings(
            bucket="hg-cache",
            region="eu-west-1",
            access_key_id="key",
            secret_access_key="s+e/c=ret",
            session_token="token",
            profile="",
            endpoint_url="http://10.0.0.1:9000",
            public_endpoint_url="https://s3.example.com",
            addressing_style="path",
            acl="bucket-owner-full-control",
            connect_timeout_seconds=0.5,
            read_timeout_seconds=60.0,
        ),
        prefix="mirror/\xe9/",
        minimum_object_bytes=1024 * 1024,
        url_lifetime_seconds=604800,
        repo_id=b"the one",
        commands=frozenset(["filesdata", "manifestdata"]),
        segment_bytes=1024 * 1024,
        publish_on_push=True,
        exists_ttl_seconds=0.5,
        coalesce_timeout_seconds=0.5,
        lease_seconds=90.0,
        min_occurrences=2,
        breaker_failures=0,
        breaker_rest_seconds=0.5,
        object_lifetime_seconds=30 * 24 * 3600,
        short_urls=ShortUrlSettings(
            public_url="https://hg.example.com:8443/mirror/repo",
            secret="sixteen letters!",
            lifetime_seconds=3600,
            sendfile=Sendfile("X-Accel-Redirect", "/hg-s3/"),
        ),
    )


def test_zero_switches_off():
    loaded = load(coalesce_timeout="0", lease_time="0", breaker_failures="0")
    assert loaded.coalesce_timeout_seconds == loaded.lease_seconds == 0
    assert loaded.breaker_failures == 0


def test_nothing_is_cached_where_no_command_is_named():
    assert load(commands="").commands == frozenset()


def test_objects_that_nobody_could_ever_be_given():
    message, hint = refusal(object_lifetime="7", url_lifetime="604800")
    assert message == (
        "s3wireprotocache.object-lifetime is not longer than url-lifetime: '7'"
    )
    assert "s3wireprotocache.url-lifetime" in hint
    assert load(object_lifetime="8", url_lifetime="604800")


def test_settings_can_be_the_key_of_a_dict():
    assert {load(bucket="b-1"): 1}[load(bucket="b-1")] == 1
    assert load(bucket="b-1") != load(bucket="b-2")
    with pytest.raises(dataclasses.FrozenInstanceError):
        load().prefix = "other"


def test_space_around_a_value_is_not_part_of_it():
    assert load(bucket=" hg-cache\t").store.bucket == "hg-cache"


@pytest.mark.parametrize("item", ["repo_id", "prefix", "bucket", "profile", "store"])
def test_text_that_is_no_utf8_is_refused(item):
    """It could not become part of a key, nor of a URL."""
    with pytest.raises(error.Abort) as caught:
        load(**{item: "\udcff"})
    assert b"is not UTF-8" in caught.value.message


def test_other_languages_are_welcome():
    assert load(repo_id="d\u00e9p\u00f4t").repo_id == "d\u00e9p\u00f4t".encode()
    assert load(prefix="d\u00e9p\u00f4t/").prefix == "d\u00e9p\u00f4t/"


def test_a_prefix_holds_no_space():
    with pytest.raises(error.Abort) as caught:
        load(prefix="two words/")
    assert b"holds a space" in caught.value.message


@pytest.mark.parametrize(
    "text, size",
    [
        ("0", 0),
        ("1", 1),
        ("64KB", 65536),
        ("64 kB", 65536),
        ("1MB", 1024 * 1024),
        ("0.5k", 512),
        ("2g", 2 * 1024 * 1024 * 1024),
    ],
)
def test_sizes(text, size):
    assert load(minimum_object_size=text).minimum_object_bytes == size


BAD_VALUES = {
    "bucket": ["a/b", "s3://bucket", "a b", "x", "-ab", "ab-", "b" * 300, "b\xe9cket"],
    "store": ["/var/cache", "file", "file:", "s3:bucket", "s3://bucket", "File:/x"],
    "prefix": ["/root", "p" * 801, "\xe9" * 401, "a\nb", "a\x00b"],
    "region": ["", "us_west", "us west", "us.west", "-"],
    "endpoint-url": [
        "s3.example.com",
        "ftp://host",
        "https://",
        "https:///path",
        "https://host:port",
        "https://host:99999",
        "https://host:0",
        "http://[::1",
        "https://host/?a=b",
        "https://host/#a",
        "https://host/\x01",
    ],
    "addressing-style": ["", "dns", "Path", "auto,path"],
    "minimum-object-size": [
        "",
        "big",
        "-1",
        "-1KB",
        "1TB of data",
        "infMB",
        "1e999MB",
        "nanKB",
        "inf",
    ],
    "url-lifetime": ["", "0", "-1", "604801", "15m", "1.5", "inf", "nan"],
    "acl": ["", "secret", "aws-exec-read"],
    "connect-timeout": ["", "0", "-1", "inf", "-inf", "nan", "1e999", "2s", "1e30"],
    "repo-id": ["a\nb", "a\x7fb"],
    "access-key-id": ["a\nb"],
    "secret-access-key": ["a\nb"],
    "session-token": ["a\nb"],
    "profile": ["a\nb"],
    "commands": ["filesdata heads", "all", "FilesData"],
    "segment-max-size": ["-1", "big"],
    "publish-on-push": ["often", ""],
    "exists-ttl": ["-1", "61", "soon"],
    "coalesce-timeout": ["", "-1", "inf", "nan", "30s", "1e30"],
    "min-occurrences": ["", "-1", "1.5", "many", "1001"],
    "breaker-rest": ["", "0", "-1", "inf", "nan", "30s"],
    "object-lifetime": ["", "-1", "1.5", "30d", "36501"],
    "url-secret": ["a\nb", "fifteen letters"],
    "sendfile-header": [
        "X-Accel-Redirect",
        "X-Accel-Redirect:",
        "X-Accel-Redirect: hg-s3/",
        "X-Accel-Redirect: /hg-s3",
        "X-Accel-Redirect: /hg s3/",
        "X-Accel-Redirect: /hg-s3/?a=b/",
        "X-Sendfile: /hg-s3/",
        "X-Sendfile:",
        "X-Other",
    ],
}
BAD_VALUES["store-size"] = BAD_VALUES["minimum-object-size"]
BAD_VALUES["lease-time"] = BAD_VALUES["coalesce-timeout"]
BAD_VALUES["breaker-failures"] = BAD_VALUES["min-occurrences"]
BAD_VALUES["public-endpoint-url"] = BAD_VALUES["endpoint-url"]
BAD_VALUES["public-url"] = BAD_VALUES["endpoint-url"]
BAD_VALUES["short-url-lifetime"] = BAD_VALUES["url-lifetime"]
BAD_VALUES["read-timeout"] = BAD_VALUES["connect-timeout"]
CASES = [(name, value) for name in sorted(BAD_VALUES) for value in BAD_VALUES[name]]


def test_every_item_has_a_bad_value():
    assert sorted(BAD_VALUES) == sorted(NAMES)


@pytest.mark.parametrize("name, value", CASES, ids=lambda text: ascii(text)[:40])
def test_a_bad_value_is_named_with_a_hint(name, value):
    message, hint = refusal(**{name.replace("-", "_"): value})
    assert ("s3wireprotocache." + name) in message
    assert hint


@pytest.mark.parametrize("name", ["endpoint-url", "public-endpoint-url", "public-url"])
@pytest.mark.parametrize("user", ["key:%s@" % SECRET, "key@", ":@", "@"])
def test_credentials_in_a_url_are_refused_and_not_shown(name, user):
    url = "https://%shost/" % user.replace("/", "%2F")
    message, hint = refusal(**{name.replace("-", "_"): url})
    assert message.startswith("s3wireprotocache.%s holds a user name" % name)
    assert "NEVER" not in message + hint


@pytest.mark.parametrize(
    "acl", ["public-read", "public-read-write", "authenticated-read"]
)
def test_an_acl_that_shows_responses_to_strangers_is_refused(acl):
    message, hint = refusal(acl=acl)
    assert "s3wireprotocache.acl" in message and "strangers" in message
    assert "private" in hint


@pytest.mark.parametrize(
    "items, named",
    [
        ({"access_key_id": "k"}, ["access-key-id", "secret-access-key"]),
        ({"secret_access_key": SECRET}, ["access-key-id", "secret-access-key"]),
        ({"session_token": SECRET}, ["session-token", "access-key-id"]),
        (
            {"profile": "p", "access_key_id": "k", "secret_access_key": SECRET},
            ["profile", "access-key-id"],
        ),
        (
            {"session_token": SECRET, "secret_access_key": SECRET},
            ["secret-access-key", "access-key-id"],
        ),
    ],
)
def test_half_of_the_credentials(items, named):
    message, hint = refusal(**items)
    for name in named:
        assert "s3wireprotocache." + name in message
    assert hint
    assert SECRET not in message + hint


def test_whole_credentials_with_and_without_a_token():
    keys = {"access_key_id": "k", "secret_access_key": "s"}
    assert load(**keys).store.session_token == ""
    assert load(session_token="t", **keys).store.session_token == "t"
    assert load(profile="p").store.profile == "p"


@pytest.mark.parametrize(
    "name, suggestion",
    [
        ("buket", "did you mean s3wireprotocache.bucket?"),
        ("endpoint_url", "did you mean s3wireprotocache.endpoint-url?"),
        ("secret-key", "did you mean s3wireprotocache.secret-access-key?"),
        ("Bucket", "did you mean s3wireprotocache.bucket?"),
        ("frobnicate", "see 'hg help s3wireprotocache' for the settings"),
    ],
)
def test_an_unknown_item(name, suggestion):
    ui = make_ui()
    hgui.set_item(ui, name, "value")
    with pytest.raises(error.Abort) as caught:
        settings.load(ui)
    assert caught.value.message.decode() == "unknown setting s3wireprotocache." + name
    assert caught.value.hint.decode() == suggestion


def test_secrets_are_not_shown():
    loaded = load(
        access_key_id="key",
        secret_access_key=SECRET,
        session_token="the-token",
        url_secret="the-secret-of-urls",
    )
    for text in (repr(loaded), str(loaded), repr(loaded.store)):
        assert SECRET not in text and "the-token" not in text
        assert "the-secret-of-urls" not in text
        assert "us-west-2" in text


def test_what_the_stores_constructor_refuses():
    abort = settings.store_settings_abort(StoreSettingsError("profile", "why"))
    assert isinstance(abort, error.Abort)
    assert abort.message == b"s3wireprotocache.profile: why"
    assert abort.hint == b"correct s3wireprotocache.profile"


class RecordingUi:
    """Notes which items are read."""

    def __init__(self, ui):
        self._ui = ui
        self.read = []

    def __getattr__(self, name):
        original = getattr(self._ui, name)
        if not name.startswith("config") or name == "configitems":
            return original

        def reader(section, item, *args, **options):
            self.read.append((section, item))
            return original(section, item, *args, **options)

        return reader


def test_each_item_is_read_and_nothing_else():
    ui = RecordingUi(make_ui())
    settings.load(ui)
    expected = [(hgui.SECTION, name.encode()) for name in NAMES]
    assert set(ui.read) == set(expected)
