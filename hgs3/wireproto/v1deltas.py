"""Deltas that a client can take as they are.

A client looks at how each text of a file begins: that tells whether it holds
the metadata of a copy (see "issue6528" of Mercurial). Of the first delta in a
group, which as a rule leaves the beginning alone, it has to make the whole text
for that, through all of the chain before it. And a pull in five parts has many
files with a first delta in each of them: a third of the client's work.

So such a delta is made to say it: it replaces the first bytes by themselves.
This costs us the text once, and not even that where a segment follows one that was
made before it. Clients before Mercurial 7 do not look there first, and are neither
helped nor hindered.
"""

import struct

from mercurial import node as nodemod
from mercurial import util

from . import repoproxy

#: What a client looks at, in bytes.
BEGINNING = 2

#: How many texts it is remembered of; each takes some hundred bytes.
REMEMBERED = 20_000

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


class Beginnings:
    """The first BEGINNING bytes of texts that have gone by; for one thread."""

    def __init__(self):
        #: (path, node) of a file revision to bytes. The path is needed: of two
        #: files of the same content, and so of one node, one may be censored.
        self._known = util.lrucachedict(REMEMBERED)

    def note(self, path, revision):
        """How the text of an emitted ``revision`` begins, or None where it
        cannot be told without the text."""
        if revision.flags:
            # Its text is not what its node stands for.
            return None
        found = self._of(path, revision)
        if found is not None:
            self._known[path, revision.node] = found
        return found

    def _of(self, path, revision):
        delta = revision.delta
        if delta is None:
            return revision.revision[:BEGINNING]
        start, size = BEGINNING, 0
        if delta:
            start, _end, size = _HUNK.unpack_from(delta)
        if start >= BEGINNING:
            return self._known.get((path, revision.basenode))
        if start == 0 and size >= BEGINNING:
            return delta[_HUNK.size : _HUNK.size + BEGINNING]
        return None


class WithBeginnings(repoproxy.RepoProxy):
    """The first delta of each group of a file says how its text begins."""

    def __init__(self, repo, beginnings):
        super().__init__(repo)
        self._beginnings = beginnings

    def file(self, path):
        return _File(self._repo.file(path), path, self._beginnings)


class _File:
    """A filelog."""

    def __init__(self, filelog, path, beginnings):
        self._filelog = filelog
        self._path = path
        self._beginnings = beginnings

    def __getattr__(self, name):
        return getattr(self._filelog, name)

    def __len__(self):
        return len(self._filelog)

    def __iter__(self):
        return iter(self._filelog)

    def emitrevisions(self, nodes, *args, **kwargs):
        is_first = True
        for revision in self._filelog.emitrevisions(nodes, *args, **kwargs):
            beginning = self._beginnings.note(self._path, revision)
            if is_first and _is_plain_delta(revision):
                if beginning is None:
                    beginning = self._filelog.rawdata(revision.node)[:BEGINNING]
                revision.delta = with_beginning(revision.delta, beginning)
                self._beginnings.note(self._path, revision)
            is_first = False
            yield revision


def _is_plain_delta(revision):
    return (
        revision.delta is not None
        and revision.basenode != nodemod.nullid
        # A segment with such a one is unfit; nothing may be made of it.
        and not revision.flags
    )
