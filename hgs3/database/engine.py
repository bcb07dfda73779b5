"""Connections and transactions: what is tried again, and when to give up."""

import os
import random
import threading
import time
import typing
import weakref

import sqlalchemy
from sqlalchemy import event, exc
from sqlalchemy.pool import QueuePool

from . import migrations
from .backends import Backend, backend_of
from .errors import DatabaseSettingsError, DatabaseUnavailable

T = typing.TypeVar("T")

POOL_CONNECTIONS = 5
MORE_CONNECTIONS = 10
#: Beside these, how many are kept for :meth:`Database.hold_at_once`.
MAX_AT_HAND = 2
#: How long to wait for a connection when all are in use.
POOL_SECONDS = 10.0
#: How long nobody tries to connect after one could not.
REST_SECONDS = 2.0
#: How often a transaction is run, and how long after the first none begins.
ATTEMPTS = 6
RETRY_SECONDS = 30.0
#: The longest sleep before the second run; twice that before the third, and so on.
FIRST_PAUSE_SECONDS = 0.02

_WRITES = "hgs3_writes"


class Database:
    """One database as one process sees it. For any thread.

    ``clock()`` gives seconds that never go back; ``sleep(seconds)`` waits.
    """

    def __init__(
        self,
        backend: Backend,
        clock: typing.Callable[[], float] = time.monotonic,
        sleep: typing.Callable[[float], None] = time.sleep,
    ) -> None:
        self.backend = backend
        self._clock = clock
        self._sleep = sleep
        self._schema_is_right = False
        self._rest_until = clock()
        self._rest_reason = ""
        self._engine: typing.Optional[sqlalchemy.Engine] = None
        self._at_hand: typing.List[sqlalchemy.PoolProxiedConnection] = []
        self._lock = threading.Lock()
        _all_databases.add(self)

    @property
    def description(self) -> str:
        """For messages: what kind of database, and where. No password."""
        return self.backend.description

    def read(self, function: typing.Callable[[sqlalchemy.Connection], T]) -> T:
        """Run ``function`` in a transaction and return what it does.

        It may be run several times. Raises DatabaseUnavailable, SchemaTooOld,
        SchemaTooNew, DatabaseSettingsError, and what ``function`` raises.
        """
        self._require_schema()
        return self.transact(function, writes=False)

    def write(self, function: typing.Callable[[sqlalchemy.Connection], T]) -> T:
        """As ``read``; what ``function`` has written is there when this returns.

        It may be run again when it is not known whether it was committed: it must
        notice that itself.
        """
        self._require_schema()
        return self.transact(function, writes=True)

    def hold(
        self, function: typing.Callable[[sqlalchemy.Connection], T]
    ) -> typing.Tuple["Held", T]:
        """As ``write``, but nothing is committed yet: the first of the two that this
        returns must be told what to do.

        What others write waits for it, so it is to be held shortly.
        """
        self._require_schema()
        return self._repeated(lambda: self._held(function))

    def hold_at_once(
        self,
        function: typing.Callable[
            [typing.Any], typing.Optional[typing.Tuple[typing.Any, T]]
        ],
    ) -> typing.Optional[typing.Tuple["Held", T]]:
        """As ``hold``, in a hurry: ``function`` gets a connection of SQLAlchemy's pool,
        and is run once. It begins a transaction of the driver's, and gives this and a
        result; or it leaves none, also when it raises.

        None, and nothing is held, if it gives None, and for any fault of the database but
        that there is none, which raises as for ``hold``: ``hold`` knows what to do then.
        """
        self._require_schema()
        engine = self._get_engine()
        driver_error = engine.dialect.dbapi.Error
        try:
            at_hand = _AtHand(engine, self._at_hand)
        except (driver_error, exc.SQLAlchemyError):
            return None
        try:
            done = function(at_hand.connection)
        except driver_error:
            done = None
        except BaseException:
            at_hand.invalidate()
            raise
        if done is not None:
            transaction, result = done
            return Held(self, at_hand, transaction, driver_error), result
        at_hand.close()
        return None

    def _require_schema(self):
        if not self._schema_is_right:
            if self.backend.migrates_itself:
                migrations.migrate(self)
            else:
                migrations.check(self)
            self._schema_is_right = True

    def transact(
        self, function: typing.Callable[[sqlalchemy.Connection], T], writes: bool
    ) -> T:
        """As ``read`` and ``write``, whatever tables there are."""
        return self._repeated(lambda: self._once(function, writes))

    def _repeated(self, attempt_once):
        begun = self._clock()
        attempt = 1
        while True:
            try:
                return attempt_once()
            except exc.DBAPIError as err:
                fault = err
            except exc.TimeoutError:
                raise self._unavailable("all connections are in use") from None
            if (
                not self._may_pass(fault)
                or attempt == ATTEMPTS
                or self._clock() - begun > RETRY_SECONDS
            ):
                # Not "from": SQLAlchemy's own text shows the values of rows.
                raise self._unavailable(self._message(fault.orig)) from None
            # Whoever was in each other's way does not meet again.
            self._sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)))
            attempt += 1

    def _once(self, function, writes):
        with self._get_engine().connect() as connection:
            connection = connection.execution_options(**{_WRITES: writes})
            with connection.begin():
                return function(connection)

    def _held(self, function):
        connection = self._get_engine().connect()
        try:
            connection = connection.execution_options(**{_WRITES: True})
            transaction = connection.begin()
            result = function(connection)
        except BaseException:
            # Rolls it back.
            connection.close()
            raise
        return Held(self, connection, transaction, exc.DBAPIError), result

    def _may_pass(self, fault):
        return (
            fault.connection_invalidated
            or self.backend.is_conflict(fault.orig)
            or self.backend.is_dropped(fault.orig)
        )

    def _message(self, error):
        return self.backend.hide(self.backend.message(error))

    def _unavailable(self, reason):
        return DatabaseUnavailable("%s: %s" % (self.description, reason))

    def close(self) -> None:
        """Close all connections that are not in use; more can be opened."""
        with self._lock:
            engine, self._engine = self._engine, None
            at_hand, self._at_hand = self._at_hand, []
        for connection in at_hand:
            connection.invalidate()
        if engine is not None:
            engine.dispose()

    # Connections

    def _get_engine(self):
        with self._lock:
            if self._engine is None:
                self._engine = self._make_engine()
            return self._engine

    def _make_engine(self):
        engine = sqlalchemy.create_engine(
            self.backend.url,
            poolclass=QueuePool,
            pool_size=POOL_CONNECTIONS,
            max_overflow=MORE_CONNECTIONS + MAX_AT_HAND,
            pool_timeout=POOL_SECONDS,
            # Values of rows are nobody's business.
            hide_parameters=True,
            **self.backend.engine_arguments,
        )
        backend = self.backend

        @event.listens_for(engine, "do_connect")
        def connect(dialect, _record, arguments, options):
            return self._connect(dialect, arguments, options)

        @event.listens_for(engine, "connect")
        def prepare(connection, _record):
            backend.prepare(connection)

        @event.listens_for(engine, "begin")
        def begin(connection):
            options = connection.get_execution_options()
            backend.begin(connection, options.get(_WRITES, False))

        return engine

    def _connect(self, dialect, arguments, options):
        if self._clock() < self._rest_until:
            raise DatabaseUnavailable(self._rest_reason)
        try:
            return self.backend.connect(dialect, arguments, options)
        except Exception as err:  # of the driver, or of anything below it
            if self.backend.is_bad_parameter(err):
                raise DatabaseSettingsError(
                    "the database URL has a parameter too many: %s" % self._message(err)
                ) from None
            fault = self._unavailable("cannot connect: %s" % self._message(err))
        # A database that hangs holds up a thread for seconds, but not the next one.
        self._rest_reason = fault.reason
        self._rest_until = self._clock() + REST_SECONDS
        raise fault

    def _forget_parent(self):
        # The connections are the parent's. They are neither used nor closed: a
        # reference is kept, since what is collected may say good-bye to the server.
        if self._engine is not None:
            _engines_of_parents.append(self._engine)
            _engines_of_parents.append(self._at_hand)
        self._engine = None
        self._at_hand = []
        self._lock = threading.Lock()


