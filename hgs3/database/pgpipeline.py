"""A transaction of PostgreSQL that begins with the only statement it has, by libpq
itself, of which psycopg.pq gives the functions.

Each message to a database costs whoever sends it: the system calls, and to wake the one
who reads it. psycopg sends BEGIN, and waits for it, before the first statement; here both
are sent at once.
See "Pipeline Mode" in the documentation of libpq.
"""

import functools
import hashlib
import select
import typing

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

#: As a connection's `isolation_level` has it, see backends.py.
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
_UNKNOWN_NAME, _KNOWN_NAME = b"26000", b"42P05"
#: In the `info` of a connection of the pool: the names of statements that it knows.
_PREPARED = "hgs3 prepared"
#: libpq 14 and later can do it; psycopg takes older ones, too.
_IS_POSSIBLE = psycopg.pq.version() >= 140000


class Transaction:
    """One that has begun. ``pgconn`` is a PGconn of psycopg.pq."""

    def __init__(self, pgconn: typing.Any) -> None:
        self._pgconn = pgconn

    def commit(self) -> None:
        """Raises psycopg.Error; then nobody knows whether it was committed."""
        if _command(self._pgconn, b"COMMIT").command_status != b"COMMIT":
            raise psycopg.DatabaseError("the transaction was rolled back")

    def rollback(self) -> None:
        """Raises psycopg.Error."""
        # Not psycopg's, which has all that is prepared forgotten with it.
        _command(self._pgconn, b"ROLLBACK")


def begin(
    pooled: typing.Any, statement: bytes, values: typing.Sequence[str]
) -> typing.Optional[typing.Tuple[Transaction, typing.List[typing.Optional[bytes]]]]:
    """Begin a transaction with a statement that gives one row, as texts: both of them.

    None, and there is no transaction, if it gives no row, or libpq is too old. Raises
    psycopg.Error; then there is none either, or the connection is closed. ``pooled`` is
    a connection of SQLAlchemy's pool that nobody else uses. Values are ASCII, without
    NUL.
    """
    if not _IS_POSSIBLE:
        return None
    pgconn = pooled.driver_connection.pgconn
    prepared = pooled.info.setdefault(_PREPARED, set())
    try:
        given = [value.encode("ascii") for value in values]
        result = _begin(pgconn, prepared, statement, given)
        if result.status == ExecStatus.TUPLES_OK and result.ntuples == 1:
            row = [result.get_value(0, n) for n in range(result.nfields)]
            return Transaction(pgconn), row
        if pgconn.transaction_status != TransactionStatus.IDLE:
            Transaction(pgconn).rollback()
    except BaseException:
        # What was not read yet would be taken for the answer to something else.
        pgconn.finish()
        raise
    if result.error_field(DiagnosticField.SQLSTATE) == _UNKNOWN_NAME:
        # Somebody in between has given us another session.
        prepared.discard(_name(statement))
    _require(result, ExecStatus.TUPLES_OK)
    return None


def _begin(pgconn, prepared, statement, values):
    """The result of the statement."""
    name = _name(statement)
    is_new = name not in prepared
    pgconn.enter_pipeline_mode()
    pgconn.send_query_params(_BEGIN, None)
    if is_new:
        # Not before the BEGIN, which is refused after a snapshot was taken.
        pgconn.send_prepare(name, statement)
    pgconn.send_query_prepared(name, values)
    pgconn.pipeline_sync()
    # Each result is followed by None, but for that of the pipeline.
    results = _results(pgconn, 7 if is_new else 5)
    pgconn.exit_pipeline_mode()
    if None in (results[2], results[-3]):
        raise _lost()
    if is_new:
        state = results[2].error_field(DiagnosticField.SQLSTATE)
        if results[2].status == ExecStatus.COMMAND_OK or state == _KNOWN_NAME:
            prepared.add(name)
    # What follows a failure is said to be aborted.
    return results[-3]


@functools.lru_cache(maxsize=None)
def _name(statement):
    """The same name never means another statement, whoever else has the session."""
    return b"hgs3_" + hashlib.sha256(statement).hexdigest()[:32].encode("ascii")


def _command(pgconn, text):
    try:
        pgconn.send_query(text)
        result, _end = _results(pgconn, 2)
    except BaseException:
        # As in begin.
        pgconn.finish()
        raise
    _require(result, ExecStatus.COMMAND_OK)
    return result


def _results(pgconn, count):
    """So many, as they come. Other threads run meanwhile."""
    poller = select.poll()
    socket = pgconn.socket
    poller.register(socket, select.POLLIN)
    found = []
    unsent = pgconn.flush()
    while len(found) < count:
        while unsent or pgconn.is_busy():
            # Who does not read what comes may wait for ever to send the rest.
            poller.modify(socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            poller.poll()
            pgconn.consume_input()
            unsent = unsent and pgconn.flush()
        found.append(pgconn.get_result())
    return found


def _require(result, status):
    if result is None:
        raise _lost()
    if result.status != status:
        raise psycopg.DatabaseError(psycopg.pq.error_message(result))


def _lost():
    return psycopg.OperationalError("the connection was lost")
