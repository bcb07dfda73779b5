"""From ``ui`` to frozen dataclasses: the only reader of our configuration.

Whatever is wrong with a setting is found here or by the store's constructor,
and said with the setting's name and a hint.
"""

import dataclasses
import difflib
import re
import typing
import urllib.parse

from mercurial import error
from mercurial.i18n import _

from . import crossing
from .objectstore.base import StoreSettingsError
from .objectstore.s3settings import S3Settings

SECTION = b"s3wireprotocache"

#: Each item once, with its default. The extension registers them from here;
#: its docstring describes them; a test compares the two.
DEFAULTS = (
    (b"bucket", b""),
    (b"prefix", b""),
    (b"region", b"us-west-2"),
    (b"access-key-id", b""),
    (b"secret-access-key", b""),
    (b"session-token", b""),
    (b"profile", b""),
    (b"endpoint-url", b""),
    (b"public-endpoint-url", b""),
    (b"addressing-style", b"auto"),
    (b"minimum-object-size", b"64KB"),
    (b"url-lifetime", b"900"),
    (b"repo-id", b""),
    (b"acl", b"private"),
    (b"connect-timeout", b"2"),
    (b"read-timeout", b"10"),
)

ADDRESSING_STYLES = ("auto", "path", "virtual")

#: The canned ACLs of S3 that do not open an object to strangers.
PRIVATE_ACLS = ("private", "bucket-owner-read", "bucket-owner-full-control")
PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")

#: The longest life that a SigV4 presigned URL can have: seven days.
MAX_URL_LIFETIME_SECONDS = 7 * 24 * 3600

MAX_TIMEOUT_SECONDS = 3600

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]\Z")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclasses.dataclass(frozen=True)
class CacheSettings:
    """The whole section, checked.

    ``repo_id`` is empty when the repository's path is to be its identity.
    """

    store: S3Settings
    prefix: str
    minimum_object_bytes: int
    url_lifetime_seconds: int
    repo_id: bytes


def load(ui) -> CacheSettings:
    """Read and check every item; raises error.Abort naming the first bad one."""
    _refuse_unknown_items(ui)
    return CacheSettings(
        store=_store_settings(ui),
        prefix=_prefix(ui),
        minimum_object_bytes=_size(ui, b"minimum-object-size"),
        url_lifetime_seconds=_url_lifetime(ui),
        repo_id=_repo_id(ui),
    )


def store_settings_abort(err: StoreSettingsError) -> error.Abort:
    """What to raise when the store's constructor refuses a setting."""
    item = crossing.to_bytes(err.setting)
    return error.Abort(
        _(b"%s.%s: %s") % (SECTION, item, crossing.to_bytes(err.reason)),
        hint=_(b"correct %s.%s") % (SECTION, item),
    )


def v2_switched_off(ui) -> typing.Optional[bytes]:
    """The item of [experimental] without which no v2 request is served."""
    for item in (b"web.apiserver", b"web.api.http-v2"):
        if not ui.configbool(b"experimental", item):
            return item
    return None


def _store_settings(ui):
    access_key_id = _text(ui, b"access-key-id")
    secret_access_key = _text(ui, b"secret-access-key")
    session_token = _text(ui, b"session-token")
    profile = _text(ui, b"profile")
    _check_credentials(access_key_id, secret_access_key, session_token, profile)
    return S3Settings(
        bucket=_bucket(ui),
        region=_region(ui),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        session_token=session_token,
        profile=profile,
        endpoint_url=_url(ui, b"endpoint-url"),
        public_endpoint_url=_url(ui, b"public-endpoint-url"),
        addressing_style=_choice(ui, b"addressing-style", ADDRESSING_STYLES),
        acl=_acl(ui),
        connect_timeout_seconds=_seconds(ui, b"connect-timeout"),
        read_timeout_seconds=_seconds(ui, b"read-timeout"),
    )


def _refuse_unknown_items(ui):
    known = [name for name, _default in DEFAULTS]
    for name, _value in ui.configitems(SECTION):
        if name in known:
            continue
        close = difflib.get_close_matches(
            crossing.to_str(name), [crossing.to_str(k) for k in known], n=1
        )
        if close:
            hint = _(b"did you mean %s.%s?") % (
                SECTION,
                crossing.to_bytes(close[0]),
            )
        else:
            hint = _(b"see 'hg help %s' for the settings") % SECTION
        raise error.Abort(_(b"unknown setting %s.%s") % (SECTION, name), hint=hint)


def _bad(item, problem, hint):
    return error.Abort(_(b"%s.%s %s") % (SECTION, item, problem), hint=hint)


def _raw(ui, item):
    """The item's value without surrounding space; never None."""
    return (ui.config(SECTION, item) or b"").strip()


def _text(ui, item):
    raw = _raw(ui, item)
    value = crossing.to_str(raw)
    if not _is_utf8(raw):
        raise _bad(
            item,
            _(b"is not UTF-8"),
            _(b"write %s.%s in UTF-8") % (SECTION, item),
        )
    if _CONTROL.search(value):
        raise _bad(
            item,
            _(b"holds a control character"),
            _(b"write %s.%s on one line") % (SECTION, item),
        )
    return value


