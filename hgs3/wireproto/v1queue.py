"""Who makes the segments that a request or a push found missing.

A server that goes on has a thread for it. A process that ends soon, such as
that of one pull over SSH, or of a commit on the server itself, starts another
one, which runs ``hg s3cache publish`` and which nobody waits for.
"""

import atexit
import collections
import os
import threading

from mercurial import encoding, error, hg, lock
from mercurial.utils import procutil

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache.blocks import Block
from ..forksafe import ForkSafeLock
from . import requestscope, v1history, v1layout, v1making, v1objects, v1segment

#: Each is small; what comes beyond that comes again with the next request.
QUEUED_BLOCKS = 10_000

#: What a command line may name, by far.
NAMED_BLOCKS = 2_000

#: How long the end of the process waits for the piece that is being made.
STOP_SECONDS = 5.0

_LOCK_NAME = b"hg-s3-publishing"

_lock = ForkSafeLock()
_queue = None


def request(repo, blocks):
    """Have the segments of ``blocks`` made soon; never raises, never waits."""
    if not blocks:
        return
    request_ = requestscope.current()
    if request_ is not None and not request_.rawenv.get(b"wsgi.run_once"):
        _of_this_process().add(repo, blocks)
    else:
        _start_process(repo, blocks)


class Queue:
    """A thread that makes segments, the small ones first."""

    def __init__(self):
        self._changed = threading.Condition()
        #: (repository's root) to (ui, set of blocks)
        self._wanted = collections.OrderedDict()
        self._thread = None
        self._stopped = False

    def add(self, repo, blocks):
        with self._changed:
            if self._stopped:
                return
            _ui, wanted = self._wanted.setdefault(repo.root, (repo.baseui, set()))
            if len(wanted) < QUEUED_BLOCKS:
                wanted.update(blocks)
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name="hg-s3-segments", daemon=True
                )
                try:
                    thread.start()
                except RuntimeError:
                    # The system's limit. What is wanted stays so.
                    return
                self._thread = thread
            self._changed.notify_all()

    def stop(self, seconds=STOP_SECONDS):
        """Give up what is being made, and take no more."""
        with self._changed:
            self._stopped = True
            self._wanted.clear()
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join(seconds)

    def _run(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._stopped)
                if self._stopped:
                    return
                root, (ui, wanted) = self._wanted.popitem(last=False)
            try:
                self._make_all(ui, root, wanted)
            except v1making.Stopped:
                return
            except Exception as err:
                # A repository that is gone, or a fault of ours: others wait.
                ui.traceback()
                reason = "%s: %s" % (type(err).__name__, err)
                eventlog.log(ui, eventlog.ERROR, v1objects.COMMAND, "-", reason=reason)

    def _make_all(self, ui, root, wanted):
        # One of our own: a repository object is for one thread.
        repo = hg.repository(ui.copy(), root)
        try:
            for _made in make_all(repo, sorted(wanted, key=_by_size), self._check):
                continue
        finally:
            repo.close()

    def _check(self):
        if self._stopped:
            raise v1making.Stopped


def make_all(repo, blocks, check=lambda: None):
    """Make the segments of ``blocks``; yields a v1making.Made for each.

    ``check()`` may raise v1making.Stopped.
    """
    service = servicemod.of(repo.ui)
    served = repo.filtered(v1history.SERVED)
    if not (v1objects.are_wanted(service) and v1segment.is_possible(served)):
        return
    v1layout.update(service, served)
    history = v1history.History(served)
    segments = v1objects.Segments(service, served, history)
    maker = v1making.Maker(service, served, segments, check)
    for block in blocks:
        check()
        # Some of it may have been taken away since it was asked for.
        if block.end > history.layout.end:
            continue
        made = maker.make(block)
        yield made
        if made.event == eventlog.ERROR or (
            made.event == eventlog.BYPASSED and made.reason != v1making.ELSEWHERE
        ):
            # Each of the others would be computed for nothing.
            return


def _by_size(block):
    return block.size, block.start


def _of_this_process():
    global _queue
    with _lock:
        if _queue is None:
            _queue = Queue()
            atexit.register(_queue.stop)
        return _queue


def _start_process(repo, blocks):
    if len(blocks) > NAMED_BLOCKS:
        # The large ones hold the others; what is still missed comes again.
        blocks = sorted(blocks, key=_by_size)[-NAMED_BLOCKS:]
    try:
        # Only to see whether nobody has it.
        publishing_lock(repo).release()
    except error.LockError:
        # One is at it; what it does not make is missed again.
        return
    command = [procutil.hgexecutable(), b"-R", repo.root, b"s3cache", b"publish"]
    command += [spelt(block) for block in blocks]
    try:
        procutil.runbgcommand(command, encoding.environ, ensurestart=False)
    except (OSError, error.Error) as err:
        reason = "cannot start a process: %s" % err
        eventlog.log(repo.ui, eventlog.ERROR, v1objects.COMMAND, "-", reason=reason)


def publishing_lock(repo):
    """The lock of the one process of this host that makes segments of ``repo`` in
    the background. Raises error.LockError when another one has it."""
    return lock.lock(repo.cachevfs, _LOCK_NAME, timeout=0, desc=b"hg-s3")


def spelt(block):
    """``block`` as an argument of ``hg s3cache publish``; bytes."""
    return crossing.to_bytes("%d+%d" % block)


def block_of(argument):
    """The inverse of :func:`spelt`; ValueError for what is none."""
    start, size = crossing.to_str(argument).split("+")
    block = Block(int(start), int(size))
    if block.start < 0 or block.size < 1:
        raise ValueError("not a block")
    return block


def _forget():
    """A forked child has no such thread."""
    global _queue
    if _queue is not None:
        atexit.unregister(_queue.stop)
    _queue = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
