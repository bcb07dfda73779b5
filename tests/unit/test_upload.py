"""The background uploader: what becomes of each object, and what it may cost."""

import os
import subprocess
import sys
import threading

import pytest
from stores import MEDIA_TYPE, METADATA, PATIENCE_SECONDS

from hgs3.cache.spool import Spool, SpoolFull
from hgs3.cache.upload import DROPPED, ERROR, STORED, Upload, Uploader, UploadLimits
from hgs3.objectstore.base import StoreUnavailable
from hgs3.objectstore.null import NullStore


class BlockingStore(NullStore):
    """Puts wait until ``released``; each of ``faults`` is raised once."""

    keeps_objects = True

    def __init__(self, released=True):
        self.released = threading.Event()
        if released:
            self.released.set()
        self.faults = []
        self.bodies = {}
        self.calls = []
        self._entered = threading.Semaphore(0)

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        self.calls.append((key, size_bytes, content_type, metadata, sha256_hex))
        self._entered.release()
        assert self.released.wait(PATIENCE_SECONDS)
        if self.faults:
            raise self.faults.pop(0)
        self.bodies[key] = body.read()

    def wait_for_put(self):
        """Return when one more put has begun."""
        assert self._entered.acquire(timeout=PATIENCE_SECONDS)


class Outcomes:
    """What ``done`` was called with, by key."""

    def __init__(self):
        self.calls = {}
        self._changed = threading.Condition()

    def of(self, key):
        def done(outcome, seconds, reason):
            assert seconds >= 0.0
            with self._changed:
                self.calls.setdefault(key, []).append((outcome, reason))
                self._changed.notify_all()

        return done

    def wait(self, *keys):
        with self._changed:
            assert self._changed.wait_for(
                lambda: all(key in self.calls for key in keys), PATIENCE_SECONDS
            )
        return [self.calls[key][0][0] for key in keys]


@pytest.fixture
def outcomes():
    return Outcomes()


@pytest.fixture
def store():
    """Lets every put through; released at the end for those that do not."""
    store = BlockingStore()
    yield store
    store.released.set()


@pytest.fixture
def blocked(store):
    store.released.clear()
    return store


def upload(store, outcomes, key, body=b"body"):
    spool = Spool()
    spool.write(body)
    return Upload(store, key, spool, MEDIA_TYPE, METADATA, outcomes.of(key))


def test_an_object_is_stored(store, outcomes):
    uploader = Uploader()
    one = upload(store, outcomes, "one", b"the body")
    uploader.submit(one)
    assert outcomes.wait("one") == [STORED]
    assert store.bodies == {"one": b"the body"}
    assert store.calls == [("one", 8, MEDIA_TYPE, METADATA, one.spool.sha256_hex)]
    assert uploader.drain(PATIENCE_SECONDS)
    assert outcomes.calls == {"one": [(STORED, "")]}
    assert uploader.counts == {STORED: 1}


def test_a_spool_is_closed_whatever_becomes_of_it(store, outcomes):
    store.faults = [StoreUnavailable("down")]
    uploader = Uploader()
    uploads = [upload(store, outcomes, key) for key in ("failed", "stored", "dropped")]
    uploader.submit(uploads[0])
    outcomes.wait("failed")
    uploader.submit(uploads[1])
    assert uploader.drain(PATIENCE_SECONDS)
    uploader.submit(uploads[2])
    assert [each.spool.closed for each in uploads] == [True, True, True]
    assert outcomes.wait("failed", "stored", "dropped") == [ERROR, STORED, DROPPED]
    assert uploader.counts == {ERROR: 1, STORED: 1, DROPPED: 1}


