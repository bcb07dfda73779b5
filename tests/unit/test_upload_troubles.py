"""Uploads on a machine where things go wrong beside the store."""

import os
import subprocess
import sys
import threading

from stores import MEDIA_TYPE, METADATA, PATIENCE_SECONDS
from test_upload import BlockingStore, Outcomes, upload

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


def test_without_a_thread_nothing_waits_for_one(monkeypatch):
    store, outcomes = BlockingStore(), Outcomes()
    uploader = Uploader()

    def start(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        uploader.submit(upload(store, outcomes, "one"))
    assert outcomes.calls == {"one": [(DROPPED, "can't start new thread")]}
    # When the system allows it again, all is well.
    uploader.submit(upload(store, outcomes, "two"))
    assert outcomes.wait("two") == [STORED]
    assert uploader.drain(PATIENCE_SECONDS)


FORKED = """
import atexit, os, sys, threading
import hgui
from hgs3 import service
from hgs3.cache.spool import Spool
from hgs3.cache.upload import Upload
from hgs3.objectstore.null import NullStore

class Slow(NullStore):
    entered, released = threading.Event(), threading.Event()
    def put(self, *args):
        self.entered.set()
        self.released.wait()

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
    assert service.OFF.uploader is not parents
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
