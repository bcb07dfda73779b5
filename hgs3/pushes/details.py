"""What the log keeps of a changeset, taken from the repository."""

from mercurial import encoding, error, obsolete, repoview
from mercurial.node import hex, nullrev

from .. import crossing
from ..database.records import (
    AS_PUSHED,
    GONE,
    HIDDEN,
    Details,
    LoggedChangeset,
)

_TAGS = b".hgtags"


def of_revisions(repo, revs):
    """LoggedChangesets of revision numbers, which ascend."""
    repo = repo.unfiltered()
    contexts = [repo[rev] for rev in revs]
    tags = _tags(contexts)
    hidden = hidden_revisions(repo)
    return [
        LoggedChangeset(
            _text(ctx.node()),
            HIDDEN if ctx.rev() in hidden else AS_PUSHED,
            _of(repo, ctx, tags.get(ctx.node(), ())),
        )
        for ctx in contexts
    ]


def of_nodes(repo, nodes):
    """LoggedChangesets of nodes, in the order of revisions; those that are not there
    come first and are gone."""
    get_rev = repo.unfiltered().changelog.index.get_rev
    revs = {node: get_rev(node) for node in nodes}
    gone = [LoggedChangeset(_text(node), GONE) for node in nodes if revs[node] is None]
    return gone + of_revisions(
        repo, sorted({rev for rev in revs.values() if rev is not None})
    )


def hidden_revisions(repo):
    """The revisions that clients do not see, since they are obsolete; a set."""
    repo = repo.unfiltered()
    if not repo.obsstore:
        return frozenset()
    return repoview.filterrevs(repo, b"visible")


def states_after(repo, markers, first_rev):
    """The states, by nodes (str), of changesets that may have been hidden or shown
    by a transaction with these obsolescence markers, and the revisions from
    ``first_rev`` on."""
    repo = repo.unfiltered()
    if not repo.obsstore:
        return {}
    cl = repo.changelog
    begin = {cl.index.get_rev(marker[0]) for marker in markers} - {None}
    for rev in cl.revs(start=first_rev):
        begin.update(cl.parentrevs(rev))
    if markers:
        repo.invalidatevolatilesets()
    gone = obsolete.getrevs(repo, b"obsolete")
    # What is below them is hidden with them, and shown with them.
    found, left = set(), begin - {nullrev}
    while left:
        rev = left.pop()
        if rev in gone and rev not in found:
            found.add(rev)
            left.update(parent for parent in cl.parentrevs(rev) if parent != nullrev)
    hidden = hidden_revisions(repo) if found else ()
    return {
        _text(cl.node(rev)): HIDDEN if rev in hidden else AS_PUSHED for rev in found
    }


def states_now(repo, known):
    """Of pairs of a node (str) and its state in the log, those that are otherwise
    in the repository: a dict of nodes to states."""
    repo = repo.unfiltered()
    get_rev = repo.changelog.index.get_rev
    hidden = hidden_revisions(repo)
    changed = {}
    for node, state in known:
        rev = get_rev(bytes.fromhex(node))
        now = GONE if rev is None else HIDDEN if rev in hidden else AS_PUSHED
        if now != state:
            changed[node] = now
    return changed


def _of(repo, ctx, tags):
    date, offset = ctx.date()
    extra = ctx.extra()
    return Details(
        parents=tuple(_text(parent.node()) for parent in ctx.parents()),
        author=_utf8(ctx.user()),
        date=int(date),
        offset=offset,
        branch=_utf8(ctx.branch()),
        description=_utf8(ctx.description()),
        files=tuple(map(crossing.to_str, ctx.files())),
        tags=tuple(_utf8(name) for name in sorted(tags)),
        phase=crossing.to_str(ctx.phasestr()),
        extra={
            crossing.to_str(name): crossing.to_str(value)
            for name, value in extra.items()
        },
        precursors=_precursors(repo, ctx.node()),
    )


def _precursors(repo, node):
    if not repo.obsstore:
        return ()
    markers = repo.obsstore.predecessors.get(node, ())
    return tuple(sorted({_text(marker[0]) for marker in markers}))


def _tags(contexts):
    """Node to names, of those that a push has tagged among its own changesets.

    Not ``repo.tags()``, which looks at each head of the repository.
    """
    at = {}
    for ctx in contexts:
        if _TAGS in ctx.files() and _TAGS in ctx:
            for line in ctx[_TAGS].data().splitlines():
                node, _space, name = line.partition(b" ")
                if len(node) == 40 and name.strip():
                    at[encoding.tolocal(name.strip())] = node
    names = {}
    for name, node in at.items():
        names.setdefault(node, set()).add(name)
    return {
        ctx.node(): names[hex(ctx.node())]
        for ctx in contexts
        if hex(ctx.node()) in names
    }


def _utf8(text):
    """What a context gives in the encoding of this process, as it is stored; str."""
    try:
        return crossing.to_str(encoding.fromlocal(text))
    except error.Abort:
        # Not a text of that encoding: as it is.
        return crossing.to_str(text)


def _text(node):
    return crossing.to_str(hex(node))
