"""Bring the tables of a database to the version that this program is for.

Two processes may do it at once. MySQL ends a transaction at each definition of a
table, so a migration may have been broken off at any point: each can be run again.
"""

import typing

import sqlalchemy
from sqlalchemy import insert, inspect, select, update

from . import tables
from .errors import SchemaTooNew, SchemaTooOld

if typing.TYPE_CHECKING:
    from .engine import Database


def _make_tables(connection):
    # A later migration changes what is there, and this one must then still make
    # what it makes today.
    for table in tables.METADATA.sorted_tables:
        table.create(connection, checkfirst=True)
        # Not made with a table that was there already.
        for index in table.indexes:
            index.create(connection, checkfirst=True)


#: The first brings a database to version 1. Released ones never change.
MIGRATIONS: typing.Sequence[typing.Callable[[sqlalchemy.Connection], None]] = (
    _make_tables,
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
