"""From ``ui`` to frozen dataclasses: the only reader of our configuration.

Whatever is wrong with a setting is found here or by the store's constructor,
and said with the setting's name and a hint.
"""

import dataclasses
import os
import re
import typing

from mercurial import configitems, error, registrar
from mercurial.i18n import _

from . import crossing, settingvalues, shorturlsettings
from .objectstore.base import StoreSettingsError
from .objectstore.filesettings import FileSettings
from .objectstore.s3settings import S3Settings
from .settingvalues import SECTION
from .shorturlsettings import ShortUrlSettings

#: Each item once, with its default. The extension registers them from here;
#: its docstring describes them; a test compares the two.
DEFAULTS = (
    (b"bucket", b""),
    (b"store", b""),
    (b"store-size", b"10GB"),
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
    (
        b"commands",
        b"changesetdata manifestdata filesdata filedata rawstorefiledata getbundle",
    ),
    (b"segment-max-size", b"256MB"),
    (b"publish-on-push", b"no"),
    (b"exists-ttl", b"60"),
    (b"coalesce-timeout", b"30"),
    (b"lease-time", b"60"),
    (b"min-occurrences", b"0"),
    (b"breaker-failures", b"5"),
    (b"breaker-rest", b"30"),
    (b"object-lifetime", b"0"),
    (b"public-url", b""),
    (b"url-secret", b""),
    (b"short-url-lifetime", b"21600"),
    (b"sendfile-header", b""),
)

#: What can be cached: commands of version 2 of the wire protocol, and one of
#: version 1.
COMMANDS = (
    "changesetdata",
    "manifestdata",
    "filesdata",
    "filedata",
    "rawstorefiledata",
    "getbundle",
)

ADDRESSING_STYLES = ("auto", "path", "virtual")

#: The canned ACLs of S3 that do not open an object to strangers.
PRIVATE_ACLS = ("private", "bucket-owner-read", "bucket-owner-full-control")
PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")

#: The longest life that a SigV4 presigned URL can have: seven days.
MAX_URL_LIFETIME_SECONDS = 7 * 24 * 3600

DAY_SECONDS = 24 * 3600

#: As many as repositories with settings of their own, mostly one.
REMEMBERED = 1000

#: The items of our section to what they mean.
_remembered: typing.Dict[tuple, "CacheSettings"] = {}

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]\Z")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")


@dataclasses.dataclass(frozen=True)
class CacheSettings:
    """The whole section, checked.

    ``repo_id`` is empty when the repository's path is to be its identity.
    Zero stands for "never", "none" or "off" in what comes after it.
    """

    store: typing.Union[S3Settings, FileSettings]
    prefix: str
    minimum_object_bytes: int
    url_lifetime_seconds: int
    repo_id: bytes
    commands: typing.FrozenSet[str]
    segment_bytes: int
    publish_on_push: bool
    exists_ttl_seconds: float
    coalesce_timeout_seconds: float
    lease_seconds: int
    min_occurrences: int
    breaker_failures: int
    breaker_rest_seconds: float
    object_lifetime_seconds: int
    short_urls: ShortUrlSettings


def register_items(ui, extension) -> None:
    """Let the section be read where its own extension is off. ``extension`` is the
    name of the one that needs it. Called by its uisetup: by then, the items of all
    extensions have been registered."""
    if SECTION in ui._knownconfig:
        return
    table: typing.Dict = {}
    item = registrar.configitem(table)
    for name, default in DEFAULTS:
        item(SECTION, name, default=default)
    configitems.loadconfigtable(ui, extension, table)


def load(ui) -> CacheSettings:
    """Read and check every item; raises error.Abort naming the first bad one."""
    settingvalues.refuse_unknown(ui, [name for name, _default in DEFAULTS])
    settings = _read(ui)
    if 0 < settings.object_lifetime_seconds <= settings.url_lifetime_seconds:
        # No object would ever live long enough to be given to anybody.
        raise settingvalues.bad(
            b"object-lifetime",
            _(b"is not longer than url-lifetime: '%s'")
            % settingvalues.raw(ui, b"object-lifetime"),
            _(b"set %s.url-lifetime to less, 900 for instance") % SECTION,
        )
    return settings


