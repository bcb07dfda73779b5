"""A log of pushes of the past, as rows that are made directly; see tryrows.py.

tryrows.make_tables(url)
logrows.fill(url, repo_digest, 100_000)
"""

from __future__ import annotations

import hashlib
import time

import tryrows

#: Of each push, and files that each of them changes.
CHANGESETS = 3
FILES = 4
#: Of each user, far from each other.
USER_PUSHES = 50

_PUSHES = f"""
INSERT INTO s3_pushes (repository_id, bundle_id, token, username, pushed, tip)
SELECT %(repository)s, NULL, md5('t' || n),
       'user' || n %% %(users)s || '@example.org', %(first)s + n * %(step)s,
       md5(n || '.' || {CHANGESETS - 1}) || left(md5(n || ':' || {CHANGESETS - 1}), 8)
FROM generate_series(1, %(pushes)s) AS n ORDER BY n
"""
#: As logdata.to_text writes it.
_DATA = """json_build_object(
    'parents', json_build_array(md5('q' || b.id) || left(md5('r' || b.id || p), 8)),
    'author', 'Ada Example <' || b.username || '>',
    'date', json_build_array(b.pushed - 3600, -3600),
    'branch', 'default',
    'description', 'Bug ' || b.id || ' - Part ' || p || repeat(' of what it was', 6)
        || E'\\n\\nDifferential Revision: https://example.org/D' || b.id,
    'files', (SELECT json_agg('folder' || (b.id + f) % 300 || '/some/file' || f || '.c')
              FROM generate_series(1, %(files)s) AS f),
    'tags', json_build_array(),
    'phase', 'public',
    'extra', json_build_object('branch', 'default'),
    'precursors', json_build_array())::text""".replace(" % ", " %% ")
_NODE = tryrows.HASH.format("b.id", "p")
_CHANGESETS = f"""
INSERT INTO s3_log_changesets (push_id, position, repository_id, node, state, data)
SELECT b.id, p, b.repository_id, {_NODE}, 0, {_DATA}
FROM s3_pushes AS b, generate_series(0, {CHANGESETS - 1}) AS p ORDER BY b.id, p
"""


def fill(url: str, repo_digest: str, pushes: int) -> None:
    """Rows of `pushes` pushes, numbered from 1 on, into tables that are empty."""
    with tryrows.bulk(url) as connection:
        values = {
            "repository": tryrows.make_repository(connection, repo_digest),
            "pushes": pushes,
            "files": FILES,
            "users": users(pushes),
            "first": int(time.time()) - pushes * tryrows.STEP_SECONDS,
            "step": tryrows.STEP_SECONDS,
        }
        connection.execute(_PUSHES, values)
        connection.execute(_CHANGESETS, values)


def users(pushes: int) -> int:
    """How many there are among so many pushes: user0@example.org, and so on."""
    return max(1, pushes // USER_PUSHES)


def node(push_id: int, position: int = 0) -> str:
    """That of a changeset of one of these pushes."""

    def digest(text: str) -> str:
        return hashlib.md5(text.encode("ascii")).hexdigest()

    return digest(f"{push_id}.{position}") + digest(f"{push_id}:{position}")[:8]
