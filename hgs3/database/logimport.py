"""Take over a log of pushes that another program has kept."""

import dataclasses
import hashlib
import typing

import sqlalchemy
from sqlalchemy import func, insert, select

from .logrecording import chunks, insert_push
from .recording import insert_log, lock_repository, storable_name
from .records import LoggedChangeset
from .tables import PUSHES

#: Changesets that are in memory at once, about.
CHUNK_PUSHES = 200


@dataclasses.dataclass(frozen=True)
class ForeignPush:
    """A push as the other log has it; ``nodes`` in the order of revisions."""

    id: int
    username: str
    pushed: int
    nodes: typing.Sequence[str]


@dataclasses.dataclass(frozen=True)
class Imported:
    """``pushes`` that were not there before; were their ids kept?"""

    pushes: int
    kept_ids: bool


def import_pushes(
    connection: sqlalchemy.Connection,
    digest: str,
    pushes: typing.Sequence[ForeignPush],
    read: typing.Callable[[typing.Sequence[str]], typing.Sequence[LoggedChangeset]],
) -> Imported:
    """Record all of ``pushes``, which ascend, that are not there from an import before.

    ``read(nodes)`` gives changesets, one for each of ``nodes``. Ids are kept where
    the repository has no pushes, and nobody else has these ids.
    """
    repository_id = lock_repository(connection, digest)
    known = _known(connection, [_token(digest, push) for push in pushes])
    new = [push for push in pushes if _token(digest, push) not in known]
    keep = bool(new) and _are_free(connection, repository_id, new)
    if keep:
        _move_sequence(connection, new[-1].id)
    for start in range(0, len(new), CHUNK_PUSHES):
        chunk = new[start : start + CHUNK_PUSHES]
        if keep:
            connection.execute(
                insert(PUSHES),
                [_row(repository_id, digest, push) for push in chunk],
            )
        for push in chunk:
            push_id = push.id
            if not keep:
                push_id = insert_push(
                    connection,
                    repository_id,
                    _token(digest, push),
                    push.username,
                    push.pushed,
                    push.nodes[-1] if push.nodes else "",
                )
            insert_log(connection, repository_id, push_id, read(push.nodes))
    return Imported(len(new), keep)


def _row(repository_id, digest, push):
    return {
        "id": push.id,
        "repository_id": repository_id,
        "bundle_id": None,
        "token": _token(digest, push),
        "username": storable_name(push.username),
        "pushed": push.pushed,
        "tip": push.nodes[-1] if push.nodes else "",
    }


def _token(digest, push):
    """The same each time, so that a second import finds it."""
    what = "%s import %d %d %s" % (
        digest,
        push.id,
        push.pushed,
        push.nodes[-1] if push.nodes else "",
    )
    return hashlib.sha256(what.encode("ascii")).hexdigest()[:32]


def _known(connection, tokens):
    found = set()
    for chunk in chunks(tokens):
        found.update(
            connection.execute(
                select(PUSHES.c.token).where(PUSHES.c.token.in_(chunk))
            ).scalars()
        )
    return found


def _are_free(connection, repository_id, pushes):
    mine = select(func.count()).where(PUSHES.c.repository_id == repository_id)
    taken = select(func.count()).where(
        PUSHES.c.id >= pushes[0].id, PUSHES.c.id <= pushes[-1].id
    )
    return not (connection.execute(mine).scalar() or connection.execute(taken).scalar())


def _move_sequence(connection, last_id):
    """Others must get greater ids. SQLite and MySQL see to it themselves."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "SELECT setval(s.name, greatest((SELECT last_value FROM pg_sequences"
            " WHERE schemaname || '.' || sequencename = s.name), %d))"
            " FROM (SELECT pg_get_serial_sequence('s3_pushes', 'id') AS name) s"
            % last_id
        )
