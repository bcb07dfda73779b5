"""An extension of a server with a log of pushes: points of trypoints.py for a push into
the repository.

    held        the database has it all, uncommitted, and Mercurial has not committed
    closed      Mercurial has committed, the database has not
    logged      the database has committed, the client has had no reply
"""

from mercurial import extensions

from hgs3.pushes import record
from testlib import trypoints


def extsetup(ui):
    def hold(orig, *args):
        orig(*args)
        trypoints.reached("held")

    def commit(orig, *args):
        trypoints.reached("closed")
        orig(*args)
        trypoints.reached("logged")

    extensions.wrapfunction(record, "_hold", hold)
    extensions.wrapfunction(record, "_commit", commit)
