"""The promises of hgs3/database/engine.py, as tests: servers that fail, and forks.

A test class inherits one of these; its module has a fixture ``make_url``, and for
:class:`ServerContract` a fixture ``server`` (testlib.databases).
"""

import gc
import os
import signal
import threading
import urllib.parse

import pytest
import sqlalchemy
from index_contract import DatabaseContract
from sqlalchemy import exc, insert, select
from stores import PATIENCE_SECONDS, in_threads
from trydata import (
    VERSION,
    Clock,
    database_at,
    digest,
    ids_of,
    node,
    push_record,
    record,
    set_version,
    url_of,
)

from hgs3.database import engine, migrations, recording, tables
from hgs3.database.engine import Database, open_database
from hgs3.database.errors import (
    DatabaseSettingsError,
    DatabaseUnavailable,
    SchemaTooOld,
)
from hgs3.database.records import BookmarkMove
from hgs3.database.tryindex import TryIndex
from testlib.databases import PASSWORD


class ForkContract(DatabaseContract):
    def in_child(self, function):
        """Run ``function`` in a forked child, which must return."""
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            # The end of one that hangs.
            signal.alarm(PATIENCE_SECONDS)
            try:
                os.write(writer, repr(function())[:4000].encode() or b"-")
            except BaseException as err:
                os.write(writer, repr(err)[:4000].encode())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as stream:
            said = stream.read().decode()
        os.waitpid(pid, 0)
        return said

    def test_a_forked_child_has_connections_of_its_own(self, index, database):
        def connection_of(connection):
            return connection.connection.dbapi_connection

        first = record(index, "before")
        inherited = database.read(connection_of)

        def work():
            pushed = record(index, "child")
            return pushed > first and database.read(connection_of) is not inherited

        assert self.in_child(work) == "True"
        assert database.read(connection_of) is inherited
        assert len(list(index.pushes())) == 2
        record(index, "after")

    def test_a_child_ends_no_transaction_of_its_parent(self, index, database):
        pending = push_record("held")
        held = [
            database.hold(
                lambda connection: recording.record_push(
                    connection, index._digest, pending
                )
            )[0]
        ]

        def work():
            held.clear()
            return gc.collect() >= 0

        assert self.in_child(work) == "True"
        held[0].commit()
        assert len(index.bundles()) == 1

    def test_a_child_of_a_process_that_was_connecting(self, index, database):
        """Whatever locks another thread had."""
        with database._lock, engine._by_url_lock:
            said = self.in_child(
                lambda: (open_database(url_of(database)), index.bookmarks())[1]
            )
        assert said == "{}"


