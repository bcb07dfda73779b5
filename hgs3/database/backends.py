"""What differs between the databases: their URLs, drivers, faults and locks."""

import importlib
import os
import re
import typing
import urllib.parse

import sqlalchemy
from sqlalchemy.engine import URL, make_url

from . import errors

#: How long to wait for a connection.
CONNECT_SECONDS = 5
#: How long a statement may wait for a lock of another transaction.
LOCK_SECONDS = 10
#: How long a statement may take at all.
STATEMENT_SECONDS = 60
#: How long SQLite waits for another process; it has but one lock.
SQLITE_BUSY_SECONDS = 30.0

#: For the one who migrates the tables; any number that nobody else uses.
_ADVISORY_LOCK = 0x68673373  # "hg3s"
_NAMED_LOCK = "hgs3 migration"


class Backend:
    """One database at one URL. ``url`` is SQLAlchemy's, with the password.

    ``description`` names it in messages: no password, no user.
    """

    #: Further arguments of sqlalchemy.create_engine.
    engine_arguments: typing.Mapping[str, typing.Any] = {}
    #: Are the tables made without being asked for?
    migrates_itself = False

    def __init__(self, url: URL) -> None:
        self.url = url
        place = "%s:%d" % (url.host, url.port) if url.port else url.host
        self.description = "%s database %s at %s" % (
            self.name,
            url.database or "without a name",
            place or "this host",
        )
        secrets = [url.password] + [
            value
            for name, values in url.normalized_query.items()
            if "pass" in name
            for value in values
        ]
        # Shorter ones cannot be told from the words of a message.
        self._secrets = [
            str(secret) for secret in secrets if secret and len(secret) > 3
        ]

    name: str
    #: Module of the driver, and what to install for it.
    driver: typing.Tuple[str, str]

    def hide(self, text: str) -> str:
        """The first line of a driver's message, without a password."""
        for secret in self._secrets:
            for form in (
                secret,
                urllib.parse.quote(secret),
                urllib.parse.quote_plus(secret),
            ):
                text = text.replace(form, "***")
        return " ".join((text.strip().splitlines() or ["no reason given"])[0].split())

    def connect(self, dialect: sqlalchemy.Dialect, arguments: tuple, options: dict):
        """A new connection of the driver; raises whatever the driver does."""
        return dialect.connect(*arguments, **options)

    def prepare(self, connection: typing.Any) -> None:
        """Set up a new connection of the driver."""

    def begin(self, connection: sqlalchemy.Connection, writes: bool) -> None:
        """Begin a transaction, where the driver is not left to do it."""

    def is_bad_parameter(self, error: BaseException) -> bool:
        """Has a connection not been tried, for what is asked of it in the URL?"""
        return isinstance(error, TypeError)

    def is_conflict(self, error: BaseException) -> bool:
        """Has another transaction been in the way of this one?"""
        raise NotImplementedError

    def is_dropped(self, error: BaseException) -> bool:
        """Has the server ended the connection? SQLAlchemy knows most of these."""
        return False

    def message(self, error: BaseException) -> str:
        """What the driver says is wrong; may hold secrets."""
        return str(error) or type(error).__name__

    def lock_migration(self, connection: sqlalchemy.Connection) -> None:
        """Wait until no one else migrates. Held to the end of the transaction, and
        at least until unlock_migration."""

    def unlock_migration(self, connection: sqlalchemy.Connection) -> None:
        """End what lock_migration began, if the transaction does not."""


class SQLite(Backend):
    """A file. It is made when it is first used; later it must be there."""

    name = "sqlite"
    driver = ("sqlite3", "a Python with sqlite3")
    migrates_itself = True

    def __init__(self, path: str) -> None:
        super().__init__(URL.create("sqlite+pysqlite", database=path))
        self.path = path
        self.description = "sqlite database %s" % path
        self._made = False

    def connect(self, dialect, arguments, options):
        import sqlite3

        if not self._made:
            self._make()
            self._made = True
        return sqlite3.connect(
            # Never makes one: where a disk is no longer mounted, an empty database
            # would say that nothing was ever pushed.
            "file:%s?mode=rw" % urllib.parse.quote(self.path),
            uri=True,
            timeout=SQLITE_BUSY_SECONDS,
            # Transactions begin where `begin` says.
            isolation_level=None,
            # The pool gives it to one thread at a time.
            check_same_thread=False,
        )

    def _make(self):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        try:
            file = os.open(self.path, flags | os.O_EXCL, 0o660)
        except FileExistsError:
            os.close(os.open(self.path, flags, 0o660))
            return
        try:
            # Not by SQLite, which would let everybody read it, nor by the umask of who
            # comes first: as in a repository, a group that may write to the folder may
            # write to its files. A journal of SQLite gets the same permissions.
            folder = os.stat(os.path.dirname(self.path))
            os.fchmod(file, folder.st_mode & 0o660 | 0o600)
        finally:
            os.close(file)

    def prepare(self, connection):
        connection.execute("PRAGMA foreign_keys = ON")
        # As FULL; and the end of the journal, too, outlasts a loss of power.
        connection.execute("PRAGMA synchronous = EXTRA")

    def begin(self, connection, writes):
        # The lock at once: two that read first could not both write.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def is_conflict(self, error):
        return "locked" in str(error)


