"""The names of files that stand for the keys of objects.

A key may hold anything: slashes, ``..``, capitals where the file system knows
no difference, more characters than a file name can have. Its name is one that
is safe everywhere: lower-case letters, digits and ``_.-~`` stand for themselves,
``+`` for a slash, and ``%xx`` for each other byte of its UTF-8. What would be
too long is ``=`` and a digest, which begins no other name; the key is then known
by the record in the file only.

An object is two files in one of 256 folders::

    objects/<xx>/<name>.json            its record, see filerecord.py
    objects/<xx>/<name>.<token>.body    the body and nothing else

The record names the token of its body, a new one for each body.

What may never be evicted, since it is the work of users, is told by its key: it
is what is directly in a folder ``try/<32 hexadecimal digits>/``, whatever comes
before that. Its name begins with ``@``, and it is in a tree of its own,
``kept/<xx>/``, so that no release that evicts from ``objects/`` alone can touch it.
"""

import hashlib
import re
import secrets
import typing
import urllib.parse

#: With what is put behind it, what every file system can bear, also those
#: that encrypt names and so make them longer.
MAX_NAME_CHARS = 120

RECORD_SUFFIX = ".json"
BODY_SUFFIX = ".body"
#: A record that is being written, by whoever has the lock.
NEW_SUFFIX = ".new"

_DIGEST_MARK = "="
#: Other keys have it as %40.
_KEPT_MARK = "@"
_KEPT_KEY = re.compile(r"try/[0-9a-f]{32}/[^/]+\Z")
_TO_ESCAPE = re.compile(r"%..|[A-Z]")
_BODY = re.compile(r"(.*)\.([0-9a-f]{16})\.body\Z")
_FOLDER = re.compile(r"[0-9a-f]{2}\Z")


def name_of(key: str) -> str:
    """The one name that stands for ``key``, and for no other."""
    quoted = urllib.parse.quote(key, safe="/", errors="surrogatepass")
    name = _TO_ESCAPE.sub(_escaped, quoted).replace("/", "+")
    if len(name) > MAX_NAME_CHARS:
        name = _DIGEST_MARK + _digest(name)
    return _KEPT_MARK + name if _KEPT_KEY.search(key) else name


def is_kept(name: str) -> bool:
    """Whether what has this name is never evicted."""
    return name.startswith(_KEPT_MARK)


def key_of(name: str) -> typing.Optional[str]:
    """The key that ``name`` stands for; None where it does not say."""
    text = name[len(_KEPT_MARK) :] if is_kept(name) else name
    if text.startswith(_DIGEST_MARK):
        return None
    try:
        key = urllib.parse.unquote(text.replace("+", "/"), errors="surrogatepass")
    except UnicodeDecodeError:
        return None  # not one of ours
    return key if name_of(key) == name else None


def folder_of(name: str) -> str:
    return _digest(name)[:2]


def is_folder(name: str) -> bool:
    """Whether this could be what folder_of gives."""
    return _FOLDER.match(name) is not None


def new_token() -> str:
    return secrets.token_hex(8)


def body_parts(file_name: str) -> typing.Optional[typing.Tuple[str, str]]:
    """(name, token) of the file of a body; None for other files."""
    match = _BODY.match(file_name)
    return None if match is None else (match.group(1), match.group(2))


def _escaped(match):
    text = match.group()
    return text.lower() if text.startswith("%") else "%%%02x" % ord(text)


def _digest(name):
    return hashlib.sha256(name.encode("ascii")).hexdigest()
