"""The transactions that write to the log of pushes.

As those of recording.py: each takes the lock of its repository first, and may be run
again.
"""

import typing

import sqlalchemy
from sqlalchemy import bindparam, insert, select, update

from . import logdata
from .recording import insert_log, lock_repository, storable_name
from .records import Changes
from .tables import LOG_CHANGES, LOG_CHANGESETS, PUSHES

#: Nodes that one statement names. Some name them twice, and SQLite before 3.32 takes
#: 999 values.
CHUNK_NODES = 400

# Made once: to build a statement costs as much as to run it.
_BY_TOKEN = select(PUSHES.c.token, PUSHES.c.id).where(
    PUSHES.c.token.in_(bindparam("tokens", expanding=True))
)
_NEW_PUSH = insert(PUSHES)
# Of the push of each row. As a value it is asked for last: what can be made a join
# may begin with all pushes.
_INTO_REPOSITORY = (
    select(PUSHES.c.bundle_id)
    .where(PUSHES.c.id == LOG_CHANGESETS.c.push_id)
    .scalar_subquery()
    .is_(None)
)
_SET_STATE = (
    update(LOG_CHANGESETS)
    .where(
        LOG_CHANGESETS.c.repository_id == bindparam("repository"),
        LOG_CHANGESETS.c.node.in_(bindparam("nodes", expanding=True)),
        LOG_CHANGESETS.c.state != bindparam("new_state"),
        _INTO_REPOSITORY,
    )
    .values(state=bindparam("new_state"))
)
_DATA = select(
    LOG_CHANGESETS.c.push_id,
    LOG_CHANGESETS.c.position,
    LOG_CHANGESETS.c.node,
    LOG_CHANGESETS.c.data,
).where(
    LOG_CHANGESETS.c.repository_id == bindparam("repository"),
    LOG_CHANGESETS.c.node.in_(bindparam("nodes", expanding=True)),
    LOG_CHANGESETS.c.data.is_not(None),
)
_SET_DATA = (
    update(LOG_CHANGESETS)
    .where(
        LOG_CHANGESETS.c.push_id == bindparam("which_push"),
        LOG_CHANGESETS.c.position == bindparam("which_position"),
    )
    .values(data=bindparam("new_data"))
)
_ONE_MORE_CHANGE = (
    update(LOG_CHANGES)
    .where(LOG_CHANGES.c.repository_id == bindparam("repository"))
    .values(changes=LOG_CHANGES.c.changes + 1)
)
_FIRST_CHANGE = insert(LOG_CHANGES)


def apply_changes(
    connection: sqlalchemy.Connection, digest: str, changes: Changes
) -> typing.List[int]:
    """The ids of the pushes; one whose token is there already is not recorded."""
    repository_id = lock_repository(connection, digest)
    ids = _record_pushes(connection, repository_id, changes.pushes)
    _set_states(connection, repository_id, changes.states)
    _set_phases(connection, repository_id, changes.phases)
    return ids


def _record_pushes(connection, repository_id, pushes):
    if not pushes:
        return []
    tokens = {"tokens": [push.token for push in pushes]}
    known = {row.token: row.id for row in connection.execute(_BY_TOKEN, tokens)}
    ids = []
    for push in pushes:
        if push.token not in known:
            known[push.token] = _record_push(connection, repository_id, push)
        ids.append(known[push.token])
    return ids


def _record_push(connection, repository_id, push):
    changesets = push.read()
    # They may have been there before, and gone meanwhile.
    _set_states(
        connection, repository_id, {each.node: each.state for each in changesets}
    )
    push_id = insert_push(
        connection,
        repository_id,
        push.token,
        push.username,
        push.pushed,
        changesets[-1].node if changesets else "",
    )
    insert_log(connection, repository_id, push_id, changesets)
    return push_id


def insert_push(
    connection: sqlalchemy.Connection,
    repository_id: int,
    token: str,
    username: str,
    pushed: int,
    tip: str,
    push_id: typing.Optional[int] = None,
) -> int:
    """A row of a push into the repository; its id, a new one unless it is given."""
    row = {
        "repository_id": repository_id,
        "bundle_id": None,
        "token": token,
        "username": storable_name(username),
        "pushed": pushed,
        "tip": tip,
    }
    if push_id is not None:
        row["id"] = push_id
    return connection.execute(_NEW_PUSH, row).inserted_primary_key[0]


def _set_states(connection, repository_id, states):
    by_state: typing.Dict[int, typing.List[str]] = {}
    for node, state in states.items():
        by_state.setdefault(state, []).append(node)
    changed = 0
    for state, nodes in sorted(by_state.items()):
        for chunk in chunks(nodes):
            changed += connection.execute(
                _SET_STATE,
                {"repository": repository_id, "nodes": chunk, "new_state": state},
            ).rowcount
    if changed:
        count_change(connection, repository_id)


def count_change(connection: sqlalchemy.Connection, repository_id: int) -> None:
    """The log of the repository, which is locked, changes in another way than by a
    push: what was read of it is old."""
    values = {"repository": repository_id}
    if not connection.execute(_ONE_MORE_CHANGE, values).rowcount:
        connection.execute(
            _FIRST_CHANGE, {"repository_id": repository_id, "changes": 1}
        )


def _set_phases(connection, repository_id, phases):
    for chunk in chunks(list(phases)):
        rows = connection.execute(_DATA, {"repository": repository_id, "nodes": chunk})
        changed = []
        for row in rows:
            details = logdata.from_text(row.data)
            if details.phase != phases[row.node]:
                details = details._replace(phase=phases[row.node])
                changed.append(
                    {
                        "which_push": row.push_id,
                        "which_position": row.position,
                        "new_data": logdata.to_text(details),
                    }
                )
        if changed:
            connection.execute(_SET_DATA, changed)
            count_change(connection, repository_id)


def chunks(values: typing.List[str]) -> typing.Iterator[typing.List[str]]:
    """``values`` in pieces that a statement can name."""
    for start in range(0, len(values), CHUNK_NODES):
        yield values[start : start + CHUNK_NODES]
