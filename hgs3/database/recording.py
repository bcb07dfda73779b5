"""The transactions that write: a push, a bookmark, an object that is to be deleted.

Each takes the lock of its repository first, so that what it has read stays true, and
that ids are in the order of commits. Each may be run again after a commit of which
nobody knows whether it came through.
"""

import dataclasses
import sys
import typing
import uuid

import sqlalchemy
from sqlalchemy import bindparam, delete, insert, select, update

from . import logdata
from .errors import BookmarkConflict, ObjectDoomed, ObjectReplaced
from .records import (
    MAX_NAME_LENGTH,
    UNSTORABLE,
    BookmarkMove,
    Changeset,
    LoggedChangeset,
    NewBundle,
)
from .tables import (
    BOOKMARKS,
    BUNDLES,
    CHANGESETS,
    DOOMED,
    LOG_CHANGESETS,
    PUSHES,
    REPOSITORIES,
)

#: After so long, whoever was about to delete an object is taken for dead.
TAKEOVER_SECONDS = 600
#: Rows of the log that are made into text at once.
CHUNK_ROWS = 500


@dataclasses.dataclass(frozen=True)
class PushRecord:
    """All that one call of TryIndex.record_push is given."""

    bundle: typing.Optional[NewBundle]
    changesets: typing.Sequence[Changeset]
    token: str
    username: str
    pushed: int
    tip: str
    bookmarks: typing.Sequence[BookmarkMove]
    doom: typing.Optional[int]
    #: None where there is no log of pushes.
    log: typing.Optional[typing.Sequence[LoggedChangeset]] = None
    #: None for whatever there is.
    seen: typing.Optional[str] = None


# Made once: to build a statement costs as much as to run it.
_LOCK = (
    select(REPOSITORIES.c.id)
    .where(REPOSITORIES.c.digest == bindparam("digest"))
    .with_for_update()
)
# All that a push depends on, in one question.
_STATE = (
    select(
        PUSHES.c.id.label("push_id"),
        BUNDLES.c.id.label("bundle_id"),
        BUNDLES.c.sha512,
        DOOMED.c.id.label("doom_id"),
        DOOMED.c.finished,
    )
    .select_from(REPOSITORIES)
    .outerjoin(
        PUSHES,
        sqlalchemy.and_(
            PUSHES.c.repository_id == REPOSITORIES.c.id,
            PUSHES.c.token == bindparam("token"),
        ),
    )
    .outerjoin(
        BUNDLES,
        sqlalchemy.and_(
            BUNDLES.c.repository_id == REPOSITORIES.c.id,
            BUNDLES.c.sha256 == bindparam("sha256"),
        ),
    )
    .outerjoin(
        DOOMED,
        sqlalchemy.and_(
            DOOMED.c.repository_id == REPOSITORIES.c.id,
            DOOMED.c.sha256 == bindparam("sha256"),
        ),
    )
    .where(REPOSITORIES.c.id == bindparam("repository_id"))
)
_NEW_PUSH = insert(PUSHES)
_NEW_BUNDLE = insert(BUNDLES)
_NEW_CHANGESETS = insert(CHANGESETS)
_NEW_LOG = insert(LOG_CHANGESETS)
_NEW_BOOKMARK = insert(BOOKMARKS)
_BUNDLE_AGAIN = (
    update(BUNDLES)
    .where(BUNDLES.c.id == bindparam("bundle_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("format", "size_bytes", "object_bytes", "sha1", "sha512")
        }
    )
)
_BOOKMARK = sqlalchemy.and_(
    BOOKMARKS.c.repository_id == bindparam("repository"),
    BOOKMARKS.c.name == bindparam("bookmark"),
)
_BOOKMARK_AT = select(BOOKMARKS.c.node).where(_BOOKMARK)
_DELETE_BOOKMARK = delete(BOOKMARKS).where(_BOOKMARK)
_MOVE_BOOKMARK = (
    update(BOOKMARKS)
    .where(_BOOKMARK)
    .values({name: bindparam(name) for name in ("node", "changed", "push_id")})
)
_DOOM_OF = select(DOOMED.c.id, DOOMED.c.finished, DOOMED.c.marked).where(
    DOOMED.c.repository_id == bindparam("repository_id"),
    DOOMED.c.sha256 == bindparam("sha256"),
)
_IDENTITY = select(REPOSITORIES.c.identity).where(
    REPOSITORIES.c.id == bindparam("repository_id")
)
_BUNDLE_OF = select(BUNDLES.c.id).where(
    BUNDLES.c.repository_id == bindparam("repository_id"),
    BUNDLES.c.sha256 == bindparam("sha256"),
)


def lock_repository(connection: sqlalchemy.Connection, digest: str) -> int:
    """Lock a repository to the end of the transaction; the id of its row, which is
    made if there is none. SQLite has locked the whole file already."""
    found = connection.execute(_LOCK, {"digest": digest}).scalar()
    if found is None:
        row = {"digest": digest, "identity": uuid.uuid4().hex}
        connection.execute(_insert_or_ignore(connection), row)
        found = connection.execute(_LOCK, {"digest": digest}).scalar_one()
    return found


def identity(connection: sqlalchemy.Connection, digest: str) -> str:
    """The transaction of TryIndex.identity."""
    where = {"repository_id": lock_repository(connection, digest)}
    return connection.execute(_IDENTITY, where).scalar_one()


