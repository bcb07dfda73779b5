"""The bundle of one block of history, as clients take it from a URL.

``remote-changegroup`` of bundle2 wants a bundle of the first format: ``HG10``,
two letters for the compression, a changegroup of version 01. That version has
no place for flags of revisions; a block that has some is not made.
"""

import hashlib

from mercurial import changegroup, discovery, util
from mercurial.interfaces import repository
from mercurial.node import hex

from .. import compat
from . import repoproxy, v1deltas

#: Zstandard; by ``util.compengines`` and all clients since Mercurial 4.1.
COMPRESSION = b"ZS"

VERSION = b"01"

#: Hooks of those who pull. Nobody pulls when a block is made.
_HOOKS = frozenset((b"preoutgoing", b"outgoing"))


#: Why no bundle of a repository can be of that format.
IMPOSSIBLE = "not with the requirements of this repository"


class Unfit(Exception):
    """This block cannot be made; the argument says why, in one line (str)."""


def is_possible(repo):
    """Whether bundles of ``repo`` can be of that format at all: not with tree
    manifests, large files by reference, a narrowed store or side data; and the
    same for everybody."""
    return (
        VERSION in changegroup.supportedoutgoingversions(repo)
        # Access control of the narrow extension: each user has other files.
        and not repo.ui.has_section(b"narrowacl")
        and repository.REPO_FEATURE_SIDE_DATA not in repo.features
    )


def chunks(repo, history, block, beginnings=None):
    """The bundle, as a generator of bytes.

    For a client that has all ancestors of the block, and whatever else.
    ``repo`` is the served view, ``history`` its v1history.History,
    ``beginnings`` the v1deltas.Beginnings of who makes several. Raises Unfit.
    """
    if not is_possible(repo):
        raise Unfit("the repository allows no such format")
    revisions = history.revisions(block)
    nodes = history.nodes(revisions)
    bases = history.bases(revisions) or [repo.nullid]
    outgoing = discovery.outgoing(repo, bases, history.heads(revisions))
    if set(outgoing.missing) != set(nodes):
        raise Unfit("its changesets are not what is between heads and bases")
    seen = v1deltas.WithBeginnings(repo, beginnings or v1deltas.Beginnings())
    seen = repoproxy.WithoutHooks(seen, _HOOKS)
    packer = changegroup.getbundler(VERSION, seen)
    checks = _Checks(packer._builddeltaheader)
    packer._builddeltaheader = checks.header
    stream = checks.watched(packer.generate(outgoing.common, nodes, False, b"serve"))
    yield b"HG10" + COMPRESSION
    for data in util.compengines.forbundletype(COMPRESSION).compressstream(stream):
        yield data


class _Checks:
    """Refuses revisions that the format has no place for, as they go by.

    ``build(delta)`` makes the header of one.
    """

    def __init__(self, build):
        self._build = build
        self._meaningful = ~compat.neutral_revision_flags()
        #: The node before in the same group; None at its beginning.
        self._before = None

    def header(self, delta):
        if delta.flags & self._meaningful:
            raise _unfit(delta, "has flags")
        # Readers take the revision before for the base, and for the first of a
        # group its first parent. Mercurial also makes others: where the group
        # begins with the empty manifest, the next revision is based on nothing.
        base = delta.p1node if self._before is None else self._before
        if delta.basenode != base:
            raise _unfit(delta, "has another base")
        self._before = delta.node
        return self._build(delta)

    def watched(self, stream):
        """The chunks of ``stream``, of which some end a group."""
        end = changegroup.closechunk()
        for data in stream:
            if data == end:
                self._before = None
            yield data


def _unfit(delta, why):
    node = hex(delta.node).decode("ascii")
    return Unfit("revision %s %s, for which the format has no place" % (node, why))


class Digests:
    """Of the bytes of an object, as ``remote-changegroup`` names them."""

    #: Of util.DIGESTS, what clients have and what is worth having.
    TYPES = ("sha1", "sha512")

    def __init__(self):
        self._digests = {name: hashlib.new(name) for name in self.TYPES}

    def update(self, data):
        for digest in self._digests.values():
            digest.update(data)

    def metadata(self):
        """Name to hexadecimal digits, as they are kept beside the object."""
        return {name: each.hexdigest() for name, each in self._digests.items()}
