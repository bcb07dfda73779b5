"""Answers that do not come from the command: from the store, or from somebody
else's spool."""

import dataclasses
import hashlib
import typing

from mercurial import error
from mercurial.i18n import _

from ..cache.coalesce import LeaderFailed
from ..cache.spool import Spool, SpoolFull
from ..objectstore.base import StoreUnavailable
from . import requestscope

#: How a hit is answered: by what the log calls it.
REDIRECT = "redirect"
INLINE = "inline"
SPOOL = "spool"


@dataclasses.dataclass
class Hit:
    """An answer; ``objs`` is what the command would yield, encoded."""

    via: str
    size_bytes: int
    objs: typing.Iterable


def from_store(store, key, info, types):
    """The stored body for a client that follows no redirect of ours.

    It is fetched whole before the first byte goes out: a body that turns out
    cut or damaged half-way could not be taken back. None when it is gone since
    the HEAD or is not what its metadata say. Raises StoreUnavailable.
    """
    chunks = store.read(key)
    if chunks is None:
        return None
    spool = Spool()
    # It is read back while the response goes out, or not to the end.
    requestscope.at_end(spool.close)
    try:
        for chunk in chunks:
            spool.write(chunk)
        # A disk may turn out full with the last of it.
        spool.complete()
    except SpoolFull as err:
        raise StoreUnavailable("cannot spool: %s" % err)
    if (
        spool.size_bytes != info.size_bytes
        or spool.sha256_hex != info.metadata["sha256"]
    ):
        return None
    return Hit(INLINE, info.size_bytes, map(types.encodedresponse, spool.chunks()))


def from_spool(found, types, run_command, done):
    """The response that another request makes, while or after it is made.

    ``found`` is a search.Spooled. ``run_command()`` gives the same response
    anew, as a generator of bytes; ``done(size_bytes, is_whole)`` is called when
    the response is over.
    """
    body = _read_on(found.chunks, found.turn, run_command, done)
    return Hit(SPOOL, 0, map(types.encodedresponse, body))


def _read_on(chunks, turn, run_command, done):
    digest = hashlib.sha256()
    sent_bytes = 0
    is_whole = False
    try:
        try:
            for chunk in chunks:
                yield chunk
                digest.update(chunk)
                sent_bytes += len(chunk)
        except LeaderFailed:
            # The client has a part already, which cannot be taken back. But a
            # command that is asked again says the same again.
            again = _without_beginning(run_command(), sent_bytes, digest.digest())
            for data in again:
                yield data
                sent_bytes += len(data)
        is_whole = True
    finally:
        turn.leave()
        done(sent_bytes, is_whole)


def _without_beginning(body, skip_bytes, sha256):
    """``body`` (bytes in chunks) after ``skip_bytes``, which must have ``sha256``."""
    digest = hashlib.sha256()
    left = skip_bytes
    for data in body:
        if left:
            digest.update(data[:left])
            if len(data) < left:
                left -= len(data)
                continue
            data = data[left:]
            left = 0
            if digest.digest() != sha256:
                break
        if data:
            yield data
    if left or digest.digest() != sha256:
        raise error.Abort(
            _(b"the response changed while it was sent"),
            hint=_(b"try again"),
        )
