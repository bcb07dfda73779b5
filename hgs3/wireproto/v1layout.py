"""Where blocks begin in a repository, so that mirrors have the same ones.

Whoever is first to serve a history says so in the store: the *segment list* of
the repository names the changeset that each chunk begins with, see
blocks.Layout. A mirror finds the same changesets under its own revision
numbers. It may lack some, or have got them in another order; where a chunk holds
the same ones all the same, it uses the segments that are there.

A list is written once, under the number of its entries, and a longer one takes
its place; a copy is in the repository's ``.hg/cache/hg-s3``. It is a hint, and may
be old, or wrong, or missing: segments are named by what they hold, whatever is
said here. So nobody who waits for an answer waits for a list: who makes
segments sees to it.
"""

import bisect
import hashlib
import re

from .. import crossing
from ..cache import blocks
from ..cache import key as cachekey
from ..objectstore.base import StoreUnavailable, StoreUnsupported

FILE_NAME = b"hg-s3/segment-list"

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z", re.ASCII)

_HEAD = b"hg-s3 segment list 1\n"
_NODE_BYTES = 20

#: What of too long a list would be read, in bytes: there are more changesets to
#: it than anybody has.
_MAX_BYTES = 8 * 1024 * 1024

#: How many served changesets a chunk may hold, so that its last block is not
#: much larger than it should be.
_MAX_SERVED = 8 * blocks.CHUNK


def of(repo):
    """The blocks.Layout of ``repo``, by the list that it has a copy of."""
    starts = _starts(repo, _nodes(_copy(repo)))
    return blocks.Layout(starts, len(repo.unfiltered().changelog))


def update(service, repo):
    """Have the copy as long as the history of ``repo``, and the list in the
    store as well. Never raises for a fault of the store."""
    nodes = _nodes(_copy(repo))
    if len(_starts(repo, nodes)) <= len(nodes) + 1:
        # As nearly always: it says all that there is to say.
        return
    try:
        nodes = _shared(service, repo, nodes)
    except (StoreUnavailable, StoreUnsupported) as err:
        # The next one may. Who makes segments now meets the same store.
        _note(repo, "the segment list cannot be read: %s" % err)
        return
    try:
        with repo.cachevfs(FILE_NAME, b"wb", atomictemp=True) as file:
            file.write(_body(nodes))
    except OSError as err:
        _note(repo, "cannot keep the segment list: %s" % err)


def _note(repo, line):
    repo.ui.debug(b"s3wireprotocache: %s\n" % crossing.to_bytes(line))


def _copy(repo):
    """The list in the repository's cache; b"" where it cannot be read."""
    try:
        return repo.cachevfs.tryread(FILE_NAME)
    except OSError as err:
        _note(repo, "cannot read the segment list: %s" % err)
        return b""


def _shared(service, repo, nodes):
    """The nodes of the list in the store, after it was made longer if need be.

    ``nodes`` are those of the copy. Raises StoreUnavailable, StoreUnsupported.
    """
    digest = cachekey.repo_digest(service.settings.repo_id or repo.root)

    def key(count):
        return cachekey.list_key(service.settings.prefix, digest, count)

    counts = _counts(service.store, key(0)[:-1])
    # The longest one that is whole.
    while counts:
        found = _nodes(_read(service.store, key(counts[-1])))
        if len(found) == counts[-1]:
            nodes = found
            break
        _delete(service.store, repo, [key(counts.pop())])
    own = _starts_as_nodes(repo, nodes)
    if len(own) <= (counts[-1] if counts else 0):
        return nodes
    body = _body(own)
    metadata = cachekey.metadata(
        "list", digest, len(body), hashlib.sha256(body).hexdigest()
    )
    try:
        is_ours = service.store.put_if_absent(key(len(own)), body, metadata)
    except (StoreUnavailable, StoreUnsupported) as err:
        _note(repo, "the segment list cannot be stored: %s" % err)
        return nodes
    if not is_ours:
        # Another server was faster, and may see it otherwise.
        return _nodes(_read(service.store, key(len(own)))) or nodes
    # The one before stays for whoever has just seen that it is there.
    _delete(service.store, repo, [key(count) for count in counts[:-1]])
    return own


