"""What the log keeps of a changeset, taken from the repository."""

from mercurial import encoding, error, obsolete, phases, repoview
from mercurial.node import nullrev

from .. import crossing
from ..database.records import (
    AS_PUSHED,
    GONE,
    HIDDEN,
    Details,
    LoggedChangeset,
)

_TAGS = b".hgtags"
_PHASES = {phase: crossing.to_str(name) for phase, name in phases.phasenames.items()}


def of_revisions(repo, revs):
    """LoggedChangesets of revision numbers, which ascend."""
    repo = repo.unfiltered()
    hidden = hidden_revisions(repo)
    changelog = repo.changelog
    found, tagged = [], {}
    for rev in revs:
        # A context reads again at each question, or keeps what it has read.
        revision = changelog.changelogrevision(rev)
        files = revision.files
        if _TAGS in files:
            tagged.update(_tags(repo[rev]))
        state = HIDDEN if rev in hidden else AS_PUSHED
        details = _of(repo, rev, revision, files)
        found.append(LoggedChangeset(changelog.node(rev).hex(), state, details))
    return _with_tags(found, tagged) if tagged else found


def of_nodes(repo, nodes):
    """LoggedChangesets of nodes, which are different, in their order; those that are
    not there are gone."""
    get_rev = repo.unfiltered().changelog.index.get_rev
    revs = sorted({get_rev(node) for node in nodes} - {None})
    found = {each.node: each for each in of_revisions(repo, revs)}
    texts = [node.hex() for node in nodes]
    return [found.get(text) or LoggedChangeset(text, GONE) for text in texts]


def hidden_revisions(repo):
    """The revisions that clients do not see, since they are obsolete or secret; a
    set."""
    repo = repo.unfiltered()
    if not repo._phasecache.hasnonpublicphases(repo):
        # What Mercurial would find out, too, for each push anew.
        return frozenset()
    return repoview.filterrevs(repo, b"served")


def states_after(repo, changes, first_rev):
    """The states, by nodes (str), of changesets that may have been hidden or shown
    by a transaction: ``changes`` are what Mercurial knows of it, ``first_rev`` is the
    first new revision."""
    repo = repo.unfiltered()
    node_of = repo.changelog.node
    found = _obsolete_around(repo, changes, first_rev) if repo.obsstore else set()
    found |= _with_other_phase(repo, changes[b"phases"], first_rev)
    hidden = hidden_revisions(repo) if found else ()
    return {node_of(rev).hex(): HIDDEN if rev in hidden else AS_PUSHED for rev in found}


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


def _of(repo, rev, revision, files):
    changelog = repo.changelog
    node_of = changelog.node
    p1, p2 = changelog.parentrevs(rev)
    # Without any, the null node. There may be a second one alone.
    both = [p1] if p2 == nullrev else [p for p in (p1, p2) if p != nullrev]
    date, offset = revision.date
    given = revision.extra
    extra = {
        crossing.to_str(name): crossing.to_str(value) for name, value in given.items()
    }
    return Details(
        parents=tuple([node_of(parent).hex() for parent in both]),
        author=_utf8(revision.user),
        date=int(date),
        offset=offset,
        branch=_utf8(encoding.tolocal(given[b"branch"])),
        description=_utf8(revision.description),
        files=tuple([crossing.to_str(name) for name in files]),
        tags=(),
        phase=_PHASES[repo._phasecache.phase(repo, rev)],
        extra=extra,
        precursors=_precursors(repo, rev) if repo.obsstore else (),
    )


def _precursors(repo, rev):
    markers = repo.obsstore.predecessors.get(repo.changelog.node(rev), ())
    return tuple(sorted({marker[0].hex() for marker in markers}))


def _tags(ctx):
    """What the file of tags says: names (bytes) to nodes (str)."""
    try:
        # Not "in", which would read the whole manifest.
        text = ctx[_TAGS].data()
    except error.LookupError:
        return {}  # removed
    lines = (line.partition(b" ") for line in text.splitlines())
    return {
        encoding.tolocal(name.strip()): crossing.to_str(node)
        for node, _space, name in lines
        if len(node) == 40 and name.strip()
    }


def _with_tags(found, tagged):
    """LoggedChangesets with the names that a push has given to its own changesets.

    Not ``repo.tags()``, which looks at each head of the repository.
    """
    names = {}
    for name, node in sorted(tagged.items()):
        names.setdefault(node, []).append(_utf8(name))
    return [
        each._replace(details=each.details._replace(tags=tuple(names[each.node])))
        if each.node in names
        else each
        for each in found
    ]


def _utf8(text):
    """What a context gives in the encoding of this process, as it is stored; str."""
    try:
        return crossing.to_str(encoding.fromlocal(text))
    except error.Abort:
        # Not a text of that encoding: as it is.
        return crossing.to_str(text)
