"""Deltas that a client can take as they are.

A client looks at how each text of a file begins: that tells whether it holds
the metadata of a copy (see "issue6528" of Mercurial). Of the first delta in a
group, which as a rule leaves the beginning alone, it has to make the whole text
for that, through all of the chain before it. And a pull in five parts has many
files with a first delta in each of them: half of the client's work.

So such a delta is made to say it: it replaces the first bytes by themselves.
Of all that a segment is made for, this costs us the text once. Clients before
Mercurial 7 do not look there first, and are neither helped nor hindered.
"""

import struct

from mercurial import node as nodemod

from . import repoproxy

#: What a client looks at, in bytes.
BEGINNING = 2

#: Of a hunk: from where to where it replaces, by how many bytes.
_HUNK = struct.Struct(">lll")


def with_beginning(delta, beginning):
    """A delta (bytes) with the same result, which says that it begins with
    ``beginning``, the first BEGINNING bytes of it."""
    if len(beginning) < BEGINNING:
        return delta
    if delta and _HUNK.unpack_from(delta)[0] < BEGINNING:
        return delta
    return _HUNK.pack(0, BEGINNING, BEGINNING) + beginning + delta


class WithBeginnings(repoproxy.RepoProxy):
    """The first delta of each group of a file says how its text begins."""

    def file(self, path):
        return _File(self._repo.file(path))


class _File:
    """A filelog."""

    def __init__(self, filelog):
        self._filelog = filelog

    def __getattr__(self, name):
        return getattr(self._filelog, name)

    def __len__(self):
        return len(self._filelog)

    def emitrevisions(self, nodes, *args, **kwargs):
        is_first = True
        for revision in self._filelog.emitrevisions(nodes, *args, **kwargs):
            if is_first and self._is_delta(revision):
                text = self._filelog.rawdata(revision.node)
                revision.delta = with_beginning(revision.delta, text[:BEGINNING])
            is_first = False
            yield revision

    def _is_delta(self, revision):
        return revision.delta is not None and revision.basenode != nodemod.nullid