def remembered(ui) -> CacheSettings:
    """As :func:`load`, for each request: the same items are read once only."""
    items = tuple(ui.configitems(SECTION))
    # What two threads make at once is equal.
    settings = _remembered.get(items)
    if settings is None:
        settings = load(ui)
        if len(_remembered) >= REMEMBERED:
            _remembered.clear()
        _remembered[items] = settings
    return settings


def _read(ui):
    return CacheSettings(
        store=_store_settings(ui),
        prefix=_prefix(ui),
        minimum_object_bytes=settingvalues.size(ui, b"minimum-object-size"),
        url_lifetime_seconds=settingvalues.whole_number(
            ui,
            b"url-lifetime",
            1,
            MAX_URL_LIFETIME_SECONDS,
            _(b"is not a number of seconds that S3 allows"),
            _(b" (seven days)"),
        ),
        repo_id=repo_id(ui),
        commands=settingvalues.words(ui, b"commands", COMMANDS),
        segment_bytes=settingvalues.size(ui, b"segment-max-size"),
        publish_on_push=settingvalues.yes_or_no(ui, b"publish-on-push"),
        exists_ttl_seconds=settingvalues.seconds(ui, b"exists-ttl", 0, 60),
        coalesce_timeout_seconds=settingvalues.seconds(ui, b"coalesce-timeout", 0),
        lease_seconds=settingvalues.whole_number(
            ui, b"lease-time", 0, 3600, _(b"is not a whole number of seconds")
        ),
        min_occurrences=_count(ui, b"min-occurrences"),
        breaker_failures=_count(ui, b"breaker-failures"),
        breaker_rest_seconds=settingvalues.seconds(ui, b"breaker-rest"),
        object_lifetime_seconds=DAY_SECONDS
        * settingvalues.whole_number(
            ui, b"object-lifetime", 0, 36500, _(b"is not a number of days")
        ),
        short_urls=shorturlsettings.read(ui),
    )


def store_settings_abort(err: StoreSettingsError) -> error.Abort:
    """What to raise when the store's constructor refuses a setting."""
    item = crossing.to_bytes(err.setting)
    return error.Abort(
        _(b"%s.%s: %s") % (SECTION, item, crossing.to_bytes(err.reason)),
        hint=_(b"correct %s.%s") % (SECTION, item),
    )


def is_on(ui) -> bool:
    """Whether a bucket or a folder is configured; checks nothing."""
    return any(ui.config(SECTION, item) for item in (b"bucket", b"store"))


def publishes_on_push(ui) -> bool:
    """Whether each transaction is followed by making segments of it; checks
    nothing, and takes what is wrong for a no."""
    try:
        return is_on(ui) and ui.configbool(SECTION, b"publish-on-push")
    except error.ConfigError:
        return False


def set_default(ui, section, item, value) -> None:
    """Set an item of Mercurial's own, unless the operator has set it."""
    if not ui.hasconfig(section, item):
        ui.setconfig(section, item, value, SECTION)


def v2_switched_off(ui) -> typing.Optional[bytes]:
    """The item of [experimental] without which no v2 request is served."""
    for item in (b"web.apiserver", b"web.api.http-v2"):
        if not ui.configbool(b"experimental", item):
            return item
    return None


def _store_settings(ui):
    bucket, folder = _s3_settings(ui), _file_settings(ui)
    if folder is None:
        return bucket
    if bucket.is_configured:
        raise error.Abort(
            _(b"%s.store and %s.bucket are both set") % (SECTION, SECTION),
            hint=_(b"remove %s.bucket to store in a folder, or %s.store")
            % (SECTION, SECTION),
        )
    return folder


