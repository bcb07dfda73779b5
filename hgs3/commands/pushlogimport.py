"""``hg pushlog-import``: take over a pushlog2.db."""

import contextlib
import re
import sqlite3
import urllib.parse

import hgdemandimport
from mercurial import error
from mercurial.i18n import _
from mercurial.node import bin

from .. import crossing
from ..pushes import details, journal, repolog
from . import pushlog

_NODE = re.compile(rb"[0-9a-f]{40}\Z")


def run(ui, repo, path):
    """All of it, or nothing."""
    pushlog.require_log(repo)
    with hgdemandimport.deactivated():
        from ..database.logimport import import_pushes
    with repo.lock(), repolog.faults_abort(_(b"cannot import the pushes")):
        pushes = _read(path)
        journal.settle_locked(repo)
        log = repolog.of(repo).log

        def read(nodes):
            known = details.of_nodes(
                repo, [bin(crossing.to_bytes(node)) for node in nodes]
            )
            by_node = {each.node: each for each in known}
            return [by_node[node] for node in nodes]

        imported = log.database.write(
            lambda connection: import_pushes(connection, log.digest, pushes, read)
        )
    ui.status(_(b"imported %d pushes\n") % imported.pushes)
    if imported.pushes < len(pushes):
        ui.status(_(b"%d were there already\n") % (len(pushes) - imported.pushes))
    if imported.pushes and not imported.kept_ids:
        ui.warn(
            _(
                b"warning: they have new numbers, since there are pushes in the log "
                b"already\n"
            )
        )
    return 0


def _read(path):
    """The ForeignPushes of the file at ``path`` (bytes), in the order of ids."""
    with hgdemandimport.deactivated():
        from ..database.logimport import ForeignPush
    url = "file:%s?mode=ro" % urllib.parse.quote(path)
    try:
        with contextlib.closing(sqlite3.connect(url, uri=True)) as connection:
            # Names of users are in any encoding.
            connection.text_factory = bytes
            changesets = {}
            for push_id, node in connection.execute(
                "SELECT pushid, node FROM changesets ORDER BY pushid, rev"
            ):
                changesets.setdefault(push_id, []).append(_node(node))
            pushes = [
                ForeignPush(
                    _number(push_id),
                    crossing.to_str(user or b""),
                    _number(date),
                    changesets.pop(push_id, []),
                )
                for push_id, user, date in connection.execute(
                    "SELECT id, user, date FROM pushlog ORDER BY id"
                )
            ]
    except sqlite3.Error as err:
        raise error.Abort(
            _(b"cannot read '%s': %s") % (path, crossing.to_bytes(str(err))),
            hint=_(b"it is to be the pushlog2.db of another server"),
        )
    if changesets:
        raise _bad(_(b"it has changesets of pushes that it has not"))
    return pushes


def _node(value):
    if not isinstance(value, bytes) or not _NODE.match(value):
        raise _bad(_(b"it has a changeset that is none"))
    return crossing.to_str(value)


def _number(value):
    if not isinstance(value, (int, float)) or value < 0:
        raise _bad(_(b"it has a push without a number or a date"))
    return int(value)


def _bad(reason):
    return error.Abort(_(b"cannot import the pushes: %s") % reason)