class PostgreSQL(Backend):
    name = "postgresql"
    driver = ("psycopg", "psycopg[binary]>=3.1")
    # The lock of a repository is taken by the first statement; the next ones must
    # see what was committed before it was free.
    engine_arguments = {
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "connect_timeout": CONNECT_SECONDS,
            # A host that is gone without a word is noticed.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    }
    _CONFLICTS = ("40001", "40P01", "55P03")
    _SHUTDOWNS = ("57P01", "57P02", "57P03")

    def prepare(self, connection):
        # Not by the `options` of the connection, which a PgBouncer may refuse.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', '%ds', false),"
                " set_config('statement_timeout', '%ds', false)"
                % (LOCK_SECONDS, STATEMENT_SECONDS)
            )
        connection.commit()

    def is_bad_parameter(self, error):
        import psycopg

        # All that the server itself says has a state.
        return isinstance(error, psycopg.ProgrammingError) and not error.sqlstate

    def is_conflict(self, error):
        return getattr(error, "sqlstate", None) in self._CONFLICTS

    def is_dropped(self, error):
        state = getattr(error, "sqlstate", None) or ""
        return state in self._SHUTDOWNS or state.startswith("08")

    def lock_migration(self, connection):
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%d)" % _ADVISORY_LOCK)


class MySQL(Backend):
    """MySQL or MariaDB."""

    name = "mysql"
    driver = ("pymysql", "PyMySQL>=1")
    engine_arguments = {
        # See PostgreSQL.
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": STATEMENT_SECONDS,
            "write_timeout": STATEMENT_SECONDS,
            # Whatever the server is set to: no value is cut to fit.
            "init_command": "SET SESSION sql_mode = 'STRICT_ALL_TABLES',"
            " SESSION innodb_lock_wait_timeout = %d" % LOCK_SECONDS,
        },
    }
    # Deadlock, lock wait timeout, "record has changed since last read".
    _CONFLICTS = (1213, 1205, 1020)
    # Shutdown in progress, new connection while it is; killed, gone, lost.
    _SHUTDOWNS = (1053, 1077, 1079, 1152, 1927, 2006, 2013, 4031)

    def is_conflict(self, error):
        return self._number(error) in self._CONFLICTS

    def is_dropped(self, error):
        return self._number(error) in self._SHUTDOWNS

    def _number(self, error):
        return error.args[0] if error.args else None

    def message(self, error):
        if len(error.args) == 2:
            return "%s (%s)" % (
                error.args[1] or "the connection is closed",
                error.args[0],
            )
        return super().message(error)

    def lock_migration(self, connection):
        # Of the connection, since the definition of a table ends a transaction.
        got = connection.exec_driver_sql(
            "SELECT GET_LOCK('%s', %d)" % (_NAMED_LOCK, STATEMENT_SECONDS - 5)
        ).scalar()
        if got != 1:
            raise errors.DatabaseUnavailable(
                "%s: another process is migrating it" % self.description
            )

    def unlock_migration(self, connection):
        # The next one must see what this one has done.
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("SELECT RELEASE_LOCK('%s')" % _NAMED_LOCK)


_SCHEMES = {
    "postgresql": PostgreSQL,
    "postgresql+psycopg": PostgreSQL,
    "mysql": MySQL,
    "mysql+pymysql": MySQL,
    "mariadb": MySQL,
    "mariadb+pymysql": MySQL,
}
_DIALECTS = {PostgreSQL: "postgresql+psycopg", MySQL: "mysql+pymysql"}


def backend_of(url: str) -> Backend:
    """The database that a URL names; raises DatabaseSettingsError."""
    scheme, colon, rest = url.partition(":")
    if not colon or not re.match(r"[a-z][a-z0-9+]*\Z", scheme):
        # It may be a password alone: nothing of it is shown.
        raise errors.DatabaseSettingsError(
            "not a database URL such as sqlite:/path, postgresql://... or mysql://..."
        )
    if scheme in ("sqlite", "sqlite+pysqlite"):
        backend: Backend = SQLite(_sqlite_path(rest))
    elif scheme in _SCHEMES:
        kind = _SCHEMES[scheme]
        backend = kind(_server_url(url, _DIALECTS[kind]))
    else:
        raise errors.DatabaseSettingsError(
            "no database of the kind %r: it is sqlite, postgresql, mysql or mariadb"
            % scheme
        )
    _require_driver(backend)
    # Now, and not with the first connection: by then modules may be lazy, which
    # SQLAlchemy cannot do with. Of another database nobody pays for it.
    importlib.import_module("sqlalchemy.dialects." + backend.name)
    return backend


def _sqlite_path(rest):
    # SQLAlchemy writes three slashes before a path.
    path = rest[3:] if rest.startswith("///") else rest
    if not os.path.isabs(path) or path.startswith("//"):
        raise errors.DatabaseSettingsError(
            "an sqlite database needs the absolute path of a file: sqlite:/path"
        )
    return path


def _server_url(text, dialect):
    try:
        url = make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        # Their messages may show a part of the password.
        raise errors.DatabaseSettingsError(
            "the database URL cannot be read: it is scheme://user:password@host:port/name,"
            " and in a password all but letters and digits are written as %XX"
        ) from None
    if not url.database:
        raise errors.DatabaseSettingsError("the database URL names no database")
    url = url.set(drivername=dialect)
    if dialect.startswith("mysql"):
        # Else a name that is not ASCII could not be told from another.
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def _require_driver(backend):
    module, package = backend.driver
    try:
        __import__(module)
    except ImportError as err:
        raise errors.DatabaseSettingsError(
            "a %s database needs the package %s: %s"
            % (backend.name, package, backend.hide(str(err)))
        )
