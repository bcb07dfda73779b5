"""What is promised of the database room, by SQLite, and what only a file has."""

import os
import sqlite3
import stat

import pytest
import sqlalchemy
from database_contract import MigrationContract, TogetherContract
from index_contract import (
    BookmarkContract,
    DatabaseContract,
    DoomContract,
    ExpiryContract,
    IndexContract,
    LookupContract,
)
from logsamples import new_push
from logtables_contract import LogImportContract, LogMigrationContract
from pushlog_contract import (
    LogQueryContract,
    PushLogContract,
    TryPushesContract,
)
from server_contract import ForkContract
from trydata import (
    Clock,
    database_at,
    digest,
    manifest,
    node,
    record,
    sha256,
    token,
)

from hgs3.database import backends, engine
from hgs3.database.backends import backend_of
from hgs3.database.engine import Database
from hgs3.database.errors import DatabaseUnavailable
from hgs3.database.pushlog import PushLog
from hgs3.database.records import GONE, Changes, LogQuery
from hgs3.database.tryindex import TryIndex


@pytest.fixture(scope="module")
def make_url(tmp_path_factory):
    def make():
        return "sqlite:%s" % (tmp_path_factory.mktemp("sqlite") / "try?#%41 \xe9.db")

    return make


class TestIndex(
    IndexContract, BookmarkContract, LookupContract, ExpiryContract, DoomContract
):
    """One at a time."""


class TestPushLog(PushLogContract):
    """The log of pushes."""


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


class TestForks(ForkContract):
    """Children."""


class TestPlans(DatabaseContract):
    """With a million pushes, nothing may be read from end to end."""

    @pytest.fixture
    def plans(self, database):
        found = []

        @sqlalchemy.event.listens_for(
            database._get_engine(), "after_cursor_execute", named=True
        )
        def explain(conn, statement, parameters, executemany, **_rest):
            if not executemany and not statement.startswith(("BEGIN", "EXPLAIN")):
                cursor = conn.connection.dbapi_connection.execute(
                    "EXPLAIN QUERY PLAN " + statement, parameters
                )
                found.extend((row[3], statement) for row in cursor)

        yield found
        sqlalchemy.event.remove(database._get_engine(), "after_cursor_execute", explain)

    def test_indexes_are_used(self, index, plans):
        push_id = record(index, "b", "one", "two")
        record(index, "b", "one", "two")
        index.bundles_of([node("one"), node("two")])
        index.bundles_of_manifests([manifest("one")])
        index.changesets_of(1)
        index.nodes_with_prefix("ab")
        index.recent_roots(0, 10)
        index.bookmark("name")
        index.bookmarks()
        index.last_push_id()
        list(index.pushes())
        index.push(push_id)
        index.bundles(after_id=3)
        index.doomed_gone(index.doom(sha256("gone")))
        log = PushLog(index._database, index._digest)
        log.record(new_push("logged", "too"))
        log.apply(Changes(states={node("too"): GONE}))
        log.apply(Changes(phases={node("too"): "public"}))
        for query in (
            LogQuery(start_id=1, end_id=9),
            LogQuery(start_date=1, end_date=2000),
            LogQuery(users=("alice",)),
            LogQuery(changesets=(node("one"), node("logged"))),
            LogQuery(from_change=node("logged")),
        ):
            log.pushes(query, with_details=True)
            log.pushes(query, tips_only=True, newest_first=True, limit=5)
            log.count(query)
        log.newest_push_of_bundle(1)
        log.nodes_with_prefix("ab")
        list(log.states())
        log.has_token(token())
        index.expire(10**10)
        assert any("s3_pushes_pushed" in plan for plan, _statement in plans)
        assert any("s3_pushes_username" in plan for plan, _statement in plans)
        for name in ("s3_changesets_node", "s3_log_changesets_node"):
            assert any(name in plan for plan, _statement in plans)
        scans = [
            (plan, statement)
            for plan, statement in plans
            # A subquery is scanned, and has few rows; that table has one.
            if plan.startswith(("SCAN s3_", "SCAN TABLE s3_"))
            and not plan.endswith("s3_schema")
        ]
        assert scans == []

    def test_no_more_questions_than_needed(self, index, plans):
        record(index, "first")
        statements = []

        @sqlalchemy.event.listens_for(
            index._database._get_engine(), "before_cursor_execute", named=True
        )
        def count(statement, **_rest):
            statements.append(statement)

        record(index, "b", *["c%d" % number for number in range(50)])
        # Begin, lock, look; bundle, changesets, push.
        assert len(statements) == 6


