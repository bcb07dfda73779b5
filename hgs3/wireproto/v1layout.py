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

from mercurial import error

from .. import crossing
from ..cache import blocks
from ..cache import key as cachekey
from ..objectstore.base import StoreUnavailable, StoreUnsupported

FILE_NAME = b"hg-s3/segment-list"

_HEAD = b"hg-s3 segment list 1\n"
_NODE_BYTES = 20

#: What of too long a list would be read, in bytes: there are more changesets to
#: it than anybody has.
_MAX_BYTES = 8 * 1024 * 1024

#: How many served changesets a chunk may hold, so that blocks are no larger than
#: they should be.
_MAX_SERVED = blocks.CHUNK + blocks.CHUNK // 8


def of(repo):
    """The blocks.Layout of ``repo``, by the list that it has a copy of."""
    return _layout(repo, _nodes(repo.cachevfs.tryread(FILE_NAME)))


def update(service, repo):
    """Have the copy as long as the history of ``repo``, and the list in the
    store as well. Never raises for a fault of the store."""
    before = repo.cachevfs.tryread(FILE_NAME)
    try:
        nodes = _shared(service, repo, _nodes(before))
    except (StoreUnavailable, StoreUnsupported):
        # The next one may. Who makes segments now meets the same store.
        return
    body = _body(nodes)
    if body != before:
        try:
            with repo.cachevfs(FILE_NAME, b"wb", atomictemp=True) as file:
                file.write(body)
        except OSError as err:
            repo.ui.debug(
                b"s3wireprotocache: cannot keep the segment list: %s\n"
                % crossing.to_bytes(str(err))
            )


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
        service.store.delete([key(counts.pop())])
    own = _starts_as_nodes(repo, nodes)
    if len(own) <= (counts[-1] if counts else 0):
        return nodes
    body = _body(own)
    metadata = cachekey.metadata(
        "list", digest, len(body), hashlib.sha256(body).hexdigest()
    )
    if not service.store.put_if_absent(key(len(own)), body, metadata):
        # Another server was faster, and may see it otherwise.
        return _nodes(_read(service.store, key(len(own)))) or nodes
    try:
        # The one before stays for whoever has just seen that it is there.
        service.store.delete([key(count) for count in counts[:-1]])
    except StoreUnavailable:
        # Credentials that may store and not delete: they are small.
        repo.ui.debug(b"s3wireprotocache: old segment lists are kept\n")
    return own


def _counts(store, folder):
    """How many entries the lists in the store have, in ascending order."""
    names = [item.key[len(folder) :] for item in store.list(folder)]
    return sorted(int(name) for name in names if name.isdigit() and name != "0")


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
    starts = _starts(repo, nodes)[1:]
    return nodes + [changelog.node(start) for start in starts[len(nodes) :]]


def _layout(repo, nodes):
    return blocks.Layout(_starts(repo, nodes), len(repo.unfiltered().changelog))


def _starts(repo, nodes):
    """The first revision of each chunk, as a list; see blocks.Layout."""
    changelog = repo.unfiltered().changelog
    length = len(changelog)
    starts = [0]
    for node in nodes:
        expected = starts[-1] + blocks.CHUNK
        if expected >= length or changelog.node(expected) != node:
            expected = _start_after(repo, starts[-1], node)
        if expected >= length:
            return starts
        starts.append(expected)
    starts.extend(range(starts[-1] + blocks.CHUNK, length, blocks.CHUNK))
    return starts


def _start_after(repo, start, node):
    """The revision of ``node`` if the next chunk after that at ``start`` can begin
    there; otherwise where it would begin without a list."""
    expected = start + blocks.CHUNK
    try:
        revision = repo.unfiltered().changelog.rev(node)
    except error.LookupError:
        return expected
    hidden = sorted(repo.filtered(b"served").changelog.filteredrevs)
    count = revision - start
    count -= bisect.bisect_left(hidden, revision) - bisect.bisect_left(hidden, start)
    return revision if start < revision and count <= _MAX_SERVED else expected
