"""One leader a key among the processes of a host, some of which are killed."""

import gc
import os
import signal
import time

import pytest
from herds import KEY, Process, coalescer, compute, in_threads, soon

from hgs3.cache import hostlock
from hgs3.cache.coalesce import LeaderFailed, Outcome
from hgs3.cache.spool import DISK_BUFFER_BYTES, Spool

#: Of 8 bytes each: more than any buffer holds.
MANY = DISK_BUFFER_BYTES // 2


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def other(folder):
    with Process(folder) as process:
        yield process


def past():
    return time.monotonic() - 1


@pytest.mark.parametrize("outcome", ["stored", "complete", "failed"])
def test_a_follower_elsewhere_gets_the_outcome(folder, other, outcome):
    pool = coalescer(folder)
    leader = pool.enter(KEY)
    assert leader.leads
    assert other.ask("enter") == "follows"
    other.tell("wait")
    leader.finish(Outcome(outcome))
    assert other.answer() == outcome
    assert os.listdir(str(folder)) == []
    assert other.ask("leave") == "left"
    assert other.ask("enter") == "leads"
    follower = pool.enter(KEY)
    assert follower.wait(past()) is Outcome.TIMEOUT
    assert other.ask("finish", outcome) == "finished"
    assert follower.wait(soon()) is Outcome(outcome)
    follower.leave()
    assert pool._rounds == {}


def test_four_processes_of_ten_threads_compute_once(folder):
    processes = [Process(folder) for _ in range(4)]
    try:
        for process in processes:
            process.tell("herd", 10)
        answers = ",".join(process.answer() for process in processes)
    finally:
        for process in processes:
            process.kill()
    assert sorted(answers.split(",")) == ["computed"] + ["hit"] * 39
    assert (folder / "computed").read_text().count("\n") == 1
    assert not [name for name in os.listdir(str(folder)) if name.endswith(".lock")]


def test_of_the_followers_of_a_killed_leader_exactly_one_leads(folder):
    processes = [Process(folder) for _ in range(4)]
    try:
        victim, *followers = processes
        assert victim.ask("enter") == "leads"
        for process in followers:
            process.tell("next_leader", 7)
        for process in followers:
            assert [process.answer() for _ in range(7)] == ["waits"] * 7
        victim.kill()
        answers = ",".join(process.answer() for process in followers).split(",")
    finally:
        for process in processes:
            process.kill()
    assert sorted(answers) == ["led"] + ["stored"] * 20
    assert os.listdir(str(folder)) == ["stored"]


def test_what_a_killed_leader_left_is_used_again(folder, other):
    assert other.ask("enter") == "leads"
    other.kill()
    (name,) = os.listdir(str(folder))
    turn = coalescer(folder).enter(KEY)
    assert turn.leads and os.listdir(str(folder)) == [name]
    turn.finish(Outcome.STORED)
    assert os.listdir(str(folder)) == []


def test_what_a_killed_leader_left_is_swept(folder, other):
    for number in range(3):
        assert other.ask("enter", "key%d" % number) == "leads"
    with Process(folder) as alive:
        assert alive.ask("enter", "of-the-living") == "leads"
        other.kill()
        (folder / "not-ours.lock").write_text("")
        (folder / "occurrences.sqlite").write_text("")
        assert len(os.listdir(str(folder))) == 6
        pool = coalescer(folder)
        pool.enter(KEY).finish(Outcome.STORED)
        assert len(os.listdir(str(folder))) == 3
        follower = pool.enter("of-the-living")
        assert not follower.leads
        follower.leave()


def test_the_folder_is_made_for_its_owner_only(tmp_path):
    coalescer(tmp_path / "new").enter(KEY).finish(Outcome.STORED)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