@pytest.mark.parametrize(
    "fault, reason",
    [
        (StoreUnavailable("PUT failed: why"), "PUT failed: why"),
        (SpoolFull("disk"), "cannot read the spool: disk"),
        (ValueError("a bug"), "ValueError: a bug"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError: "),
    ],
)
def test_a_fault_is_told_and_later_uploads_go_on(fault, reason, store, outcomes):
    # One thread, so that the same one has to go on.
    uploader = Uploader(UploadLimits(threads=1))
    store.faults = [fault]
    for key in ("one", "two"):
        uploader.submit(upload(store, outcomes, key))
    assert outcomes.wait("one", "two") == [ERROR, STORED]
    assert outcomes.calls["one"] == [(ERROR, reason)]
    assert uploader.drain(PATIENCE_SECONDS)


def test_threads_start_with_the_first_upload(store, outcomes):
    before = set(threading.enumerate())
    uploader = Uploader()
    assert set(threading.enumerate()) == before
    uploader.submit(upload(store, outcomes, "one"))
    outcomes.wait("one")
    started = set(threading.enumerate()) - before
    assert [thread.daemon for thread in started] == [True]
    uploader.drain(PATIENCE_SECONDS)


def test_no_more_threads_than_allowed(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=2))
    keys = ["%d" % number for number in range(6)]
    for key in keys:
        uploader.submit(upload(blocked, outcomes, key))
    blocked.wait_for_put()
    blocked.wait_for_put()
    assert sorted(call[0] for call in blocked.calls) == ["0", "1"]
    blocked.released.set()
    assert outcomes.wait(*keys) == [STORED] * 6
    assert uploader.drain(PATIENCE_SECONDS)
    assert all(len(calls) == 1 for calls in outcomes.calls.values())


FULL = "the upload queue is full (%d dropped so far)"


def test_a_full_queue_drops_and_counts(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1, queued_objects=2))
    uploader.submit(upload(blocked, outcomes, "sending"))
    blocked.wait_for_put()
    for key in ("waiting 1", "waiting 2", "dropped"):
        uploader.submit(upload(blocked, outcomes, key))
    # Told at once, by the thread that submits.
    assert outcomes.calls == {"dropped": [(DROPPED, FULL % 1)]}
    blocked.released.set()
    assert outcomes.wait("sending", "waiting 1", "waiting 2") == [STORED] * 3
    uploader.submit(upload(blocked, outcomes, "later"))
    assert outcomes.wait("later") == [STORED]
    assert uploader.drain(PATIENCE_SECONDS)
    assert uploader.counts == {STORED: 4, DROPPED: 1}


def test_a_queue_is_also_full_of_bytes(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1, queued_bytes=100))
    uploader.submit(upload(blocked, outcomes, "sending", b"x" * 60))
    blocked.wait_for_put()
    uploader.submit(upload(blocked, outcomes, "fits", b"x" * 40))
    uploader.submit(upload(blocked, outcomes, "dropped", b"x"))
    assert list(outcomes.calls) == ["dropped"]
    blocked.released.set()
    assert outcomes.wait("sending", "fits") == [STORED, STORED]
    # All of it is free again.
    assert uploader.drain(PATIENCE_SECONDS)
    assert (uploader._bytes_held, uploader._memory_held) == (0, 0)


def test_an_object_beyond_the_limit_goes_up_when_it_is_alone(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1, queued_bytes=100))
    uploader.submit(upload(blocked, outcomes, "small", b"x"))
    blocked.wait_for_put()
    uploader.submit(upload(blocked, outcomes, "large", b"x" * 101))
    assert list(outcomes.calls) == ["large"]
    blocked.released.set()
    outcomes.wait("small")
    wait_until_idle(uploader)
    uploader.submit(upload(blocked, outcomes, "large again", b"x" * 101))
    assert outcomes.wait("large again") == [STORED]
    assert uploader.drain(PATIENCE_SECONDS)


def wait_until_idle(uploader):
    """``done`` is called a moment before the bytes are given back."""
    with uploader._changed:
        assert uploader._changed.wait_for(
            lambda: not uploader._busy and not uploader._queue, PATIENCE_SECONDS
        )


def test_what_waits_beyond_the_memory_limit_is_on_disk(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1, memory_bytes=100))
    uploads = [upload(blocked, outcomes, key, b"x" * 60) for key in ("a", "b", "c")]
    for each in uploads:
        uploader.submit(each)
    assert [each.spool.memory_bytes for each in uploads] == [60, 0, 0]
    blocked.released.set()
    assert outcomes.wait("a", "b", "c") == [STORED] * 3
    assert set(blocked.bodies.values()) == {b"x" * 60}
    wait_until_idle(uploader)
    again = upload(blocked, outcomes, "again", b"x" * 100)
    blocked.released.clear()
    uploader.submit(again)
    assert again.spool.memory_bytes == 100
    blocked.released.set()
    assert uploader.drain(PATIENCE_SECONDS)


