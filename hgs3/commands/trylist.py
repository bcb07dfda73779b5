"""``hg s3try list`` and ``show``: what was pushed to try, by whom, and when."""

from mercurial import cmdutil, error, util
from mercurial.i18n import _
from mercurial.utils import dateutil

from .. import crossing
from ..trybundles import trystore
from . import common

_SHORT = 12

#: No database has a larger number.
_MOST = 2**63 - 1


def run_list(ui, repo, opts):
    """A line a push, newest first."""
    limit = cmdutil.logcmdutil.getlimit({b"limit": opts.get("limit") or b""})
    with _faults():
        index = trystore.of(repo).index
        with common.formatter(ui, b"list", opts, b"s3try") as fm:
            for push in index.pushes(limit):
                fm.startitem()
                _put(fm, push)
                fm.plain(
                    b"%6d  %s  %5d  %10s  %s  %s\n"
                    % (
                        push.id,
                        dateutil.datestr((push.pushed, 0), b"%Y-%m-%d %H:%M:%S"),
                        push.bundle.changesets,
                        util.bytecount(push.bundle.object_bytes),
                        _node(push.tip[:_SHORT]),
                        common.to_local(push.username) or b"-",
                    )
                )
    return 0


def run_show(ui, repo, opts):
    """All of the pushes that are named by their number."""
    numbers = [_number(text) for text in opts["arguments"]]
    if not numbers:
        raise error.InputError(
            _(b"s3try show needs the number of a push"),
            hint=_(b"'hg s3try list' shows them"),
        )
    with _faults():
        store = trystore.of(repo)
        pushes = [
            (number, store.index.push(number) if number <= _MOST else None)
            for number in numbers
        ]
        for number, push in pushes:
            if push is None:
                raise error.InputError(_(b"there is no push %d") % number)
        with common.formatter(ui, b"show", opts, b"s3try") as fm:
            for _number_of, push in pushes:
                _show(fm, store, push)
    return 0


def _show(fm, store, push):
    changesets = store.index.changesets_of(push.bundle.id)
    fm.startitem()
    _put(fm, push)
    key = common.to_local(store.key(push.bundle.sha256))
    fm.data(key=key)
    fm.plain(
        _(b"push:       %d\ndate:       %s\nuser:       %s\nkey:        %s\n")
        % (
            push.id,
            dateutil.datestr((push.pushed, 0)),
            common.to_local(push.username) or b"-",
            key,
        )
    )
    fm.plain(
        _(b"size:       %s (uncompressed %s)\n")
        % (
            util.bytecount(push.bundle.object_bytes),
            util.bytecount(push.bundle.size_bytes),
        )
    )
    nodes = [_node(each.node) for each in changesets]
    fm.data(nodes=fm.formatlist(nodes, name=b"node"))
    for each in changesets:
        fm.plain(
            _(b"changeset:  %s%s\n")
            % (_node(each.node), _(b" (public there)") if each.claimed_public else b"")
        )
    fm.plain(b"\n")


def _put(fm, push):
    """What a template has of each push."""
    fm.data(
        push=push.id,
        date=fm.formatdate((push.pushed, 0)),
        user=common.to_local(push.username),
        tip=_node(push.tip),
        changesets=push.bundle.changesets,
        bytes=push.bundle.object_bytes,
        bundle=_node(push.bundle.sha256),
    )


def _faults():
    return trystore.faults_abort(_(b"cannot read the pushes"))


def _number(text):
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise error.InputError(_(b"not the number of a push: '%s'") % text)
    return number


def _node(text):
    return crossing.to_bytes(text)
