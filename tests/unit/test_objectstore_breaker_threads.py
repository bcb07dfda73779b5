"""A BreakerStore in many threads, in a forked child, and around a real store."""

import os
import threading
import time

import pytest
from breakers import READS, REST_SECONDS, WRITES, Breaker, FakeStore
from stores import PATIENCE_SECONDS, in_threads, s3_store

from hgs3.objectstore.base import StoreResting, StoreUnavailable
from hgs3.objectstore.breaker import BreakerStore
from testlib.faultserver import FaultServer, answer


@pytest.fixture
def breaker():
    return Breaker()


def test_many_threads_start_one_probe(breaker):
    breaker.fail(READS["head"])
    breaker.now += REST_SECONDS
    start = threading.Barrier(16, timeout=PATIENCE_SECONDS)

    def read(_number):
        start.wait()
        return type(caught(breaker.head, "key"))

    assert in_threads(16, read) == [StoreResting] * 16
    breaker.run_probe()
    assert not breaker.reads_rest


def test_many_threads_make_one_trial(breaker):
    breaker.fail(WRITES["put"])
    breaker.now += REST_SECONDS
    refused = threading.Semaphore(0)
    trials = []

    def hold(key, body, metadata):
        trials.append(key)
        for _ in range(15):
            assert refused.acquire(timeout=PATIENCE_SECONDS)
        return True

    def write(number):
        error = caught(breaker.put_if_absent, "key %d" % number, b"body", {})
        if error is not None:
            refused.release()
        return type(error)

    breaker.fake.put_if_absent = hold
    kinds = in_threads(16, write)
    assert len(trials) == 1
    assert sorted(kinds, key=str) == sorted([type(None)] + [StoreResting] * 15, key=str)
    assert not breaker.writes_rest


def test_many_threads_that_fail_at_once(breaker):
    breaker.fake.outcome = StoreUnavailable("HEAD failed: timeout")
    start = threading.Barrier(16, timeout=PATIENCE_SECONDS)
    breaker.fake._do = lambda name, result=None: (
        start.wait(),
        FakeStore._do(breaker.fake, name),
    )
    kinds = in_threads(16, lambda _number: type(caught(breaker.head, "key")))
    assert kinds == [StoreUnavailable] * 16
    # All were under way; what came after the third began nothing anew.
    with pytest.raises(StoreResting, match="after 3 faults"):
        breaker.head("key")


def caught(use, *args):
    """What ``use(*args)`` raises, or None."""
    try:
        use(*args)
    except StoreUnavailable as err:
        return err


def test_a_forked_child_finds_no_lock_held_and_no_trial(breaker):
    breaker.fail(WRITES["put"])
    breaker.fail(READS["head"])
    breaker.now += REST_SECONDS
    assert breaker.refuses(READS["head"])  # and a probe is under way
    circuit = breaker._writes
    with circuit._lock:
        child = os.fork()
        if not child:
            os._exit(0 if child_is_fine(breaker) else 1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child waits for ever")
        time.sleep(0.05)
    assert status == 0


def child_is_fine(breaker):
    try:
        # The parent's thread is not here: a probe of our own.
        del breaker.threads[:]
        assert breaker.refuses(READS["head"])
        breaker.run_probe()
        assert not breaker.refuses(READS["head"])
        # What was known of the store still is: a trial, and no more.
        breaker.fail(WRITES["put"], 1)
        return breaker.writes_rest
    except BaseException:
        return False


def test_a_real_store_and_a_real_thread():
    now = [0.0]
    with FaultServer(answer(403)) as server:
        breaker = BreakerStore(s3_store(server.url), 2, 30.0, clock=lambda: now[0])
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                breaker.head("key")
        asked = len(server.requests)
        with pytest.raises(StoreResting):
            breaker.head("key")
        assert len(server.requests) == asked
        server.fault = answer(200)
        now[0] += 30
        with pytest.raises(StoreResting):
            breaker.head("key")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while breaker.reads_rest and time.monotonic() < deadline:
            time.sleep(0.01)
        assert breaker.head("key") is not None
        assert [each.method for each in server.requests[asked:]] == ["HEAD", "HEAD"]
        assert server.requests[asked].target == "/hg-cache"
