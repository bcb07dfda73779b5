"""The settings of URLs that lead to an object by way of this server."""

import dataclasses
import re
import typing

from mercurial.i18n import _

from . import crossing, settingvalues

#: A secret that can be guessed is none.
MIN_SECRET_CHARACTERS = 16

#: A week, as for presigned URLs.
MAX_LIFETIME_SECONDS = 7 * 24 * 3600

_SENDFILE_URI = re.compile(r"/(?:[A-Za-z0-9._~-]+/)*\Z")


@dataclasses.dataclass(frozen=True)
class Sendfile:
    """How the server in front sends a file for this one.

    ``uri`` is where it has the store's folder, with a slash at its end; "" when
    it takes the paths of files.
    """

    header: str
    uri: str = ""


@dataclasses.dataclass(frozen=True)
class ShortUrlSettings:
    """``public_url`` has no slash at its end. It and ``secret`` may be empty."""

    public_url: str
    secret: str = dataclasses.field(repr=False)
    lifetime_seconds: int
    sendfile: typing.Optional[Sendfile]


def read(ui) -> ShortUrlSettings:
    """Raises error.Abort for a setting that is wrong."""
    return ShortUrlSettings(
        public_url=public_url(ui),
        secret=_secret(ui),
        lifetime_seconds=settingvalues.whole_number(
            ui,
            b"short-url-lifetime",
            1,
            MAX_LIFETIME_SECONDS,
            _(b"is not a number of seconds"),
            _(b" (seven days)"),
        ),
        sendfile=_sendfile(ui),
    )


def public_url(ui) -> str:
    """The URL that clients reach the repository by, without a slash at its end; empty
    where requests say it."""
    return settingvalues.url(ui, b"public-url", b"https://hg.example.com/repo").rstrip(
        "/"
    )


def _secret(ui):
    value = settingvalues.text(ui, b"url-secret")
    if 0 < len(value) < MIN_SECRET_CHARACTERS:
        # It stays out of the message: it may be the beginning of the right one.
        raise settingvalues.bad(
            b"url-secret",
            _(b"is too short"),
            _(b"set %s.url-secret to %d random characters or more")
            % (settingvalues.SECTION, MIN_SECRET_CHARACTERS),
        )
    return value


def _sendfile(ui):
    value = settingvalues.text(ui, b"sendfile-header")
    if not value:
        return None
    header, colon, uri = value.partition(":")
    if header.lower() == "x-sendfile" and not colon:
        return Sendfile("X-Sendfile")
    if header.lower() == "x-accel-redirect" and _SENDFILE_URI.match(uri.strip()):
        return Sendfile("X-Accel-Redirect", uri.strip())
    raise settingvalues.bad(
        b"sendfile-header",
        _(b"is not one that is known: '%s'") % crossing.to_bytes(value),
        _(
            b"set %s.sendfile-header to X-Sendfile, or to X-Accel-Redirect: /hg-s3/ "
            b"with the URI of the store's folder"
        )
        % settingvalues.SECTION,
    )