class TestFile:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "try.db"

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def database(self, path, clock):
        database = Database(backend_of("sqlite:%s" % path), clock, clock.sleep)
        yield database
        database.close()

    @pytest.fixture
    def index(self, database):
        return TryIndex(database, digest())

    def test_it_makes_its_tables_itself(self, index, path):
        assert not path.exists()
        assert index.bookmarks() == {}
        assert path.exists()

    @pytest.mark.parametrize("folder", [0o2775, 0o770, 0o755, 0o700])
    @pytest.mark.parametrize("umask", [0, 0o022, 0o077])
    def test_who_may_use_the_folder_may_use_it_but_others(
        self, index, path, umask, folder
    ):
        path.parent.chmod(folder)
        before = os.umask(umask)
        try:
            record(index, "b")
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == folder & 0o660

    def test_what_is_committed_is_on_the_disk(self, database):
        def settings(connection):
            return [
                connection.exec_driver_sql("PRAGMA " + name).scalar()
                for name in ("synchronous", "foreign_keys")
            ]

        assert database.read(settings) == [3, 1]

    def test_one_that_vanishes_is_not_made_anew(self, index, database, path):
        record(index, "b")
        database.close()
        path.unlink()
        with pytest.raises(DatabaseUnavailable, match="unable to open"):
            index.last_push_id()
        assert not path.exists()

    def test_a_folder_that_there_is_not(self, tmp_path):
        database = database_at("sqlite:%s" % (tmp_path / "none" / "try.db"))
        with pytest.raises(DatabaseUnavailable, match="try.db: cannot connect: "):
            database.read(lambda connection: None)

    def test_what_is_no_database(self, index, path):
        path.write_bytes(b"x" * 5000)
        with pytest.raises(DatabaseUnavailable, match="not a database"):
            index.bookmarks()
        assert path.read_bytes() == b"x" * 5000

    def test_nobody_connects_for_a_while_after_one_could_not(
        self, index, database, clock, monkeypatch
    ):
        calls = []

        def connect(*_arguments):
            calls.append(clock.now)
            raise OSError("no answer")

        with monkeypatch.context() as patch:
            patch.setattr(database.backend, "connect", connect)
            for _ in range(3):
                with pytest.raises(DatabaseUnavailable, match="no answer"):
                    index.bookmarks()
            assert len(calls) == 1
            clock.now += engine.REST_SECONDS
            with pytest.raises(DatabaseUnavailable, match="no answer"):
                index.bookmarks()
            assert len(calls) == 2
        with pytest.raises(DatabaseUnavailable, match="no answer"):
            index.bookmarks()
        clock.now += engine.REST_SECONDS
        assert index.bookmarks() == {}

    def test_a_lock_of_somebody_else_is_waited_for(self, index, database, clock, path):
        record(index, "a")
        other = sqlite3.connect(str(path), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(backends, "SQLITE_BUSY_SECONDS", 0.01)
                database.close()
                # Reading goes on.
                assert index.last_push_id() == 1
                with pytest.raises(DatabaseUnavailable, match="locked"):
                    record(index, "b")
                assert len(clock.slept) == engine.ATTEMPTS - 1
                longest = [
                    engine.FIRST_PAUSE_SECONDS * 2**number
                    for number in range(engine.ATTEMPTS - 1)
                ]
                assert all(0 <= a <= b for a, b in zip(clock.slept, longest))
                database._sleep = lambda seconds: other.execute("ROLLBACK")
                record(index, "b")
        finally:
            other.close()
        assert len(list(index.pushes())) == 2

    def test_nothing_is_tried_again_for_ever(self, index, database, clock, path):
        record(index, "a")
        clock.sleep = None
        database._sleep = lambda seconds: setattr(clock, "now", clock.now + 20)
        runs = []

        def work(connection):
            runs.append(1)
            raise sqlalchemy.exc.OperationalError(
                "", None, sqlite3.OperationalError("database is locked")
            )

        with pytest.raises(DatabaseUnavailable):
            database.write(work)
        assert len(runs) == 3

    def test_all_connections_in_use(self, path, monkeypatch):
        monkeypatch.setattr(engine, "POOL_CONNECTIONS", 1)
        monkeypatch.setattr(engine, "MORE_CONNECTIONS", 0)
        monkeypatch.setattr(engine, "MAX_AT_HAND", 0)
        monkeypatch.setattr(engine, "POOL_SECONDS", 0.05)
        database = database_at("sqlite:%s" % path)
        with pytest.raises(DatabaseUnavailable, match="all connections are in use"):
            database.read(lambda connection: database.read(lambda connection: None))
        assert database.read(lambda connection: 1) == 1

    def test_what_a_transaction_raises_undoes_it(self, index, database):
        def fail(connection):
            connection.exec_driver_sql(
                "INSERT INTO s3_repositories (digest, identity) VALUES ('x', 'y')"
            )
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            database.write(fail)
        rows = database.read(
            lambda connection: connection.exec_driver_sql(
                "SELECT * FROM s3_repositories"
            ).all()
        )
        assert rows == []
