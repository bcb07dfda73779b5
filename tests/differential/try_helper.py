"""An extension of Mercurial for repositories of tests of headless try: makes
changesets without a working copy, and tells what a repository has, quickly. Loaded
beside the client under test, and into no server.
"""

import json

from mercurial import context, phases, registrar
from mercurial import node as nodemod

cmdtable = {}
command = registrar.command(cmdtable)


@command(b"differential-commit", [], b"SPECIFICATION")
def commit(ui, repo, specification):
    """Add a changeset, and print its node.

    SPECIFICATION is JSON: ``parents`` are hex nodes, ``branch`` a name or None for
    that of the first parent, ``number`` makes it unlike any other. ``actions`` are
    lists: a name, and what :func:`_apply` takes for it.
    """
    given = json.loads(specification)
    parents = [repo[node.encode()] for node in given["parents"]]
    files = {}
    if parents[1:]:
        files = {path: _read(parents[1][path]) for path in _only_in_second(*parents)}
    for name, *values in given["actions"]:
        _apply(repo, parents[0], files, name, values)
    for path, found in files.items():
        if found is not None and b"l" in found[1]:
            # What can be no symbolic link ends some versions of `hg update`.
            files[path] = (b"target", *found[1:])

    def filectx(repo, memctx, path):
        if files[path] is None:
            return None
        data, flags, source = files[path]
        return context.memfilectx(
            repo,
            memctx,
            path,
            data,
            islink=b"l" in flags,
            isexec=b"x" in flags,
            copysource=source,
        )

    branch = given["branch"]
    memctx = context.memctx(
        repo,
        ([ctx.node() for ctx in parents] + [None])[:2],
        b"changeset %d" % given["number"],
        sorted(files),
        filectx,
        b"client <client@example.com>",
        (1_200_000_000 + given["number"], 0),
        {b"branch": branch.encode() if branch else parents[0].branch()},
    )
    with repo.wlock(), repo.lock(), repo.transaction(b"differential"):
        ui.write(nodemod.hex(repo.commitctx(memctx)))


def _only_in_second(first, second):
    return set(second.manifest()).difference(first.manifest())


def _read(filectx):
    return filectx.data(), filectx.flags(), None


def _apply(repo, parent, files, name, values):
    """``write`` PATH CONTENT FLAGS; ``remove`` N; ``copy`` or ``move`` N PATH CONTENT,
    None for the content that it has; ``like`` NODE: what that changeset has in its
    files. Paths and contents are in Latin-1."""
    if name == "write":
        path, data, flags = values
        files[_bytes(path)] = (_bytes(data), flags.encode(), None)
    elif name == "like":
        other = repo[values[0].encode()]
        for path in other.files():
            files[path] = _read(other[path]) if path in other else None
            if path not in other and path not in parent:
                del files[path]
    elif len(parent.manifest()):
        present = sorted(parent.manifest())
        source = present[values[0] % len(present)]
        if name in ("copy", "move"):
            path, content = values[1:]
            data, flags, _source = _read(parent[source])
            data = data if content is None else _bytes(content)
            if _bytes(path) != source:
                files[_bytes(path)] = (data, flags, source)
        if name in ("remove", "move"):
            files[source] = None


def _bytes(text):
    return text.encode("latin-1")


@command(b"differential-tell", [], b"")
def tell(ui, repo):
    """Print, as JSON, the changesets by node, in order, and the bookmarks."""
    unfiltered = repo.unfiltered()
    told = {
        "changesets": {
            _hex(ctx.node()): [
                [_hex(p.node()) for p in ctx.parents() if p.rev() >= 0],
                phases.phasenames[ctx.phase()].decode(),
                ctx.branch().decode(),
                ctx.rev() in repo.changelog.filteredrevs,
            ]
            for ctx in map(unfiltered.__getitem__, unfiltered)
        },
        "bookmarks": {
            name.decode(): _hex(node) for name, node in sorted(repo._bookmarks.items())
        },
        "heads": [_hex(node) for node in sorted(repo.heads())],
    }
    ui.write(json.dumps(told).encode())


@command(b"differential-set-bookmarks", [], b"BOOKMARKS")
def set_bookmarks(ui, repo, wanted):
    """Have these and no others: a JSON map of names to hex nodes."""
    wanted = {name.encode(): node for name, node in json.loads(wanted).items()}
    changes = [(name, None) for name in repo._bookmarks if name not in wanted]
    changes += [(name, nodemod.bin(node)) for name, node in sorted(wanted.items())]
    with repo.wlock(), repo.lock(), repo.transaction(b"differential") as tr:
        repo._bookmarks.applychanges(repo, tr, changes)


def _hex(node):
    return nodemod.hex(node).decode("ascii")
