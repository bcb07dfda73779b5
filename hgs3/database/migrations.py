"""Bring the tables of a database to the version that this program is for.

Two processes may do it at once. MySQL ends a transaction at each definition of a
table, so a migration may have been broken off at any point: each can be run again.
"""

import typing

import sqlalchemy
from sqlalchemy import MetaData, insert, inspect, select, text, update

from . import tables
from .errors import SchemaTooNew, SchemaTooOld

if typing.TYPE_CHECKING:
    from .engine import Database


#: What version 1 has, whatever was added since.
_FIRST_TABLES = (
    "s3_schema",
    "s3_repositories",
    "s3_bundles",
    "s3_changesets",
    "s3_pushes",
    "s3_bookmarks",
    "s3_doomed",
)
_LATER_INDEXES = ("s3_pushes_username",)


def _make_tables(connection):
    first = MetaData()
    for name in _FIRST_TABLES:
        tables.METADATA.tables[name].to_metadata(first)
    # Version 2 has changed it.
    first.tables["s3_pushes"].c.bundle_id.nullable = False
    for table in first.sorted_tables:
        table.indexes = {
            index for index in table.indexes if index.name not in _LATER_INDEXES
        }
        _make_table(connection, table)


def _make_table(connection, table):
    table.create(connection, checkfirst=True)
    # Not made with a table that was there already.
    for index in table.indexes:
        index.create(connection, checkfirst=True)


def _log_pushes(connection):
    """Pushes may be into the repository, and their changesets are kept."""
    columns = inspect(connection).get_columns(tables.PUSHES.name)
    nullable = {column["name"]: column["nullable"] for column in columns}
    if not nullable["bundle_id"]:
        _ALLOW_NO_BUNDLE[connection.dialect.name](connection)
    _make_table(connection, tables.PUSHES)
    _make_table(connection, tables.LOG_CHANGESETS)
    _make_table(connection, tables.LOG_CHANGES)


def _rebuild_pushes(connection):
    # SQLite cannot change a column. All of it is one transaction there.
    old, new = tables.PUSHES.name, tables.PUSHES.name + "_new"
    table = tables.PUSHES.to_metadata(MetaData(), name=new)
    for name in (tables.REPOSITORIES.name, tables.BUNDLES.name):
        # Named by foreign keys.
        tables.METADATA.tables[name].to_metadata(table.metadata)
    # An index is found by its name alone, and the old one has it still.
    table.indexes = set()
    table.create(connection)
    names = ", ".join(column.name for column in table.columns)
    connection.execute(
        text("INSERT INTO %s (%s) SELECT %s FROM %s" % (new, names, names, old))
    )
    # An id is never given again, not even that of a push that was deleted.
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = '%s'" % new))
    connection.execute(
        text(
            "INSERT INTO sqlite_sequence (name, seq)"
            " SELECT '%s', seq FROM sqlite_sequence WHERE name = '%s'" % (new, old)
        )
    )
    connection.execute(text("DROP TABLE %s" % old))
    connection.execute(text("ALTER TABLE %s RENAME TO %s" % (new, old)))


def _executing(statement):
    return lambda connection: connection.execute(text(statement))


_ALLOW_NO_BUNDLE = {
    "sqlite": _rebuild_pushes,
    "postgresql": _executing(
        "ALTER TABLE s3_pushes ALTER COLUMN bundle_id DROP NOT NULL"
    ),
    "mysql": _executing("ALTER TABLE s3_pushes MODIFY bundle_id BIGINT NULL"),
    "mariadb": _executing("ALTER TABLE s3_pushes MODIFY bundle_id BIGINT NULL"),
}


#: The first brings a database to version 1. Released ones never change.
MIGRATIONS: typing.Sequence[typing.Callable[[sqlalchemy.Connection], None]] = (
    _make_tables,
    _log_pushes,
)


def version_of(connection: sqlalchemy.Connection) -> int:
    """The version of the tables, 0 when there are none."""
    if not inspect(connection).has_table(tables.SCHEMA.name):
        return 0
    return connection.execute(select(tables.SCHEMA.c.version)).scalar() or 0


def check(database: "Database") -> None:
    """Raises SchemaTooOld or SchemaTooNew when this program cannot use the tables,
    DatabaseUnavailable when it is not known."""
    found = database.transact(version_of, writes=False)
    if found < len(MIGRATIONS):
        raise SchemaTooOld(found, len(MIGRATIONS))
    _refuse_newer(found)


def _refuse_newer(found):
    if found > len(MIGRATIONS):
        raise SchemaTooNew(found, len(MIGRATIONS))


def migrate(database: "Database") -> typing.Tuple[int, int]:
    """Run the migrations that are missing; the versions before and after.

    Raises SchemaTooNew and DatabaseUnavailable; what was done before is kept.
    """
    first = now = database.transact(version_of, writes=False)
    _refuse_newer(first)
    while now < len(MIGRATIONS):
        now = database.transact(
            lambda connection: _step(database.backend, connection), writes=True
        )
        _refuse_newer(now)
    return first, now


def _step(backend, connection):
    """Run one migration, unless somebody else has; the version that is then there."""
    backend.lock_migration(connection)
    try:
        tables.SCHEMA.create(connection, checkfirst=True)
        found = connection.execute(select(tables.SCHEMA.c.version)).scalar()
        version = found or 0
        if version >= len(MIGRATIONS):
            return version
        MIGRATIONS[version](connection)
        if found is None:
            connection.execute(insert(tables.SCHEMA).values(version=version + 1))
        else:
            connection.execute(update(tables.SCHEMA).values(version=version + 1))
        return version + 1
    finally:
        backend.unlock_migration(connection)
