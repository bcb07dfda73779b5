"""A transaction of Mercurial's, and what the log of pushes has to say of it.

All is written to the database before Mercurial commits, and committed after: nobody
sees a push before its changesets, and no push is accepted that cannot be logged. What
happens in between is in journal.py.
"""

import contextlib
import time
import uuid
import weakref

from mercurial import error
from mercurial.i18n import _
from mercurial.node import hex
from mercurial.phases import phasenames

from .. import crossing
from ..database.errors import DatabaseError
from ..database.records import Changes, NewLogPush
from ..shortaborts import short_aborts
from ..wireproto import requestscope
from . import details, journal, repolog

#: Where changesets come from by a push, to Mercurial.
_SOURCES = (b"push", b"serve", b"unbundle")
_PULL = b"pull"

#: After all others: what these refuse need not wait for the database.
_LAST = b"~hgs3-pushlog"
#: Before all others: what these do may take a while.
_FIRST = b"!hgs3-pushlog"


def follow(repo, tr):
    """Have what the transaction does logged; called when it begins."""
    # Mercurial, too, keeps transactions from holding their repository.
    reporef = weakref.ref(repo.unfiltered())
    tr.addvalidator(_LAST, lambda tr: _validate(reporef(), tr))


def _validate(repo, tr):
    """The transaction is about to be committed."""
    new_revs = range(tr.changes[b"origrepolen"], len(repo.changelog))
    states = details.states_after(repo, tr.changes, new_revs.start)
    phases = _phases(repo, tr, new_revs.start)
    is_push = bool(new_revs) and _is_push(repo, tr)
    if is_push:
        with short_aborts(), repolog.faults_abort(_(b"cannot log the push")):
            _hold(repo, tr, new_revs, states, phases)
    elif states or phases:
        reporef = weakref.ref(repo)
        tr.addpostclose(_FIRST, lambda _tr: _apply(reporef(), states, phases))


def _is_push(repo, tr):
    source = tr.hookargs.get(b"source")
    if source == _PULL:
        with short_aborts():
            return repolog.of(repo).settings.record_pulls
    return source in _SOURCES


def _hold(repo, tr, revs, states, phases):
    """Write it all to the database, to be committed when ``tr`` is."""
    log, ui = repolog.of(repo).log, repo.ui
    node_of = repo.changelog.node
    entry = journal.Entry(
        uuid.uuid4().hex,
        requestscope.user(),
        int(time.time()),
        tuple(node_of(rev).hex() for rev in revs),
        tuple(states.keys() | phases.keys()),
    )
    # Read before the database is held, since others wait for that.
    changesets = details.of_revisions(repo, revs)
    pushes = [NewLogPush(entry.token, entry.username, entry.pushed, lambda: changesets)]
    with journal.Journal(repo, tr) as written:
        before = written.last
        if before is not None:
            # Recorded only if it is not there.
            pushes.insert(0, journal.push_of(repo, before))
            if before.others and not log.has_token(before.token):
                old_states, old_phases = journal.others_of(repo, before)
                states, phases = {**old_states, **states}, {**old_phases, **phases}
        changes = Changes(pushes=pushes, states=states, phases=phases)
        held, _ids = log.hold(changes)
        tr.addabort(_FIRST, lambda _tr: held.rollback())
        written.add(entry)
    tr.addpostclose(_FIRST, lambda _tr: _commit(ui, log, held, changes))


def _commit(ui, log, held, changes):
    """The changesets are in the repository."""
    try:
        try:
            held.commit()
        except DatabaseError:
            # Whether it was committed, the tokens tell.
            log.apply(changes)
    except DatabaseError as err:
        ui.warn(
            _(b"warning: the push will be logged later: %s\n")
            % crossing.to_bytes(str(err))
        )


def _apply(repo, states, phases):
    """Something has become of changesets that were pushed before."""
    with _faults_warn(repo.ui):
        repolog.of(repo).log.apply(Changes(states=states, phases=phases))


def _phases(repo, tr, first_new):
    """Node (str) to the name of its phase, of changesets that were there before."""
    changed = {}
    node_of = repo.changelog.node
    for revs, (_old, new) in tr.changes[b"phases"]:
        for rev in revs:
            if rev < first_new:
                changed[crossing.to_str(hex(node_of(rev)))] = crossing.to_str(
                    phasenames[new]
                )
    return changed


def before_destroying(repo):
    """Changesets are about to be stripped: of these, no one can log anything then."""
    with _faults_warn(repo.ui):
        journal.settle_locked(repo)


def after_destroying(repo):
    """Changesets were stripped, or a transaction was rolled back."""
    with _faults_warn(repo.ui):
        reconcile(repo)


def reconcile(repo, with_phases=False):
    """Compare the log with the repository; how many changesets have another state
    (or phase) than was known. Raises DatabaseError, error.Abort."""
    log = repolog.of(repo).log
    states = details.states_now(repo, log.states())
    phases = details.phases_now(repo, log.phases()) if with_phases else {}
    if states or phases:
        log.apply(Changes(states=states, phases=phases))
    return len(states.keys() | phases.keys())


@contextlib.contextmanager
def _faults_warn(ui):
    """Within: what is wrong with the log is said, and nothing is stopped by it."""
    try:
        yield
    except DatabaseError as err:
        reason = crossing.to_bytes(str(err))
    except error.Abort as err:
        reason = err.message
    else:
        return
    ui.warn(
        _(
            b"warning: the log of pushes is not up to date: %s\n"
            b"(run 'hg pushlog-check' later)\n"
        )
        % reason
    )
