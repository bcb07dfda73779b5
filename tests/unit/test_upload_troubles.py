"""Uploads on a machine where things go wrong beside the store."""

import os
import subprocess
import sys
import threading

from stores import MEDIA_TYPE, METADATA, PATIENCE_SECONDS
from test_upload import FULL, BlockingStore, Outcomes, upload

from hgs3.cache.spool import Spool
from hgs3.cache.upload import DROPPED, STORED, Upload, Uploader, UploadLimits


def test_a_done_that_raises_ends_no_thread():
    store, outcomes = BlockingStore(), Outcomes()
    uploader = Uploader(UploadLimits(threads=1))

    def done(outcome, seconds, reason):
        raise OSError("no space left on device")

    for number in range(3):
        spool = Spool()
        spool.write(b"body")
        key = "rude %d" % number
        uploader.submit(Upload(store, key, spool, MEDIA_TYPE, METADATA, done))
    uploader.submit(upload(store, outcomes, "polite"))
    assert outcomes.wait("polite") == [STORED]
    assert uploader.drain(PATIENCE_SECONDS)


def refuse(thread):
    raise RuntimeError("can't start new thread")


def test_without_a_thread_nothing_waits_for_one(monkeypatch):
    store, outcomes = BlockingStore(), Outcomes()
    uploader = Uploader()
    one = upload(store, outcomes, "one")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        uploader.submit(one)
    assert outcomes.calls == {"one": [(DROPPED, "can't start new thread")]}
    assert one.spool.closed
    assert (len(uploader._queue), uploader._bytes_held) == (0, 0)
    # When the system allows it again, all is well.
    uploader.submit(upload(store, outcomes, "two"))
    assert outcomes.wait("two") == [STORED]
    assert uploader.drain(PATIENCE_SECONDS)
    assert uploader.counts == {DROPPED: 1, STORED: 1}


def test_without_a_thread_there_is_nothing_to_drain(monkeypatch):
    outcomes = Outcomes()
    uploader = Uploader()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    uploader.submit(upload(BlockingStore(), outcomes, "one"))
    # Without waiting: nobody would ever end the wait.
    assert uploader.drain(0.0)
    assert outcomes.calls == {"one": [(DROPPED, "can't start new thread")]}


def test_one_thread_does_it_all_where_there_is_no_second(monkeypatch):
    store, outcomes = BlockingStore(released=False), Outcomes()
    uploader = Uploader(UploadLimits(threads=2))
    uploader.submit(upload(store, outcomes, "one"))
    store.wait_for_put()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for key in ("two", "three"):
        uploader.submit(upload(store, outcomes, key))
    store.released.set()
    assert outcomes.wait("one", "two", "three") == [STORED] * 3
    assert uploader.drain(PATIENCE_SECONDS)


def test_a_full_queue_says_how_many_it_cost():
    store, outcomes = BlockingStore(released=False), Outcomes()
    uploader = Uploader(UploadLimits(threads=1, queued_objects=1))
    uploader.submit(upload(store, outcomes, "sending"))
    store.wait_for_put()
    for key in ("waiting", "dropped 1", "dropped 2", "dropped 3"):
        uploader.submit(upload(store, outcomes, key))
    assert outcomes.calls == {
        "dropped %d" % number: [(DROPPED, FULL % number)] for number in (1, 2, 3)
    }
    store.released.set()
    assert uploader.drain(PATIENCE_SECONDS)


FORKED = """
import atexit, os, sys, threading
import hgui
from hgs3 import service
from hgs3.cache.spool import Spool
from hgs3.cache.upload import Upload, Uploader, UploadLimits
from hgs3.objectstore.null import NullStore

class Slow(NullStore):
    entered, released = threading.Event(), threading.Event()
    def put(self, *args):
        self.entered.set()
        self.released.wait()

# A child that waits would not end in time.
service.Uploader = lambda: Uploader(UploadLimits(drain_seconds=3600))
spool = Spool()
spool.write(b"body")
parents = service.OFF.uploader
parents.submit(
    Upload(Slow(), "key", spool, "type", {}, lambda *args: print("parent", args[0]))
)
Slow.entered.wait()
pid = os.fork()
if not pid:
    # Ends only if it does not wait for an upload that is not its own.
    atexit._run_exitfuncs()
    mine = service.OFF.uploader
    assert mine is not parents and not mine._closed and not parents._closed
    print("child", flush=True)
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
Slow.released.set()
"""


def test_a_forked_child_leaves_the_parents_uploads_alone():
    environment = dict(os.environ, PYTHONPATH=os.path.dirname(__file__))
    result = subprocess.run(
        [sys.executable, "-c", FORKED],
        env=environment,
        stdout=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert result.stdout.split() == [b"child", b"parent", b"stored"]
