"""How a log of pushes comes to be: migrations and imports, as tests.

A test class inherits one of these; its module has a fixture ``make_url``.
"""

import dataclasses

import pytest
from logsamples import DETAILS, logged, names_of, new_push
from sqlalchemy import inspect, select, text
from trydata import VERSION, database_at, digest, node, record, set_version

from hgs3.database import migrations, tables
from hgs3.database.logimport import ForeignPush, Imported, import_pushes
from hgs3.database.pushlog import PushLog
from hgs3.database.records import GONE, LoggedChangeset
from hgs3.database.tryindex import TryIndex


class LogImportContract:
    """Logs of other programs."""

    def take(self, database, repository, *pushes):
        def read(nodes):
            return [LoggedChangeset(each, GONE, DETAILS) for each in nodes]

        return database.write(
            lambda connection: import_pushes(connection, repository, pushes, read)
        )

    def foreign(self, push_id, *names, username="eve"):
        return ForeignPush(push_id, username, 10 * push_id, list(map(node, names)))

    def test_ids_are_kept_and_the_next_are_greater(self, make_url):
        database = database_at(make_url())
        migrations.migrate(database)
        log = PushLog(database, digest())
        pushes = [self.foreign(3, "a", "b"), self.foreign(70), self.foreign(90, "c")]
        assert self.take(database, log.digest, *pushes) == Imported(3, True)
        found = log.pushes(with_details=True)
        assert [push.id for push in found] == [3, 70, 90]
        assert [push.tip for push in found] == [node("b"), "", node("c")]
        assert [push.pushed for push in found] == [30, 700, 900]
        assert found[0].changesets == tuple(
            logged("a", "b", details=DETAILS, state=GONE)
        )
        assert log.record(new_push("d"))[0] > 90
        # Again: nothing; with another one, that one.
        assert self.take(database, log.digest, *pushes).pushes == 0
        pushes.append(self.foreign(91, "e"))
        assert self.take(database, log.digest, *pushes) == Imported(1, False)
        assert log.count() == 5 and len(names_of(log.pushes(), "abcde")) == 5
        # Another repository has no use for ids that are taken.
        other = PushLog(database, digest())
        assert self.take(database, other.digest, *pushes) == Imported(4, False)
        assert [push.id for push in other.pushes()] > [log.last_push_id()]
        database.close()

    def test_whole_or_nothing(self, make_url):
        database = database_at(make_url())
        migrations.migrate(database)
        log = PushLog(database, digest())
        pushes = [self.foreign(number, "n%d" % number) for number in range(1, 450)]
        broken = dataclasses.replace(pushes[-1], nodes=[None])
        with pytest.raises(Exception):  # noqa: B017 - that of any driver
            self.take(database, log.digest, *pushes[:-1], broken)
        assert log.count() == 0
        assert self.take(database, log.digest, *pushes) == Imported(449, True)
        database.close()


class LogMigrationContract:
    def at_version_1(self, url):
        database = database_at(url)
        for run in (
            lambda connection: tables.SCHEMA.create(connection, checkfirst=True),
            migrations.MIGRATIONS[0],
            lambda connection: connection.execute(
                tables.SCHEMA.insert(), {"version": 1}
            ),
        ):
            database.transact(run, writes=True)
        return database

    def schema(self, database):
        def look(connection):
            found = inspect(connection)
            columns = {
                each["name"]: each["nullable"]
                for each in found.get_columns("s3_pushes")
            }
            indexes = {each["name"] for each in found.get_indexes("s3_pushes")}
            return set(found.get_table_names()), columns, indexes

        return database.transact(look, writes=False)

    def test_version_1_is_what_it_was(self, make_url):
        database = self.at_version_1(make_url())
        names, columns, indexes = self.schema(database)
        assert "s3_log_changesets" not in names and columns["bundle_id"] is False
        assert "s3_pushes_username" not in indexes
        assert {"s3_pushes_pushed", "s3_pushes_repository"} <= indexes
        database.close()

    def test_what_was_pushed_stays(self, make_url):
        url = make_url()
        database = self.at_version_1(url)
        database._schema_is_right = True
        index = TryIndex(database, digest())
        ids = [record(index, "b%d" % number, pushed=number) for number in range(5)]
        with database._get_engine().begin() as connection:
            # Expired, and the newest: nobody may get its id again.
            connection.execute(text("DELETE FROM s3_pushes WHERE id = %d" % ids[-1]))
        pushes = list(index.pushes())
        database._schema_is_right = False
        assert migrations.migrate(database) == (1, VERSION)
        assert list(index.pushes()) == pushes and len(pushes) == 4
        names, columns, indexes = self.schema(database)
        assert "s3_log_changesets" in names and columns["bundle_id"] is True
        wanted = {"s3_pushes_pushed", "s3_pushes_repository", "s3_pushes_bundle"}
        assert wanted | {"s3_pushes_username"} <= indexes
        log = PushLog(database, index._digest)
        assert log.record(new_push("a"))[0] > ids[-1]
        assert record(index, "c") == log.last_push_id()
        database.close()

    def test_with_nothing_in_it_and_again(self, make_url):
        database = self.at_version_1(make_url())
        assert migrations.migrate(database) == (1, VERSION)
        log = PushLog(database, digest())
        log.record(new_push("a"))
        # As after a process that was killed before it could say that it was done.
        set_version(database, 1)
        assert migrations.migrate(database) == (1, VERSION)
        log.record(new_push("b"))
        assert names_of(log.pushes(), "ab") == ["a", "b"]
        rows = database.read(
            lambda connection: connection.execute(select(tables.SCHEMA)).all()
        )
        assert rows == [(VERSION,)]
        database.close()
