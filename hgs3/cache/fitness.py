"""Whether an object that is in the store may be given to a client."""

import typing

from ..objectstore.base import ObjectInfo
from . import key as cachekey

#: What an object can be.
FIT = "fit"
#: Not what this release would have stored there.
FOREIGN = "foreign"
#: Not what was stored there.
DAMAGED = "damaged"
#: May be deleted before a client that is sent there has fetched it.
EXPIRING = "expiring"


def examine(
    info: ObjectInfo,
    command: str,
    repo_digest: str,
    needed_seconds: float,
    lifetime_seconds: float,
    more: typing.Iterable[str] = (),
) -> typing.Tuple[str, str]:
    """(FIT, "") or what is wrong with an object, and why in one line.

    ``needed_seconds`` is how long the object must live on, ``lifetime_seconds``
    after how long the operator says that objects are deleted; 0 for never.
    ``more`` are names of metadata that it has besides those of every object.
    """
    size = info.metadata.get("size", "")
    sha256_hex = info.metadata.get("sha256", "")
    if len(sha256_hex) != 64 or not size.isdigit():
        return FOREIGN, "its metadata are not ours"
    expected = cachekey.metadata(command, repo_digest, int(size), sha256_hex)
    expected.update((name, info.metadata.get(name)) for name in more)
    if dict(info.metadata) != expected:
        return FOREIGN, "its metadata are of another release or repository"
    if info.size_bytes != int(size):
        return DAMAGED, "it has %d bytes and not %s" % (info.size_bytes, size)
    if info.sha256_hex is not None and info.sha256_hex != sha256_hex:
        return DAMAGED, "its SHA-256 is another one"
    left = _seconds_left(info, lifetime_seconds)
    if left is not None and left < needed_seconds:
        return EXPIRING, "it may be deleted in %d seconds" % left
    return FIT, ""


def _seconds_left(info, lifetime_seconds):
    left = info.expires_in_seconds
    if lifetime_seconds:
        by_setting = lifetime_seconds - info.age_seconds
        left = by_setting if left is None else min(left, by_setting)
    return left
