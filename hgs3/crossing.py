"""The two named conversions between Mercurial's ``bytes`` and our ``str``.

Mercurial speaks bytes, objectstore/ and cache/ speak str. Apart from
settings.py, which converts what it reads, text crosses here and nowhere else.
"""


def to_str(text: bytes) -> str:
    """Take a name, a path or a message out of Mercurial's world.

    Bytes that are no UTF-8 survive the way there and back.
    """
    return text.decode("utf-8", "surrogateescape")


def to_bytes(text: str) -> bytes:
    """Hand text over to Mercurial; the inverse of :func:`to_str`."""
    return text.encode("utf-8", "surrogateescape")
