"""The promises of hgs3/database/migrations.py, as tests, and those of several that
write at once.

A test class inherits one of these; its module has a fixture ``make_url``.
"""

import contextlib
import dataclasses
import threading

import pytest
from index_contract import DatabaseContract
from sqlalchemy import inspect, select
from stores import PATIENCE_SECONDS, in_threads
from trydata import (
    VERSION,
    changesets,
    database_at,
    digest,
    ids_of,
    new_bundle,
    node,
    outputs,
    push_record,
    record,
    set_version,
    sha256,
    start,
    token,
    url_of,
)

from hgs3.database import migrations, recording, tables
from hgs3.database.errors import (
    ObjectDoomed,
    ObjectReplaced,
    SchemaTooNew,
)
from hgs3.database.records import BookmarkMove
from hgs3.database.tryindex import TryIndex


class TogetherContract(DatabaseContract):
    def test_eight_threads(self, index):
        def work(number):
            marks = [BookmarkMove("m%d" % number, node("t%d/5" % number))]
            ids = [record(index, "t%d/%d" % (number, i)) for i in range(5)]
            return ids + [record(index, "shared", bookmarks=marks)]

        ids = [push_id for ids in in_threads(8, work) for push_id in ids]
        assert len(set(ids)) == 8 * 6
        assert ids_of(index.pushes()) == sorted(ids, reverse=True)
        assert len(index.bundles()) == 8 * 5 + 1
        nodes = [node("t%d/%d" % (t, i)) for t in range(8) for i in range(5)]
        assert set(index.bundles_of(nodes)) == set(nodes)
        assert len(index.bookmarks()) == 8

    def test_four_processes(self, index, database):
        repository = index._digest
        ids = outputs(
            [
                start("push", url_of(database), repository, "p%d" % number, 8)
                for number in range(4)
            ]
        )
        ids = [int(push_id) for out in ids for push_id in out.split()]
        assert len(set(ids)) == 4 * 8
        assert ids_of(index.pushes()) == sorted(ids, reverse=True)
        nodes = [node("p%d/%d" % (p, i)) for p in range(4) for i in range(8)]
        assert set(index.bundles_of(nodes)) == set(nodes)

    @contextlib.contextmanager
    def uncommitted(self, index, function, *arguments):
        """Within: a transaction has run ``function`` and is not committed."""
        ready, go = threading.Event(), threading.Event()
        results = []

        def run(connection):
            result = function(connection, index._digest, *arguments)
            ready.set()
            assert go.wait(PATIENCE_SECONDS)
            return result

        thread = threading.Thread(
            target=lambda: results.append(index._database.write(run))
        )
        thread.start()
        try:
            assert ready.wait(PATIENCE_SECONDS)
            yield results
        finally:
            go.set()
            thread.join()

    def meanwhile(self, index, function, *arguments):
        """Start ``function`` in a thread that has time to go wrong; the thread and
        its result or exception."""
        outcome = []

        def run():
            try:
                outcome.append(function(*arguments))
            except Exception as err:
                outcome.append(err)

        thread = threading.Thread(target=run)
        thread.start()
        # It waits for the other one; did it not, it would be done by then.
        thread.join(0.4)
        return thread, outcome

    def test_who_sees_an_id_sees_all_before_it(self, index):
        record(index, "first")
        before = index.last_push_id()
        pending = push_record("a")
        with self.uncommitted(index, recording.record_push, pending) as earlier:
            thread, later = self.meanwhile(index, record, index, "b")
            assert index.last_push_id() == before
        thread.join()
        assert before < earlier[0] < later[0] == index.last_push_id()

    def test_another_object_of_a_bundle(self, index):
        other = dataclasses.replace(new_bundle("b"), sha512="0" * 128)

        def record_other(seen):
            changed = changesets("b")
            index.record_push(other, changed, token(), "a", 1, node("b"), seen=seen)

        record(index, "b", seen="")
        record(index, "b", seen="")
        found = index.bundle(sha256("b"))
        assert found.sha512 == new_bundle("b").sha512 and not index.bundle("c" * 64)
        for seen in ("", "f" * 128):
            with pytest.raises(ObjectReplaced):
                record_other(seen)
        assert index.bundle(sha256("b")) == found
        record_other(found.sha512)
        assert index.bundle(sha256("b")).sha512 == other.sha512
        index.expire(10**10)
        with pytest.raises(ObjectReplaced):
            record_other(found.sha512)

    def test_a_push_before_a_doom(self, index):
        record(index, "first")
        pending = push_record("a")
        with self.uncommitted(index, recording.record_push, pending):
            thread, found = self.meanwhile(index, index.doom, sha256("a"))
        thread.join()
        assert found == [None]

    def test_a_doom_before_a_push(self, index):
        record(index, "first")
        with self.uncommitted(index, recording.doom, sha256("a"), 1):
            thread, found = self.meanwhile(index, record, index, "a")
        thread.join()
        assert isinstance(found[0], ObjectDoomed) and not found[0].finished

    def test_two_that_meet_a_repository_for_the_first_time(self, index, monkeypatch):
        assert index.last_push_id() == 0
        both, insertion = threading.Barrier(2), recording._insert_or_ignore

        def insert(connection):
            # Neither has found the row; SQLite lets no two come here.
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.4)
            return insertion(connection)

        monkeypatch.setattr(recording, "_insert_or_ignore", insert)
        ids = in_threads(2, lambda number: record(index, "b%d" % number))
        assert ids_of(index.pushes()) == sorted(ids, reverse=True)


