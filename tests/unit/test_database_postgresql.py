"""What is promised of the database room, by a real PostgreSQL."""

import concurrent.futures
import contextlib
import dataclasses
import gc
import random
import re

import pytest
from database_contract import MigrationContract, TogetherContract
from index_contract import (
    BookmarkContract,
    DoomContract,
    ExpiryContract,
    IndexContract,
    LookupContract,
)
from logsamples import DETAILS, logged, names_of, new_push
from logtables_contract import LogImportContract, LogMigrationContract
from pushlog_contract import (
    LogQueryContract,
    PushLogContract,
    TryPushesContract,
)
from server_contract import ServerContract
from trydata import digest, node, record

from hgs3.crossing import to_str
from hgs3.database import logpostgresql, pgpipeline
from hgs3.database.engine import MAX_AT_HAND
from hgs3.database.errors import DatabaseUnavailable
from hgs3.database.pushlog import PushLog
from hgs3.database.records import AS_PUSHED, HIDDEN, Changes
from hgs3.database.tryindex import TryIndex


@pytest.fixture(scope="module")
def server(postgresql):
    return postgresql


@pytest.fixture(scope="module")
def make_url(server):
    return server.create_database


class TestIndex(
    IndexContract, BookmarkContract, LookupContract, ExpiryContract, DoomContract
):
    """One at a time."""


class TestPushLog(PushLogContract):
    """The log of pushes."""


class HeldLog(PushLog):
    """Written to as pushes into a repository do it."""

    def apply(self, changes):
        held, ids = self.hold(changes)
        held.commit()
        return ids


