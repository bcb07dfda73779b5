"""An extension of Mercurial for the repositories of clients: brings them into a
state, and tells all that is in them. Only loaded beside the client under test.
"""

import json
import os
import pathlib

from mercurial import context, obsolete, phases, registrar, verify
from mercurial import node as nodemod

cmdtable = {}
command = registrar.command(cmdtable)

#: What a pull leaves behind that is no content, below .hg.
UNCOMPARED = ("cache", "wcache", "hook-calls", "hgrc")


@command(b"differential-arrange", [], b"STATE")
def arrange(ui, repo, state):
    """Add commits, phases, markers and bookmarks of a client's own.

    STATE is JSON: ``commits`` are lists of parents, which are hex nodes or the
    number of one of these commits; ``secret`` and ``obsolete`` are lists, and
    ``bookmarks`` a map, of the same. What refers to a changeset that the client
    has not got is left out.
    """
    state = json.loads(state)
    made = {}

    def find(name):
        """A changectx, or None."""
        node = made.get(name) if isinstance(name, int) else nodemod.bin(name)
        if node is None or not repo.unfiltered().changelog.hasnode(node):
            return None
        return repo.unfiltered()[node]

    with repo.wlock(), repo.lock(), repo.transaction(b"differential") as tr:
        for number, parents in enumerate(state["commits"]):
            made[number] = _commit(repo, number, [find(name) for name in parents])
        secret = [ctx.node() for ctx in map(find, state["secret"]) if ctx]
        for ctx in map(repo.unfiltered().__getitem__, secret):
            # As `hg phase --force` does.
            phases.retractboundary(repo, tr, phases.secret, [ctx.node()])
        changes = [(name, find(at)) for name, at in sorted(state["bookmarks"].items())]
        changes = [(name.encode(), ctx.node()) for name, ctx in changes if ctx]
        repo._bookmarks.applychanges(repo, tr, changes)
    found = [ctx for ctx in map(find, state["obsolete"]) if ctx and ctx.mutable()]
    if found:
        relations = [((ctx,), ()) for ctx in found]
        obsolete.createmarkers(repo, relations, date=(1_000_000_001, 0))


def _commit(repo, number, parents):
    nodes = [ctx.node() for ctx in parents if ctx is not None]
    path = b"local-%d" % number

    def filectx(repo, memctx, path):
        return context.memfilectx(repo, memctx, path, b"of the client\n")

    memctx = context.memctx(
        repo.unfiltered(),
        (nodes + [None, None])[:2],
        b"local commit %d" % number,
        [path],
        filectx,
        b"client <client@example.com>",
        (1_100_000_000 + number, 0),
        {b"branch": b"default"},
    )
    return repo.unfiltered().commitctx(memctx)


@command(b"differential-inspect", [], b"")
def inspect(ui, repo):
    """Print all that is in a repository, as JSON with sorted keys.

    Revision numbers do not show in it, but as whether they are in order.
    """
    unfiltered = repo.unfiltered()
    told = {
        "changesets": {
            str(unfiltered[rev]): _changeset(unfiltered[rev], repo)
            for rev in unfiltered
        },
        "topological": all(
            parent < rev
            for rev in unfiltered
            for parent in unfiltered.changelog.parentrevs(rev)
        ),
        "heads": sorted(map(_hex, repo.heads())),
        "branches": _branches(repo),
        "tags": {_text(name): _hex(node) for name, node in repo.tags().items()},
        "bookmarks": {
            _text(name): _hex(node) for name, node in sorted(repo._bookmarks.items())
        },
        "markers": sorted(map(repr, unfiltered.obsstore)),
        "unstable": {
            name: sorted(
                _hex(unfiltered.changelog.node(rev))
                for rev in obsolete.getrevs(unfiltered, name.encode())
            )
            for name in ("orphan", "phasedivergent", "contentdivergent")
        },
        "storage": _storage(unfiltered),
        "requirements": sorted(map(_text, repo.requirements)),
        "parents": [_hex(ctx.node()) for ctx in repo[None].parents()],
        "files": _files(repo),
        "verify": _verify(repo),
    }
    ui.write(json.dumps(told, indent=1, sort_keys=True).encode())


def _changeset(ctx, repo):
    told = {
        "parents": [_hex(parent.node()) for parent in ctx.parents()],
        "phase": _text(ctx.phasestr()),
        "hidden": ctx.rev() in repo.changelog.filteredrevs,
        "obsolete": ctx.obsolete(),
        "manifest": _hex(ctx.manifestnode()),
        "user": _text(ctx.user()),
        "description": _text(ctx.description()),
        "files": sorted(map(_text, ctx.files())),
        "extra": {_text(key): _text(value) for key, value in ctx.extra().items()},
        "date": list(ctx.date()),
    }
    return told


def _branches(repo):
    heads = repo.branchmap().branchheads
    return {
        _text(branch): {
            "heads": sorted(map(_hex, heads(branch, closed=True))),
            "open heads": sorted(map(_hex, heads(branch))),
        }
        for branch in {repo[rev].branch() for rev in repo}
    }


def _storage(repo):
    """All revisions of manifests and files: parents and the changeset."""
    told = {"": _revisions(repo, repo.manifestlog.getstorage(b""))}
    for path in sorted({path for rev in repo for path in repo[rev].files()}):
        told[_text(path)] = _revisions(repo, repo.file(path))
    return told


def _revisions(repo, storage):
    return {
        _hex(storage.node(rev)): [_hex(node) for node in storage.parents(node)]
        + [_hex(repo.changelog.node(storage.linkrev(rev)))]
        for rev in storage
        for node in [storage.node(rev)]
    }


def _files(repo):
    """What there is below .hg, without what is empty, cached or no content, and
    without what a revlog has put into a second file for its size."""
    top = pathlib.Path(os.fsdecode(repo.path))
    return sorted(
        str(path.relative_to(top))
        for path in top.rglob("*")
        if path.is_file()
        and path.stat().st_size
        and path.relative_to(top).parts[0] not in UNCOMPARED
        and path.suffix != ".d"
    )


def _verify(repo):
    repo.ui.pushbuffer(error=True)
    errors = verify.verify(repo)
    output = _text(repo.ui.popbuffer())
    return output if errors or "warning" in output else "clean"


def _hex(node):
    return nodemod.hex(node).decode("ascii")


def _text(data):
    return data.decode("utf-8", "backslashreplace")
