"""Pushes to record, and who records them.

    python trydata.py push URL DIGEST NAME COUNT
    python trydata.py migrate URL GO_FILE

The first records pushes NAME/0 to NAME/COUNT-1 and prints their ids, the second
migrates as soon as there is a file.
"""

import dataclasses
import hashlib
import os
import pathlib
import subprocess
import sys
import time

from sqlalchemy import update

from hgs3.database import migrations, recording, tables
from hgs3.database.engine import Database, open_database
from hgs3.database.records import Bundle, Changeset, NewBundle
from hgs3.database.tryindex import TryIndex

VERSION = len(migrations.MIGRATIONS)
ROOT = pathlib.Path(__file__).resolve().parents[2]


def node(name):
    """40 digits that stand for a changeset's name."""
    return hashlib.sha1(name.encode()).hexdigest()


def manifest(name):
    return node("manifest of " + name)


def sha256(name):
    return hashlib.sha256(name.encode()).hexdigest()


def digest():
    """That of a repository that no other test has."""
    return os.urandom(16).hex()


def token():
    return os.urandom(16).hex()


def new_bundle(name, **values):
    return dataclasses.replace(
        NewBundle(
            sha256=sha256(name),
            format="HG10",
            size_bytes=5_000_000_000,
            object_bytes=123,
            sha1=node("object " + name),
            sha512=hashlib.sha512(name.encode()).hexdigest(),
        ),
        **values,
    )


def changesets(*names, public=()):
    """A line of changesets; those in ``public`` were called so."""
    return [
        Changeset(
            node(name),
            manifest(name),
            position == 0,
            position == len(names) - 1,
            name in public,
        )
        for position, name in enumerate(names)
    ]


def record(index, name, *names, pushed=1000, public=(), **values):
    """Record a push of bundle ``name`` with these changesets, or one named like it."""
    names = names or (name,)
    values.setdefault("token", token())
    return index.record_push(
        new_bundle(name),
        changesets(*names, public=public),
        username=values.pop("username", "alice"),
        pushed=pushed,
        tip=node(names[-1]),
        **values,
    )


def move(index, *moves, pushed=1000):
    """Move bookmarks only."""
    return index.record_push(None, (), token(), "alice", pushed, "", bookmarks=moves)


def bundle(bundle_id, name, count=1, created=1000):
    """What is to be read of a bundle."""
    values = dataclasses.asdict(new_bundle(name))
    return Bundle(id=bundle_id, changesets=count, created=created, **values)


def ids_of(pushes):
    return [push.id for push in pushes]


def database_at(url, **clocks):
    """A Database of the caller's own, as another process would have."""
    return Database(open_database(url).backend, **clocks)


def url_of(database):
    """The URL of a Database, with its password."""
    if database.backend.name == "sqlite":
        return "sqlite:" + database.backend.path
    return database.backend.url.render_as_string(hide_password=False)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def push_record(name):
    """What TryIndex.record_push makes of its arguments."""
    return recording.PushRecord(
        new_bundle(name), changesets(name), token(), "alice", 1000, node(name), (), None
    )


def set_version(database, version):
    """Say that the tables are of that version."""
    database.transact(
        lambda connection: connection.execute(
            update(tables.SCHEMA).values(version=version)
        ),
        writes=True,
    )


def start(*arguments):
    """This file as a process; its output is to be read, and it to be waited for."""
    return subprocess.Popen(
        [sys.executable, __file__] + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )


def outputs(processes):
    """What they print; all are waited for, and stopped when one fails."""
    try:
        results = [process.communicate(timeout=60) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    for process, (_out, err) in zip(processes, results):
        assert process.returncode == 0, err.decode()
    return [out.decode() for out, _err in results]


def main(action, url, *arguments):
    database = open_database(url)
    if action == "push":
        repository, name, count = arguments
        index = TryIndex(database, repository)
        for number in range(int(count)):
            print(record(index, "%s/%d" % (name, number)))
    else:
        while not os.path.exists(arguments[0]):
            time.sleep(0.001)
        print(*migrations.migrate(database))


if __name__ == "__main__":
    main(*sys.argv[1:])