def _insert_or_ignore(connection):
    # Another process may make the same row.
    name = connection.dialect.name
    if name in ("postgresql", "sqlite"):
        # What SQLAlchemy knows of a database, it has loaded for the connection.
        dialects = sys.modules["sqlalchemy.dialects." + name]
        return dialects.insert(REPOSITORIES).on_conflict_do_nothing()
    return insert(REPOSITORIES).prefix_with("IGNORE")


def record_push(
    connection: sqlalchemy.Connection, digest: str, record: PushRecord
) -> int:
    """The transaction of TryIndex.record_push."""
    repository_id = lock_repository(connection, digest)
    if record.bundle is None:
        _move_bookmarks(connection, repository_id, record, 0)
        return 0
    state = connection.execute(
        _STATE,
        {
            "repository_id": repository_id,
            "token": record.token,
            "sha256": record.bundle.sha256,
        },
    ).one()
    if state.push_id is not None:
        # It was committed, and the answer was lost.
        return state.push_id
    if state.doom_id is not None:
        if state.doom_id != record.doom or not state.finished:
            raise ObjectDoomed(state.doom_id, bool(state.finished))
        connection.execute(delete(DOOMED).where(DOOMED.c.id == state.doom_id))
    if record.seen is not None and (state.sha512 or "") not in (
        record.seen,
        record.bundle.sha512,
    ):
        raise ObjectReplaced
    bundle_id = _record_bundle(connection, repository_id, record, state.bundle_id)
    push_id = connection.execute(
        _NEW_PUSH,
        {
            "repository_id": repository_id,
            "bundle_id": bundle_id,
            "token": record.token,
            "username": storable_name(record.username),
            "pushed": record.pushed,
            "tip": record.tip,
        },
    ).inserted_primary_key[0]
    if record.log:
        insert_log(connection, repository_id, push_id, record.log)
    _move_bookmarks(connection, repository_id, record, push_id)
    return push_id


def insert_log(
    connection: sqlalchemy.Connection,
    repository_id: int,
    push_id: int,
    changesets: typing.Sequence[LoggedChangeset],
) -> None:
    """The rows that the log has of the changesets of a push."""
    for start in range(0, len(changesets), CHUNK_ROWS):
        rows = [
            {
                "push_id": push_id,
                "position": position,
                "repository_id": repository_id,
                "node": each.node,
                "state": each.state,
                "data": logdata.to_text(each.details),
            }
            for position, each in enumerate(
                changesets[start : start + CHUNK_ROWS], start
            )
        ]
        connection.execute(_NEW_LOG, rows)


def storable_name(username: str) -> str:
    """A name of a user as every database can keep it."""
    return UNSTORABLE.sub("?", username)[:MAX_NAME_LENGTH]


def _record_bundle(connection, repository_id, record, found):
    """The id of the bundle of a push; ``found`` when it was there already."""
    values = dataclasses.asdict(record.bundle)
    if found is not None:
        # The object was put there once more, and maybe compressed otherwise.
        del values["sha256"]
        connection.execute(_BUNDLE_AGAIN, dict(values, bundle_id=found))
        return found
    values.update(
        repository_id=repository_id,
        changesets=len(record.changesets),
        created=record.pushed,
    )
    made = connection.execute(_NEW_BUNDLE, values).inserted_primary_key[0]
    rows = [
        {
            "bundle_id": made,
            "position": position,
            "repository_id": repository_id,
            "node": changeset.node,
            "p1": changeset.p1,
            "p2": changeset.p2,
            "manifest": changeset.manifest,
            "is_root": changeset.is_root,
            "is_head": changeset.is_head,
            "claimed_public": changeset.claimed_public,
        }
        for position, changeset in enumerate(record.changesets)
    ]
    if rows:
        connection.execute(_NEW_CHANGESETS, rows)
    return made


def _move_bookmarks(connection, repository_id, record, push_id):
    for move in record.bookmarks:
        which = {"repository": repository_id, "bookmark": move.name}
        found = connection.execute(_BOOKMARK_AT, which).scalar()
        at = found or ""
        if at == move.node:
            # Nothing to do, whatever was expected: this may be the second run.
            continue
        if move.expected is not None and move.expected != at:
            raise BookmarkConflict(move.name, at)
        values = {"node": move.node, "changed": record.pushed, "push_id": push_id}
        if not move.node:
            connection.execute(_DELETE_BOOKMARK, which)
        elif found is None:
            connection.execute(
                _NEW_BOOKMARK,
                dict(values, repository_id=repository_id, name=move.name),
            )
        else:
            connection.execute(_MOVE_BOOKMARK, dict(which, **values))


def doom(
    connection: sqlalchemy.Connection, digest: str, sha256: str, now: int
) -> typing.Optional[int]:
    """The transaction of TryIndex.doom."""
    repository_id = lock_repository(connection, digest)
    which = {"repository_id": repository_id, "sha256": sha256}
    if connection.execute(_BUNDLE_OF, which).first() is not None:
        return None
    found = connection.execute(_DOOM_OF, which).first()
    if found is not None:
        if not found.finished and found.marked > now - TAKEOVER_SECONDS:
            # Another one deletes it. If both did, the slower of them might delete
            # what was uploaded after the first had finished.
            return None
        # By a new number: whoever has seen that the old one was finished, and has
        # uploaded the object since, must not record it now.
        connection.execute(delete(DOOMED).where(DOOMED.c.id == found.id))
    row = dict(which, finished=False, marked=now)
    return connection.execute(insert(DOOMED), row).inserted_primary_key[0]
