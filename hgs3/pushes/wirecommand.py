"""The command of the wire protocol that gives the log of pushes to a mirror.

A server that has the command says ``pushlog`` among its capabilities. Clients with
Mozilla's extension of that name then ask with each pull, so this is its format.

``pushlog`` with the argument ``firstpush``, a number, answers with lines, each ended by
a line feed. The first is ``1``; then comes a line for each push into the repository
(not to try) from that number on, in the order of numbers::

    NUMBER USER SECONDS NODE NODE...

These are four fields with one space after each of the first three, even if there is no
node. USER may be empty. It is UTF-8, and what would not be part of one field (white
space, control characters) is quoted as in a URL, as is the ``%``; all else is as it is,
since those clients unquote nothing. SECONDS are since the epoch; nodes are hexadecimal,
in the order of revisions, those that are hidden or gone left out.

A first line ``0`` means a failure, and the second line says which.
"""

import re

from mercurial import error, extensions, util, wireprotov1server
from mercurial.i18n import _

from .. import crossing
from .. import service as servicemod
from ..database.errors import DatabaseError
from ..database.records import AS_PUSHED, LogQuery
from . import journal, repolog

NAME = b"pushlog"

#: Pushes that are read from the database at once.
_CHUNK = 500

#: What may not be in a field as it is.
_QUOTED = re.compile(rb"[\0- \x7f%]")


def setup():
    """Called once."""
    extensions.wrapfunction(wireprotov1server, "_capabilities", _capabilities)
    wireprotov1server.wireprotocommand(NAME, b"firstpush", permission=b"pull")(_pushlog)


def _capabilities(orig, repo, proto):
    found = orig(repo, proto)
    return found + [NAME] if repolog.is_on(repo) else found


def _pushlog(repo, proto, firstpush):
    if not repolog.is_on(repo):
        return _failure(_(b"the repository has no log of pushes"))
    try:
        first = int(firstpush)
    except ValueError:
        # A long one is of no use to anybody.
        return _failure(_(b"not the number of a push: '%s'") % firstpush[:60])
    try:
        journal.settle(repo)
        return b"".join([b"1\n"] + list(_lines(repolog.of(repo).log, first)))
    except DatabaseError as err:
        return _away(repo, proto, "cannot read the log of pushes: %s" % err)
    except error.Abort as err:
        return _away(repo, proto, crossing.to_str(err.message))


def _away(repo, proto, reason):
    # Readers need not know what database there is, and where.
    line = "pushlog: %s" % reason
    if proto.name == b"http-v1":
        servicemod.report_once(repo.ui, line)
    else:
        # What a server says by SSH, its client sees.
        repo.ui.log(b"pushlog", b"%s\n", crossing.to_bytes(line))
    return _failure(_(b"the log of pushes cannot be read now"))


def _failure(reason):
    return b"0\n%s\n" % b" ".join(reason.split())


def _lines(log, first):
    last = first - 1
    while True:
        pushes = log.pushes(LogQuery(start_id=last), limit=_CHUNK)
        for push in pushes:
            if push.bundle_id is not None:
                # Who mirrors the log has what is in the repository.
                continue
            nodes = b" ".join(
                crossing.to_bytes(each.node)
                for each in push.changesets
                if each.state == AS_PUSHED
            )
            yield b"%d %s %d %s\n" % (
                push.id,
                _field(push.username),
                push.pushed,
                nodes,
            )
        if len(pushes) < _CHUNK:
            return
        last = pushes[-1].id


def _field(name):
    return _QUOTED.sub(
        lambda found: util.urlreq.quote(found.group(), safe=b""),
        crossing.to_bytes(name),
    )
