"""A push into a repository, recorded in PostgreSQL by one statement.

What logrecording.py does with a statement for each thing, which any database can do,
costs a push of a few changesets more than all else about the log: not what the
database does, but to ask it.
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
#: The values are the digest of the repository, the token of the push before, or '', token,
#: user as JSON, time and tip of the push, the changesets, and the state of all of them.
#:
#: The lock of the repository comes before the id of the push, as in recording.py. Who
#: has to wait for it goes the other way: to a statement that waits, what was committed
#: meanwhile is not there.
#:
#: A planner may not know yet that hardly any push has a bundle, or how often a node was
#: pushed. So `changed` looks up the push of a row as a value, and compares with one state.
_RECORD = b"""
WITH repository AS (
    SELECT id FROM s3_repositories WHERE digest = $1 FOR UPDATE SKIP LOCKED
), before AS (
    SELECT id FROM s3_pushes WHERE token = $2::text
), given AS (
    SELECT number - 1 AS position, value ->> 0 AS node, value ->> 1 AS data
    FROM json_array_elements($7::json) WITH ORDINALITY AS each (value, number)
), push AS (
    INSERT INTO s3_pushes (repository_id, bundle_id, token, username, pushed, tip)
    SELECT id, NULL, $3, $4::json #>> '{}', $5::bigint, $6 FROM repository
    WHERE $2::text = '' OR EXISTS (SELECT FROM before)
    ON CONFLICT (token) DO NOTHING
    RETURNING id, repository_id
), written AS (
    INSERT INTO s3_log_changesets
        (push_id, position, repository_id, node, state, data)
    SELECT push.id, position, push.repository_id, node, $8::smallint, data
    FROM push, given
), changed AS (
    SELECT 1 FROM s3_log_changesets AS logged
    WHERE repository_id = (SELECT repository_id FROM push)
        AND node = ANY (ARRAY(SELECT node FROM given))
        AND state <> $8::smallint
        AND (SELECT bundle_id FROM s3_pushes WHERE id = logged.push_id) IS NULL
)
SELECT (SELECT id FROM before), id FROM push WHERE NOT EXISTS (SELECT FROM changed)
"""


def record(
    pooled: typing.Any, digest: str, changes: typing.Any
) -> typing.Optional[typing.Tuple[typing.Any, typing.List[int]]]:
    """Record the ``changes``, see logrecording.py, by a connection of SQLAlchemy's pool:
    the transaction, see pgpipeline.py, and the ids of the pushes. Raises what psycopg
    does.

    None, and there is no transaction, where this is not the way. It is for
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
    # All of it is ASCII, whatever the encoding of the database.
    values = (
        digest,
        pushes[0].token if len(pushes) == 2 else "",
        push.token,
        _encode(storable_name(push.username)),
        str(push.pushed),
        changesets[-1].node,
        text,
        str(states.pop()),
    )
    # Imported here, since it needs the driver of this database.
    from . import pgpipeline

    begun = pgpipeline.begin(pooled, _RECORD, values)
    if begun is None:
        return None
    transaction, row = begun
    return transaction, [int(each) for each in row if each is not None]
