"""A push into a repository, recorded in PostgreSQL by one statement of its driver.

What logrecording.py does with a statement for each thing, which any database can do,
costs a push of a few changesets more than all else about the log: not what the
database does, but to ask it. A driver alone costs less than SQLAlchemy on top of it.
"""

import json
import typing

from . import logdata
from .recording import storable_name

#: Of more changesets, a statement of their own costs nothing in comparison.
MAX_CHANGESETS = 1000
#: A value of PostgreSQL's is of 1 GB at most, and memory is taken several times.
MAX_TEXT = 16 * 1024 * 1024

_encode = json.JSONEncoder(separators=(",", ":")).encode

#: Gives a row if all that was to be done is done, and nothing else was to be done.
#:
#: The lock of the repository comes before the id of the push, as in recording.py. Who
#: has to wait for it goes the other way: to a statement that waits, what was committed
#: meanwhile is not there.
#:
#: A planner may not know yet that hardly any push has a bundle, or how often a node was
#: pushed. So `changed` looks up the push of a row as a value, and compares with one state.
_RECORD = """
WITH repository AS (
    SELECT id FROM s3_repositories WHERE digest = %(digest)s FOR UPDATE SKIP LOCKED
), before AS (
    SELECT id FROM s3_pushes WHERE token = %(before)s
), given AS (
    SELECT number - 1 AS position, value ->> 0 AS node, value ->> 1 AS data
    FROM json_array_elements(%(changesets)s::json) WITH ORDINALITY
        AS each (value, number)
), push AS (
    INSERT INTO s3_pushes (repository_id, bundle_id, token, username, pushed, tip)
    SELECT id, NULL, %(token)s, %(username)s, %(pushed)s, %(tip)s FROM repository
    WHERE %(before)s::text = '' OR EXISTS (SELECT FROM before)
    ON CONFLICT (token) DO NOTHING
    RETURNING id, repository_id
), written AS (
    INSERT INTO s3_log_changesets
        (push_id, position, repository_id, node, state, data)
    SELECT push.id, position, push.repository_id, node, %(state)s::smallint, data
    FROM push, given
), changed AS (
    SELECT 1 FROM s3_log_changesets AS logged
    WHERE repository_id = (SELECT repository_id FROM push)
        AND node = ANY (ARRAY(SELECT node FROM given))
        AND state <> %(state)s::smallint
        AND (SELECT bundle_id FROM s3_pushes WHERE id = logged.push_id) IS NULL
)
SELECT (SELECT id FROM before), id FROM push WHERE NOT EXISTS (SELECT FROM changed)
"""


def record(
    connection: typing.Any, digest: str, changes: typing.Any
) -> typing.Optional[typing.List[int]]:
    """Record the ``changes``, see logrecording.py, by a ``connection`` of psycopg: the
    ids of the pushes. Raises what psycopg does.

    None, and the transaction is to be rolled back, where this is not the way. It is for
    one push, and for the last of two when the other one is recorded already, of
    changesets that have one state; not for the first push of a repository, nor while
    another one is written, nor for what the log has with another state.
    """
    pushes = changes.pushes
    if len(pushes) not in (1, 2) or changes.states or changes.phases:
        return None
    push = pushes[-1]
    changesets = push.read()
    states = {each.state for each in changesets}
    if len(states) != 1 or len(changesets) > MAX_CHANGESETS:
        return None
    # Not a list of each column: drivers take long to write these. The data is a text of
    # its own: there is JSON that PostgreSQL does not read.
    text = _encode([(each.node, logdata.to_text(each.details)) for each in changesets])
    if len(text) > MAX_TEXT:
        return None
    values = {
        "digest": digest,
        "before": pushes[0].token if len(pushes) == 2 else "",
        "token": push.token,
        "username": storable_name(push.username),
        "pushed": push.pushed,
        "tip": changesets[-1].node,
        "changesets": text,
        "state": states.pop(),
    }
    row = connection.execute(_RECORD, values).fetchone()
    if row is None:
        return None
    return [each for each in row if each is not None]