def test_a_full_disk_under_a_waiting_spool_is_an_error(store, outcomes, monkeypatch):
    uploader = Uploader(UploadLimits(memory_bytes=1))
    one = upload(store, outcomes, "one")

    def full():
        raise SpoolFull("No space left")

    monkeypatch.setattr(one.spool, "move_to_disk", full)
    uploader.submit(one)
    assert outcomes.calls == {"one": [(ERROR, "cannot spool: No space left")]}
    assert store.calls == []


def test_a_submitter_never_waits_for_the_store(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1, queued_objects=3))
    keys = ["%d" % number for number in range(50)]

    def submit_all():
        for key in keys:
            uploader.submit(upload(blocked, outcomes, key))

    submitter = threading.Thread(target=submit_all, daemon=True)
    submitter.start()
    submitter.join(PATIENCE_SECONDS)
    assert not submitter.is_alive()
    blocked.released.set()
    uploader.drain(PATIENCE_SECONDS)
    assert sum(uploader.counts.values()) == len(keys)
    assert sorted(outcomes.calls) == sorted(keys)


def test_drain_waits_for_what_is_queued_and_being_sent(blocked, outcomes):
    uploader = Uploader(UploadLimits(threads=1))
    for key in ("sending", "waiting"):
        uploader.submit(upload(blocked, outcomes, key))
    blocked.wait_for_put()

    def release_when_draining():
        poll = threading.Event()
        while not uploader._closed:
            poll.wait(0.01)
        assert uploader.counts == {}
        blocked.released.set()

    threading.Thread(target=release_when_draining, daemon=True).start()
    assert uploader.drain(PATIENCE_SECONDS)
    assert uploader.counts == {STORED: 2}


def test_a_late_drain_drops_what_waits_and_what_is_being_sent(blocked, outcomes):
    """The process ends: whoever reads the log learns what it did not do."""
    uploader = Uploader(UploadLimits(threads=1))
    for key in ("sending", "waiting"):
        uploader.submit(upload(blocked, outcomes, key))
    blocked.wait_for_put()
    assert uploader.drain(0.0) is False
    dropped = [(DROPPED, "the server is stopping")]
    assert outcomes.calls == {"sending": dropped, "waiting": dropped}
    blocked.released.set()
    # What was under way may still end well; it is told once.
    assert uploader.drain(PATIENCE_SECONDS)
    assert outcomes.calls == {"sending": dropped, "waiting": dropped}
    assert uploader.counts == {DROPPED: 2}


def test_after_a_drain_nothing_is_taken(store, outcomes):
    uploader = Uploader()
    assert uploader.drain(PATIENCE_SECONDS)
    uploader.submit(upload(store, outcomes, "late"))
    assert outcomes.calls == {"late": [(DROPPED, "the server is stopping")]}
    assert store.calls == []


EXITING = """
import atexit, sys, threading
sys.path.insert(0, sys.argv[1])
import test_upload
from hgs3 import service
store = test_upload.make_exiting_store(sys.argv[2:])
uploader = service.CacheService(None, service.Backend(store, None, None)).uploader
ended = threading.Event()
# Runs before the drain, which was registered earlier.
atexit.register(ended.set)
put = store.put
def late_put(*args):
    assert ended.wait(60)
    put(*args)
store.put = late_put
for number in range(3):
    uploader.submit(test_upload.exiting_upload(store, number))
"""

EXITING_BODY = b"0123456789abcdef" * (17 * 65536)


def make_exiting_store(arguments):
    from stores import s3_store

    endpoint_url, bucket = arguments
    return s3_store(endpoint_url, bucket)


def exiting_upload(store, number):
    spool = Spool()
    # One of them in parts, which boto3 likes to do with threads of its own.
    spool.write(EXITING_BODY if number == 0 else b"small")
    return Upload(
        store,
        "at/exit/%d" % number,
        spool,
        MEDIA_TYPE,
        METADATA,
        lambda outcome, seconds, reason: print(outcome, reason, flush=True),
    )


def test_a_process_that_ends_stores_what_is_queued(moto, bucket):
    """The uploads begin when the main program has ended."""
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        [sys.executable, "-c", EXITING, here, moto.url, bucket],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=os.path.dirname(os.path.dirname(here)),
        timeout=PATIENCE_SECONDS,
    )
    assert (done.stdout.decode(), done.returncode) == ("stored \n" * 3, 0)
    assert moto.objects(bucket) == [
        ("at/exit/0", len(EXITING_BODY)),
        ("at/exit/1", 5),
        ("at/exit/2", 5),
    ]
