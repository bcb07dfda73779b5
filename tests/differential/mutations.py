"""What happens to a repository between two times that it is asked.

A mutation is ``function(repository, number, path)``: a Repository of
building.py, the number of a commit in it, and a path of its plan. It changes
what is on disk, as a person with a shell on the server would, or changes
nothing where Mercurial would refuse.
"""

import dataclasses

from mercurial import node as nodemod
from mercurial import obsolete, phases, upgrade
from plans import BOOKMARKS, Change


@dataclasses.dataclass(frozen=True)
class Mutation:
    """``name`` is one of MUTATIONS or FURTHER, ``number`` a commit's of the plan."""

    name: str
    number: int
    path: bytes

    def __str__(self):
        return "%s, commit %d, path %r" % (self.name, self.number, self.path)

    def apply(self, repository):
        function = MUTATIONS.get(self.name) or FURTHER[self.name]
        function(repository, self.number, self.path)


def _change_nothing(repository, number, path):
    """After this, all that is stored must be found."""


def _commit(repository, number, path):
    if repository.plan.narrow is not None:
        return  # Mercurial fails to where the patterns leave nothing
    if repository.open().changelog.hasnode(repository.changesets[number]):
        repository.commit((number,), (Change(path, "line"),))


def _commit_many(repository, number, path):
    """Two lines of changesets, which grow in turns."""
    if not repository.open().changelog.hasnode(repository.changesets[number]):
        return
    tips = [number, number]
    for count in range(6):
        content = "other" if count % 3 else "lines"
        repository.commit((tips[count % 2],), (Change(path, content),))
        tips[count % 2] = len(repository.changesets) - 1


def _amend(repository, number, path):
    """As `hg commit --amend` does, and so that what is above is an orphan."""
    repo = repository.open()
    node = repository.changesets[number]
    if not repo.changelog.hasnode(node) or not repo[node].mutable():
        return
    parents = [repository.changesets.index(p.node()) for p in repo[node].parents() if p]
    repository.commit(tuple(parents), (Change(path, "appended"),))
    repo = repository.open()
    relation = ((repo[node],), (repo[repository.changesets[-1]],))
    obsolete.createmarkers(repo, [relation], date=(1_000_000_000, 0))


def _strip(repository, number, _path):
    repo = repository.open()
    node = repository.changesets[number]
    if repo.changelog.hasnode(node):
        repository.hg(b"strip", b"--no-backup", b"--force", b"-r", nodemod.hex(node))


def _move_to_phase(phase):
    def move(repository, number, _path):
        repo = repository.open()
        node = repository.changesets[number]
        if not repo.changelog.hasnode(node):
            return
        with repo.lock(), repo.transaction(b"phase") as tr:
            # As `hg phase --force` does: ancestors come along, descendants too.
            phases.advanceboundary(repo, tr, phase, [node])
            phases.retractboundary(repo, tr, phase, [node])

    return move


def _make_obsolete(repository, number, _path):
    repo = repository.open()
    node = repository.changesets[number]
    if repo.changelog.hasnode(node) and repo[node].mutable():
        obsolete.createmarkers(repo, [((repo[node],), ())], date=(1_000_000_000, 0))


def _bookmark(repository, number, name):
    repo = repository.open()
    node = None if number is None else repository.changesets[number]
    if node is not None and not repo.changelog.hasnode(node):
        return
    with repo.wlock(), repo.lock(), repo.transaction(b"bookmark") as tr:
        if node is not None or name in repo._bookmarks:
            repo._bookmarks.applychanges(repo, tr, [(name, node)])


def _add_bookmark(repository, number, _path):
    _bookmark(repository, number, b"new")


def _move_bookmarks(repository, number, _path):
    for name in BOOKMARKS:
        _bookmark(repository, number, name)


def _delete_bookmarks(repository, _number, _path):
    for name in BOOKMARKS + (b"new",):
        _bookmark(repository, None, name)


def _censor(repository, number, path):
    repo = repository.open()
    fnode = repository.filenode(number, path)
    node = repository.changesets[number]
    if fnode is None or not repo.changelog.hasnode(node):
        return
    heads = [repo[head].manifest() for head in repo.heads()]
    size_bytes = repo[node][path].size()
    # The tombstone takes the place of the content and must fit into it.
    if size_bytes < 100 or any(m.get(path) == fnode for m in heads):
        return
    repository.hg(b"censor", b"-r", nodemod.hex(node), b"path:" + path)


def _switch_publishing(repository, _number, _path):
    repository.publishing = not repository.publishing
    repository.write_hgrc()


def _narrow(repository, _number, path):
    if repository.plan.narrow is None:
        return
    includes, excludes = repository.open().narrowpats
    includes = includes ^ {b"path:" + path} or {b"path:"}
    repository.set_narrow(includes, excludes - includes)


def _upgrade(repository, _number, _path):
    """Other compression: all revlogs are written anew, with other sizes."""
    repo = repository.open()
    if repository.plan.treemanifest or repository.plan.narrow is not None:
        return  # Mercurial cannot upgrade those
    compressed = b"revlog-compression-zstd" in repo.requirements
    ui = repository.ui.copy()
    engine = b"zlib" if compressed else b"zstd"
    ui.setconfig(b"format", b"revlog-compression", engine, b"mutation")
    ui.pushbuffer(error=True)
    try:
        upgrade.upgraderepo(ui, repo, run=True, backup=False)
    finally:
        ui.popbuffer()


#: The one that does something to narrow repositories only.
NARROWED = "narrowed otherwise"

MUTATIONS = {
    "nothing": _change_nothing,
    "commit": _commit,
    "strip": _strip,
    "phase --secret": _move_to_phase(phases.secret),
    "phase --draft": _move_to_phase(phases.draft),
    "phase --public": _move_to_phase(phases.public),
    "debugobsolete": _make_obsolete,
    "bookmark added": _add_bookmark,
    "bookmarks moved": _move_bookmarks,
    "bookmarks deleted": _delete_bookmarks,
    "publishing switched": _switch_publishing,
    NARROWED: _narrow,
    "debugupgraderepo": _upgrade,
    "censor": _censor,
}

TRIED = tuple(MUTATIONS)

#: More of the same, for those who compare whole repositories.
FURTHER = {"commits": _commit_many, "amend": _amend}

#: What takes changesets out of view.
HIDING = ("strip", "phase --secret", "debugobsolete")
