"""Put responses into the store after the client has its answer.

One uploader serves a whole process. It is bounded in objects and in bytes: a
store that is slow or down costs dropped objects, never memory, disk or a
client's time.
"""

import collections
import dataclasses
import threading
import time
import typing

from ..objectstore.base import ObjectStore, StoreResting, StoreUnavailable
from .spool import Spool, SpoolError, SpoolFull

#: What became of an upload.
STORED = "stored"
DROPPED = "dropped"
ERROR = "error"
BYPASSED = "bypassed"

#: Why an upload is dropped at the end of the process.
STOPPING = "the server is stopping"


@dataclasses.dataclass(frozen=True)
class UploadLimits:
    threads: int = 2
    queued_objects: int = 64
    #: Spools that wait or are being sent, together.
    queued_bytes: int = 2 * 1024 * 1024 * 1024
    #: How much of that may be in memory; the rest moves to the disk.
    memory_bytes: int = 8 * 1024 * 1024
    drain_seconds: float = 20.0


@dataclasses.dataclass
class Upload:
    """One object to store; its whole body is in the spool.

    The writer's reference to the spool is the uploader's from then on, which
    gives it up at the end. Readers may go on meanwhile and afterwards.

    ``done(outcome, seconds, reason)`` is called once, in some thread, with
    STORED, DROPPED, ERROR, or BYPASSED when the store is being left alone.
    What it raises is lost.
    """

    store: ObjectStore
    key: str
    spool: Spool
    content_type: str
    metadata: typing.Mapping[str, str]
    done: typing.Callable[[str, float, str], None]


class Uploader:
    """A bounded queue and a few daemon threads that empty it.

    Threads start with the first upload, so a process that forks its workers
    early on (a pre-forking WSGI server) has none to lose.
    """

    def __init__(self, limits: UploadLimits = UploadLimits()) -> None:
        self._limits = limits
        self._changed = threading.Condition()
        self._queue: typing.Deque[Upload] = collections.deque()
        self._threads: typing.List[threading.Thread] = []
        self._being_sent: typing.List[Upload] = []
        self._bytes_held = 0
        self._memory_held = 0
        self._busy = 0
        self._closed = False
        #: Outcome to number of objects, since the process started.
        self.counts: typing.Counter[str] = collections.Counter()

    def submit(self, upload: Upload) -> None:
        """Queue an upload, or drop it when the queue is full.

        Never waits for the store.
        """
        try:
            # What is still to be written to the disk may not fit.
            upload.spool.complete()
            self._save_memory(upload.spool)
        except SpoolFull as err:
            self._finish(upload, ERROR, 0.0, "cannot spool: %s" % err)
            return
        reason = None
        with self._changed:
            if self._closed:
                reason = STOPPING
            elif self._has_no_room_for(upload.spool.size_bytes):
                reason = "the upload queue is full (%d dropped so far)" % (
                    self.counts[DROPPED] + 1
                )
            else:
                reason = self._enqueue(upload)
        if reason is not None:
            self._finish(upload, DROPPED, 0.0, reason)

    def drain(self, seconds: typing.Optional[float] = None) -> bool:
        """Wait until nothing is queued or being sent.

        Takes no new uploads from now on. After ``seconds`` (the limit's by
        default) what is left is dropped, and False is returned. What is being
        sent then ends with the process, or may still arrive.
        """
        if seconds is None:
            seconds = self._limits.drain_seconds
        with self._changed:
            self._closed = True
            in_time = self._changed.wait_for(
                lambda: not self._queue and not self._busy, seconds
            )
            late = self._being_sent + list(self._queue)
            self._being_sent = []
            self._queue.clear()
            self._changed.notify_all()
        for upload in late:
            self._finish(upload, DROPPED, 0.0, STOPPING)
        return in_time

    def _save_memory(self, spool):
        # A look without the lock: two at once may both stay in memory.
        if self._memory_held + spool.memory_bytes > self._limits.memory_bytes:
            spool.move_to_disk()

    def _has_no_room_for(self, size_bytes):
        if len(self._queue) >= self._limits.queued_objects:
            return True
        # One that is larger than the limit goes up when it is alone.
        return (
            self._bytes_held > 0
            and self._bytes_held + size_bytes > self._limits.queued_bytes
        )

    def _enqueue(self, upload):
        """Queue it; return why not when no thread will ever take it."""
        wanted = len(self._queue) + self._busy + 1
        if len(self._threads) < min(wanted, self._limits.threads):
            thread = threading.Thread(
                target=self._run, name="hg-s3-upload", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as err:
                # The system's limit. Those that run, if any, do it all.
                if not self._threads:
                    return str(err)
            else:
                self._threads.append(thread)
        self._bytes_held += upload.spool.size_bytes
        self._memory_held += upload.spool.memory_bytes
        self._queue.append(upload)
        self._changed.notify()
        return None

    def _run(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                upload = self._queue.popleft()
                self._busy += 1
                self._being_sent.append(upload)
            size_bytes = upload.spool.size_bytes
            memory_bytes = upload.spool.memory_bytes
            try:
                self._put(upload)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._bytes_held -= size_bytes
                    self._memory_held -= memory_bytes
                    self._changed.notify_all()

    def _put(self, upload):
        start = time.perf_counter()
        outcome, reason = STORED, ""
        try:
            with upload.spool.reader() as body:
                upload.store.put(
                    upload.key,
                    body,
                    upload.spool.size_bytes,
                    upload.content_type,
                    upload.metadata,
                    upload.spool.sha256_hex,
                )
        except StoreResting as err:
            outcome, reason = BYPASSED, err.reason
        except StoreUnavailable as err:
            outcome, reason = ERROR, err.reason
        except SpoolError as err:
            outcome, reason = ERROR, "cannot read the spool: %s" % err
        except Exception as err:
            # A fault of ours must not end the thread: later uploads would
            # pile up behind it.
            outcome, reason = ERROR, "%s: %s" % (type(err).__name__, err)
        with self._changed:
            # Not by ==, which compares what is in them.
            others = [each for each in self._being_sent if each is not upload]
            is_ours = len(others) < len(self._being_sent)
            self._being_sent = others
        if is_ours:  # and has not been given up by drain
            self._finish(upload, outcome, time.perf_counter() - start, reason)

    def _finish(self, upload, outcome, seconds, reason):
        upload.spool.close()
        with self._changed:
            self.counts[outcome] += 1
        try:
            upload.done(outcome, seconds, reason)
        except Exception:
            # It was only being told. This thread has others to serve.
            return

    def wait_until_idle(self, seconds: typing.Optional[float] = None) -> bool:
        """Whether nothing is queued or being sent, waiting for it that long.

        Takes new uploads as before; None waits without limit.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._queue and not self._busy, seconds
            )
