"""A transaction of PostgreSQL that begins with the only statement it has, by libpq
itself, of which psycopg.pq gives the functions.

Each message to a database costs whoever sends it: the system calls, and to wake the one
who reads it. psycopg sends BEGIN, and waits for it, before the first statement; here both
are sent at once.
See "Pipeline Mode" in the documentation of libpq.
"""

import itertools
import select
import typing

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

#: As a connection's `isolation_level` has it, see backends.py.
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
_UNKNOWN_NAME = b"26000"
_numbers = itertools.count()
#: In the `info` of a connection of the pool: the names of statements that it knows.
_PREPARED = "hgs3 prepared"


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

    None, and there is no transaction, if it gives no row. Raises psycopg.Error; then
    there is none either, or the connection is closed. ``pooled`` is a connection of
    SQLAlchemy's pool that nobody else uses. Values are ASCII, without NUL.
    """
    pgconn = pooled.driver_connection.pgconn
    prepared = pooled.info.setdefault(_PREPARED, {})
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
        del prepared[statement]
    _require(result, ExecStatus.TUPLES_OK)
    return None


def _begin(pgconn, prepared, statement, values):
    """The result of the statement, or that of what had to come before and failed."""
    name, is_new = prepared.get(statement), False
    if name is None:
        name, is_new = b"hgs3_%d" % next(_numbers), True
    pgconn.enter_pipeline_mode()
    if is_new:
        pgconn.send_prepare(name, statement)
    pgconn.send_query_params(_BEGIN, None)
    pgconn.send_query_prepared(name, values)
    pgconn.pipeline_sync()
    # Each result is followed by None, but for that of the pipeline.
    results = _results(pgconn, 7 if is_new else 5)
    pgconn.exit_pipeline_mode()
    if None in (results[0], results[-3]):
        raise psycopg.OperationalError("the connection was lost")
    if is_new:
        if results[0].status != ExecStatus.COMMAND_OK:
            return results[0]
        prepared[statement] = name
    return results[-3]


def _command(pgconn, text):
    pgconn.send_query(text)
    result, _end = _results(pgconn, 2)
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
        raise psycopg.OperationalError("the connection was lost")
    if result.status != status:
        raise psycopg.DatabaseError(psycopg.pq.error_message(result))
