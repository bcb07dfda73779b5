"""An extension of a server: says who makes which segment, and holds some up.

``$TESTTMP/making`` gets a line ``START+SIZE PID ACTION THREAD`` for each bundle
that is begun; ACTION is the action of ``hg s3cache``, or ``-``. A bundle goes on
when ``$TESTTMP/held`` does not name it (``START+SIZE``, or ``all``) any more. Tests
write and wait by ``hold`` and ``waitfor`` of helpers.sh.
"""

import os
import sys
import threading
import time

from mercurial import extensions

from hgs3.cache import blocks
from hgs3.wireproto import v1segment

TOP = os.environ["TESTTMP"]

#: A test that went wrong must leave no process that waits for ever.
SECONDS = 120


def extsetup(ui):
    extensions.wrapfunction(v1segment, "chunks", chunks)
    # One of several blocks is made when a second client comes, which is at any
    # time in a herd.
    blocks.LARGEST_TAIL = blocks.SMALLEST


def chunks(orig, repo, history, block, *args):
    name = "%d+%d" % block
    with open(os.path.join(TOP, "making"), "a") as making:
        making.write(
            "%s %d %s %s\n"
            % (name, os.getpid(), action(), threading.current_thread().name)
        )
    deadline = time.monotonic() + SECONDS
    while is_held(name) and time.monotonic() < deadline:
        time.sleep(0.02)
    yield from orig(repo, history, block, *args)


def action():
    arguments = sys.argv[1:]
    if "s3cache" not in arguments:
        return "-"
    return arguments[arguments.index("s3cache") + 1]


def is_held(name):
    try:
        with open(os.path.join(TOP, "held")) as held:
            names = held.read().split()
    except FileNotFoundError:
        return False
    return name in names or "all" in names