class _AtHand:
    """A connection of the pool, not given back but kept for whoever is in a hurry next:
    what a pool does for each costs as much as a statement. ``kept`` has those.
    """

    def __init__(
        self,
        engine: sqlalchemy.Engine,
        kept: typing.List[sqlalchemy.PoolProxiedConnection],
    ) -> None:
        self._kept = kept
        try:
            self.connection = kept.pop()
        except IndexError:
            self.connection = engine.raw_connection()

    def close(self) -> None:
        """The transaction has ended; or the connection is closed."""
        connection = self.connection
        if connection.is_valid and connection.driver_connection.closed:
            connection.invalidate()
        if not connection.is_valid:
            return
        if len(self._kept) < MAX_AT_HAND:
            self._kept.append(connection)
        else:
            # Others must not have it: they would end what is prepared.
            connection.invalidate()

    def invalidate(self) -> None:
        self.connection.invalidate()


class Held:
    """A transaction that has written, and waits for its end. For one thread at a time.

    ``commit`` or ``rollback`` ends it; after the one, the other does nothing.
    """

    def __init__(
        self,
        database: Database,
        connection: typing.Any,
        transaction: typing.Any,
        fault: typing.Type[Exception],
    ) -> None:
        self._database = database
        self._connection = connection
        self._transaction = transaction
        self._fault = fault
        _all_held.add(self)

    def commit(self) -> None:
        """Raises DatabaseUnavailable; then nobody knows whether it was committed."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        try:
            transaction.commit()
        except self._fault as err:
            # It is not tried again: that would take all that came before.
            message = self._database._message(getattr(err, "orig", err))
            fault = self._database._unavailable(message)
            self._connection.invalidate()
        else:
            fault = None
        self._end()
        if fault is not None:
            raise fault

    def rollback(self) -> None:
        """Never raises: a connection that is lost has the same effect."""
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        try:
            transaction.rollback()
        except (self._fault, exc.SQLAlchemyError):
            self._connection.invalidate()
        self._end()

    def _end(self):
        try:
            self._connection.close()
        except exc.SQLAlchemyError:
            self._connection.invalidate()


_all_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()
_all_held: "weakref.WeakSet[Held]" = weakref.WeakSet()
#: Kept for good, see Database._forget_parent.
_engines_of_parents: typing.List[object] = []
_held_by_parents: typing.List[Held] = []

_by_url: typing.Dict[str, Database] = {}
_by_url_lock = threading.Lock()


def open_database(url: str) -> Database:
    """The database at ``url``, one a process. Nothing is asked of it yet.

    ``sqlite:/path``, ``postgresql://...`` or ``mysql://...``. Raises
    DatabaseSettingsError.
    """
    with _by_url_lock:
        if url not in _by_url:
            _by_url[url] = Database(backend_of(url))
        return _by_url[url]


def _start_in_child():
    global _by_url_lock
    # Another thread of the parent may have held it.
    _by_url_lock = threading.Lock()
    for database in list(_all_databases):
        database._forget_parent()
    _held_by_parents.extend(_all_held)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_in_child)
