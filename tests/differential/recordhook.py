"""Hooks for servers and clients under test: some write their calls down, one refuses.

A line a call: the hook's name and its arguments.
"""

import os


def record(ui, repo, hooktype, **arguments):
    given = ", ".join(
        "%s=%r" % (name, value) for name, value in sorted(arguments.items())
    )
    with open(os.path.join(os.fsdecode(repo.path), "hook-calls"), "a") as calls:
        calls.write("%s(%s)\n" % (hooktype, given))


#: What a client's hooks are told that is the same for each time and server;
#: ``node_last`` is that of the first part of an answer.
OF_CLIENTS = (
    "bookmark",
    "bookmark_moved",
    "new_obsmarkers",
    "node",
    "oldnode",
    "oldphase",
    "phase",
    "phases_moved",
    "tag_moved",
)


def record_client(ui, repo, hooktype, **arguments):
    # What the transaction has done so far goes to these, too.
    names = ("node",) if hooktype in (b"incoming", b"changegroup") else OF_CLIENTS
    told = {name: arguments[name] for name in names if name in arguments}
    record(ui, repo, hooktype.decode("ascii"), **told)


def refuse(ui, repo, hooktype, source, **_arguments):
    # `hg strip`, on the server itself, calls it as well.
    return source == b"serve"


def look(ui, repo, hooktype, **_arguments):
    # What is found out for these is kept in files, where that is possible.
    repo.branchmap()
    repo.tags()
