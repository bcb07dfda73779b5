"""Who pushed what to one repository, and when: to try and into the repository."""

import dataclasses
import re
import typing

from . import logdata, logpostgresql, logqueries, logrecording
from .engine import Database, Held
from .errors import UnknownChangeset
from .recording import storable_name
from .records import (
    MAX_ID,
    Changes,
    LoggedChangeset,
    LoggedPush,
    LogQuery,
    LogState,
    NewLogPush,
)

#: Pushes that one statement gives.
CHUNK_PUSHES = 500
#: What is in others is known to the repository alone.
_SHOWN_PHASES = ("public", "draft")


class PushLog:
    """The log of one repository. For any thread.

    ``repo_digest`` is 32 hexadecimal digits. Every method raises what
    Database.read and Database.write do.
    """

    def __init__(self, database: Database, repo_digest: str) -> None:
        self.database = database
        self.digest = repo_digest

    # Writing

    def record(self, *pushes: NewLogPush) -> typing.List[int]:
        """Record all of these or none; their ids. The token of each, 32 hexadecimal
        digits, is of it alone: the same again writes nothing and gives the same."""
        return self.apply(Changes(pushes=pushes))

    def apply(self, changes: Changes) -> typing.List[int]:
        """Record all that a transaction of the repository has changed; the ids of its
        pushes."""
        return self.database.write(
            lambda connection: logrecording.apply_changes(
                connection, self.digest, changes
            )
        )

    def hold(self, changes: Changes) -> typing.Tuple[Held, typing.List[int]]:
        """As ``apply``; but it is not there before the Held is committed."""
        if self.database.backend.driver[0] == "psycopg":
            held = self.database.hold_at_once(
                lambda connection: logpostgresql.record(
                    connection, self.digest, changes
                )
            )
            if held is not None:
                return held
        return self.database.hold(
            lambda connection: logrecording.apply_changes(
                connection, self.digest, changes
            )
        )

    # Reading

    def has_token(self, token: str) -> bool:
        """Is a push with this token there?"""
        return bool(self._rows(logqueries.TOKEN, token=token))

    def last_push_id(self) -> int:
        """The id of the newest push, 0 when there is none."""
        rows = self._rows(logqueries.LAST_PUSH)
        return rows[0].id if rows else 0

    def state(self) -> LogState:
        """What of the log there is now, in little; it costs next to nothing."""
        for row in self._rows(logqueries.STATE):
            return LogState(row.identity, row.last_push_id or 0, row.changes or 0)
        return LogState("", 0, 0)

    def pushes(
        self,
        query: LogQuery = LogQuery(),  # noqa: B008 - it never changes
        with_details: bool = False,
        tips_only: bool = False,
        newest_first: bool = False,
        limit: typing.Optional[int] = None,
        offset: int = 0,
        changesets: typing.Optional[int] = None,
    ) -> typing.List[LoggedPush]:
        """The pushes that ``query`` means, in the order of ids, with their changesets:
        the last ``changesets`` (1 or more) of each, or all.

        With ``tips_only`` the last changeset of each that is as it was pushed, if there
        is one. Raises UnknownChangeset for a node that no push has.
        """
        conditions, values = self._conditions(query)
        rows = self._rows(
            logqueries.page(conditions, newest_first),
            rows=MAX_ID if limit is None else limit,
            first_row=offset,
            **values,
        )
        pushes = [LoggedPush(*row) for row in rows]
        found = []
        for start in range(0, len(pushes), CHUNK_PUSHES):
            chunk = pushes[start : start + CHUNK_PUSHES]
            found.extend(
                self._with_changesets(chunk, with_details, tips_only, changesets)
            )
        return found

    def count(
        self,
        query: LogQuery = LogQuery(),  # noqa: B008 - it never changes
        limit: typing.Optional[int] = None,
    ) -> int:
        """How many pushes ``query`` means; beyond ``limit`` they are not counted.
        Raises as ``pushes``."""
        conditions, values = self._conditions(query)
        values["rows"] = MAX_ID if limit is None else limit
        return self._rows(logqueries.count(conditions), **values)[0][0]

    def push(
        self, push_id: int, with_details: bool = False
    ) -> typing.Optional[LoggedPush]:
        """One push; None when there is none of that id."""
        if not 0 < push_id <= MAX_ID:
            return None
        query = LogQuery(start_id=push_id - 1, end_id=push_id)
        found = self.pushes(query, with_details)
        return found[0] if found else None

    def newest_pushes_of(
        self, nodes: typing.Iterable[str]
    ) -> typing.Dict[str, LoggedPush]:
        """The newest push of each changeset, without its changesets; unknown ones are
        missing."""
        ids = {}
        for chunk in logrecording.chunks(list(dict.fromkeys(nodes))):
            ids.update(map(tuple, self._rows(logqueries.NEWEST_OF_NODES, nodes=chunk)))
        pushes = {}
        wanted = sorted(set(ids.values()))
        for start in range(0, len(wanted), CHUNK_PUSHES):
            chunk = wanted[start : start + CHUNK_PUSHES]
            for row in self._rows(logqueries.PUSHES_BY_ID, ids=chunk):
                pushes[row.id] = LoggedPush(*row)
        return {
            node: pushes[push_id] for node, push_id in ids.items() if push_id in pushes
        }

    def newest_push_of_bundle(self, bundle_id: int) -> typing.Optional[LoggedPush]:
        """The newest push to try of a bundle, without its changesets; None for none."""
        rows = self._rows(logqueries.NEWEST_OF_BUNDLE, bundle_id=bundle_id)
        return LoggedPush(*rows[0]) if rows else None

    def all_pushes(self) -> typing.Iterator[LoggedPush]:
        """All pushes in the order of ids, without their changesets."""
        last = 0
        while True:
            rows = self._rows(
                logqueries.page(("start_id",), False),
                start_id=last,
                rows=CHUNK_PUSHES,
                first_row=0,
            )
            for row in rows:
                yield LoggedPush(*row)
            if len(rows) < CHUNK_PUSHES:
                return
            last = rows[-1].id

    def with_changesets(
        self, pushes: typing.Sequence[LoggedPush]
    ) -> typing.Iterator[LoggedPush]:
        """The same pushes with the nodes of their changesets."""
        for start in range(0, len(pushes), CHUNK_PUSHES):
            chunk = pushes[start : start + CHUNK_PUSHES]
            for push in self._with_changesets(chunk, False, False):
                yield push

    def nodes_with_prefix(self, prefix: str, limit: int = 2) -> typing.List[str]:
        """Changesets that were pushed whose node begins so, in their order, at most
        ``limit``; nothing begins with what is not hexadecimal digits in lower case."""
        if not re.match(r"[0-9a-f]{1,40}\Z", prefix):
            return []

        def find(connection):
            found: typing.List[str] = []
            values = {"digest": self.digest, "first": prefix, "end": prefix + "g"}
            while len(found) < limit:
                nodes = [
                    connection.execute(statement, values).scalar()
                    for statement in logqueries.NEXT_NODES
                ]
                nodes = [node for node in nodes if node is not None]
                if not nodes:
                    break
                found.append(min(nodes))
                # No node is longer, so this is after it and before the next.
                values["first"] = min(nodes) + "0"
            return found

        return self.database.read(find)

    def states(self) -> typing.Iterator[typing.Tuple[str, int]]:
        """Each node that was pushed into the repository, and its state; one that was
        pushed twice comes twice."""
        last = 0
        while True:
            query = LogQuery(start_id=last)
            pushes = self.pushes(query, limit=CHUNK_PUSHES)
            for push in pushes:
                if push.bundle_id is None:
                    for each in push.changesets:
                        yield each.node, each.state
            if len(pushes) < CHUNK_PUSHES:
                return
            last = pushes[-1].id

    def phases(self) -> typing.Iterator[typing.Tuple[str, str]]:
        """As ``states``: each node of which there are details, and its phase."""
        for push in self.all_pushes():
            if push.bundle_id is None:
                rows = self._rows(logqueries.changesets(True, False), ids=[push.id])
                for row in rows:
                    if row.data is not None:
                        yield row.node, logdata.from_text(row.data).phase

    def _conditions(self, query):
        """Which conditions a statement has, and their values."""
        values = {}
        for name in ("start_id", "end_id", "start_date", "end_date"):
            value = getattr(query, name)
            if value is not None:
                # One that no database can have as a number means the same.
                values[name] = max(-MAX_ID, min(value, MAX_ID))
        asked = list(query.changesets)
        asked += [node for node in (query.from_change, query.to_change) if node]
        if asked:
            pushes = self.newest_pushes_of(asked)
            for node in asked:
                if node not in pushes:
                    raise UnknownChangeset(node)
            if query.from_change:
                start_id = pushes[query.from_change].id
                values["start_id"] = max(values.get("start_id", start_id), start_id)
            if query.to_change:
                end_id = pushes[query.to_change].id
                values["end_id"] = min(values.get("end_id", end_id), end_id)
        if query.changesets:
            values["nodes"] = list(query.changesets)
        if query.users:
            values["users"] = [storable_name(name) for name in query.users]
        return tuple(sorted(values)), values

    def _with_changesets(self, pushes, with_details, tips_only, kept=None):
        """At most CHUNK_PUSHES of them, with the last ``kept`` changesets of each."""
        if not pushes:
            return []
        changesets: typing.Dict[int, typing.List[LoggedChangeset]] = {}
        sizes = {}
        for row in self._changeset_rows(pushes, with_details, tips_only, kept):
            details = logdata.from_text(row.data) if with_details else None
            if details is not None and details.phase not in _SHOWN_PHASES:
                details = None
            changesets.setdefault(row.push_id, []).append(
                LoggedChangeset(row.node, row.state, details)
            )
            if kept and not tips_only:
                sizes[row.push_id] = row.last_position + 1
        bundled = self._bundled(
            {push.bundle_id for push in pushes if push.id not in changesets},
        )
        found = []
        for push in pushes:
            held = changesets.get(push.id)
            size = sizes.get(push.id)
            if held is None:
                held = bundled.get(push.bundle_id, ())
                held = held[-1:] if tips_only else held
                size = len(held)
                held = held[-kept:] if kept else held
            left_out = 0 if size is None else size - len(held)
            found.append(
                dataclasses.replace(push, changesets=tuple(held), left_out=left_out)
            )
        return found

    def _changeset_rows(self, pushes, with_details, tips_only, kept):
        ids = [push.id for push in pushes]
        if kept and not tips_only:
            statement = logqueries.last_changesets(with_details)
            return self._rows(statement, ids=ids, kept=kept)
        return self._rows(logqueries.changesets(with_details, tips_only), ids=ids)

    def _bundled(self, bundle_ids):
        """The changesets of bundles that there is no log of."""
        bundle_ids = bundle_ids - {None}
        found: typing.Dict[int, typing.List[LoggedChangeset]] = {}
        if bundle_ids:
            for row in self._rows(logqueries.BUNDLED, bundles=sorted(bundle_ids)):
                found.setdefault(row.bundle_id, []).append(LoggedChangeset(row.node))
        return found

    def _rows(self, statement, **values):
        values["digest"] = self.digest
        return self.database.read(
            lambda connection: connection.execute(statement, values).all()
        )
