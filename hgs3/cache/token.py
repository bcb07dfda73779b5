"""The token of a short URL: it names an object, for a while, and cannot be forged.

A bundle2 part holds a URL of 255 bytes at most, and a presigned one is longer.
So clients are given a URL of our own server, and this is its last component:
the base64url, without padding, of

    version (1 byte), kind (1), expiry (4), name (any), MAC (16)

The expiry is in whole seconds since the epoch. The MAC is the beginning of an
HMAC-SHA256 over all that comes before it, the digest of the repository's
identity and a *context*: what else must be the same when the token is used as
when it was made. Of an object with a name of 20 bytes it has 56 characters.
"""

import base64
import binascii
import hmac
import struct
import typing

VERSION = 1

#: What fits into the URL that it is for; longer ones are not even looked at.
MAX_CHARACTERS = 255

_HEAD = struct.Struct(">BcI")
_MAC_BYTES = 16
_PURPOSE = b"hg-s3 token of a short url"


class TokenError(Exception):
    """The token leads nowhere. The message is one line and does not hold it."""


class TokenForged(TokenError):
    """It was not made by somebody with the secret, for this repository as it is."""


class TokenExpired(TokenError):
    """It was made as it should be, but its time is over."""


def make(
    secret: bytes,
    repo_digest: str,
    kind: str,
    name: bytes,
    expires: int,
    context: bytes = b"",
) -> str:
    """A token for the object ``name`` of the ``kind`` (one ASCII character).

    ``expires`` is the second of the epoch from which on it is no good.
    """
    body = _HEAD.pack(VERSION, kind.encode("ascii"), expires) + name
    return _to_text(body + _mac(secret, repo_digest, context, body))


def read(
    secret: bytes, repo_digest: str, token: str, now: float, context: bytes = b""
) -> typing.Tuple[str, bytes]:
    """``(kind, name)`` of a token that :func:`make` made with the same arguments.

    ``now`` is in seconds since the epoch. Raises TokenForged, whatever is wrong
    with it, and TokenExpired.
    """
    raw = _from_text(token)
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(body) < _HEAD.size:
        raise TokenForged("too short for a token")
    if not hmac.compare_digest(mac, _mac(secret, repo_digest, context, body)):
        raise TokenForged("not a token of this repository")
    version, kind, expires = _HEAD.unpack_from(body)
    if version != VERSION:
        # Of a later release with the same secret, perhaps.
        raise TokenForged("a token of another version")
    if now >= expires:
        raise TokenExpired("the token has expired")
    return kind.decode("ascii"), body[_HEAD.size :]


def claimed_kind(token: str) -> typing.Optional[str]:
    """The kind that a token says it is of, believed or not; None without one."""
    try:
        kind = _from_text(token)[1:2].decode("ascii")
    except (TokenForged, UnicodeDecodeError):
        return None
    return kind or None


def _mac(secret, repo_digest, context, body):
    repo = repo_digest.encode("ascii")
    # Lengths, so that nothing can move from one of them into the next.
    message = b"%b\0%d:%b%d:%b%b" % (
        _PURPOSE,
        len(repo),
        repo,
        len(context),
        context,
        body,
    )
    return hmac.digest(secret, message, "sha256")[:_MAC_BYTES]


def _to_text(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _from_text(token):
    if len(token) > MAX_CHARACTERS or not token.isascii():
        raise TokenForged("not a token")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        raise TokenForged("not a token")
    # The decoder skips what is no base64 and drops bits that are left over.
    if _to_text(raw) != token:
        raise TokenForged("not a token in its only form")
    return raw
