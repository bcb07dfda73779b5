"""The secret of short URLs: the same for all that answer them."""

import os
import stat
import subprocess
import sys
import threading

import pytest
from hgui import make_ui

from hgs3 import settings, urlsecret

GIVEN = "a secret of sixteen letters"


class Room:
    """The folder of a repository's caches, and what was reported."""

    def __init__(self, path):
        self.folder = str(path / "cache" / "hg-s3")
        self.file = os.path.join(self.folder, urlsecret.FILE_NAME)
        self.lines = []

    def secret(self, **items):
        loaded = settings.load(make_ui(**items))
        return urlsecret.of(loaded, self.folder, self.lines.append)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def test_a_setting_gives_the_same_everywhere(room, tmp_path):
    secret = room.secret(url_secret=GIVEN)
    assert len(secret) == 32
    assert Room(tmp_path / "other").secret(url_secret=GIVEN) == secret
    assert room.secret(url_secret=GIVEN + "!") != secret
    assert GIVEN.encode() not in secret
    assert not os.path.exists(room.folder)


def test_it_follows_from_the_key_of_the_store(room):
    keys = {"access_key_id": "k", "secret_access_key": "of the store"}
    secret = room.secret(**keys)
    assert room.secret(**dict(keys, access_key_id="other")) == secret
    assert room.secret(**dict(keys, secret_access_key="another")) != secret
    # What signs one thing is not what signs another.
    assert room.secret(url_secret="of the store, 16") != room.secret(
        access_key_id="k", secret_access_key="of the store, 16"
    )
    assert room.secret(url_secret=GIVEN, **keys) == room.secret(url_secret=GIVEN)
    assert not os.path.exists(room.folder)


def test_without_either_it_is_kept_in_a_file(room):
    secret = room.secret()
    assert len(secret) == 32
    status = os.stat(room.file)
    assert stat.S_IMODE(status.st_mode) == 0o600 and status.st_nlink == 1
    assert os.listdir(room.folder) == [urlsecret.FILE_NAME]
    assert room.secret() == secret
    with open(room.file, "rb") as stream:
        assert stream.read() == secret


def test_each_repository_has_its_own(room, tmp_path):
    assert room.secret() != Room(tmp_path / "other").secret()


def test_a_store_that_is_a_folder_keeps_it(room, tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    secret = room.secret(store="file:%s" % folder)
    assert (folder / urlsecret.FILE_NAME).read_bytes() == secret
    assert not os.path.exists(room.folder)
    other = Room(tmp_path / "other")
    assert other.secret(store="file:%s" % folder) == secret


def test_a_store_that_has_vanished_is_not_made_anew(room, tmp_path):
    folder = tmp_path / "unmounted"
    assert room.secret(store="file:%s" % folder) is None
    assert not folder.exists() and len(room.lines) == 1


def test_another_file_is_another_secret(room):
    """Somebody has emptied the folder, and another process made a new one."""
    secret = room.secret()
    os.unlink(room.file)
    renewed = room.secret()
    assert renewed != secret and room.secret() == renewed
    os.unlink(room.file)
    with open(room.file, "wb") as stream:
        stream.write(b"o" * 32)
    assert room.secret() == b"o" * 32


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_file_gives_none_and_is_left_alone(room, content):
    room.secret()
    os.unlink(room.file)
    with open(room.file, "wb") as stream:
        stream.write(content)
    assert room.secret() is None
    (line,) = room.lines
    assert "url-secret" in line and room.file in line
    with open(room.file, "rb") as stream:
        assert stream.read() == content


def test_a_folder_that_cannot_be_made(room, tmp_path):
    (tmp_path / "cache").write_text("a file is in the way")
    assert room.secret() is None
    (line,) = room.lines
    assert len(line.splitlines()) == 1
    assert "set s3wireprotocache.url-secret" in line


def test_a_disk_that_cannot_link_leaves_nothing_behind(room, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "no links here", source)

    monkeypatch.setattr(os, "link", refuse)
    assert room.secret() is None
    assert os.listdir(room.folder) == [] and room.lines


def test_threads_that_come_at_once_find_the_same(room):
    barrier = threading.Barrier(8)
    found = []

    def ask():
        barrier.wait()
        found.append(room.secret())

    threads = [threading.Thread(target=ask) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and found[0]
    assert os.listdir(room.folder) == [urlsecret.FILE_NAME]


PROCESS = """
import sys
sys.path.insert(0, sys.argv[2])
from test_urlsecret import Room
import pathlib
room = Room(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(room.secret().hex(), room.lines)
"""


def test_processes_that_come_at_once_find_the_same(room, tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tmp_path), os.path.dirname(__file__)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _each in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    outputs = {process.communicate(timeout=60)[0] for process in processes}
    assert outputs == {b"%s []\n" % room.secret().hex().encode()}