class TestHeldLog(PushLogContract):
    """The same promises, and those of the one statement."""

    @pytest.fixture
    def log(self, database):
        return HeldLog(database, digest())

    def test_a_push_needs_no_other_way(self, log, database, monkeypatch):
        first, second, third = (new_push(name, details=DETAILS) for name in "abc")
        ids = log.record(first)
        monkeypatch.setattr(database, "hold", None)
        ids += log.record(first, second)[1:]
        ids += log.record(third)
        assert names_of(log.pushes(), "abc") == ["a", "b", "c"]
        assert [push.id for push in log.pushes()] == ids == sorted(ids)
        whole = log.push(ids[1], with_details=True)
        assert whole.changesets == tuple(second.read()) and whole.tip == node("b")
        assert (whole.username, whole.pushed) == ("alice", 1000)

    def test_what_is_large_goes_the_other_way(self, log, monkeypatch):
        log.record(new_push("z"))
        for name, value in (("MAX_CHANGESETS", 1), ("MAX_TEXT", 600)):
            monkeypatch.setattr(logpostgresql, name, value)
            at_once = log.database.hold_at_once
            tried = []
            monkeypatch.setattr(
                log.database,
                "hold_at_once",
                lambda function, at_once=at_once, tried=tried: tried.append(
                    at_once(function)
                ),
            )
            log.record(new_push("a", "b", details=DETAILS))
            assert tried == [None]
            monkeypatch.undo()
        assert names_of(log.pushes(), "zab") == ["z", "ab", "ab"]

    @pytest.mark.parametrize("again", [False, True])
    def test_what_was_committed_while_it_waited(self, log, again):
        # The connection was lost while the push before was committed, and nobody knows
        # yet; or while this one was.
        log.record(new_push("z"))
        before = new_push("a")
        held, (first,) = log.hold(Changes(pushes=[before]))
        pushes = [before] if again else [before, new_push("b")]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            try:
                other = pool.submit(log.record, *pushes)
                while not log.database.read(_is_one_waiting):
                    assert not other.done()
            finally:
                held.commit()
            ids = other.result(30)
        assert ids[0] == first and len(ids) == len(pushes)
        assert names_of(log.pushes(), "zab") == ["z", "a"] + ["b"] * (not again)

    def test_a_connection_that_died_since_the_last_push(self, log, server):
        log.record(new_push("z"))
        server.kill_connections()
        assert log.record(new_push("a")) == [log.last_push_id()]

    def test_a_connection_that_dies_while_a_push_is_held(self, log, server):
        log.record(new_push("z"))
        for end in ("commit", "rollback"):
            changes = Changes(pushes=[new_push("a")])
            held, _ids = log.hold(changes)
            server.kill_connections()
            if end == "commit":
                with pytest.raises(DatabaseUnavailable):
                    held.commit()
            held.rollback()
            assert log.count() == 1
        assert log.record(*changes.pushes) == [log.last_push_id()]

    def test_a_fault_of_the_statement_itself(self, log, monkeypatch):
        log.record(new_push("z"))
        pids = log.database.read(_pids)
        monkeypatch.setattr(logpostgresql, "_RECORD", b"SELECT nothing")
        assert log.record(new_push("a")) == [log.last_push_id()]
        # Whoever is asked like this again and again is not connected to anew each time.
        assert log.database.read(_pids) == pids

    def test_a_session_that_does_not_know_the_statement(self, log, monkeypatch):
        # As behind a PgBouncer that gives each transaction another session.
        log.record(new_push("z"))
        log.record(new_push("a"))
        (kept,) = log.database._at_hand
        kept.driver_connection.execute("DEALLOCATE ALL")
        kept.commit()
        log.record(new_push("b"))
        monkeypatch.setattr(log.database, "hold", None)
        log.record(new_push("c"))
        assert log.database._at_hand == [kept]
        assert names_of(log.pushes(), "zabc") == ["z", "a", "b", "c"]

    def test_a_session_that_knows_the_statement(self, log, monkeypatch):
        # Another process behind the same PgBouncer has prepared it.
        log.record(new_push("z"))
        log.record(new_push("a"))
        (kept,) = log.database._at_hand
        kept.info.clear()
        log.record(new_push("b"))
        monkeypatch.setattr(log.database, "hold", None)
        log.record(new_push("c"))
        assert log.database._at_hand == [kept]
        assert names_of(log.pushes(), "zabc") == ["z", "a", "b", "c"]

    def test_another_isolation_is_the_default(self, log, make_url, monkeypatch):
        log.record(new_push("z"))
        with log.database._get_engine().begin() as connection:
            name = connection.exec_driver_sql("SELECT current_database()").scalar()
            connection.exec_driver_sql(
                'ALTER DATABASE "%s" SET default_transaction_isolation = serializable'
                % name
            )
        log.database.close()
        monkeypatch.setattr(log.database, "hold", None)
        assert log.record(new_push("a")) == [log.last_push_id()]

    def test_a_libpq_without_pipelines(self, log, monkeypatch):
        log.record(new_push("z"))
        pids = log.database.read(_pids)
        monkeypatch.setattr(pgpipeline, "_IS_POSSIBLE", False)
        assert log.record(new_push("a")) == [log.last_push_id()]
        assert log.database.read(_pids) == pids

    def test_what_the_server_reads_slowly(self, log, database, monkeypatch):
        # Much more than a socket takes at once.
        log.record(new_push("z"))
        monkeypatch.setattr(database, "hold", None)
        text = "%x" % random.Random(1).getrandbits(8 * 4 * 1024 * 1024)
        details = DETAILS._replace(description=text)
        log.record(new_push("a", details=details))
        (push,) = log.pushes(limit=1, newest_first=True, with_details=True)
        assert push.changesets[0].details == details

    def test_pushes_to_several_repositories_at_the_same_time(self, database, server):
        logs = [HeldLog(database, digest()) for _n in range(MAX_AT_HAND + 2)]
        for log in logs:
            log.record(new_push("z"))
        for _n in range(2):
            held = [log.hold(Changes(pushes=[new_push("a")]))[0] for log in logs]
            assert database._at_hand == []
            for each in held:
                each.commit()
            assert len(database._at_hand) == MAX_AT_HAND
        assert [log.count() for log in logs] == [3] * len(logs)
        database.close()
        assert database._at_hand == []

    def test_who_is_interrupted(self, log, monkeypatch):
        # Whatever comes of it then is not taken for an answer to the next one.
        log.record(new_push("z"))
        log.record(new_push("a"))
        with monkeypatch.context() as patch:

            def interrupted(*_unused):
                raise KeyboardInterrupt

            patch.setattr(pgpipeline, "_results", interrupted)
            with pytest.raises(KeyboardInterrupt):
                log.record(new_push("b"))
        assert log.database._at_hand == []
        log.record(new_push("c"))
        assert names_of(log.pushes(), "zac") == ["z", "a", "c"]

    def test_a_connection_that_dies_in_the_middle_of_it(self, log, monkeypatch):
        log.record(new_push("z"))
        for statement in (
            b"SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(9)",
            b"SELECT 1 / (SELECT 0 FROM pg_sleep(0))",
        ):
            text = b" WHERE $1 || $2 || $3 || $4 || $5 || $6 || $7 || $8 <> ''::text"
            monkeypatch.setattr(logpostgresql, "_RECORD", statement + text)
            for known_statement in (False, True):
                assert log.record(new_push("a")) == [log.last_push_id()], (
                    known_statement
                )
        monkeypatch.undo()
        assert log.record(new_push("b")) == [log.last_push_id()]
        assert names_of(log.pushes(), "zab") == ["z"] + ["a"] * 4 + ["b"]

    def test_a_commit_that_the_database_refuses(self, log):
        log.record(new_push("z"))
        held, _ids = log.hold(Changes(pushes=[new_push("a")]))
        pgconn = held._transaction._pgconn
        pgconn.exec_(b"SELECT nothing")
        with pytest.raises(DatabaseUnavailable, match="was rolled back"):
            held.commit()
        assert log.count() == 1

    def test_a_user_that_is_not_ascii(self, log, database, monkeypatch):
        log.record(new_push("z"))
        monkeypatch.setattr(database, "hold", None)
        log.record(
            dataclasses.replace(new_push("a"), username='J\xf6rg "\u20ac\\\U0001f600')
        )
        assert log.pushes()[-1].username == 'J\xf6rg "\u20ac\\\U0001f600'

    def test_the_plan_for_all_values_does_not_begin_with_all_pushes(self, log):
        # A new database, of which nothing is known: hardly any push has a bundle.
        with driver_connection_of(log.database) as connection:
            for number in range(300):
                log.record(new_push("p%d" % number))
            connection.execute("SET plan_cache_mode = force_generic_plan")
            statement = to_str(logpostgresql._RECORD)
            connection.execute("PREPARE recording AS " + statement)
            values = len(set(re.findall(r"\$\d", statement)))
            plan = connection.execute(
                "EXPLAIN EXECUTE recording(%s)" % ", ".join(["NULL"] * values)
            ).fetchall()
        text = "\n".join(row[0] for row in plan)
        assert "s3_pushes_pkey" in text
        assert "s3_pushes_bundle" not in text and "Seq Scan on s3_pushes" not in text

    def test_what_was_pushed_to_try_before(self, log, monkeypatch):
        log.record(new_push("z"))
        record(TryIndex(log.database, log.digest), "a", log=logged("a", state=HIDDEN))
        monkeypatch.setattr(log.database, "hold", None)
        log.record(new_push("a"))
        states = [push.changesets[0].state for push in log.pushes()]
        assert states == [AS_PUSHED, HIDDEN, AS_PUSHED]


