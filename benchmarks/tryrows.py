"""Pushes of the past, as rows that are made directly: nobody has pushed them, and
the store lacks them. PostgreSQL only.

    fill(url, repo_digest, 1_000_000)    # some 45 s

Needs `psycopg` and this project in the Python that runs it.
"""

from __future__ import annotations

import contextlib
import time
import typing

if typing.TYPE_CHECKING:
    import psycopg

CHANGESETS = 3  # of each push
#: Seconds between two pushes, and from the last of them until now: an answer with
#: roots of the last hour has none of them.
STEP_SECONDS = 60
AGO_SECONDS = 7200

#: A node, or another hash of 40 digits, by number of the bundle and position in it.
HASH = "md5({0} || '.' || {1}) || left(md5({0} || ':' || {1}), 8)"
_NODE = HASH.format("b.id", "p")
_PARENT = HASH.format("b.id", "(p - 1)")
_MANIFEST = HASH.format("-b.id", "p")

_BUNDLES = """
INSERT INTO s3_bundles (repository_id, sha256, format, size_bytes, object_bytes, sha1,
                        sha512, changesets, created)
SELECT %(repository)s, md5('a' || n) || md5('b' || n), 'HG10', 3000, 1500,
       left(md5('c' || n) || md5('d' || n), 40), repeat(md5('e' || n), 4),
       %(changesets)s, %(first)s + n * %(step)s
FROM generate_series(1, %(pushes)s) AS n ORDER BY n
"""
_CHANGESETS = f"""
INSERT INTO s3_changesets (bundle_id, position, repository_id, node, p1, p2, manifest,
                           is_root, is_head, claimed_public)
SELECT b.id, p, b.repository_id, {_NODE},
       CASE WHEN p = 0 THEN %(base)s ELSE {_PARENT} END,
       repeat('0', 40), {_MANIFEST}, p = 0, p = %(changesets)s - 1, false
FROM s3_bundles AS b, generate_series(0, %(changesets)s - 1) AS p ORDER BY b.id, p
"""
_PUSHES = f"""
INSERT INTO s3_pushes (repository_id, bundle_id, token, username, pushed, tip)
SELECT b.repository_id, b.id, md5('t' || b.id), 'ada', b.created,
       {HASH.format("b.id", "(%(changesets)s - 1)")}
FROM s3_bundles AS b ORDER BY b.id
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename LIKE 's3\\_%'
  AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def make_tables(url: str) -> None:
    """As `hg s3try migrate` does."""
    from hgs3.database import engine, migrations

    migrations.migrate(engine.open_database(url))


def fill(url: str, repo_digest: str, base: str, pushes: int, recent: int = 0) -> None:
    """Rows of `pushes` pushes on top of the node `base` into tables that are empty;
    of these, the last `recent` came in the last half an hour.
    """
    now = int(time.time())
    with bulk(url) as connection:
        values = {
            "repository": make_repository(connection, repo_digest),
            "pushes": pushes,
            "changesets": CHANGESETS,
            "first": now - AGO_SECONDS - pushes * STEP_SECONDS,
            "step": STEP_SECONDS,
            "base": base,
        }
        for statement in (_BUNDLES, _CHANGESETS, _PUSHES):
            connection.execute(statement, values)
        connection.execute(
            "UPDATE s3_pushes SET pushed = %s WHERE id > "
            "(SELECT max(id) FROM s3_pushes) - %s",
            (now - 1800, recent),
        )


@contextlib.contextmanager
def bulk(url: str) -> typing.Iterator[psycopg.Connection]:
    """A connection for many rows: there are no indexes until its end."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")
        # No check of a foreign key, row by row.
        connection.execute("SET session_replication_role = replica")
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _definition in indexes:
            connection.execute(f"DROP INDEX {name}")
        yield connection
        for _name, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")


def make_repository(connection: psycopg.Connection, repo_digest: str) -> int:
    """The id of its row."""
    (repository,) = connection.execute(
        "INSERT INTO s3_repositories (digest, identity) "
        "VALUES (%s, md5(random()::text)) RETURNING id",
        (repo_digest,),
    ).fetchone()
    return repository
