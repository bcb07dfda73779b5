"""One leader a key among the threads of one process."""

import gc
import os
import threading
import time

import pytest
from herds import (
    KEY,
    PATIENCE_SECONDS,
    coalescer,
    compute,
    in_threads,
    leader_and_follower,
    soon,
)

from hgs3.cache.coalesce import LeaderFailed, Outcome
from hgs3.cache.spool import Spool


@pytest.fixture(params=["alone", "on a host"])
def folder(request, tmp_path):
    return None if request.param == "alone" else tmp_path / "locks"


@pytest.fixture
def pool(folder):
    pool = coalescer(folder)
    yield pool
    assert pool._rounds == {}
    assert folder is None or os.listdir(str(folder)) == []


def past():
    return time.monotonic() - 1


@pytest.mark.parametrize("outcome", [Outcome.STORED, Outcome.COMPLETE, Outcome.FAILED])
def test_followers_get_the_outcome(pool, outcome):
    leader, follower = leader_and_follower(pool)
    assert follower.wait(past()) is Outcome.TIMEOUT
    assert follower.wait_readable(past()) is Outcome.TIMEOUT
    leader.finish(outcome)
    leader.finish(Outcome.FAILED)
    leader.leave()
    assert follower.wait(past()) is follower.wait_readable(past()) is outcome
    assert follower.read() is None
    follower.leave()
    follower.leave()
    assert not leader.deposed
    # The next one begins anew.
    again = pool.enter(KEY)
    assert again.leads
    again.finish(Outcome.STORED)


def test_keys_have_nothing_to_do_with_each_other(pool):
    turns = [pool.enter(key) for key in (KEY, KEY + "x", "\N{SNOWMAN}", "\udc80")]
    assert all(turn.leads for turn in turns)
    for turn in turns:
        turn.finish(Outcome.FAILED)


def test_a_leader_that_leaves_has_failed(pool):
    leader, follower = leader_and_follower(pool)
    leader.leave()
    assert follower.wait(soon()) is Outcome.FAILED
    follower.leave()


def test_a_leader_that_is_forgotten_has_failed(pool):
    leader, follower = leader_and_follower(pool)
    del leader
    gc.collect()
    assert follower.wait(soon()) is Outcome.FAILED
    follower.leave()


def test_a_sleeping_follower_is_woken(pool):
    leader, follower = leader_and_follower(pool)
    waits = threading.Event()
    clock = pool._limits.clock

    def tell():
        waits.set()
        return clock()

    pool._limits = None
    follower._round._limits = follower._round._limits._replace(clock=tell)

    def end(_number):
        waits.wait(PATIENCE_SECONDS)
        leader.finish(Outcome.STORED)

    jobs = [lambda number: follower.wait(soon()), end]
    results = in_threads(2, lambda number: jobs[number](number))
    assert results == [Outcome.STORED, None]
    follower.leave()


def test_exactly_one_of_many_leads_and_the_next_when_it_fails(pool):
    """Each leader fails, until the last asker leads: one at a time, always."""
    leading = threading.Semaphore(1)
    outcomes = []

    def ask(_number):
        while True:
            turn = pool.enter(KEY)
            if turn.leads:
                assert leading.acquire(blocking=False)
                time.sleep(0.002)
                leading.release()
                turn.finish(Outcome.FAILED)
                return "led"
            outcomes.append(turn.wait(soon()))
            turn.leave()

    assert in_threads(12, ask) == ["led"] * 12
    assert set(outcomes) == {Outcome.FAILED}


def test_a_herd_computes_once(tmp_path, folder):
    pool = coalescer(folder)
    for number in range(20):
        results = in_threads(
            8, lambda _n, number=number: compute(tmp_path, pool, "key%d" % number)
        )
        assert sorted(results) == ["computed"] + ["hit"] * 7
    assert pool._rounds == {}


class TestReading:
    def test_while_it_is_written(self, pool):
        leader, follower = leader_and_follower(pool)
        assert follower.read() is None
        spool = Spool(memory_bytes=1000)
        leader.offer(spool)
        leader.offer(Spool())  # the first one counts
        assert follower.wait_readable(past()) is Outcome.READABLE
        assert follower.wait(past()) is Outcome.TIMEOUT
        chunks = follower.read()
        body = b""
        for number in range(10):
            piece = b"%d" % number * 400
            spool.write(piece)
            while not body.endswith(piece):
                body += next(chunks)
        spool.complete()
        leader.finish(Outcome.COMPLETE)
        spool.close()
        # Also who has not begun by then.
        assert b"".join(follower.read()) == body
        assert list(chunks) == []
        assert not spool.closed
        follower.leave()
        assert spool.closed
        assert follower.read() is None

    def test_leaving_ends_it(self, pool):
        leader, follower = leader_and_follower(pool)
        spool = Spool()
        leader.offer(spool)
        spool.write(b"some")
        chunks = follower.read()
        assert next(chunks) == b"some"
        follower.leave()
        assert list(chunks) == []
        leader.finish(Outcome.FAILED)
        spool.close()
        assert spool.closed

    @pytest.mark.parametrize("how", ["fails", "closes", "is forgotten"])
    def test_a_leader_that_fails_half_way(self, pool, how):
        leader, follower = leader_and_follower(pool)
        spool = Spool()
        leader.offer(spool)
        spool.write(b"some")
        chunks = follower.read()
        assert next(chunks) == b"some"
        if how == "fails":
            leader.finish(Outcome.FAILED)
        elif how == "closes":
            spool.close()
        else:
            del leader
            gc.collect()
        with pytest.raises(LeaderFailed):
            next(chunks)
        if how == "closes":
            leader.finish(Outcome.FAILED)
        assert follower.read() is None
        follower.leave()
        spool.close()
        assert spool.closed

    def test_a_body_that_is_whole_outlives_a_failure(self, pool):
        leader, follower = leader_and_follower(pool)
        spool = Spool()
        leader.offer(spool)
        spool.write(b"all")
        spool.complete()
        leader.finish(Outcome.FAILED)
        spool.close()
        assert b"".join(follower.read()) == b"all"
        follower.leave()

    def test_a_leader_that_says_nothing_for_long(self, pool):
        leader, follower = leader_and_follower(pool)
        follower._round._limits = follower._round._limits._replace(silence=0.05)
        spool = Spool()
        leader.offer(spool)
        spool.write(b"some")
        chunks = follower.read()
        assert next(chunks) == b"some"
        with pytest.raises(LeaderFailed, match="nothing for"):
            next(chunks)
        # It only computes: others may go on waiting for it.
        assert follower.wait(past()) is Outcome.TIMEOUT
        follower.leave()
        leader.finish(Outcome.STORED)
        spool.close()


