"""What the last push was: the last line of a file in the store of the repository.

It is written in Mercurial's transaction and goes with it. Mercurial and the database
have no transaction in common: when the line names a push that the database lacks, a
process has died between the two, or the database was away then. The changesets are
there, so whoever comes next can record it.

A line is added, since a file that is written anew costs a transaction five times as
much. The lines before it mean nothing any more.
"""

import dataclasses
import json
import os
import typing

from mercurial import error
from mercurial.node import bin

from .. import crossing
from ..database.records import NewLogPush
from . import details, repolog

FILE_NAME = b"hg-s3-pushlog"
#: A longer file is written anew, with one line.
MAX_BYTES = 256 * 1024
#: Read at once, from the end: a line is longer for a push of many changesets only.
_READ_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Entry:
    """The last push. Nodes are hexadecimal: ``nodes`` of its changesets, in the order
    of revisions; ``others``, of older ones whose state or phase it has changed."""

    token: str
    username: str
    pushed: int
    nodes: typing.Tuple[str, ...]
    others: typing.Tuple[str, ...] = ()


def read(repo):
    """The Entry of the last push; None when there was none yet."""
    text = _last_line(repo.svfs)
    if not text:
        return None
    try:
        values = json.loads(crossing.to_str(text))
        return Entry(
            values["token"],
            values["user"],
            values["date"],
            tuple(values["nodes"]),
            tuple(values["others"]),
        )
    except (ValueError, KeyError, TypeError):
        # A copy of the repository that was made carelessly. There is nothing to
        # be learnt from it.
        return None


def _last_line(svfs):
    try:
        file = svfs(FILE_NAME)
    except FileNotFoundError:
        return b""
    with file:
        size = file.seek(0, os.SEEK_END)
        length = _READ_BYTES
        while True:
            start = max(0, size - length)
            file.seek(start)
            text = file.read(length)
            if not start or b"\n" in text:
                break
            length *= 2
    return text.rpartition(b"\n")[2]


def write_with(repo, tr, entry):
    """Have it written by a transaction."""
    line = crossing.to_bytes(
        json.dumps(
            {
                "token": entry.token,
                "user": entry.username,
                "date": entry.pushed,
                "nodes": entry.nodes,
                "others": entry.others,
            }
        )
    )
    try:
        size = repo.svfs.stat(FILE_NAME).st_size
    except FileNotFoundError:
        size = 0
    if size > MAX_BYTES:
        tr.addfilegenerator(
            FILE_NAME, (FILE_NAME,), lambda file: file.write(b"\n" + line)
        )
        return
    # A rollback cuts it off again.
    tr.add(FILE_NAME, size)
    with repo.svfs(FILE_NAME, b"ab") as file:
        file.write(b"\n" + line)


def push_of(repo, entry):
    """The NewLogPush of an Entry, for when the log lacks it."""
    nodes = [bin(crossing.to_bytes(node)) for node in entry.nodes]
    return NewLogPush(
        entry.token,
        entry.username,
        entry.pushed,
        lambda: details.of_nodes(repo, nodes),
    )


def others_of(repo, entry):
    """What the others of an Entry are now: states and phases by nodes (str)."""
    unknown = [(node, None) for node in entry.others]
    return details.states_now(repo, unknown), details.phases_now(repo, unknown)


def settle(repo):
    """Record the last push, if the log lacks it; whether it did.

    Does nothing while somebody else has the lock of the repository: that one may be
    about to do it. Raises DatabaseError, and error.Abort for a setting.
    """
    log = repolog.of(repo).log
    entry = read(repo)
    if entry is None or log.has_token(entry.token):
        return False
    if repo.currenttransaction() is not None:
        # It is that of this one, maybe, and not yet true.
        return False
    try:
        lock = repo.lock(wait=False)
    except error.LockError:
        return False
    with lock:
        return settle_locked(repo)


def settle_locked(repo):
    """As :func:`settle`, for who has the lock."""
    if repo.svfs.exists(b"journal"):
        # A transaction was broken off: what it has written is not true.
        return False
    entry = read(repo)
    repo_log = repolog.of(repo)
    if entry is None or repo_log.log.has_token(entry.token):
        return False
    repo = repo.unfiltered()
    states, phases = others_of(repo, entry)
    repo_log.log.apply(
        repo_log.changes(pushes=[push_of(repo, entry)], states=states, phases=phases)
    )
    return True
