"""An extension of a server with a log of pushes: points of trypoints.py for a push into
the repository.

    held        the database has it all, uncommitted, and Mercurial has not committed
    written     Mercurial has written all, and has yet to say that it is true
    closed      Mercurial has committed, the database has not
    logged      the database has committed, the client has had no reply
"""

from mercurial import extensions

from hgs3.pushes import record
from testlib import trypoints


def extsetup(ui):
    def hold(orig, repo, tr, *args):
        orig(repo, tr, *args)
        tr.addfinalize(b"~points", lambda _tr: trypoints.reached("written"))
        trypoints.reached("held")

    def commit(orig, *args):
        trypoints.reached("closed")
        orig(*args)
        trypoints.reached("logged")

    extensions.wrapfunction(record, "_hold", hold)
    extensions.wrapfunction(record, "_commit", commit)
