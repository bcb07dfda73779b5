"""Which generation of a repository's history a cached response belongs to.

Most of what can be changed about published history shows in the nodes that a
request names, or hides them. ``hg censor`` does not: it takes the content of a
file revision away and leaves its node. A strip takes nodes away, which later
may come again. So both begin a new generation: it is part of every key, and
what was stored before is out of reach at once.

It is a file in the store of the repository, so that a copy of the repository
has the same one, and is read with each request. It holds a digest of all that
was taken away, in order, and not a counter: two servers that share a bucket
share responses again when both have taken away the same, and never while only
one has.

While something is being taken away the generation is *unsettled*: a random one,
that never was and never comes again. Neither does anybody see what was stored
before, nor will what is stored meanwhile, from the old content maybe, be seen
by anybody afterwards. It is settled when it is certain that all of it is gone,
which for a censoring is the end of its transaction. Otherwise, after a fault, an
aborted transaction or a killed process, it stays as it is: this repository then
shares with no other one.
"""

import hashlib
import os
import weakref

from mercurial import extensions, filelog, repair

FILE_NAME = b"hg-s3-generation"

#: Transaction to [generation before it, what it takes away...].
_censorings = weakref.WeakKeyDictionary()

_is_set_up = False


def read(repo):
    """The generation of ``repo`` as bytes, b"" while nothing was taken away."""
    return _read(repo.svfs)


def unsettle(svfs):
    """Begin to take something away; returns what :func:`settle` needs.

    Raises OSError, and then nothing may be taken away.
    """
    before = _read(svfs)
    _write(svfs, b"unsettled-" + os.urandom(16).hex().encode("ascii"))
    return before


def settle(svfs, before, *what):
    """All of ``what`` (bytes, the same on servers that do the same) is gone."""
    digest = hashlib.sha256()
    for part in (before,) + what:
        digest.update(b"%d:" % len(part) + part)
    _write(svfs, digest.hexdigest()[:32].encode("ascii"))


def _read(svfs):
    return svfs.tryread(FILE_NAME).strip()


def _write(svfs, generation):
    with svfs(FILE_NAME, b"wb", atomictemp=True) as file:
        file.write(generation + b"\n")


def setup():
    """Hook what takes content away; called by each extension, does it once."""
    global _is_set_up
    if _is_set_up:
        return
    _is_set_up = True
    extensions.wrapfunction(filelog.filelog, "censorrevision", _censorrevision)
    extensions.wrapfunction(repair, "strip", _strip)


def _censorrevision(orig, self, tr, node, tombstone=b"", **kwargs):
    revlog = self._revlog
    svfs = revlog.opener
    # hg >= 7.1: several nodes at once
    nodes = [node] if isinstance(node, bytes) else sorted(node)
    before = unsettle(svfs)
    # A transaction may censor more than one file. What counts is where it began.
    what = _censorings.setdefault(tr, [before])
    # The path, too: files of the same content have the same nodes.
    what += [b"censor", _name(revlog), tombstone, b"%d" % len(nodes)] + nodes
    tr.addpostclose(FILE_NAME, lambda _tr: settle(svfs, *what))
    return orig(self, tr, node, tombstone=tombstone, **kwargs)


def _name(revlog):
    # hg <= 5.8 has no radix
    return getattr(revlog, "radix", None) or revlog.indexfile


def _strip(orig, ui, repo, nodelist, *args, **kwargs):
    nodes = [nodelist] if isinstance(nodelist, bytes) else sorted(nodelist)
    before = unsettle(repo.svfs)
    result = orig(ui, repo, nodelist, *args, **kwargs)
    settle(repo.svfs, before, b"strip", *nodes)
    return result


def rolls_back(repo):
    """Make ``hg rollback`` begin a new generation; called for each repository, by
    each extension."""
    if getattr(repo, "hgs3_rolls_back", False):
        return

    class rollbackrepo(repo.__class__):
        hgs3_rolls_back = True

        def _rollback(self, dryrun, *args, **kwargs):
            # Not its caller, which takes the lock and finds out whether there
            # is anything to do. It is not settled: what it was that the last
            # transaction did, a rollback cannot say.
            if not dryrun:
                unsettle(self.svfs)
            return super()._rollback(dryrun, *args, **kwargs)

    repo.__class__ = rollbackrepo
