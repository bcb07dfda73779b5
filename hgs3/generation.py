"""Which generation of a repository's history a cached response belongs to.

Most of what can be changed about published history shows in the nodes that a
request names, or hides them. ``hg censor`` does not: it takes the content of a
file revision away and leaves its node. A strip takes nodes away, which later
may come again. So both begin a new generation: it is part of every key, and
what was stored before is out of reach at once.

It is a file in the store of the repository, so that a copy of the repository
has the same one, and is read with each request. It holds a digest of all that
was done, in order, and not a counter: two servers that share a bucket share
responses again when both have done the same, and never while only one has.
"""

import contextlib
import hashlib
import os

from mercurial import extensions, filelog, repair

FILE_NAME = b"hg-s3-generation"


def read(repo):
    """The generation of ``repo`` as bytes, b"" while nothing was taken away."""
    return _read(repo.svfs)


def _read(svfs):
    return svfs.tryread(FILE_NAME).strip()


def _write(svfs, generation):
    with svfs(FILE_NAME, b"wb", atomictemp=True) as file:
        file.write(generation + b"\n")


@contextlib.contextmanager
def begin_next(svfs, *what):
    """Around what takes content away; ``what`` says it, as bytes.

    During it, the generation is one that never was and never comes again:
    neither does anybody see what was stored before, nor will what is stored
    meanwhile, from the old content maybe, be seen by anybody afterwards. If the
    process dies in between, it stays like that, which is safe.
    """
    before = _read(svfs)
    _write(svfs, b"unfinished-" + os.urandom(16).hex().encode("ascii"))
    try:
        yield
    finally:
        _write(svfs, _successor(before, what))


def _successor(before, what):
    digest = hashlib.sha256()
    for part in (before,) + what:
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()[:32].encode("ascii")


def setup():
    """Hook what takes content away; called once."""
    extensions.wrapfunction(filelog.filelog, "censorrevision", _censorrevision)
    extensions.wrapfunction(repair, "strip", _strip)


def _censorrevision(orig, self, tr, node, *args, **kwargs):
    # hg >= 7.1: several nodes at once
    nodes = [node] if isinstance(node, bytes) else sorted(node)
    with begin_next(self._revlog.opener, b"censor", *nodes):
        return orig(self, tr, node, *args, **kwargs)


def _strip(orig, ui, repo, nodelist, *args, **kwargs):
    nodes = [nodelist] if isinstance(nodelist, bytes) else sorted(nodelist)
    with begin_next(repo.svfs, b"strip", *nodes):
        return orig(ui, repo, nodelist, *args, **kwargs)


def rolls_back(repo):
    """Make ``hg rollback`` begin a new generation; called for each repository."""

    class rollbackrepo(repo.__class__):
        def _rollback(self, dryrun, *args, **kwargs):
            # Not its caller, which takes the lock and finds out whether there
            # is anything to do.
            if dryrun:
                return super()._rollback(dryrun, *args, **kwargs)
            with begin_next(self.svfs, b"rollback", self.changelog.tip()):
                return super()._rollback(dryrun, *args, **kwargs)

    repo.__class__ = rollbackrepo
