"""The statements that TryIndex asks."""

import sqlalchemy
from sqlalchemy import bindparam, func, select

from .tables import BOOKMARKS, BUNDLES, CHANGESETS, DOOMED, PUSHES, REPOSITORIES

# Made once: to build a statement costs as much as to run it.
REPOSITORY = (
    select(REPOSITORIES.c.id)
    .where(REPOSITORIES.c.digest == bindparam("digest"))
    .scalar_subquery()
)
_BUNDLE_COLUMNS = (
    BUNDLES.c.id,
    BUNDLES.c.sha256,
    BUNDLES.c.format,
    BUNDLES.c.size_bytes,
    BUNDLES.c.object_bytes,
    BUNDLES.c.sha1,
    BUNDLES.c.sha512,
    BUNDLES.c.changesets,
    BUNDLES.c.created,
)


def _newest_bundles(column):
    newest = (
        select(column.label("wanted"), func.max(CHANGESETS.c.bundle_id).label("newest"))
        .where(
            CHANGESETS.c.repository_id == REPOSITORY,
            column.in_(bindparam("wanted", expanding=True)),
        )
        .group_by(column)
        .subquery()
    )
    return select(newest.c.wanted, *_BUNDLE_COLUMNS).join_from(
        newest, BUNDLES, BUNDLES.c.id == newest.c.newest
    )


BUNDLES_OF_NODES = _newest_bundles(CHANGESETS.c.node)
BUNDLES_OF_MANIFESTS = _newest_bundles(CHANGESETS.c.manifest)
CHANGESETS_OF = (
    select(
        CHANGESETS.c.node,
        CHANGESETS.c.manifest,
        CHANGESETS.c.is_root,
        CHANGESETS.c.is_head,
        CHANGESETS.c.claimed_public,
        CHANGESETS.c.p1,
        CHANGESETS.c.p2,
    )
    .where(
        CHANGESETS.c.bundle_id == bindparam("bundle_id"),
        CHANGESETS.c.repository_id == REPOSITORY,
    )
    .order_by(CHANGESETS.c.position)
)


def next_node(table):
    """The first node that is in CHANGESETS or LOG_CHANGESETS from ``first`` on, below
    ``end``."""
    # And not all that are different: a changeset that is pushed again and again is in
    # thousands of bundles.
    return (
        select(table.c.node)
        .where(
            table.c.repository_id == REPOSITORY,
            table.c.node >= bindparam("first"),
            table.c.node < bindparam("end"),
        )
        .order_by(table.c.node)
        .limit(1)
    )


NEXT_NODE = next_node(CHANGESETS)
_TRY_PUSHES = (
    select(
        PUSHES.c.id.label("push_id"),
        PUSHES.c.username,
        PUSHES.c.pushed,
        PUSHES.c.tip,
        *_BUNDLE_COLUMNS,
    )
    .join_from(PUSHES, BUNDLES, BUNDLES.c.id == PUSHES.c.bundle_id)
    .where(PUSHES.c.repository_id == REPOSITORY)
)
PUSHES_BEFORE = (
    _TRY_PUSHES.where(PUSHES.c.id < bindparam("before"))
    .order_by(PUSHES.c.id.desc())
    .limit(bindparam("rows"))
)
PUSH = _TRY_PUSHES.where(PUSHES.c.id == bindparam("push_id"))
PUSH_OF_BUNDLE = (
    _TRY_PUSHES.where(PUSHES.c.bundle_id == bindparam("bundle_id"))
    .order_by(PUSHES.c.id.desc())
    .limit(1)
)
LAST_PUSH = (
    select(PUSHES.c.id)
    .where(PUSHES.c.repository_id == REPOSITORY)
    .order_by(PUSHES.c.id.desc())
    .limit(1)
)
BUNDLES_AFTER = (
    select(*_BUNDLE_COLUMNS)
    .where(BUNDLES.c.repository_id == REPOSITORY, BUNDLES.c.id > bindparam("after_id"))
    .order_by(BUNDLES.c.id)
    .limit(bindparam("rows"))
)
BUNDLE = select(*_BUNDLE_COLUMNS).where(
    BUNDLES.c.repository_id == REPOSITORY, BUNDLES.c.sha256 == bindparam("sha256")
)
ALL_BOOKMARKS = select(BOOKMARKS.c.name, BOOKMARKS.c.node).where(
    BOOKMARKS.c.repository_id == REPOSITORY
)
BOOKMARK_NAMED = ALL_BOOKMARKS.where(BOOKMARKS.c.name == bindparam("name"))

PENDING_DOOMS = select(DOOMED.c.sha256).where(
    DOOMED.c.repository_id == REPOSITORY,
    DOOMED.c.finished == sqlalchemy.false(),
    DOOMED.c.marked <= bindparam("before"),
)


def _recent_roots():
    # The bundles of the latest pushes first, by the index of times; then their
    # roots, by the key of the changesets.
    recent = (
        select(PUSHES.c.bundle_id, func.max(PUSHES.c.id).label("latest"))
        .where(
            PUSHES.c.repository_id == REPOSITORY,
            PUSHES.c.pushed >= bindparam("since"),
            # Those into the repository have no roots that are not there.
            PUSHES.c.bundle_id.is_not(None),
        )
        .group_by(PUSHES.c.bundle_id)
        .order_by(sqlalchemy.desc("latest"))
        .limit(bindparam("rows"))
        .subquery()
    )
    return (
        select(recent.c.latest, CHANGESETS.c.node)
        .join_from(
            recent,
            CHANGESETS,
            sqlalchemy.and_(
                CHANGESETS.c.bundle_id == recent.c.bundle_id,
                CHANGESETS.c.is_root == sqlalchemy.true(),
                CHANGESETS.c.claimed_public == sqlalchemy.false(),
            ),
            isouter=True,
        )
        .order_by(recent.c.latest.desc(), CHANGESETS.c.position)
    )


RECENT_ROOTS = _recent_roots()