def _file_settings(ui):
    """None without ``store``."""
    limit_bytes = settingvalues.size(ui, b"store-size")
    value = settingvalues.text(ui, b"store")
    if not value:
        return None
    scheme, _colon, path = value.partition(":")
    if path.startswith("//"):
        # As in a URL: what comes next is a host, and there is none.
        path = path[2:]
    if scheme != "file" or not path:
        raise settingvalues.bad(
            b"store",
            _(b"names no kind of store that is known: '%s'") % crossing.to_bytes(value),
            _(b"set %s.store to file: and the path of a folder, or use bucket")
            % SECTION,
        )
    # As the system has it, whatever the encoding that Python takes it for.
    return FileSettings(os.fsdecode(crossing.to_bytes(path)), limit_bytes)


def _s3_settings(ui):
    access_key_id = settingvalues.text(ui, b"access-key-id")
    secret_access_key = settingvalues.text(ui, b"secret-access-key")
    session_token = settingvalues.text(ui, b"session-token")
    profile = settingvalues.text(ui, b"profile")
    _check_credentials(access_key_id, secret_access_key, session_token, profile)
    return S3Settings(
        bucket=_bucket(ui),
        region=_region(ui),
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        session_token=session_token,
        profile=profile,
        endpoint_url=settingvalues.url(ui, b"endpoint-url"),
        public_endpoint_url=settingvalues.url(ui, b"public-endpoint-url"),
        addressing_style=settingvalues.choice(
            ui, b"addressing-style", ADDRESSING_STYLES
        ),
        acl=_acl(ui),
        connect_timeout_seconds=settingvalues.seconds(ui, b"connect-timeout"),
        read_timeout_seconds=settingvalues.seconds(ui, b"read-timeout"),
    )


def _bucket(ui):
    value = settingvalues.text(ui, b"bucket")
    if value and not _BUCKET.match(value):
        raise settingvalues.bad(
            b"bucket",
            _(b"is not the name of a bucket: '%s'") % crossing.to_bytes(value),
            _(
                b"set s3wireprotocache.bucket to the plain name, such as "
                b"hg-cache; use prefix for a folder"
            ),
        )
    return value


def _region(ui):
    value = settingvalues.text(ui, b"region")
    if not _REGION.match(value):
        raise settingvalues.bad(
            b"region",
            _(b"is not the name of a region: '%s'") % crossing.to_bytes(value),
            _(b"set s3wireprotocache.region to a name such as us-west-2"),
        )
    return value


def _prefix(ui):
    value = settingvalues.text(ui, b"prefix")
    if value.startswith("/"):
        raise settingvalues.bad(
            b"prefix",
            _(b"begins with a slash: '%s'") % crossing.to_bytes(value),
            _(
                b"keys of S3 have no root: remove the first slash of "
                b"s3wireprotocache.prefix"
            ),
        )
    if any(char.isspace() for char in value):
        raise settingvalues.bad(
            b"prefix",
            _(b"holds a space: '%s'") % crossing.to_bytes(value),
            _(b"remove it from s3wireprotocache.prefix; it ends a key in the log"),
        )
    # S3 allows 1,024 bytes a key; ours add fewer than 200.
    if len(crossing.to_bytes(value)) > 800:
        raise settingvalues.bad(
            b"prefix",
            _(b"is longer than 800 bytes"),
            _(b"shorten s3wireprotocache.prefix"),
        )
    return value


def repo_id(ui) -> bytes:
    """What the repository is called, empty for its path."""
    return crossing.to_bytes(settingvalues.text(ui, b"repo-id"))


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


def _acl(ui):
    value = settingvalues.text(ui, b"acl")
    if value in PUBLIC_ACLS:
        raise settingvalues.bad(
            b"acl",
            _(b"would show cached responses to strangers: '%s'")
            % crossing.to_bytes(value),
            _(
                b"set s3wireprotocache.acl to private; clients read by "
                b"presigned URLs and need no more"
            ),
        )
    return settingvalues.choice(ui, b"acl", PRIVATE_ACLS)


def _count(ui, item):
    return settingvalues.whole_number(ui, item, 0, 1000, _(b"is not a number"))
