"""The part of an answer that sends its client to an object: ``remote-changegroup``.

See ``mercurial.bundle2``, ``handleremotechangegroup``. The object is a bundle of
Mercurial's first format.
"""

from .. import crossing

#: What makes an answer to be of other changesets, or of other content, than
#: heads and common say, is not here; with it the answer is left alone.
_KNOWN_ARGUMENTS = frozenset(
    (
        "bookmarks",
        "cbattempted",
        "cg",
        "listkeys",
        "obsmarkers",
        "phases",
        "remote_sidedata",
        "stream",
    )
)

VERSION = b"01"


def is_plain(bundlecaps, kwargs):
    """Whether a client asks for no more than changesets, all that they hold."""
    if any(value for name, value in kwargs.items() if name not in _KNOWN_ARGUMENTS):
        return False
    # Another one is of an extension that has something else put into changegroups.
    return all(
        cap == b"HG20" or cap.startswith(b"bundle2=") for cap in bundlecaps or ()
    )


def is_readable(bundlecaps, b2caps, kwargs, digests):
    """Whether the client can read such a part with these ``digests`` (names, str),
    and asks for no more than changesets.

    ``hg incoming`` cannot; it does not ask for phases. Who knows phase heads is
    4.4 or later, and has Zstandard.
    """
    if not kwargs.get("cg", True) or not kwargs.get("phases") or not b2caps:
        return False
    return (
        is_plain(bundlecaps, kwargs)
        and b"heads" in b2caps.get(b"phases", ())
        and VERSION in b2caps.get(b"changegroup", ())
        and bool(b2caps.get(b"remote-changegroup"))
        and all(
            crossing.to_bytes(name) in b2caps.get(b"digests", ()) for name in digests
        )
    )


def allows(b2caps, url):
    """Whether the client goes to a ``url`` (bytes) of that scheme."""
    return url.partition(b":")[0] in b2caps[b"remote-changegroup"]


def add(bundler, url, size_bytes, digests):
    """Add the part; ``digests`` is name to hexadecimal digits, both str."""
    part = bundler.newpart(b"remote-changegroup")
    part.addparam(b"url", url)
    part.addparam(b"size", b"%d" % size_bytes)
    part.addparam(b"digests", crossing.to_bytes(" ".join(digests)))
    for name, value in digests.items():
        part.addparam(crossing.to_bytes("digest:" + name), crossing.to_bytes(value))
