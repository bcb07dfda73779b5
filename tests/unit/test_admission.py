"""How often a key was asked for: by the threads and processes of a host."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from herds import in_threads
from stores import PATIENCE_SECONDS

from hgs3.cache import admission
from hgs3.cache.admission import Occurrences

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["alone", "on a host"])
def path(request, tmp_path):
    return None if request.param == "alone" else str(tmp_path / "asks" / "file")


@pytest.fixture
def said():
    return []


@pytest.fixture
def asks(path, clock, said):
    yield Occurrences(path, said.append, 3600, clock)
    assert said == []


def test_each_ask_is_told_of_those_before_it(asks):
    assert [asks.count("key") for _ in range(3)] == [0, 1, 2]
    assert [asks.seen("key"), asks.seen("key"), asks.count("other")] == [3, 3, 0]
    assert asks.seen("never") == 0
    assert asks.count("\N{SNOWMAN}\udc80") == 0
    assert asks.count("\N{SNOWMAN}\udc80") == 1


def test_what_is_older_than_the_window_does_not_count(asks, clock):
    asks.count("key")
    clock.now += 1800
    assert asks.count("key") == 1
    clock.now += 1799
    assert asks.seen("key") == 2
    clock.now += 1
    assert asks.count("key") == 1
    clock.now += 10_000
    assert asks.count("key") == 0


def test_threads_count_together(asks):
    counts = in_threads(10, lambda _n: [asks.count("key") for _ in range(10)])
    assert sorted(sum(counts, [])) == list(range(100))


def test_the_file_and_its_folder_are_made(tmp_path, clock, said):
    path = tmp_path / "new" / "file"
    Occurrences(str(path), said.append, 3600, clock).count("key")
    assert path.exists() and path.parent.stat().st_mode & 0o777 == 0o700
    assert Occurrences(str(path), said.append, 3600, clock).count("key") == 1


COUNTING = """
import sys
from hgs3.cache.admission import Occurrences
asks = Occurrences(sys.argv[1], print)
print(*[asks.count("key") for _ in range(25)])
"""


def test_processes_count_together(tmp_path):
    path = str(tmp_path / "file")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING.replace("print)", "print, 1e9)"), path],
            stdout=subprocess.PIPE,
            env=dict(os.environ, PYTHONPATH=ROOT),
        )
        for _ in range(4)
    ]
    counts = []
    for process in processes:
        counts += process.communicate(timeout=PATIENCE_SECONDS)[0].split()
    assert len(counts) == 100
    # A lock that is not had in time costs a count, on a machine that is slow.
    asks = Occurrences(path, pytest.fail, 1e9)
    assert max(map(int, counts)) == asks.seen("key") - 1
    assert sorted(map(int, counts)) == list(range(100)) or asks.seen("key") < 100


def test_a_killed_process_takes_nothing_with_it(tmp_path, said):
    path = str(tmp_path / "file")
    endless = COUNTING.replace("range(25)", "iter(int, 1)").replace(
        "asks.count", 'print("", flush=True) or asks.count'
    )
    process = subprocess.Popen(
        [sys.executable, "-c", endless, path],
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=ROOT),
    )
    for _ in range(200):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    asks = Occurrences(path, said.append)
    before = asks.count("key")
    assert before >= 199 - 5 and asks.count("key") == before + 1 and said == []


def test_no_descriptor_is_kept(tmp_path, said, clock):
    """A server of a thousand repositories has a thousand of these."""
    before = len(os.listdir("/dev/fd"))
    kept = []
    for number in range(20):
        kept.append(Occurrences(str(tmp_path / str(number)), said.append, 3600, clock))
        kept[-1].count("key")
    assert len(os.listdir("/dev/fd")) == before and said == []


def test_a_forked_child_counts_along(tmp_path, said, clock):
    asks = Occurrences(str(tmp_path / "file"), said.append, 3600, clock)
    asks.count("key")
    asks._lock.acquire()  # another thread may hold it just then
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = 0 if asks.count("key") == 1 else 2
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    asks._lock.release()
    assert asks.count("key") == 2 and said == []


class TestFaults:
    def alone(self, path, said, clock):
        """Counts in memory, and says so once."""
        asks = Occurrences(str(path), said.append, 3600, clock)
        assert [asks.count("key") for _ in range(3)] == [0, 1, 2]
        clock.now += 100  # it is tried again, and not talked about again
        assert asks.count("key") == 3
        (line,) = said
        assert line.startswith("cannot use %s, counting in each process" % path)
        return asks

    def test_no_database(self, tmp_path, said, clock):
        path = tmp_path / "file"
        path.write_bytes(b"this is no database" * 1000)
        self.alone(path, said, clock)
        assert path.read_bytes().startswith(b"this is no")

    def test_a_database_that_was_damaged(self, tmp_path, said, clock):
        path = tmp_path / "file"
        before = Occurrences(str(path), said.append, 3600, clock)
        for number in range(300):
            before.count("key%d" % number)
        size = path.stat().st_size
        with open(str(path), "r+b") as file:
            file.seek(100)
            file.write(b"\xa5" * (size - 100))
        self.alone(path, said, clock)

    def test_another_table(self, tmp_path, said, clock):
        path = tmp_path / "file"
        with sqlite3.connect(str(path)) as connection:
            connection.execute("CREATE TABLE asks (other)")
        self.alone(path, said, clock)

    def test_a_file_instead_of_the_folder(self, tmp_path, said, clock):
        (tmp_path / "folder").write_text("")
        self.alone(tmp_path / "folder" / "file", said, clock)

    def test_a_folder_instead_of_the_file(self, tmp_path, said, clock):
        self.alone(tmp_path, said, clock)

    def test_a_full_disk(self, tmp_path, said, clock, monkeypatch):
        path = tmp_path / "file"
        real_open = admission._open

        def small(path):
            connection = real_open(path)
            connection.execute("PRAGMA max_page_count = 1")
            return connection

        monkeypatch.setattr(admission, "_open", small)
        asks = Occurrences(str(path), said.append, 3600, clock)
        for number in range(2000):
            assert asks.count("key%d" % number) == 0
            if said:
                break
        assert "full" in said[0]
        assert asks.count("key%d" % number) == 1

    def test_no_sqlite(self, tmp_path, said, clock, monkeypatch):
        monkeypatch.setattr(admission, "sqlite3", None)
        self.alone(tmp_path / "file", said, clock)

    def test_it_is_used_again_when_it_can_be(self, tmp_path, said, clock):
        path = tmp_path / "folder" / "file"
        path.parent.write_text("")
        asks = self.alone(path, said, clock)
        path.parent.unlink()
        clock.now += 61
        asks.count("key")
        assert Occurrences(str(path), said.append, 3600, clock).seen("key") == 1

    def test_one_that_is_locked_for_long(self, tmp_path, said, clock, monkeypatch):
        """Not a fault of the file, so nothing is said."""
        monkeypatch.setattr(admission, "BUSY_SECONDS", 0.01)
        asks = Occurrences(str(tmp_path / "file"), said.append, 3600, clock)
        asks.count("key")
        other = sqlite3.connect(str(tmp_path / "file"), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert [asks.count("key"), asks.count("key"), asks.seen("key")] == [0, 1, 2]
        other.execute("ROLLBACK")
        other.close()
        assert asks.seen("key") == 1 and said == []

    def test_a_thread_that_hangs_holds_up_nobody(self, tmp_path, said, clock):
        asks = Occurrences(str(tmp_path / "file"), said.append, 3600, clock)
        asks.count("key")
        with asks._lock:
            assert asks.count("key") == 0


def test_the_file_is_bounded(tmp_path, said, clock, monkeypatch):
    monkeypatch.setattr(admission, "SWEEP_EVERY", 10)
    monkeypatch.setattr(admission, "MAX_FILE_ASKS", 50)
    asks = Occurrences(str(tmp_path / "file"), said.append, 3600, clock)

    def rows():
        connection = sqlite3.connect(str(tmp_path / "file"))
        with contextlib.closing(connection):
            return connection.execute("SELECT count(*) FROM asks").fetchone()[0]

    for number in range(200):
        asks.count("key%d" % number)
        assert rows() <= 60
    assert asks.seen("key199") == 1 and asks.seen("key100") == 0
    clock.now += 3601
    for number in range(10):
        asks.count("new%d" % number)
    assert rows() <= 10 and said == []


def test_memory_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(admission, "MAX_MEMORY_ASKS", 50)
    asks = Occurrences(None, pytest.fail, 3600, clock)
    for number in range(200):
        asks.count("key%d" % number)
        asks.seen("nothing%d" % number)
    assert len(asks._memory._asks) == 50 == len(asks._memory._of_key)
    assert asks.seen("key199") == 1 and asks.seen("key100") == 0
    clock.now += 3601
    assert asks.count("key199") == 0
    assert len(asks._memory._asks) == 1 == len(asks._memory._of_key)