class TestDeposing:
    @pytest.fixture
    def pool(self, folder):
        self.now = 0.0
        pool = coalescer(folder, stall_seconds=10.0, clock=lambda: self.now)
        yield pool
        assert pool._rounds == {}

    def test_a_leader_whose_client_takes_nothing(self, pool):
        leader, follower = leader_and_follower(pool)
        leader.sending()
        self.now = 10.0
        assert follower.wait(self.now) is Outcome.TIMEOUT
        assert not leader.deposed
        self.now = 10.1
        assert follower.wait(1e9) is Outcome.FAILED
        assert leader.deposed and not follower.deposed
        # The host's lock goes with it.
        successor = pool.enter(KEY)
        assert successor.leads
        another = pool.enter(KEY)
        # What the deposed one says is for nobody.
        spool = Spool()
        leader.offer(spool)
        leader.sent()
        leader.finish(Outcome.STORED)
        spool.close()
        assert spool.closed and leader.deposed
        assert another.wait_readable(self.now) is Outcome.TIMEOUT
        successor.finish(Outcome.COMPLETE)
        assert another.wait(self.now) is Outcome.COMPLETE
        another.leave()
        follower.leave()

    def test_who_joins_later_deposes_it_too(self, pool):
        leader = pool.enter(KEY)
        leader.sending()
        self.now = 11.0
        follower = pool.enter(KEY)
        assert follower.wait(self.now) is Outcome.FAILED
        follower.leave()
        leader.leave()

    def test_one_that_computes_is_never_deposed(self, pool):
        leader, follower = leader_and_follower(pool)
        leader.sending()
        leader.sent()
        self.now = 1e6
        assert follower.wait(self.now) is Outcome.TIMEOUT
        leader.finish(Outcome.STORED)
        assert follower.wait(self.now) is Outcome.STORED
        follower.leave()

    def test_one_that_has_computed_all_is_not_needed_any_more(self, pool):
        leader, follower = leader_and_follower(pool)
        spool = Spool()
        leader.offer(spool)
        spool.complete()
        leader.sending()
        self.now = 11.0
        assert follower.wait_readable(self.now) is Outcome.READABLE
        assert follower.wait(self.now) is Outcome.TIMEOUT
        leader.finish(Outcome.STORED)
        follower.leave()
        spool.close()

    def test_a_reader_deposes_it_too(self, pool):
        leader, reader = leader_and_follower(pool)
        waiter = pool.enter(KEY)
        spool = Spool()
        leader.offer(spool)
        spool.write(b"some")
        chunks = reader.read()
        assert next(chunks) == b"some"
        leader.sending()
        self.now = 11.0
        with pytest.raises(LeaderFailed, match="stalled"):
            next(chunks)
        assert waiter.wait(self.now) is Outcome.FAILED
        for turn in (leader, reader, waiter):
            turn.leave()
        spool.close()
        assert spool.closed

    def test_many_followers_and_one_successor(self, pool):
        leader = pool.enter(KEY)
        leader.sending()
        self.now = 11.0

        def follow(_number):
            turn = pool.enter(KEY)
            # Nobody leads as long as the first does.
            assert not turn.leads
            entered.wait()
            while not turn.leads:
                outcome = turn.wait(1e9)
                turn.leave()
                if outcome is Outcome.STORED:
                    return "followed"
                turn = pool.enter(KEY)
            leads.set()
            all_wait.wait(PATIENCE_SECONDS)
            turn.finish(Outcome.STORED)
            return "led"

        entered = threading.Barrier(10, timeout=PATIENCE_SECONDS)
        leads, all_wait = threading.Event(), threading.Event()

        def release():
            leads.wait(PATIENCE_SECONDS)
            while pool._rounds[KEY].turns < 10:
                time.sleep(0.005)
            all_wait.set()

        threading.Thread(target=release, daemon=True).start()
        assert sorted(in_threads(10, follow)) == ["followed"] * 9 + ["led"]
        leader.leave()