def _is_utf8(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _bucket(ui):
    value = _text(ui, b"bucket")
    if value and not _BUCKET.match(value):
        raise _bad(
            b"bucket",
            _(b"is not the name of a bucket: '%s'") % crossing.to_bytes(value),
            _(
                b"set s3wireprotocache.bucket to the plain name, such as "
                b"hg-cache; use prefix for a folder"
            ),
        )
    return value


def _region(ui):
    value = _text(ui, b"region")
    if not _REGION.match(value):
        raise _bad(
            b"region",
            _(b"is not the name of a region: '%s'") % crossing.to_bytes(value),
            _(b"set s3wireprotocache.region to a name such as us-west-2"),
        )
    return value


def _prefix(ui):
    value = _text(ui, b"prefix")
    if value.startswith("/"):
        raise _bad(
            b"prefix",
            _(b"begins with a slash: '%s'") % crossing.to_bytes(value),
            _(
                b"keys of S3 have no root: remove the first slash of "
                b"s3wireprotocache.prefix"
            ),
        )
    if any(char.isspace() for char in value):
        raise _bad(
            b"prefix",
            _(b"holds a space: '%s'") % crossing.to_bytes(value),
            _(b"remove it from s3wireprotocache.prefix; it ends a key in the log"),
        )
    # S3 allows 1,024 bytes a key; ours add fewer than 200.
    if len(crossing.to_bytes(value)) > 800:
        raise _bad(
            b"prefix",
            _(b"is longer than 800 bytes"),
            _(b"shorten s3wireprotocache.prefix"),
        )
    return value


def _repo_id(ui):
    return crossing.to_bytes(_text(ui, b"repo-id"))


def _check_credentials(access_key_id, secret_access_key, session_token, profile):
    if bool(access_key_id) != bool(secret_access_key):
        given, missing = b"access-key-id", b"secret-access-key"
        if secret_access_key:
            given, missing = missing, given
        raise error.Abort(
            _(b"%s.%s is set without %s.%s") % (SECTION, given, SECTION, missing),
            hint=_(b"set both, or neither to use the environment, a profile or a role"),
        )
    if session_token and not access_key_id:
        raise error.Abort(
            _(b"%s.session-token is set without %s.access-key-id") % (SECTION, SECTION),
            hint=_(b"set %s.access-key-id and %s.secret-access-key too")
            % (SECTION, SECTION),
        )
    if profile and access_key_id:
        raise error.Abort(
            _(b"%s.profile and %s.access-key-id are both set") % (SECTION, SECTION),
            hint=_(b"remove %s.profile or the keys") % SECTION,
        )


def _url(ui, item):
    value = _text(ui, item)
    if not value:
        return ""
    problem = _url_problem(value)
    if problem:
        # The value stays out of the message: a user name and password in a
        # URL are one of the mistakes.
        raise _bad(
            item,
            problem,
            _(b"set %s.%s to a URL such as https://s3.example.com:9000")
            % (SECTION, item),
        )
    return value


def _url_problem(value):
    try:
        parts = urllib.parse.urlsplit(value)
        # .port raises ValueError where it is no number.
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return _(b"is not a URL")
    if parts.scheme not in ("http", "https"):
        return _(b"is not an http or https URL")
    if not has_host:
        return _(b"names no host")
    if parts.username is not None or parts.password is not None:
        return _(b"holds a user name or password")
    if parts.query or parts.fragment:
        return _(b"holds a query string or fragment")
    return None


def _choice(ui, item, choices):
    value = _text(ui, item)
    if value not in choices:
        raise _bad(
            item,
            _(b"is not one that is known: '%s'") % crossing.to_bytes(value),
            _(b"set %s.%s to %s")
            % (SECTION, item, crossing.to_bytes(_either(choices))),
        )
    return value


def _acl(ui):
    value = _text(ui, b"acl")
    if value in PUBLIC_ACLS:
        raise _bad(
            b"acl",
            _(b"would show cached responses to strangers: '%s'")
            % crossing.to_bytes(value),
            _(
                b"set s3wireprotocache.acl to private; clients read by "
                b"presigned URLs and need no more"
            ),
        )
    return _choice(ui, b"acl", PRIVATE_ACLS)


def _either(choices):
    return ", ".join(choices[:-1]) + " or " + choices[-1]


def _size(ui, item):
    try:
        value = ui.configbytes(SECTION, item)
    except (error.ConfigError, OverflowError):
        value = -1
    if value < 0:
        raise _bad(
            item,
            _(b"is not a size: '%s'") % _raw(ui, item),
            _(b"set %s.%s to a number of bytes, or to one such as 64KB or 1MB")
            % (SECTION, item),
        )
    return value


def _url_lifetime(ui):
    try:
        value = int(_raw(ui, b"url-lifetime"))
    except ValueError:
        value = 0
    if not 1 <= value <= MAX_URL_LIFETIME_SECONDS:
        raise _bad(
            b"url-lifetime",
            _(b"is not a number of seconds that S3 allows: '%s'")
            % _raw(ui, b"url-lifetime"),
            _(b"set s3wireprotocache.url-lifetime to 1 to %d (seven days)")
            % MAX_URL_LIFETIME_SECONDS,
        )
    return value


def _seconds(ui, item):
    try:
        value = float(_raw(ui, item))
    except ValueError:
        value = 0.0
    # A longer one is not meant, and overflows in the system's calls.
    if not 0 < value <= MAX_TIMEOUT_SECONDS:
        raise _bad(
            item,
            _(b"is not a number of seconds: '%s'") % _raw(ui, item),
            _(b"set %s.%s to a number above 0, and %d at most")
            % (SECTION, item, MAX_TIMEOUT_SECONDS),
        )
    return value
