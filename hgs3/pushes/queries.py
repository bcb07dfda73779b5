"""Revsets and template keywords that the log of pushes answers."""

from mercurial import encoding, error, revset, revsetlang
from mercurial.i18n import _
from mercurial.node import hex, nullrev
from mercurial.utils import dateutil, stringutil

from .. import crossing
from ..database.records import MAX_ID
from . import journal, repolog

#: Revisions that a keyword asks for at once: those around the one that is shown.
_BLOCK_REVISIONS = 512

_CACHE = b"hgs3_pushes"


def pushdate(repo, subset, tree):
    """Changesets of pushes at a date."""
    text = _string(tree, b"pushdate", _(b"pushdate requires a date"))
    matches = dateutil.matchdate(text)
    return _of_pushes(repo, subset, lambda push: matches(push.pushed))


def pushuser(repo, subset, tree):
    """Changesets of pushes by a user."""
    text = _string(tree, b"pushuser", _(b"pushuser requires a name or a pattern"))
    kind, pattern, matches = stringutil.stringmatcher(text, casesensitive=False)
    if kind == b"literal":
        # As user() and author() do.
        wanted = pattern.lower()

        def matches(name):
            return wanted in name.lower()

    return _of_pushes(repo, subset, lambda push: matches(local_user(push)))


def pushid(repo, subset, tree):
    """Changesets of one push."""
    (argument,) = revsetlang.getargs(tree, 1, 1, _(b"pushid requires one number"))
    wanted = revsetlang.getinteger(argument, _(b"pushid requires a number"))
    if not 0 < wanted <= MAX_ID:
        return revset.baseset()
    with repolog.faults_abort(_(b"cannot read the log of pushes")):
        push = _log(repo).push(wanted)
    nodes = [each.node for each in push.changesets] if push is not None else []
    return subset & _revisions(repo, nodes)


def pushhead(repo, subset, tree):
    """The last changeset of each push."""
    revsetlang.getargs(tree, 0, 0, _(b"pushhead takes no arguments"))
    with repolog.faults_abort(_(b"cannot read the log of pushes")):
        nodes = [push.tip for push in _log(repo).all_pushes() if push.tip]
    return subset & _revisions(repo, nodes)


def local_user(push):
    """Who pushed, in the encoding of this process."""
    return encoding.tolocal(crossing.to_bytes(push.username))


def keyword(context, mapping, function):
    """What ``function`` makes of the newest push of a changeset; None for none."""
    repo = context.resource(mapping, b"repo")
    ctx = context.resource(mapping, b"ctx")
    if ctx.rev() is None or ctx.rev() == nullrev or not repolog.is_on(repo):
        return None
    cache = context.resource(mapping, b"cache").setdefault(_CACHE, {})
    node = crossing.to_str(hex(ctx.node()))
    if node not in cache:
        nodes = [node] + _around(repo, ctx.rev())
        with repolog.faults_abort(_(b"cannot read the log of pushes")):
            found = _log(repo).newest_pushes_of(nodes)
        cache.update((each, found.get(each)) for each in nodes)
    push = cache[node]
    return function(push) if push is not None else None


def _around(repo, rev):
    """Nodes (str) of the block of revisions that ``rev`` is in."""
    changelog = repo.unfiltered().changelog
    start = rev - rev % _BLOCK_REVISIONS
    end = min(start + _BLOCK_REVISIONS, len(changelog))
    return [crossing.to_str(hex(changelog.node(each))) for each in range(start, end)]


def _log(repo):
    if not repolog.is_on(repo):
        raise error.Abort(
            _(b"pushes into this repository are not logged"),
            hint=_(b"set pushlog.enabled"),
        )
    journal.settle(repo)
    return repolog.of(repo).log


def _of_pushes(repo, subset, predicate):
    with repolog.faults_abort(_(b"cannot read the log of pushes")):
        log = _log(repo)
        pushes = [push for push in log.all_pushes() if predicate(push)]
        nodes = [
            each.node
            for push in log.with_changesets(pushes)
            for each in push.changesets
        ]
    return subset & _revisions(repo, nodes)


def _revisions(repo, nodes):
    """Those of ``nodes`` that are there and not hidden."""
    get_rev = repo.changelog.index.get_rev
    hidden = repo.changelog.filteredrevs
    revs = {get_rev(bytes.fromhex(node)) for node in nodes}
    return revset.baseset(
        sorted(rev for rev in revs if rev is not None and rev not in hidden)
    )


def _string(tree, name, message):
    (argument,) = revsetlang.getargs(tree, 1, 1, message)
    return revsetlang.getstring(argument, message)
