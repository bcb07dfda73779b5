"""What the log keeps of a changeset, taken from the repository."""

from mercurial import encoding, error, obsolete, phases, repoview
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
    tags = _tags(repo, revs)
    hidden = hidden_revisions(repo)
    found = []
    for rev in revs:
        # One at a time: a context keeps what was read by it.
        ctx = repo[rev]
        found.append(
            LoggedChangeset(
                _text(ctx.node()),
                HIDDEN if rev in hidden else AS_PUSHED,
                _of(repo, ctx, tags.get(hex(ctx.node()), ())),
            )
        )
    return found


def of_nodes(repo, nodes):
    """LoggedChangesets of nodes, which are different, in their order; those that are
    not there are gone."""
    get_rev = repo.unfiltered().changelog.index.get_rev
    revs = sorted({get_rev(node) for node in nodes} - {None})
    found = {each.node: each for each in of_revisions(repo, revs)}
    texts = map(_text, nodes)
    return [found.get(text) or LoggedChangeset(text, GONE) for text in texts]


def hidden_revisions(repo):
    """The revisions that clients do not see, since they are obsolete or secret; a
    set."""
    return repoview.filterrevs(repo.unfiltered(), b"served")


def states_after(repo, changes, first_rev):
    """The states, by nodes (str), of changesets that may have been hidden or shown
    by a transaction: ``changes`` are what Mercurial knows of it, ``first_rev`` is the
    first new revision."""
    repo = repo.unfiltered()
    node_of = repo.changelog.node
    found = _obsolete_around(repo, changes, first_rev) if repo.obsstore else set()
    found |= _with_other_phase(repo, changes[b"phases"], first_rev)
    hidden = hidden_revisions(repo) if found else ()
    return {
        _text(node_of(rev)): HIDDEN if rev in hidden else AS_PUSHED for rev in found
    }


def _obsolete_around(repo, changes, first_rev):
    """The obsolete revisions that something new, or gone, is at or on top of."""
    cl = repo.changelog
    nodes = {marker[0] for marker in changes[b"obsmarkers"]}
    for ends in changes[b"bookmarks"].values():
        # They keep what is obsolete from being hidden.
        nodes.update(node for node in ends if node is not None)
    begin = {cl.index.get_rev(node) for node in nodes} - {None}
    for rev in cl.revs(start=first_rev):
        begin.update(cl.parentrevs(rev))
    if nodes:
        # What is hidden may have been asked for before the last of these.
        repo.invalidatevolatilesets()
    gone = obsolete.getrevs(repo, b"obsolete")
    # What is below them is hidden with them, and shown with them.
    found, left = set(), begin - {nullrev}
    while left:
        rev = left.pop()
        if rev in gone and rev not in found:
            found.add(rev)
            left.update(parent for parent in cl.parentrevs(rev) if parent != nullrev)
    return found


def _with_other_phase(repo, changes, first_rev):
    """The revisions before ``first_rev`` that are hidden, or not, by their phase."""
    found = set()
    successors = repo.obsstore.successors
    node_of = repo.changelog.node
    for revs, phases_of in changes:
        was, is_now = (phase in phases.remotehiddenphases for phase in phases_of)
        found.update(
            rev
            for rev in revs
            # What is public is not obsolete.
            if rev < first_rev and (was != is_now or node_of(rev) in successors)
        )
    return found


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


def phases_now(repo, known):
    """Of pairs of a node (str) and its phase in the log, those that have another one
    in the repository: a dict of nodes to phases."""
    repo = repo.unfiltered()
    get_rev = repo.changelog.index.get_rev
    changed = {}
    for node, phase in known:
        rev = get_rev(bytes.fromhex(node))
        if rev is not None:
            now = crossing.to_str(repo[rev].phasestr())
            if now != phase:
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


def _tags(repo, revs):
    """Node (hexadecimal) to names, of those that a push has tagged among its own
    changesets.

    Not ``repo.tags()``, which looks at each head of the repository.
    """
    at = {}
    for rev in revs:
        if _TAGS not in repo.changelog.readfiles(rev):
            continue
        try:
            # Not "in", which would read the whole manifest.
            text = repo[rev][_TAGS].data()
        except error.LookupError:
            continue  # removed
        for line in text.splitlines():
            node, _space, name = line.partition(b" ")
            if len(node) == 40 and name.strip():
                at[encoding.tolocal(name.strip())] = node
    names = {}
    for name, node in at.items():
        names.setdefault(node, set()).add(name)
    return names


def _utf8(text):
    """What a context gives in the encoding of this process, as it is stored; str."""
    try:
        return crossing.to_str(encoding.fromlocal(text))
    except error.Abort:
        # Not a text of that encoding: as it is.
        return crossing.to_str(text)


def _text(node):
    return crossing.to_str(hex(node))