class TestReadingElsewhere:
    def test_while_it_is_written(self, folder, other):
        pool = coalescer(folder)
        leader = pool.enter(KEY)
        spool = Spool(memory_bytes=100)
        leader.offer(spool)
        assert other.ask("enter") == "follows"
        other.tell("readable")
        pieces = [b"%07d\n" % number for number in range(MANY)]
        for piece in pieces[: MANY // 2]:
            spool.write(piece)
        assert other.answer() == "readable"
        other.tell("read")
        for piece in pieces[MANY // 2 :]:
            spool.write(piece)
        spool.complete()
        assert other.answer() == "%d lines" % MANY
        leader.finish(Outcome.STORED)
        spool.close()
        assert other.ask("wait") == "stored"
        # Still, for one that has it open.
        assert other.ask("read") == "%d lines" % MANY

    def test_every_byte_is_the_same(self, folder, other):
        assert other.ask("enter") == "leads"
        assert other.ask("offer", 100) == "offered"
        pool = coalescer(folder)
        turns = [pool.enter(KEY) for _ in range(3)]
        other.tell("write", MANY)
        assert turns[0].wait_readable(soon()) is Outcome.READABLE
        chunks = [turn.read() for turn in turns]
        start = [next(each) for each in chunks]
        assert other.answer() == "written"
        assert other.ask("complete") == "complete"
        expected = b"".join(b"%07d\n" % number for number in range(MANY))
        # One file is open for all of them.
        assert len({turn._round._descriptor for turn in turns}) == 1
        for first, rest in zip(start, chunks):
            assert first + b"".join(rest) == expected
        other.ask("finish", "complete")
        assert [turn.wait(soon()) for turn in turns] == [Outcome.COMPLETE] * 3
        # Its process has closed it; who followed has it.
        assert b"".join(turns[0].read()) == expected
        before = len(os.listdir("/proc/self/fd"))
        for turn in turns:
            turn.leave()
        assert len(os.listdir("/proc/self/fd")) == before - 2
        assert turns[0].read() is None

    def test_what_is_in_memory_cannot_be_read(self, folder, other):
        assert other.ask("enter") == "leads"
        assert other.ask("offer", 1_000_000) == "offered"
        assert other.ask("write", 10) == "written"
        follower = coalescer(folder).enter(KEY)
        assert follower.wait_readable(time.monotonic() + 0.1) is Outcome.TIMEOUT
        assert follower.read() is None
        other.ask("complete")
        other.ask("finish", "complete")
        assert follower.wait(soon()) is Outcome.COMPLETE
        assert follower.read() is None
        follower.leave()

    @pytest.mark.parametrize("place", ["", "another container"])
    def test_of_another_container(self, folder, other, monkeypatch, place):
        monkeypatch.setattr(hostlock, "_place", place)
        assert other.ask("enter") == "leads"
        other.ask("offer", 10)
        other.ask("write", MANY)
        follower = coalescer(folder).enter(KEY)
        assert follower.wait_readable(time.monotonic() + 0.2) is Outcome.TIMEOUT
        other.ask("complete")
        other.ask("finish", "stored")
        assert follower.wait_readable(soon()) is Outcome.STORED
        follower.leave()

    def test_a_leader_that_is_killed_half_way(self, folder, other):
        assert other.ask("enter") == "leads"
        other.ask("offer", 10)
        other.ask("write", MANY)
        pool = coalescer(folder)
        reader, waiter = pool.enter(KEY), pool.enter(KEY)
        assert reader.wait_readable(soon()) is Outcome.READABLE
        chunks = reader.read()
        next(chunks)
        other.kill()
        with pytest.raises(LeaderFailed, match="ended before"):
            for _chunk in chunks:
                pass
        assert waiter.wait(soon()) is Outcome.FAILED
        assert waiter.read() is None
        successor = pool.enter(KEY)
        assert successor.leads
        successor.finish(Outcome.STORED)
        reader.leave()
        waiter.leave()

    def test_a_leader_that_is_killed_after_its_last_byte(self, folder, other):
        """While it uploads, say."""
        assert other.ask("enter") == "leads"
        other.ask("offer", 10)
        other.ask("write", MANY)
        follower = coalescer(folder).enter(KEY)
        assert follower.wait_readable(soon()) is Outcome.READABLE
        other.ask("complete")
        while follower._round._complete_bytes is None:
            follower.wait(time.monotonic() + 0.01)
        other.kill()
        assert follower.wait(soon()) is Outcome.FAILED
        assert b"".join(follower.read()).count(b"\n") == MANY
        follower.leave()

    def test_one_that_says_nothing_for_long(self, folder, other):
        assert other.ask("enter") == "leads"
        other.ask("offer", 10)
        other.ask("write", MANY)
        follower = coalescer(folder, silence_seconds=0.1).enter(KEY)
        follower.wait_readable(soon())
        with pytest.raises(LeaderFailed, match="nothing for"):
            for _chunk in follower.read():
                pass
        follower.leave()

    def test_never_another_spool_with_the_same_number(self, folder, monkeypatch):
        """Descriptors and inodes are used again at once: between a follower's
        look at the record and its look at the file, the leader may be done and
        lead for another key."""
        pool, elsewhere = coalescer(folder), coalescer(folder)
        leader, follower = pool.enter(KEY), elsewhere.enter(KEY)
        spool = Spool(memory_bytes=0)
        leader.offer(spool)
        spool.write(b"x" * DISK_BUFFER_BYTES * 2)
        real_open = os.open

        def slow_open(path, *args, **options):
            descriptor = real_open(path, *args, **options)
            if str(path).startswith("/proc/"):
                spool.complete()
                leader.finish(Outcome.COMPLETE)
            return descriptor

        monkeypatch.setattr(os, "open", slow_open)
        assert follower.wait_readable(soon()) is Outcome.COMPLETE
        # It may be the right one. Nobody could tell.
        assert follower.read() is None
        follower.leave()
        spool.close()


class TestForks:
    def test_a_child_keeps_no_lock_when_its_parent_is_killed(self, folder, other):
        assert other.ask("enter") == "leads"
        other.ask("offer", 10)
        child = int(other.ask("fork"))
        try:
            follower = coalescer(folder).enter(KEY)
            assert not follower.leads
            other.kill()
            os.kill(child, 0)  # it lives
            assert follower.wait(soon()) is Outcome.FAILED
            follower.leave()
        finally:
            os.kill(child, signal.SIGKILL)

    def test_a_child_releases_nothing_of_its_parents(self, folder):
        pool = coalescer(folder)
        leader, follower = pool.enter(KEY), pool.enter(KEY)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                # What it inherited is of no use, and does no harm.
                leader.finish(Outcome.STORED)
                follower.leave()
                mine = pool.enter(KEY)
                code = (
                    0 if not mine.leads and not hostlock._files_lock._is_owned() else 2
                )
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
        assert follower.wait(past()) is Outcome.TIMEOUT
        assert not coalescer(folder).enter(KEY).leads
        leader.finish(Outcome.COMPLETE)
        assert follower.wait(soon()) is Outcome.COMPLETE
        follower.leave()
        assert os.listdir(str(folder)) == []


def test_who_stops_following_leaves_nothing(folder, other):
    assert other.ask("enter") == "leads"
    gc.collect()
    before = len(hostlock._open_files)
    pool = coalescer(folder)
    turns = [pool.enter(KEY) for _ in range(3)]
    for turn in turns:
        assert turn.wait(past()) is Outcome.TIMEOUT
    assert len(hostlock._open_files) == before + 1
    for turn in turns:
        turn.leave()
    assert pool._rounds == {} and len(hostlock._open_files) == before
    # It still leads.
    assert not pool.enter(KEY).leads


def test_two_hosts_share_nothing_but_the_store(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    pools = [coalescer(tmp_path / name / "locks") for name in ("one", "two")]
    assert [compute(tmp_path / "one", pool) for pool in pools] == ["computed", "hit"]
    turns = [pool.enter(KEY) for pool in pools]
    assert [turn.leads for turn in turns] == [True, True]
    for turn in turns:
        turn.finish(Outcome.STORED)


def test_followers_cost_next_to_no_cpu(folder, other):
    """Fifty in one process: one of them looks, the others sleep."""
    poll_seconds = 0.005
    pool = coalescer(folder, poll_seconds=poll_seconds)
    assert other.ask("enter") == "leads"
    looks = []
    turns = [pool.enter(KEY) for _ in range(50)]
    look = turns[0]._round._following.look
    turns[0]._round._following.look = lambda: looks.append(1) or look()
    polls = 200

    def follow(number):
        if number == 50:
            while len(looks) < polls:
                time.sleep(0.01)
            other.ask("finish", "stored")
            return Outcome.STORED
        return turns[number].wait(soon())

    start = time.monotonic()
    assert set(in_threads(51, follow)) == {Outcome.STORED}
    elapsed = time.monotonic() - start
    # However many wait, and at most one more when the poller's turn is over.
    assert len(looks) <= elapsed / poll_seconds + 50
    for turn in turns:
        turn.leave()
