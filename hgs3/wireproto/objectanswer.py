"""Answer a request with an object itself, whole or a part of it.

For clients that must not be sent to the store, and for stores that nobody can
be sent to.
"""

import os
import re
import urllib.parse

from .. import crossing
from ..objectstore.base import CHUNK_BYTES, StoreResting, StoreUnavailable
from . import requestscope

#: How often the reading of a body is begun in all. Its client has no way back.
ATTEMPTS = 3

_RANGE = re.compile(rb"\s*bytes=([0-9]{0,19})-([0-9]{0,19})\s*\Z", re.IGNORECASE)


class ObjectGone(Exception):
    """It was there a moment ago."""


def answer(service, info, req, res, failed):
    """Fill ``res`` with the object of an ObjectInfo.

    Raises ObjectGone and StoreUnavailable. When the store fails while the body
    is being sent, ``failed(StoreUnavailable)`` is called, and the response ends
    before its announced length.
    """
    res.headers[b"Content-Type"] = b"application/octet-stream"
    path = service.store.body_path(info.key)
    sendfile = service.settings.short_urls.sendfile
    if path is not None and sendfile is not None:
        res.status = b"200 OK"
        where = _place(sendfile, service.settings.store.path, path)
        res.headers[crossing.to_bytes(sendfile.header)] = crossing.to_bytes(where)
        res.setbodybytes(b"")
        return
    # Of a file only: from a store, a part would cost as much as the whole.
    part = None if path is None else _requested_part(req, info.size_bytes)
    if part is None:
        chunks = _body(service.store, info.key, failed)
        _set_body(req, res, chunks, info.size_bytes)
        res.status = b"200 OK"
    else:
        _answer_with_part(path, part, info.size_bytes, req, res)
    if path is not None:
        res.headers[b"Accept-Ranges"] = b"bytes"


def _place(sendfile, folder, path):
    """Percent-encoded, since the servers in front decode it."""
    if sendfile.uri:
        path = os.path.relpath(path, folder)
    return sendfile.uri + urllib.parse.quote(os.fsencode(path))


def _requested_part(req, size_bytes):
    """``(start, end)`` of the one range that is asked for, ``end`` not
    included; None when it is the whole."""
    # We have given nothing that an If-Range could be equal to.
    if req.method != b"GET" or req.headers.get(b"If-Range"):
        return None
    match = _RANGE.match(req.headers.get(b"Range", b""))
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), int(last) + 1 if last else size_bytes
        # Backwards is no range, beyond the end is one.
        return None if last and end <= start else (start, min(end, size_bytes))
    return (max(0, size_bytes - int(last)), size_bytes) if last else None


def _answer_with_part(path, part, size_bytes, req, res):
    start, end = part
    if start >= size_bytes:
        res.status = b"416 Range Not Satisfiable"
        res.headers[b"Content-Range"] = b"bytes */%d" % size_bytes
        res.setbodybytes(b"")
        return
    _set_body(req, res, _part_of_file(path, start, end), end - start)
    res.status = b"206 Partial Content"
    res.headers[b"Content-Range"] = b"bytes %d-%d/%d" % (start, end - 1, size_bytes)


def _set_body(req, res, chunks, size_bytes):
    if req.method == b"HEAD":
        res.setbodybytes(b"")
    else:
        requestscope.at_end(chunks.close)
        # What fails at once is found before anything is sent.
        next(chunks, None)
        res.setbodygen(chunks)
    res.headers[b"Content-Length"] = b"%d" % size_bytes


def _body(store, key, failed):
    """The chunks of the object at ``key``, an empty one before them."""
    sent = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for chunk in _body_from(store, key, sent):
                if not sent:
                    yield b""
                sent += len(chunk)
                yield chunk
            return
        except StoreUnavailable as err:
            # What is never written anew can be gone on with.
            if attempt == ATTEMPTS or isinstance(err, StoreResting):
                if sent:
                    failed(err)
                raise


def _body_from(store, key, start):
    chunks = store.read(key)
    if chunks is None:
        if start:
            raise StoreUnavailable("the object went while it was sent")
        raise ObjectGone()
    for chunk in chunks:
        if len(chunk) > start:
            yield chunk[start:]
        start = max(0, start - len(chunk))


def _part_of_file(path, start, end):
    """As _body, of a file."""
    try:
        with open(path, "rb", buffering=0) as file:
            file.seek(start)
            yield b""
            while start < end:
                chunk = file.read(min(CHUNK_BYTES, end - start))
                if not chunk:
                    raise StoreUnavailable("the file of the body has become shorter")
                start += len(chunk)
                yield chunk
    except FileNotFoundError:
        raise ObjectGone()
    except OSError as err:
        raise StoreUnavailable("cannot read a body: %s" % err.strerror)
