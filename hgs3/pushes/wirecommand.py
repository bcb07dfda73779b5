"""The command of the wire protocol that gives the log of pushes to a mirror.

``pushlog FIRSTID`` answers with lines, each ended by a line feed. The first is ``1``;
then comes a line for each push from the id FIRSTID on, in the order of ids::

    ID USER SECONDS NODE NODE...

USER is quoted as in a URL and may be empty; SECONDS are since the epoch; nodes are
hexadecimal, in the order of revisions, those that are hidden or gone left out. A first
line ``0`` means a failure, and the second line says which.

A server that has the command says ``pushlog`` among its capabilities.
"""

from mercurial import error, extensions, util, wireprotov1server
from mercurial.i18n import _

from .. import crossing
from ..database.errors import DatabaseError
from ..database.records import AS_PUSHED, LogQuery
from . import journal, repolog

NAME = b"pushlog"

#: Pushes that are read from the database at once.
_CHUNK = 500


def setup():
    """Called once."""
    extensions.wrapfunction(wireprotov1server, "_capabilities", _capabilities)
    wireprotov1server.wireprotocommand(NAME, b"firstid", permission=b"pull")(_pushlog)


def _capabilities(orig, repo, proto):
    found = orig(repo, proto)
    return found + [NAME] if repolog.is_on(repo) else found


def _pushlog(repo, proto, firstid):
    if not repolog.is_on(repo):
        return _failure(_(b"the repository has no log of pushes"))
    try:
        first = int(firstid)
    except ValueError:
        return _failure(_(b"not the number of a push: '%s'") % firstid)
    try:
        journal.settle(repo)
        return b"".join([b"1\n"] + list(_lines(repolog.of(repo).log, first)))
    except DatabaseError as err:
        return _failure(crossing.to_bytes(str(err)))
    except error.Abort as err:
        return _failure(err.message)


def _failure(reason):
    return b"0\n%s\n" % b" ".join(reason.split())


def _lines(log, first):
    last = first - 1
    while True:
        pushes = log.pushes(LogQuery(start_id=last), limit=_CHUNK)
        for push in pushes:
            user = util.urlreq.quote(crossing.to_bytes(push.username), safe=b"@+/:")
            nodes = [
                crossing.to_bytes(each.node)
                for each in push.changesets
                if each.state == AS_PUSHED
            ]
            yield (
                b" ".join([b"%d" % push.id, user, b"%d" % push.pushed] + nodes) + b"\n"
            )
        if len(pushes) < _CHUNK:
            return
        last = pushes[-1].id
