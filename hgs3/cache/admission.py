"""How often a key was asked for lately: what is asked for once is not stored.

The processes of a host count together, in one SQLite file. It is a help and
no more: whatever is wrong with it, a request goes on, and is counted in this
process's memory.
"""

import collections
import contextlib
import hashlib
import json
import os
import threading
import time
import typing

try:
    import sqlite3

    # Where modules are lazy, now, and not in two requests at once.
    SQLiteError: typing.Any = sqlite3.Error
except ImportError:  # a Python that was built without it
    sqlite3 = None  # type: ignore[assignment]
    SQLiteError = OSError

#: How long another process may hold the file before we count alone.
BUSY_SECONDS = 0.25
#: How long a file that failed is left alone.
RETRY_SECONDS = 60.0
#: Old asks are deleted with every so many of this process.
SWEEP_EVERY = 500
#: The most that are kept, in the file and in memory.
MAX_FILE_ASKS = 1_000_000
MAX_MEMORY_ASKS = 10_000

# No write-ahead log: to turn it on needs the file for oneself, when several
# processes start at once. Nothing is synced: a crash of the machine may cost
# the counts.
_SCHEMA = """
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS asks (key BLOB NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS asks_key_at ON asks (key, at);
CREATE INDEX IF NOT EXISTS asks_at ON asks (at);
"""


class Occurrences:
    """Counts asks within the last ``window_seconds``. For any thread.

    ``path`` names the file, made with its folder if missing; None counts in
    this process only. ``report(line)`` is called once, if the file cannot be
    used; it must not raise. ``clock()`` gives seconds that mean the same to
    all processes of the host.
    """

    def __init__(
        self,
        path: typing.Optional[str],
        report: typing.Callable[[str], None],
        window_seconds: float = 3600.0,
        clock: typing.Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._report = report
        self._window = window_seconds
        self._clock = clock
        self._reported = False
        self._retry_at = clock()
        self._start_in_process()

    def _start_in_process(self):
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._counted = 0
        self._memory = _MemoryAsks()

    def count(self, key: str) -> int:
        """Record one ask; how many there were within the window before it."""
        return self._ask(key, True)

    def seen(self, key: str) -> int:
        """How many asks there were within the window."""
        return self._ask(key, False)

    def _ask(self, key, records):
        if self._pid != os.getpid():
            self._start_in_process()
        now = self._clock()
        since = now - self._window
        fault = None
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            # Other threads are busy with the file. This ask is lost.
            return 0
        try:
            if self._path is not None and now >= self._retry_at:
                try:
                    return self._ask_file(key, now, since, records)
                except (SQLiteError, OSError) as err:
                    if not _is_busy(err):
                        fault = err
                        self._give_up(now)
            return self._memory.ask(key, now, since, records)
        finally:
            self._lock.release()
            if fault is not None:
                self._report_once(fault)

    def _ask_file(self, key, now, since, records):
        digest = hashlib.sha256(json.dumps(key).encode("ascii")).digest()[:16]
        # Not kept open: a host of a thousand repositories has no descriptors for
        # that, and to open it costs less than to ask the store.
        with contextlib.closing(_open(self._path)) as connection, connection:
            if records:
                # The lock at once: two that read first could not both write.
                connection.execute("BEGIN IMMEDIATE")
            (asks,) = connection.execute(
                "SELECT count(*) FROM asks WHERE key = ? AND at > ?", (digest, since)
            ).fetchone()
            if records:
                connection.execute("INSERT INTO asks VALUES (?, ?)", (digest, now))
                self._counted += 1
                if self._counted % SWEEP_EVERY == 1:
                    _sweep(connection, since)
        return asks

    def _give_up(self, now):
        self._retry_at = now + RETRY_SECONDS

    def _report_once(self, err):
        if not self._reported:
            self._reported = True
            self._report(
                "cannot use %s, counting in each process alone: %s" % (self._path, err)
            )


class _MemoryAsks:
    """The asks of this process, the latest MAX_MEMORY_ASKS of them."""

    def __init__(self):
        self._asks = collections.deque()
        self._of_key = collections.defaultdict(collections.deque)

    def ask(self, key, now, since, records):
        while self._asks and self._asks[0][0] <= since:
            self._forget_oldest()
        asks = len(self._of_key[key]) if key in self._of_key else 0
        if records:
            if len(self._asks) >= MAX_MEMORY_ASKS:
                self._forget_oldest()
            self._asks.append((now, key))
            self._of_key[key].append(now)
        return asks

    def _forget_oldest(self):
        _at, key = self._asks.popleft()
        self._of_key[key].popleft()
        if not self._of_key[key]:
            del self._of_key[key]


def _open(path):
    if sqlite3 is None:
        raise OSError("this Python has no sqlite3")
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        # Transactions begin where we say.
        isolation_level=None,
        # One thread at a time, which our lock sees to.
        check_same_thread=False,
    )
    try:
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def _sweep(connection, since):
    connection.execute("DELETE FROM asks WHERE at <= ?", (since,))
    # Asks are added in the order of time, and so are row ids.
    connection.execute(
        "DELETE FROM asks WHERE rowid <= (SELECT max(rowid) FROM asks) - ?",
        (MAX_FILE_ASKS,),
    )


def _is_busy(err):
    return isinstance(err, SQLiteError) and "locked" in str(err)