class MigrationContract:
    def test_from_nothing_and_again(self, make_url):
        database = database_at(make_url())
        assert migrations.migrate(database) == (0, VERSION)
        assert migrations.migrate(database) == (VERSION, VERSION)
        migrations.check(database)
        record(TryIndex(database, digest()), "b")
        database.close()

    def test_two_processes_at_once(self, make_url, tmp_path):
        url, go = make_url(), tmp_path / "go"
        processes = [start("migrate", url, go) for _ in range(3)]
        go.touch()
        versions = {out.strip() for out in outputs(processes)}
        # Each runs what the others have not.
        assert "0 %d" % VERSION in versions
        assert versions <= {"%d %d" % (n, VERSION) for n in range(VERSION + 1)}
        database = database_at(url)
        rows = database.read(
            lambda connection: connection.execute(select(tables.SCHEMA)).all()
        )
        assert rows == [(VERSION,)]
        database.close()

    def test_two_threads_at_once(self, make_url):
        for _ in range(2):
            url = make_url()
            databases = [database_at(url) for _ in range(3)]
            barrier = threading.Barrier(3)

            def work(number, databases=databases, barrier=barrier):
                barrier.wait()
                return migrations.migrate(databases[number])[1]

            assert in_threads(3, work) == [VERSION] * 3
            for database in databases:
                database.close()

    def test_one_that_was_broken_off(self, make_url):
        database = database_at(make_url())
        migrations.migrate(database)

        def undo(connection):
            tables.DOOMED.drop(connection)
            (index,) = [
                index for index in tables.PUSHES.indexes if "pushed" in index.name
            ]
            index.drop(connection)
            connection.execute(tables.SCHEMA.delete())

        database.transact(undo, writes=True)
        assert migrations.migrate(database) == (0, VERSION)

        def names(connection):
            indexes = inspect(connection).get_indexes("s3_pushes")
            return {index["name"] for index in indexes}

        assert "s3_pushes_pushed" in database.read(names)
        TryIndex(database, digest()).doom(sha256("x"))
        database.close()

    def test_one_that_a_newer_program_has_changed(self, make_url):
        database = database_at(make_url())
        migrations.migrate(database)
        index = TryIndex(database, digest())
        set_version(database, VERSION + 7)
        for use in (index.bookmarks, lambda: migrations.migrate(database)):
            with pytest.raises(SchemaTooNew) as caught:
                use()
            assert (caught.value.found, caught.value.wanted) == (VERSION + 7, VERSION)
        set_version(database, VERSION)
        assert index.bookmarks() == {}
        database.close()
