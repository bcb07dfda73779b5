"""Delete what was pushed long ago, some pushes a transaction."""

import typing

import sqlalchemy
from sqlalchemy import delete, exists, select

from .logrecording import count_change
from .recording import lock_repository
from .records import Expired
from .tables import BOOKMARKS, BUNDLES, CHANGESETS, LOG_CHANGESETS, PUSHES

#: A transaction deletes so many pushes. A bundle has up to thousands of changesets,
#: and meanwhile nobody can push to the repository.
BATCH_PUSHES = 50


def expire_some(
    connection: sqlalchemy.Connection, digest: str, before: int
) -> typing.Tuple[Expired, bool]:
    """Delete at most BATCH_PUSHES; were there so many?"""
    repository_id = lock_repository(connection, digest)
    found = connection.execute(
        select(PUSHES.c.id, PUSHES.c.bundle_id)
        .where(
            PUSHES.c.repository_id == repository_id,
            PUSHES.c.pushed < before,
            # What is in the repository stays there.
            PUSHES.c.bundle_id.is_not(None),
        )
        .order_by(PUSHES.c.pushed)
        .limit(BATCH_PUSHES)
    ).all()
    if not found:
        return Expired(0, 0, 0), False
    ids = [row.id for row in found]
    connection.execute(delete(LOG_CHANGESETS).where(LOG_CHANGESETS.c.push_id.in_(ids)))
    connection.execute(delete(PUSHES).where(PUSHES.c.id.in_(ids)))
    count_change(connection, repository_id)
    bundles = _without_push(connection, {row.bundle_id for row in found})
    bookmarks = 0
    if bundles:
        bookmarks = _delete_bookmarks(connection, repository_id, bundles)
        connection.execute(
            delete(CHANGESETS).where(CHANGESETS.c.bundle_id.in_(bundles))
        )
        connection.execute(delete(BUNDLES).where(BUNDLES.c.id.in_(bundles)))
    counts = Expired(len(found), len(bundles), bookmarks)
    return counts, len(found) == BATCH_PUSHES


def _without_push(connection, bundles):
    used = connection.execute(
        select(PUSHES.c.bundle_id).where(PUSHES.c.bundle_id.in_(bundles))
    ).scalars()
    return sorted(bundles.difference(used))


def _delete_bookmarks(connection, repository_id, bundles):
    """Delete those on a changeset of ``bundles`` and of no other bundle; how many.

    One on a changeset that never was in a bundle stays.
    """
    here = sqlalchemy.and_(
        CHANGESETS.c.repository_id == repository_id,
        CHANGESETS.c.node == BOOKMARKS.c.node,
    )
    names = connection.execute(
        select(BOOKMARKS.c.name).where(
            BOOKMARKS.c.repository_id == repository_id,
            exists().where(here, CHANGESETS.c.bundle_id.in_(bundles)),
            ~exists().where(here, CHANGESETS.c.bundle_id.not_in(bundles)),
        )
    ).scalars()
    names = list(names)
    if names:
        connection.execute(
            delete(BOOKMARKS).where(
                BOOKMARKS.c.repository_id == repository_id,
                BOOKMARKS.c.name == sqlalchemy.bindparam("bookmark"),
            ),
            [{"bookmark": name} for name in names],
        )
    return len(names)