class ServerContract(ForkContract):
    def test_without_tables(self, make_url):
        database = database_at(make_url())
        index = TryIndex(database, digest())
        for use in (index.bookmarks, lambda: record(index, "b")):
            with pytest.raises(SchemaTooOld, match="run hg s3try migrate") as caught:
                use()
            assert (caught.value.found, caught.value.wanted) == (0, VERSION)
        migrations.migrate(database)
        record(index, "b")
        # Found once, it is not looked for again.
        set_version(database, 0)
        assert index.last_push_id()
        with pytest.raises(SchemaTooOld):
            migrations.check(database)
        database.close()

    def test_a_server_that_is_away_and_comes_back(self, server, make_url):
        clock = Clock()
        database = database_at(make_url(), clock=clock, sleep=clock.sleep)
        migrations.migrate(database)
        index = TryIndex(database, digest())
        push_id = record(index, "b")
        server.stop()
        try:
            for use in (index.bookmarks, lambda: record(index, "c")):
                clock.now += engine.REST_SECONDS
                with pytest.raises(DatabaseUnavailable) as caught:
                    use()
                assert_no_secret(caught.value)
                assert "cannot connect" in caught.value.reason
        finally:
            server.start()
        # It is not even asked.
        with pytest.raises(DatabaseUnavailable):
            index.last_push_id()
        clock.now += engine.REST_SECONDS
        assert index.last_push_id() == push_id
        record(index, "c")
        database.close()

    def test_a_server_that_was_restarted(self, server, index):
        push_id = record(index, "b")
        server.stop()
        server.start()
        assert index.last_push_id() == push_id

    def test_a_connection_that_dies_is_replaced(self, server, index):
        for name in "ab":
            record(index, name)
            server.kill_connections()
        assert len(index.bundles()) == 2

    def test_a_connection_that_dies_before_the_commit(self, server, index, database):
        pending, runs = push_record("a"), []

        def work(connection):
            push_id = recording.record_push(connection, index._digest, pending)
            runs.append(push_id)
            if len(runs) == 1:
                server.kill_connections()
            return push_id

        push_id = database.write(work)
        assert len(runs) == 2 and ids_of(index.pushes()) == [push_id]
        assert len(index.bundles()) == 1

    def test_a_connection_that_dies_while_a_transaction_is_held(
        self, server, index, database
    ):
        record(index, "first")
        pending = push_record("held")

        def work(connection):
            return recording.record_push(connection, index._digest, pending)

        for end in ("commit", "rollback"):
            held, _push_id = database.hold(work)
            server.kill_connections()
            if end == "commit":
                with pytest.raises(DatabaseUnavailable):
                    held.commit()
            held.rollback()
            assert len(index.bundles()) == 1
        assert database.write(work) == index.last_push_id()

    def test_a_connection_that_always_dies(self, server, index, database):
        def work(connection):
            server.kill_connections()
            connection.execute(select(tables.SCHEMA))

        clock = Clock()
        mine = Database(database.backend, clock, clock.sleep)
        with pytest.raises(DatabaseUnavailable) as caught:
            mine.read(work)
        assert_no_secret(caught.value)
        assert len(clock.slept) == engine.ATTEMPTS - 1

    def test_a_commit_whose_answer_is_lost(self, database):
        class Lost(Database):
            runs = 0

            def _once(self, function, writes):
                result = super()._once(function, writes)
                self.runs += writes
                if self.runs == 1 and writes:
                    dropped = ConnectionError("lost")
                    raise exc.OperationalError(
                        "COMMIT", None, dropped, connection_invalidated=True
                    )
                return result

        lost = Lost(database.backend)
        index = TryIndex(lost, digest())
        record(index, "a", bookmarks=[BookmarkMove("m", node("a"), "")])
        assert lost.runs == 2
        assert len(list(index.pushes())) == len(index.bundles()) == 1
        lost.close()

    def test_deadlocks_are_broken_and_tried_again(self, database):
        digests = [digest(), digest()]
        for each in digests:
            record(TryIndex(database, each), "b")
        barrier = threading.Barrier(2)
        runs = []

        def work(number):
            def run(connection):
                runs.append(number)
                first, second = digests if number else digests[::-1]
                recording.lock_repository(connection, first)
                if runs.count(number) == 1:
                    barrier.wait(PATIENCE_SECONDS)
                recording.lock_repository(connection, second)
                return number

            return database.write(run)

        assert sorted(in_threads(2, work)) == [0, 1]
        assert len(runs) > 2

    def test_values_are_never_cut_to_fit(self, database):
        row = {"digest": "a" * 33, "identity": 32 * "0"}
        with pytest.raises(DatabaseUnavailable) as caught:
            database.write(
                lambda connection: connection.execute(insert(tables.REPOSITORIES), row)
            )
        # Nor are they shown.
        assert "aaa" not in str(caught.value)

    @pytest.mark.parametrize(
        "change",
        [
            lambda url: url.set(password=PASSWORD + "!"),
            lambda url: url.set(database="nowhere"),
            lambda url: url.set(host="127.0.0.1", port=1, query={}),
        ],
        ids=["password", "database", "address"],
    )
    def test_what_cannot_be_connected_to(self, make_url, change):
        url = change(sqlalchemy.make_url(make_url()))
        database = database_at(url.render_as_string(hide_password=False))
        with pytest.raises(DatabaseUnavailable) as caught:
            database.read(lambda connection: None)
        assert_no_secret(caught.value)
        assert len(caught.value.reason.splitlines()) == 1

    def test_a_parameter_that_there_is_not(self, make_url):
        database = database_at(make_url() + "&frobnicate=1")
        with pytest.raises(DatabaseSettingsError, match="frobnicate") as caught:
            database.read(lambda connection: None)
        assert_no_secret(caught.value)


def assert_no_secret(error):
    shown = "%s %r %s" % (error, error, error.__cause__)
    assert PASSWORD not in shown
    assert urllib.parse.quote(PASSWORD, safe="") not in shown
