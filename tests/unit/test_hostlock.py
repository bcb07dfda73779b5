"""The lock files of a host, at the moments that come seldom."""

import gc
import os

import pytest

from hgs3.cache import hostlock
from hgs3.cache.hostlock import Following, Leadership, LockFile, LockFolder

NAME = "0f" * 20


@pytest.fixture
def folder(tmp_path):
    gc.collect()  # what earlier tests forgot
    yield LockFolder(str(tmp_path))
    for file in list(hostlock._open_files):
        file.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / (NAME + ".lock")


def test_one_leads_and_the_others_follow(folder, path):
    leader = folder.enter(NAME)
    assert isinstance(leader, Leadership)
    followers = [folder.enter(NAME) for _ in range(3)]
    for follower in followers:
        assert isinstance(follower, Following)
        assert follower.look().leads
    leader.finish("stored")
    leader.finish("failed")
    for follower in followers:
        news = follower.look()
        assert (news.leads, news.record["outcome"]) == (False, "stored")
    assert not path.exists()


def test_a_file_that_was_removed_before_it_was_locked(folder, path, monkeypatch):
    """Its leader is done, and whoever comes next sees another file."""
    leader = folder.enter(NAME)
    lock = LockFile.lock

    def late(self, how):
        monkeypatch.undo()
        leader.finish("stored")
        return lock(self, how)

    monkeypatch.setattr(LockFile, "lock", late)
    successor = folder.enter(NAME)
    assert isinstance(successor, Leadership)
    assert path.exists()
    assert isinstance(folder.enter(NAME), Following)


def test_a_follower_that_looks_is_no_leader(folder, path, monkeypatch):
    folder.enter(NAME)._file.close()
    looking = LockFile(str(path))
    assert looking.lock(hostlock.fcntl.LOCK_SH)
    naps = []

    def nap(seconds):
        assert 0 <= seconds < 0.1
        naps.append(seconds)
        if len(naps) == 3:
            looking.close()

    monkeypatch.setattr(hostlock.time, "sleep", nap)
    assert isinstance(folder.enter(NAME), Leadership)
    assert len(naps) == 3


def test_one_that_looks_for_ever_is_a_fault(folder, path, monkeypatch):
    folder.enter(NAME)._file.close()
    looking = LockFile(str(path))
    looking.lock(hostlock.fcntl.LOCK_SH)
    monkeypatch.setattr(hostlock.time, "sleep", lambda seconds: None)
    with pytest.raises(OSError, match="changes hands"):
        folder.enter(NAME)
    assert list(hostlock._open_files) == [looking]


def test_the_successor_of_a_killed_leader_is_another(folder, path):
    killed = folder.enter(NAME)
    follower = folder.enter(NAME)
    assert follower.look().leads
    killed._file.close()
    successor = folder.enter(NAME)
    assert isinstance(successor, Leadership)
    news = follower.look()
    assert (news.leads, news.record) == (False, {})
    # Nor is its spool opened for those who followed the former.
    with open(os.devnull) as spool:
        successor.publish(spool.fileno())
        late = folder.enter(NAME)
        record = late.look().record
        assert follower.open_spool(record) is None
        descriptor = late.open_spool(record)
        assert os.path.samestat(os.fstat(descriptor), os.fstat(spool.fileno()))
        os.close(descriptor)


def test_a_spool_that_is_another_file_by_now(folder, tmp_path):
    leader, follower = folder.enter(NAME), folder.enter(NAME)
    with open(str(tmp_path / "one"), "w") as spool:
        number = spool.fileno()
        leader.publish(number)
        record = follower.look().record
    with open(str(tmp_path / "two"), "w") as another:
        os.dup2(another.fileno(), number)
        assert follower.open_spool(record) is None
        if number != another.fileno():
            os.close(number)


def test_a_record_that_is_being_written_is_not_believed(folder, path):
    file = LockFile(str(path))
    assert file.read() == {}
    file.write({"token": "1234", "pid": 5})
    assert file.read() == {"token": "1234", "pid": 5}
    size = path.stat().st_size
    data = path.read_bytes().replace(b"5", b"6")
    path.write_bytes(data)
    assert file.read() == {}
    # As large as any later one: a disk that is full by then does no harm.
    file.write({"token": "1234", "pid": 5, "outcome": "x" * 100})
    assert path.stat().st_size == size


def test_a_closed_file_can_neither_be_written_nor_locked(folder, path):
    leader = folder.enter(NAME)
    leader._file.close()
    with open(os.devnull) as spool:
        with pytest.raises(OSError):
            leader.publish(spool.fileno())
    leader._file.close()


def test_a_child_removes_nothing_of_its_parents(folder, path):
    leader = folder.enter(NAME)
    pid = os.fork()
    if not pid:
        code = 1
        try:
            leader.finish("stored")
            code = 0 if path.exists() and not hostlock._open_files else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert isinstance(folder.enter(NAME), Following)
    leader.finish("stored")
    assert not path.exists()


def test_a_forgotten_file_is_closed(folder, path):
    folder.enter(NAME)
    gc.collect()
    assert not hostlock._open_files
    assert isinstance(folder.enter(NAME), Leadership)


def test_a_system_without_flock(folder, path, monkeypatch):
    monkeypatch.setattr(hostlock, "fcntl", None)
    with pytest.raises(OSError, match="no flock"):
        folder.enter(NAME)
