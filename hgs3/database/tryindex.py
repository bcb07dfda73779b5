"""What was pushed to one repository, and where its changesets are."""

import re
import time
import typing

import sqlalchemy
from sqlalchemy import delete, update

from . import expiry, recording, tryqueries
from .engine import Database
from .records import (
    BookmarkMove,
    Bundle,
    Changeset,
    Expired,
    LoggedChangeset,
    NewBundle,
    Push,
)
from .tables import DOOMED

#: Nodes that one statement asks for, and pushes that it gives.
CHUNK_NODES = 500
CHUNK_PUSHES = 1000

#: Above every id.
_NO_ID = 2**63 - 1


class TryIndex:
    """The pushes, bundles and bookmarks of one repository. For any thread.

    ``repo_digest`` is 32 hexadecimal digits. Every method raises what
    Database.read and Database.write do.
    """

    def __init__(self, database: Database, repo_digest: str) -> None:
        self._database = database
        self._digest = repo_digest

    # Writing

    def record_push(
        self,
        bundle: typing.Optional[NewBundle],
        changesets: typing.Sequence[Changeset],
        token: str,
        username: str,
        pushed: int,
        tip: str,
        bookmarks: typing.Sequence[BookmarkMove] = (),
        doom: typing.Optional[int] = None,
        log: typing.Optional[typing.Sequence[LoggedChangeset]] = None,
        seen: typing.Optional[str] = None,
    ) -> int:
        """Record all of a push or nothing; its id.

        ``token``, 32 hexadecimal digits, is of this push alone: the same again gives
        the same id and writes nothing. A bundle that is there is taken, and is said
        to be the object that was uploaded now. Without a ``bundle`` only bookmarks
        are moved, and 0 is returned. The changesets as ``log`` has them are for the log
        of pushes, if there is one. Raises ObjectDoomed, unless ``doom`` is what
        that one said and is finished, and BookmarkConflict. With ``seen``, the SHA-512 of
        the object that the bundle was seen to be ("" for no such bundle), it raises
        ObjectReplaced when it is now another one, and not this one.
        """
        record = recording.PushRecord(
            bundle,
            tuple(changesets),
            token,
            username,
            pushed,
            tip,
            tuple(bookmarks),
            doom,
            log,
            seen,
        )
        return self._database.write(
            lambda connection: recording.record_push(connection, self._digest, record)
        )

    def expire(self, before: int) -> Expired:
        """Delete pushes to try older than ``before``, bundles that no push is left of, and
        bookmarks on what was in these only."""
        total, more = Expired(0, 0, 0), True
        while more:
            some, more = self._database.write(
                lambda connection: expiry.expire_some(connection, self._digest, before)
            )
            total = Expired(
                total.pushes + some.pushes,
                total.bundles + some.bundles,
                total.bookmarks + some.bookmarks,
            )
        return total

    def doom(self, sha256: str) -> typing.Optional[int]:
        """Say that the object of a bundle is about to be deleted; the id to finish
        it with. None when the bundle is recorded, and the object must stay, and when
        another one is about to delete it."""
        now = int(time.time())
        return self._database.write(
            lambda connection: recording.doom(connection, self._digest, sha256, now)
        )

    def doomed_gone(self, doom_id: int) -> None:
        """The object was deleted from the store."""
        self._write(
            update(DOOMED)
            .where(
                DOOMED.c.id == doom_id, DOOMED.c.repository_id == tryqueries.REPOSITORY
            )
            .values(finished=True)
        )

    def forget_dooms(self, marked_before: int) -> None:
        """Forget objects that were said to be deleted before, and are."""
        self._write(
            delete(DOOMED).where(
                DOOMED.c.repository_id == tryqueries.REPOSITORY,
                DOOMED.c.finished == sqlalchemy.true(),
                DOOMED.c.marked < marked_before,
            )
        )

    def _write(self, statement):
        values = {"digest": self._digest}
        self._database.write(lambda connection: connection.execute(statement, values))

    # Reading

    def bundles_of(self, nodes: typing.Iterable[str]) -> typing.Dict[str, Bundle]:
        """The newest bundle that holds each changeset; unknown ones are missing."""
        return self._bundles_by(tryqueries.BUNDLES_OF_NODES, nodes)

    def bundles_of_manifests(
        self, manifests: typing.Iterable[str]
    ) -> typing.Dict[str, Bundle]:
        """The newest bundle with a changeset of each manifest."""
        return self._bundles_by(tryqueries.BUNDLES_OF_MANIFESTS, manifests)

    def _bundles_by(self, statement, wanted):
        wanted = list(dict.fromkeys(wanted))
        found = {}
        for start in range(0, len(wanted), CHUNK_NODES):
            chunk = wanted[start : start + CHUNK_NODES]
            for row in self._rows(statement, wanted=chunk):
                found[row[0]] = Bundle(*row[1:])
        return found

    def bundle(self, sha256: str) -> typing.Optional[Bundle]:
        """The bundle of this digest; None when there is none."""
        rows = self._rows(tryqueries.BUNDLE, sha256=sha256)
        return Bundle(*rows[0]) if rows else None

    def changesets_of(self, bundle_id: int) -> typing.Tuple[Changeset, ...]:
        """The changesets of a bundle in its order; none for an unknown one."""
        rows = self._rows(tryqueries.CHANGESETS_OF, bundle_id=bundle_id)
        return tuple(Changeset(*row) for row in rows)

    def nodes_with_prefix(self, prefix: str, limit: int = 2) -> typing.List[str]:
        """Changesets whose node begins so, in their order, at most ``limit``.

        Nothing begins with what is not hexadecimal digits in lower case.
        """
        if not re.match(r"[0-9a-f]{1,40}\Z", prefix):
            return []

        def find(connection):
            found = []
            values = {"digest": self._digest, "first": prefix, "end": prefix + "g"}
            while len(found) < limit:
                node = connection.execute(tryqueries.NEXT_NODE, values).scalar()
                if node is None:
                    break
                found.append(node)
                # No node is longer, so this is after it and before the next.
                values["first"] = node + "0"
            return found

        return self._database.read(find)

    def recent_roots(self, since: int, limit: int) -> typing.List[str]:
        """Roots that no client called public, of pushes at ``since`` or later; those
        of the newest push first, each once. All of a bundle, or none: at most those of
        ``limit`` bundles."""
        rows = self._rows(tryqueries.RECENT_ROOTS, since=since, rows=limit)
        return list(dict.fromkeys(row.node for row in rows if row.node is not None))

    def identity(self) -> str:
        """32 hexadecimal digits, of this repository in this database alone."""
        return self._database.write(
            lambda connection: recording.identity(connection, self._digest)
        )

    def pending_dooms(self) -> typing.List[str]:
        """The digests of objects that were about to be deleted, and whoever was at it
        is taken for dead."""
        before = int(time.time()) - recording.TAKEOVER_SECONDS
        return [
            row.sha256 for row in self._rows(tryqueries.PENDING_DOOMS, before=before)
        ]

    def bookmarks(self) -> typing.Dict[str, str]:
        """Names to nodes."""
        return {row.name: row.node for row in self._rows(tryqueries.ALL_BOOKMARKS)}

    def bookmark(self, name: str) -> typing.Optional[str]:
        """The node that a bookmark is at; None when there is none of the name."""
        try:
            BookmarkMove(name, "")
        except ValueError:
            # None that a database could be asked for.
            return None
        rows = self._rows(tryqueries.BOOKMARK_NAMED, name=name)
        return rows[0].node if rows else None

    def last_push_id(self) -> int:
        """The id of the newest push, 0 when there is none. One into the repository
        counts, too."""
        rows = self._rows(tryqueries.LAST_PUSH)
        return rows[0].id if rows else 0

    def pushes(
        self,
        limit: typing.Optional[int] = None,
        before: typing.Optional[int] = None,
    ) -> typing.Iterator[Push]:
        """Pushes to try, newest first, from below the id ``before``; read some at a time, so
        that one that comes or goes meanwhile may be among them or not."""
        last = _NO_ID if before is None else before
        left = _NO_ID if limit is None else limit
        while left > 0:
            size = min(left, CHUNK_PUSHES)
            rows = self._rows(tryqueries.PUSHES_BEFORE, before=last, rows=size)
            for row in rows:
                yield _push(row)
            if len(rows) < size:
                break
            last = rows[-1].push_id
            left -= size

    def push(self, push_id: int) -> typing.Optional[Push]:
        """One push to try; None when there is none of that id."""
        rows = self._rows(tryqueries.PUSH, push_id=push_id)
        return _push(rows[0]) if rows else None

    def push_of_bundle(self, bundle_id: int) -> typing.Optional[Push]:
        """The newest push of a bundle; None when there is none."""
        rows = self._rows(tryqueries.PUSH_OF_BUNDLE, bundle_id=bundle_id)
        return _push(rows[0]) if rows else None

    def bundles(self, after_id: int = 0, limit: int = 1000) -> typing.List[Bundle]:
        """Bundles whose id is greater than ``after_id``, in the order of ids."""
        rows = self._rows(tryqueries.BUNDLES_AFTER, after_id=after_id, rows=limit)
        return [Bundle(*row) for row in rows]

    def _rows(self, statement, **values):
        values["digest"] = self._digest
        return self._database.read(
            lambda connection: connection.execute(statement, values).all()
        )


def _push(row):
    push_id, username, pushed, tip = row[:4]
    return Push(push_id, Bundle(*row[4:]), username, pushed, tip)
