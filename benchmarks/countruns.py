"""A Mercurial extension for benchmarks: a line of the log whenever a heavy
command of wire protocol version 2 really runs, in the form of s3wireprotocache's
own events, with a digest of the arguments as the key.

Whatever a cache says of itself, this counts what was computed.
"""

import hashlib

from mercurial import wireprotov2server
from mercurial.utils import cborutil

LOG = b"s3bench"
COUNTED = (b"rawstorefiledata", b"changesetdata", b"manifestdata", b"filesdata")


def extsetup(ui):
    """Called by Mercurial once."""
    for command in COUNTED:
        _count(command, wireprotov2server.COMMANDS[command])


def _count(command, entry):
    run = entry.func

    def counted(repo, proto, **args):
        digest = hashlib.sha256()
        for name in sorted(args):
            digest.update(name.encode("ascii"))
            for chunk in cborutil.streamencode(args[name]):
                digest.update(chunk)
        key = digest.hexdigest()[:16].encode("ascii")
        repo.ui.log(LOG, b"computed %s key=%s bytes=0 ms=0.0\n", command, key)
        return run(repo, proto, **args)

    entry.func = counted
