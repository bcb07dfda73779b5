"""What the served view of a repository holds, in terms of blocks of it.

Which changesets a client is to get, which it must not get, and what the blocks
are called. All in plain revision numbers, since a clone is about all of them.
"""

import bisect
import hashlib

from mercurial import node as nodemod
from mercurial import util

from .. import crossing, generation
from ..cache import blocks
from ..forksafe import ForkSafeLock

#: Part of every name. Raise it when a release makes other bundles of the same
#: changesets.
FORMAT_VERSION = 1

#: The view that is served to everybody.
SERVED = b"served"

#: A digest of the nodes of a block, in their order, to its name: to sort them
#: costs more than all else.
_names = util.lrucachedict(4096)
_names_lock = ForkSafeLock()


class History:
    """The served view ``repo`` at one moment."""

    def __init__(self, repo):
        self._repo = repo
        self._changelog = repo.changelog
        self._unfiltered = repo.unfiltered().changelog
        self._generation = generation.read(repo)
        self._hidden = sorted(self._changelog.filteredrevs)
        self.length = len(self._unfiltered)

    def wanted(self, heads, common):
        """The blocks.Wanted of who asks for ancestors of ``heads`` and has those
        of ``common``; both lists of nodes, and empty for all and nothing. None
        when it is so little that no block is worth it.

        Raises LookupError for a head that is not served.
        """
        changelog = self._changelog
        served = changelog.headrevs()
        head_revs = [changelog.rev(node) for node in heads] or served
        common_revs = [
            changelog.rev(node) for node in common if changelog.hasnode(node)
        ] or [nodemod.nullrev]
        revisions = changelog.findmissingrevs(common=common_revs, heads=head_revs)
        if len(revisions) < blocks.WORTHWHILE:
            return None
        outside = []
        if not set(head_revs).issuperset(served):
            outside = self._outside(revisions, head_revs + common_revs)
        return blocks.Wanted(revisions, outside, self.length)

    def _outside(self, revisions, known_heads):
        """What is served and no ancestor of ``known_heads``, as far as a block with
        one of ``revisions`` can reach."""
        start = max(0, revisions[0] - blocks.LARGEST)
        end = min(self.length, revisions[-1] + blocks.LARGEST)
        known = set(
            self._changelog.ancestors(
                [rev for rev in known_heads if rev != nodemod.nullrev],
                stoprev=start,
                inclusive=True,
            )
        )
        known.update(self._hidden)
        return [rev for rev in range(start, end) if rev not in known]

    def revisions(self, block):
        """What of ``block`` is served, as a list of revisions."""
        hidden = set(self._hidden_in(block))
        return [rev for rev in range(block.start, block.end) if rev not in hidden]

    def bases(self, revisions):
        """The parents of ``revisions`` (a list) that are not among them, as a
        list of nodes."""
        within = set(revisions)
        within.add(nodemod.nullrev)
        parents = self._unfiltered.parentrevs
        found = {
            parent
            for revision in revisions
            for parent in parents(revision)
            if parent not in within
        }
        return [self._unfiltered.node(revision) for revision in sorted(found)]

    def heads(self, revisions):
        """Those of ``revisions`` (a list) of which none is a child, as nodes."""
        parents = self._unfiltered.parentrevs
        inner = {parent for revision in revisions for parent in parents(revision)}
        return [
            self._unfiltered.node(revision)
            for revision in revisions
            if revision not in inner
        ]

    def nodes(self, revisions):
        node = self._unfiltered.node
        return [node(revision) for revision in revisions]

    def name(self, block):
        """What ``block`` is called, as 20 bytes: the same for the same changesets,
        in whatever order. None when none of it is served."""
        nodes = self.nodes(self.revisions(block))
        if not nodes:
            return None
        # Of the nodes themselves, each time: whatever else could stand for them,
        # a repository can be changed behind our back to the same.
        key = self._digest(nodes)
        with _names_lock:
            name = _names.get(key)
        if name is None:
            name = self._digest(sorted(nodes))[:20]
            with _names_lock:
                _names[key] = name
        return name

    def _digest(self, nodes):
        start = b"%d %s\0" % (FORMAT_VERSION, self._generation)
        return hashlib.sha256(start + b"".join(nodes)).digest()

    def _hidden_in(self, block):
        first = bisect.bisect_left(self._hidden, block.start)
        return self._hidden[first : bisect.bisect_left(self._hidden, block.end)]


def request_name(name):
    """``name`` as it stands in the key of an object; str."""
    return crossing.to_str(nodemod.hex(name))