def _delete(store, repo, keys):
    if not keys:
        return
    try:
        store.delete(keys)
    except StoreUnavailable as err:
        # Credentials that may store and not delete: they are small.
        _note(repo, "old segment lists are kept: %s" % err)


def _counts(store, folder):
    """How many entries the lists in the store have, in ascending order."""
    names = [item.key[len(folder) :] for item in store.list(folder)]
    return sorted(int(name) for name in names if _COUNT.match(name))


def _read(store, key):
    """A list as bytes; b"" for what is none."""
    body = b""
    for chunk in store.read(key) or ():
        body += chunk
        if len(body) > _MAX_BYTES:
            return b""
    return body


def _body(nodes):
    return _HEAD + b"".join(nodes)


def _nodes(body):
    """The inverse of :func:`_body`; [] for what is no list."""
    nodes = body[len(_HEAD) :]
    if not body.startswith(_HEAD) or len(nodes) % _NODE_BYTES:
        return []
    return [
        nodes[start : start + _NODE_BYTES]
        for start in range(0, len(nodes), _NODE_BYTES)
    ]


def _starts_as_nodes(repo, nodes):
    """The list of ``repo`` as it is now, as far as ``nodes`` do not say it."""
    changelog = repo.unfiltered().changelog
    hidden = repo.changelog.filteredrevs
    result = list(nodes)
    for start in _starts(repo, nodes)[len(nodes) + 1 :]:
        # What is not served no mirror can know, and nobody else need see.
        served = (rev for rev in range(start, len(changelog)) if rev not in hidden)
        first = next(served, None)
        if first is None:
            break
        result.append(changelog.node(first))
    return result


def _starts(repo, nodes):
    """The first revision of each chunk, as a list; see blocks.Layout."""
    changelog = repo.unfiltered().changelog
    length = len(changelog)
    starts = [0]
    known = None
    for number, node in enumerate(nodes):
        start = starts[-1] + blocks.CHUNK
        if start >= length or changelog.node(start) != node:
            if known is None:
                known = _Known(repo, nodes)
            start = known.start(number, starts[-1])
        if start >= length:
            break
        starts.append(start)
    starts.extend(range(starts[-1] + blocks.CHUNK, length, blocks.CHUNK))
    # Of another history, or of a small part of it: nothing can be shared.
    if len(starts) > 4 * (length // blocks.CHUNK + 4):
        return list(range(0, max(length, 1), blocks.CHUNK))
    return starts


class _Known:
    """The revisions of ``nodes`` in a repository that does not number them as
    the first server does."""

    def __init__(self, repo, nodes):
        changelog = repo.unfiltered().changelog
        self._hidden = sorted(repo.filtered(b"served").changelog.filteredrevs)
        #: Of each node, or the next that is there: (its number, revision).
        self._next = []
        found = len(nodes), -1
        for number in reversed(range(len(nodes))):
            if changelog.hasnode(nodes[number]):
                found = number, changelog.rev(nodes[number])
            self._next.append(found)
        self._next.reverse()

    def start(self, number, before):
        """Where the chunk of this number after the first begins, if the one
        ahead of it does at revision ``before``."""
        expected = before + blocks.CHUNK
        found, revision = self._next[number]
        if revision < before or self._served(before, revision) > _MAX_SERVED:
            return expected
        # What is lacking is not made up for by what comes after it.
        return revision if found == number else min(expected, revision)

    def _served(self, start, end):
        hidden = bisect.bisect_left(self._hidden, end)
        return end - start - (hidden - bisect.bisect_left(self._hidden, start))
