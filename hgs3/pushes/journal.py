"""What the last push was: the last line of a file in the store of the repository.

It is written in Mercurial's transaction and goes with it. Mercurial and the database
have no transaction in common: when the line names a push that the database lacks, a
process has died between the two, or the database was away then. The changesets are
there, so whoever comes next can record it.

A line is added, since a file that is written anew costs a transaction several times as
much. The lines before it mean nothing any more.
"""

import dataclasses
import io
import json
import os
import typing

from mercurial import error
from mercurial.node import bin

from .. import crossing
from ..database.records import Changes, NewLogPush
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
    try:
        file = repo.svfs(FILE_NAME)
    except FileNotFoundError:
        return None
    with file:
        return _last_entry(file, file.seek(0, os.SEEK_END))


class Journal:
    """The file, open for one transaction; a context manager.

    ``last`` is the Entry of the last push, None when there was none yet.
    """

    def __init__(self, repo, tr):
        self._tr = tr
        self._file = _open(repo.svfs)
        try:
            self._size = self._file.seek(0, os.SEEK_END)
            if self._size <= MAX_BYTES:
                # A rollback cuts off again what is added.
                tr.add(FILE_NAME, self._size)
            self.last = _last_entry(self._file, self._size)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self._file.close()

    def add(self, entry):
        """Have an Entry written by the transaction."""
        text = json.dumps(
            {
                "token": entry.token,
                "user": entry.username,
                "date": entry.pushed,
                "nodes": entry.nodes,
                "others": entry.others,
            }
        )
        line = b"\n" + crossing.to_bytes(text)
        if self._size <= MAX_BYTES:
            self._file.seek(0, os.SEEK_END)
            while line:
                line = line[self._file.write(line) :]
        else:
            self._tr.addfilegenerator(
                FILE_NAME, (FILE_NAME,), lambda file: file.write(line)
            )


def _open(svfs):
    """The file, to be read and added to; without a buffer."""
    path = svfs.join(FILE_NAME)
    try:
        file = io.FileIO(path, "r+b")
    except FileNotFoundError:
        pass
    else:
        if os.fstat(file.fileno()).st_nlink == 1:
            return file
        file.close()
    # Mercurial gives a new file the permissions of its folder, and copies one that
    # another repository has, too. It takes its time for that.
    svfs(FILE_NAME, b"ab").close()
    return io.FileIO(path, "r+b")


def _last_entry(file, size):
    text = _last_line(file, size)
    if not text:
        return None
    try:
        values = json.loads(crossing.to_str(text))
        if not (values["token"].isascii() and values["token"].isalnum()):
            return None
        return Entry(
            values["token"],
            values["user"],
            values["date"],
            tuple(values["nodes"]),
            tuple(values["others"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # A copy of the repository that was made carelessly. There is nothing to
        # be learnt from it.
        return None


def _last_line(file, size):
    length = _READ_BYTES
    while True:
        start = max(0, size - length)
        file.seek(start)
        text = file.read(length)
        if not start or b"\n" in text:
            return text.rpartition(b"\n")[2]
        length *= 2


def push_of(repo, entry):
    """The NewLogPush of an Entry, for when the log lacks it."""

    def read():
        nodes = [bin(crossing.to_bytes(node)) for node in entry.nodes]
        return details.of_nodes(repo, nodes)

    return NewLogPush(entry.token, entry.username, entry.pushed, read)


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
    if entry is None:
        return False
    log = repolog.of(repo).log
    if log.has_token(entry.token):
        return False
    repo = repo.unfiltered()
    states, phases = others_of(repo, entry)
    log.apply(Changes(pushes=[push_of(repo, entry)], states=states, phases=phases))
    return True
