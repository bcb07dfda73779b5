"""``v2client.py URL COMMAND ARGS [OPTIONS]``: one v2 command.

Runs it with the peer of the Mercurial under test, which is what ``hg clone``
uses. ARGS is a Python expression of bytes, in which ``n('HEX HEX ...')`` is a
list of nodes. Prints whether the answer was a
redirect, the number of objects and the SHA-256 of their canonical CBOR, so
that two answers can be compared.

With --no-redirect the client names no redirect target that it could follow.
With --hang-up it is killed when it has seen the first object.
With --unadvertised it asks for what the server does not say it has.
"""

import argparse
import hashlib
import os
import sys

from mercurial import error, extensions, hg, wireprotov2peer
from mercurial import ui as uimod
from mercurial.utils import cborutil

_follow = wireprotov2peer.clienthandler._followredirect


def _note_redirect(self, requestid, target):
    # The opener is the peer's, and no other's.
    self._opener.was_redirected = True
    return _follow(self, requestid, target)


wireprotov2peer.clienthandler._followredirect = _note_redirect


def call(url, command, args, redirect=True, hang_up=False, unadvertised=False):
    """(objects, was it redirected)"""
    ui = uimod.ui.load()
    ui.setconfig(b"experimental", b"httppeer.advertise-v2", True)
    extensions.loadall(ui)
    peer = hg.peer(ui, {}, url.encode())
    if not redirect:
        peer._redirect = None
    if unadvertised:
        peer.apidescriptor[b"commands"].setdefault(
            command.encode(), {b"args": args, b"permissions": [b"pull"]}
        )
    with peer.commandexecutor() as executor:
        result = executor.callcommand(command.encode(), args).result()
        if hang_up:
            next(result)
            print("hung up", flush=True)
            os._exit(0)
        objs = list(result)
    return objs, getattr(peer._opener, "was_redirected", False)


def digest_of(objs):
    """Of their canonical CBOR."""
    digest = hashlib.sha256()
    for obj in objs:
        digest.update(b"".join(cborutil.streamencode(obj)))
    return digest.hexdigest()


def nodes(hexes):
    return [bytes.fromhex(node) for node in hexes.split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("command")
    parser.add_argument("args")
    parser.add_argument("--no-redirect", action="store_true")
    parser.add_argument("--hang-up", action="store_true")
    parser.add_argument("--unadvertised", action="store_true")
    options = parser.parse_args()
    try:
        objs, redirected = call(
            options.url,
            options.command,
            eval(options.args, {"n": nodes}),
            not options.no_redirect,
            options.hang_up,
            options.unadvertised,
        )
    except error.RepoError as err:
        sys.exit("remote error: %s" % err)
    print(
        "%s, %d objects, sha256 %s"
        % (
            "redirected" if redirected else "inline",
            len(objs),
            digest_of(objs)[:16],
        )
    )


if __name__ == "__main__":
    main()
