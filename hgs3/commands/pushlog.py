"""``hg pushlog``, ``pushlog-add``, ``pushlog-check`` and ``pushlog-migrate``."""

import json
import uuid

from mercurial import error, logcmdutil, scmutil
from mercurial.i18n import _
from mercurial.utils import dateutil

from .. import crossing
from ..database.records import MAX_ID, NewLogPush
from ..pushes import details, journal, record, repolog
from . import common

_SHORT = 12


def show(ui, repo, opts):
    """A line a push, newest first."""
    require_log(repo)
    limit = logcmdutil.getlimit({b"limit": opts.get("limit") or b""})
    with repolog.faults_abort(_(b"cannot read the log of pushes")):
        journal.settle(repo)
        pushes = repolog.of(repo).log.pushes(newest_first=True, limit=limit)
        with common.formatter(ui, b"list", opts, b"pushlog") as fm:
            for push in pushes:
                _show(fm, push)
    return 0


def _show(fm, push):
    user = common.to_local(push.username)
    nodes = [crossing.to_bytes(each.node) for each in push.changesets]
    tip = crossing.to_bytes(push.tip)
    fm.startitem()
    fm.data(
        push=push.id,
        date=fm.formatdate((push.pushed, 0)),
        user=user,
        tip=tip,
        nodes=fm.formatlist(nodes, name=b"node"),
    )
    fm.plain(
        b"%6d  %s  %5d  %s  %s\n"
        % (
            push.id,
            dateutil.datestr((push.pushed, 0), b"%Y-%m-%d %H:%M:%S"),
            len(nodes),
            tip[:_SHORT],
            user or b"-",
        )
    )


def add(ui, repo, opts):
    """Log what no push has caused."""
    require_log(repo)
    with repo.lock(), repolog.faults_abort(_(b"cannot log the push")):
        if opts.get("from_json"):
            if opts.get("rev") or opts.get("user") or opts.get("date"):
                raise error.InputError(
                    _(b"--from-json cannot be combined with --rev, --user and --date")
                )
            pushes = _from_json(ui, repo, opts["from_json"])
        else:
            pushes = [_from_options(repo, opts)]
        journal.settle_locked(repo)
        ids = repolog.of(repo).log.record(*(push for push, _count in pushes))
    for push_id, (_push, count) in zip(ids, pushes):
        ui.status(_(b"logged %d changesets as push %d\n") % (count, push_id))
    return 0


def check(ui, repo):
    """Bring the log up to date."""
    require_log(repo)
    with repo.lock(), repolog.faults_abort(_(b"cannot check the log of pushes")):
        if journal.settle_locked(repo):
            ui.status(_(b"logged the last push, which was not there\n"))
        changed = record.reconcile(repo, with_phases=True)
        ui.status(_(b"%d changesets had another state\n") % changed)
    return 0


def migrate(ui, repo):
    """Make the tables, or bring them up to date."""
    require_log(repo)
    with repolog.faults_abort(_(b"cannot migrate the database")):
        before, after = repolog.of(repo).migrate()
    ui.status(_(b"tables of version %d, before: %d\n") % (after, before))
    return 0


def require_log(repo):
    if not repolog.is_on(repo):
        raise error.Abort(
            _(b"pushes into this repository are not logged"),
            hint=_(b"set pushlog.enabled"),
        )


def _from_options(repo, opts):
    if not opts.get("rev"):
        raise error.InputError(
            _(b"pushlog-add needs changesets"), hint=_(b"name them by --rev")
        )
    if not opts.get("user"):
        raise error.InputError(_(b"pushlog-add needs --user"))
    revs = logcmdutil.revrange(repo, opts["rev"])
    date = _date(opts.get("date") or b"now")
    return _push(repo, crossing.to_str(opts["user"]), date, revs)


def _from_json(ui, repo, path):
    """Pairs of a NewLogPush and the number of its changesets."""
    try:
        text = ui.fin.read() if path == b"-" else _read(path)
        entries = json.loads(crossing.to_str(text))
        if not isinstance(entries, list):
            raise ValueError("not a list")
        return [_from_entry(repo, entry) for entry in entries]
    except (ValueError, KeyError, TypeError) as err:
        raise error.InputError(
            _(b"not a list of pushes: %s")
            % crossing.to_bytes("%s: %s" % (type(err).__name__, err)),
            hint=_(b"see 'hg help pushlog-add'"),
        )


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _from_entry(repo, entry):
    date = entry["date"]
    if isinstance(date, str):
        date = _date(crossing.to_bytes(date))
    elif type(date) is not int or abs(date) > MAX_ID:
        raise ValueError("not a date: %r" % (date,))
    names = entry["changesets"]
    if not isinstance(names, list) or not names:
        raise ValueError("no changesets: %r" % (names,))
    if not all(isinstance(name, str) for name in names):
        raise ValueError("not names of changesets: %r" % (names,))
    revs = [scmutil.revsymbol(repo, crossing.to_bytes(name)).rev() for name in names]
    if not isinstance(entry["user"], str):
        raise ValueError("not a user: %r" % (entry["user"],))
    return _push(repo, entry["user"], date, revs)


def _date(text):
    return int(dateutil.parsedate(text)[0])


def _push(repo, user, date, revs):
    revs = sorted(set(revs))
    if not revs or revs[0] < 0:
        raise error.InputError(_(b"there are no such changesets"))
    push = NewLogPush(
        uuid.uuid4().hex, user, date, lambda: details.of_revisions(repo, revs)
    )
    return push, len(revs)
