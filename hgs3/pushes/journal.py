"""What the last push was, in a file in the store of the repository.

It is written in Mercurial's transaction and goes with it. Mercurial and the database
have no transaction in common: when the file names a push that the database lacks, a
process has died between the two, or the database was away then. The changesets are
there, so whoever comes next can record it.
"""

import dataclasses
import json
import typing

from mercurial import error
from mercurial.node import bin

from .. import crossing
from ..database.records import NewLogPush
from . import details, repolog

FILE_NAME = b"hg-s3-pushlog"


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
    text = repo.svfs.tryread(FILE_NAME)
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


def write_with(tr, entry):
    """Have it written by a transaction."""
    text = json.dumps(
        {
            "token": entry.token,
            "user": entry.username,
            "date": entry.pushed,
            "nodes": entry.nodes,
            "others": entry.others,
        }
    )
    tr.addfilegenerator(
        FILE_NAME, (FILE_NAME,), lambda file: file.write(crossing.to_bytes(text))
    )


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
