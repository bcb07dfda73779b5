"""An extension of a try server: at a named point of a push, a command is run.

``$TESTTMP/points`` has lines ``POINT COMMAND``. When the server comes to POINT, the
line is taken out and COMMAND is run by a shell, with the id of the server's process as
$SERVER; the server waits until it has ended. Points are

    stored      the object is in the store, the database knows nothing of it
    recorded    the database has it all, the client has had no reply
    phases      the client asks for phases, as it does after its push
    doomed      ``hg s3try gc`` is about to mark an object for deletion
    marked      it is about to delete it
"""

import os
import subprocess
import threading

import hgdemandimport
from mercurial import extensions

from hgs3.commands import tryclean
from hgs3.trybundles import names, recording, trystore

TOP = os.environ["TESTTMP"]
POINTS = os.path.join(TOP, "points")
OUTPUT = os.path.join(TOP, "points.out")

#: A server has many threads; a line is for one of them.
_lock = threading.Lock()


def extsetup(ui):
    def put(orig, self, *args, **opts):
        result = orig(self, *args, **opts)
        reached("stored")
        return result

    def record(orig, *args, **opts):
        result = orig(*args, **opts)
        reached("recorded")
        return result

    def listkeys(orig, repo, namespace, *args):
        if namespace == b"phases":
            reached("phases")
        return orig(repo, namespace, *args)

    def delete(orig, store, item):
        reached("doomed")
        return orig(store, item)

    def mark(orig, self, *args):
        result = orig(self, *args)
        reached("marked")
        return result

    # SQLAlchemy, which it imports, cannot do with lazy modules.
    with hgdemandimport.deactivated():
        from hgs3.database import tryindex

    extensions.wrapfunction(tryindex.TryIndex, "doom", mark)
    extensions.wrapfunction(trystore.TryStore, "put", put)
    extensions.wrapfunction(recording, "record", record)
    extensions.wrapfunction(names, "_listkeys", listkeys)
    extensions.wrapfunction(tryclean, "_delete", delete)


def reached(point):
    command = taken(point)
    if command is not None:
        with open(OUTPUT, "ab") as output:
            subprocess.run(
                command,
                shell=True,
                stdin=subprocess.DEVNULL,
                # By SSH, that of the server is for the client.
                stdout=output,
                stderr=output,
                env=dict(os.environ, SERVER=str(os.getpid())),
            )


def taken(point):
    """The command of the first line for ``point``, which is then gone; or None."""
    with _lock:
        try:
            with open(POINTS) as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return None
        for number, line in enumerate(lines):
            name, _space, command = line.partition(" ")
            if name == point:
                del lines[number]
                with open(POINTS, "w") as file:
                    file.writelines(each + "\n" for each in lines)
                return command
    return None
