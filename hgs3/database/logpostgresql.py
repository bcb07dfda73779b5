"""A push into a repository, recorded in PostgreSQL by one statement.

What logrecording.py does with one for each thing, which any database can do, costs
a push of a few changesets more than all else about the log: not what the database
does, but to ask it.
"""

import typing

import sqlalchemy

from . import logdata
from .recording import storable_name
from .records import NewLogPush

#: Of more changesets, a statement of their own costs nothing in comparison.
MAX_CHANGESETS = 1000

#: Does nothing unless all tokens are known but that of the new push.
_RECORD = """
WITH known AS (
    SELECT id FROM s3_pushes WHERE token = ANY(%(known)s::text[])
), may AS (
    SELECT 1 WHERE (SELECT count(*) FROM known) = %(known_count)s
        AND NOT EXISTS (SELECT FROM s3_pushes WHERE token = %(token)s)
), changed AS (
    UPDATE s3_log_changesets AS logged
    SET state = (%(states)s::smallint[])[array_position(%(nodes)s::text[], node::text)]
    WHERE EXISTS (SELECT FROM may)
        AND repository_id = %(repository)s AND node = ANY(%(nodes)s::text[])
        AND state <>
            (%(states)s::smallint[])[array_position(%(nodes)s::text[], node::text)]
        AND EXISTS
            (SELECT FROM s3_pushes WHERE id = logged.push_id AND bundle_id IS NULL)
    RETURNING 1
), push AS (
    INSERT INTO s3_pushes (repository_id, bundle_id, token, username, pushed, tip)
    SELECT %(repository)s, NULL, %(token)s, %(username)s, %(pushed)s, %(tip)s FROM may
    RETURNING id
), written AS (
    INSERT INTO s3_log_changesets
        (push_id, position, repository_id, node, state, data)
    SELECT push.id, number - 1, %(repository)s, node, state, data
    FROM push, unnest(%(nodes)s::text[], %(states)s::smallint[], %(data)s::text[])
        WITH ORDINALITY AS given (node, state, data, number)
)
SELECT push.id, (SELECT max(id) FROM known), (SELECT count(*) FROM changed) FROM push
"""


def record(
    connection: sqlalchemy.Connection,
    repository_id: int,
    pushes: typing.Sequence[NewLogPush],
) -> typing.Optional[typing.Tuple[typing.List[int], bool]]:
    """Record the last of one or two ``pushes``: the ids of all, and whether the state
    of earlier changesets has changed by it.

    None, and nothing was written, where this is not the way: when the last one is
    recorded already, the one before is not, or it is a large one. The repository is
    locked.
    """
    push = pushes[-1]
    changesets = push.read()
    if len(pushes) > 2 or len(changesets) > MAX_CHANGESETS:
        return None
    known = [each.token for each in pushes[:-1]]
    values = {
        "repository": repository_id,
        "known": known,
        "known_count": len(known),
        "token": push.token,
        "username": storable_name(push.username),
        "pushed": push.pushed,
        "tip": changesets[-1].node if changesets else "",
        "nodes": [each.node for each in changesets],
        "states": [each.state for each in changesets],
        "data": [logdata.to_text(each.details) for each in changesets],
    }
    row = connection.exec_driver_sql(_RECORD, values).one_or_none()
    if row is None:
        return None
    push_id, before_id, changed = row
    return ([before_id] if known else []) + [push_id], bool(changed)