@contextlib.contextmanager
def driver_connection_of(database):
    """A connection of the driver that commits nothing."""
    connection = database._get_engine().raw_connection()
    try:
        yield connection.driver_connection
    finally:
        connection.invalidate()


def _pids(connection):
    return connection.exec_driver_sql(
        "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity"
        " WHERE datname = current_database()"
    ).scalar()


def _is_one_waiting(connection):
    return connection.exec_driver_sql(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    ).scalar()


class TestLogQueries(LogQueryContract):
    """What can be asked of it."""


class TestLogOfTry(TryPushesContract):
    """The log, with pushes to try."""


class TestLogImport(LogImportContract):
    """What it takes over."""


class TestLogMigration(LogMigrationContract):
    """How it came to be."""


class TestTogether(TogetherContract):
    """Several at once."""


class TestMigrations(MigrationContract):
    """The tables."""


class TestServer(ServerContract):
    """What may go wrong."""

    def test_a_child_leaves_to_its_parent_what_is_at_hand(self, database):
        log = HeldLog(database, digest())
        for name in "za":
            log.record(new_push(name))
        kept = list(database._at_hand)

        def work():
            first = database._at_hand == []
            log.record(new_push("b"))
            gc.collect()
            return first and database._at_hand[0].driver_connection is not (
                kept[0].driver_connection
            )

        assert self.in_child(work) == "True"
        log.record(new_push("c"))
        assert database._at_hand == kept and kept[0].is_valid
        assert names_of(log.pushes(), "zabc") == ["z", "a", "b", "c"]
