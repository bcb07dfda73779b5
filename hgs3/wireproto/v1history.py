"""What the served view of a repository holds, in terms of blocks of it.

Which changesets a client is to get, which it must not get, and what the blocks
are called. All in plain revision numbers, since a clone is about all of them.
"""

import bisect
import hashlib
import weakref

from mercurial import node as nodemod
from mercurial import util

from .. import crossing, generation
from ..cache import blocks
from ..forksafe import ForkSafeLock
from . import v1layout

#: Part of every name. Raise it when a release makes other bundles of the same
#: changesets.
FORMAT_VERSION = 1

#: The view that is served to everybody.
SERVED = b"served"

#: A digest of the nodes of a block, in their order, to its name: to sort them
#: costs more than all else.
_names = util.lrucachedict(4096)
#: Changelog (the object; what is not just added to it, such as a strip, begins a
#: generation) to a dictionary of (bounds of a block, what of it is hidden,
#: generation) to its name.
_names_in = weakref.WeakKeyDictionary()
_names_lock = ForkSafeLock()


class History:
    """The served view ``repo`` at one moment."""

    def __init__(self, repo):
        self._repo = repo
        # First: if something is taken away meanwhile, all of this must get a name
        # that nobody asks for any more, and not the new one.
        self._generation = generation.read(repo)
        self._changelog = repo.changelog
        self._unfiltered = repo.unfiltered().changelog

    @util.propertycache
    def layout(self):
        """The blocks.Layout of the repository."""
        return v1layout.of(self._repo)

    @util.propertycache
    def _hidden(self):
        return sorted(self._changelog.filteredrevs)

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
        wants_all = set(head_revs).issuperset(served)
        if wants_all and common_revs == [nodemod.nullrev]:
            # To find out who is whose ancestor would be most of a clone's work.
            revisions = self._revisions_between(0, len(self._unfiltered))
        else:
            revisions = changelog.findmissingrevs(common=common_revs, heads=head_revs)
        if len(revisions) < blocks.WORTHWHILE:
            return None
        outside = []
        if not wants_all:
            outside = self._outside(revisions, head_revs + common_revs)
        return blocks.Wanted(revisions, outside, self.layout)

    def _outside(self, revisions, known_heads):
        """What is served and no ancestor of ``known_heads``, as far as a block with
        one of ``revisions`` can reach."""
        layout = self.layout
        start, _end = layout.bounds(
            blocks.around(layout.position(revisions[0]), blocks.LARGEST)
        )
        _start, end = layout.bounds(
            blocks.around(layout.position(revisions[-1]), blocks.LARGEST)
        )
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
        return self._revisions_between(*self.layout.bounds(block))

    def _revisions_between(self, start, end):
        hidden = set(self._hidden_between(start, end))
        if not hidden:
            return list(range(start, end))
        return [rev for rev in range(start, end) if rev not in hidden]

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
        bounds = self.layout.bounds(block)
        key = bounds, tuple(self._hidden_between(*bounds)), self._generation
        with _names_lock:
            names = _names_in.setdefault(self._unfiltered, {})
        if key not in names:
            names[key] = self._name_of(self.nodes(self.revisions(block)))
        return names[key]

    def _name_of(self, nodes):
        if not nodes:
            return None
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

    def _hidden_between(self, start, end):
        first = bisect.bisect_left(self._hidden, start)
        return self._hidden[first : bisect.bisect_left(self._hidden, end)]


def request_name(name):
    """``name`` as it stands in the key of an object; str."""
    return crossing.to_str(nodemod.hex(name))
