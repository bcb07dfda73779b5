"""The statements that ask the log of pushes.

Each has a parameter ``digest``, of the repository.
"""

import functools

from sqlalchemy import bindparam, func, select, union_all

from .records import AS_PUSHED
from .tables import CHANGESETS, LOG_CHANGES, LOG_CHANGESETS, PUSHES, REPOSITORIES
from .tryqueries import NEXT_NODE, REPOSITORY, next_node

# Made once: to build a statement costs as much as to run it.
_LOG_HERE = LOG_CHANGESETS.c.repository_id == REPOSITORY
_PUSHES_HERE = PUSHES.c.repository_id == REPOSITORY
_PUSH_COLUMNS = (
    PUSHES.c.id,
    PUSHES.c.username,
    PUSHES.c.pushed,
    PUSHES.c.bundle_id,
    PUSHES.c.tip,
)


def _pushes_of_nodes():
    """Pairs of a node and a push of it. Those to try of which there is no log are
    known by their bundles."""
    wanted = bindparam("nodes", expanding=True)
    logged = select(LOG_CHANGESETS.c.node, LOG_CHANGESETS.c.push_id).where(
        _LOG_HERE, LOG_CHANGESETS.c.node.in_(wanted)
    )
    bundled = (
        select(CHANGESETS.c.node, PUSHES.c.id.label("push_id"))
        .join_from(CHANGESETS, PUSHES, PUSHES.c.bundle_id == CHANGESETS.c.bundle_id)
        .where(CHANGESETS.c.repository_id == REPOSITORY, CHANGESETS.c.node.in_(wanted))
    )
    return union_all(logged, bundled).subquery()


_OF_NODES = _pushes_of_nodes()
NEWEST_OF_NODES = select(_OF_NODES.c.node, func.max(_OF_NODES.c.push_id)).group_by(
    _OF_NODES.c.node
)
LAST_PUSH = (
    select(PUSHES.c.id).where(_PUSHES_HERE).order_by(PUSHES.c.id.desc()).limit(1)
)
#: Nothing for a repository that nobody has pushed to.
STATE = select(
    REPOSITORIES.c.identity,
    LAST_PUSH.scalar_subquery().label("last_push_id"),
    select(LOG_CHANGES.c.changes)
    .where(LOG_CHANGES.c.repository_id == REPOSITORY)
    .scalar_subquery()
    .label("changes"),
).where(REPOSITORIES.c.digest == bindparam("digest"))
PUSHES_BY_ID = select(*_PUSH_COLUMNS).where(
    _PUSHES_HERE, PUSHES.c.id.in_(bindparam("ids", expanding=True))
)
NEWEST_OF_BUNDLE = (
    select(*_PUSH_COLUMNS)
    .where(_PUSHES_HERE, PUSHES.c.bundle_id == bindparam("bundle_id"))
    .order_by(PUSHES.c.id.desc())
    .limit(1)
)
TOKEN = select(PUSHES.c.id).where(PUSHES.c.token == bindparam("token"))
BUNDLED = (
    select(CHANGESETS.c.bundle_id, CHANGESETS.c.node)
    .where(
        CHANGESETS.c.repository_id == REPOSITORY,
        CHANGESETS.c.bundle_id.in_(bindparam("bundles", expanding=True)),
    )
    .order_by(CHANGESETS.c.bundle_id, CHANGESETS.c.position)
)
NEXT_NODES = (next_node(LOG_CHANGESETS), NEXT_NODE)

_CONDITIONS = {
    "start_id": PUSHES.c.id > bindparam("start_id"),
    "end_id": PUSHES.c.id <= bindparam("end_id"),
    "start_date": PUSHES.c.pushed > bindparam("start_date"),
    "end_date": PUSHES.c.pushed <= bindparam("end_date"),
    "users": PUSHES.c.username.in_(bindparam("users", expanding=True)),
}


@functools.lru_cache(maxsize=None)
def selection(columns, conditions):
    """A statement for the pushes for which all that is named holds."""
    chosen = [PUSHES.c.id] if columns == "ids" else _PUSH_COLUMNS
    statement = select(*chosen).where(
        _PUSHES_HERE, *(_CONDITIONS[name] for name in conditions if name != "nodes")
    )
    if "nodes" not in conditions:
        return statement.select_from(PUSHES)
    # Joined: MySQL would look into a subquery of IN for each push.
    ids = select(_OF_NODES.c.push_id).distinct().subquery()
    return statement.join_from(PUSHES, ids, ids.c.push_id == PUSHES.c.id)


@functools.lru_cache(maxsize=None)
def count(conditions):
    """How many there are, of so many ``rows`` at most."""
    ids = selection("ids", conditions).limit(bindparam("rows")).subquery()
    return select(func.count()).select_from(ids)


@functools.lru_cache(maxsize=None)
def page(conditions, newest_first):
    order = PUSHES.c.id.desc() if newest_first else PUSHES.c.id
    statement = selection("pushes", conditions).order_by(order)
    return statement.limit(bindparam("rows")).offset(bindparam("first_row"))


_OF_PUSHES = LOG_CHANGESETS.c.push_id.in_(bindparam("ids", expanding=True))


def _changeset_columns(with_details):
    columns = [LOG_CHANGESETS.c.push_id, LOG_CHANGESETS.c.node, LOG_CHANGESETS.c.state]
    return columns + [LOG_CHANGESETS.c.data] if with_details else columns


@functools.lru_cache(maxsize=None)
def last_changesets(with_details):
    """The last ``kept`` of each push, and with each the ``last_position`` of it; they
    are numbered from 0."""
    others = LOG_CHANGESETS.alias()
    # By push: grouped, all of them would be gone through.
    last = (
        select(func.max(others.c.position))
        .where(others.c.push_id == PUSHES.c.id)
        .scalar_subquery()
    )
    ends = (
        select(PUSHES.c.id.label("push_id"), last.label("last_position"))
        .where(PUSHES.c.id.in_(bindparam("ids", expanding=True)))
        .subquery()
    )
    columns = [*_changeset_columns(with_details), ends.c.last_position]
    return (
        select(*columns)
        .join_from(
            ends,
            LOG_CHANGESETS,
            (ends.c.push_id == LOG_CHANGESETS.c.push_id)
            & (LOG_CHANGESETS.c.position > ends.c.last_position - bindparam("kept")),
        )
        .order_by(LOG_CHANGESETS.c.push_id, LOG_CHANGESETS.c.position)
    )


@functools.lru_cache(maxsize=None)
def changesets(with_details, tips_only):
    statement = select(*_changeset_columns(with_details))
    if tips_only:
        tips = (
            select(
                LOG_CHANGESETS.c.push_id,
                func.max(LOG_CHANGESETS.c.position).label("position"),
            )
            .where(_OF_PUSHES, LOG_CHANGESETS.c.state == AS_PUSHED)
            .group_by(LOG_CHANGESETS.c.push_id)
            .subquery()
        )
        return statement.join(
            tips,
            (tips.c.push_id == LOG_CHANGESETS.c.push_id)
            & (tips.c.position == LOG_CHANGESETS.c.position),
        )
    return statement.where(_OF_PUSHES).order_by(
        LOG_CHANGESETS.c.push_id, LOG_CHANGESETS.c.position
    )
