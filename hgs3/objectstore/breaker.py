"""Leave a store alone that is out of order.

A request that waits for the timeouts of a store and then does without it is
slower than without any cache. After some faults in a row, nobody waits.
"""

import contextlib
import os
import threading
import time
import typing
import weakref

from .base import ObjectStore, StoreFull, StoreResting, StoreUnavailable

_circuits: "weakref.WeakSet[_Circuit]" = weakref.WeakSet()


def _start_daemon(target: typing.Callable[[], None]) -> None:
    threading.Thread(target=target, name="s3 probe", daemon=True).start()


class BreakerStore(ObjectStore):
    """``store``, but for ``rest_seconds`` at a time after ``failures`` faults
    (StoreUnavailable) in a row.

    Meanwhile each call raises StoreResting at once and makes no request. Reads
    (head, read, list, body_path, probe) and writes (put, put_if_absent, delete) rest
    apart: a bucket that may only be read is still worth reading.

    After the rest, one trial decides whether there is another. For reads it is
    a ``probe`` in a thread of its own, which the next read starts and does not
    wait for; for writes it is the next write. StoreUnsupported and StoreFull are
    neither faults nor successes. ``clock()`` gives seconds that never go back,
    ``start_thread(function)`` runs it in a thread.

    ``failures`` of 0 is for callers, who then do not wrap: ValueError.
    """

    def __init__(
        self,
        store: ObjectStore,
        failures: int,
        rest_seconds: float,
        clock: typing.Callable[[], float] = time.monotonic,
        start_thread: typing.Callable[
            [typing.Callable[[], None]], None
        ] = _start_daemon,
    ) -> None:
        if failures < 1:
            raise ValueError("a breaker needs a number of failures")
        self.keeps_objects = store.keeps_objects
        self._store = store
        self._start_thread = start_thread
        self._reads = _Circuit(failures, rest_seconds, clock)
        self._writes = _Circuit(failures, rest_seconds, clock)

    @property
    def reads_rest(self) -> bool:
        """Whether a read would be refused and not even start a trial."""
        return self._reads.rests

    @property
    def writes_rest(self) -> bool:
        """Whether a write would be refused now.

        False as soon as one is wanted for the trial, so that who asks before
        making a body makes one for it.
        """
        return self._writes.rests

    def head(self, key):
        with self._reading():
            return self._store.head(key)

    def read(self, key):
        with self._reading() as attempt:
            chunks = self._store.read(key)
            # An answer that begins well is not a success yet.
            attempt.counts = chunks is None
        return None if chunks is None else self._watched_chunks(chunks)

    def _watched_chunks(self, chunks):
        # Not admitted again: a connection that is open may go on.
        with self._reads.watched(_Attempt()):
            yield from chunks

    def list(self, prefix):
        with self._reading():
            yield from self._store.list(prefix)

    def body_path(self, key):
        with self._reading():
            return self._store.body_path(key)

    def probe(self):
        with self._reading():
            self._store.probe()

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        with self._writing():
            self._store.put(key, body, size_bytes, content_type, metadata, sha256_hex)

    def put_if_absent(self, key, body, metadata):
        with self._writing():
            return self._store.put_if_absent(key, body, metadata)

    def delete(self, keys):
        with self._writing() as attempt:
            count = self._store.delete(_drawn(keys, attempt))
            # Of no keys at all, the store has not been asked anything.
            attempt.counts = count > 0
        return count

    def presign_get(self, key, lifetime_seconds):
        return self._store.presign_get(key, lifetime_seconds)

    def public_base_url(self):
        return self._store.public_base_url()

    def _reading(self):
        attempt = self._reads.admit()
        if not attempt.is_trial:
            return self._reads.watched(attempt)
        refusal = self._reads.refusal()
        try:
            self._start_thread(lambda: self._try_reads(attempt))
        except RuntimeError as err:
            # A process at its limit of threads, or at its end.
            self._reads.failed(attempt, "no probe: %s" % err)
        raise refusal

    def _try_reads(self, attempt):
        try:
            with self._reads.watched(attempt):
                self._store.probe()
        except StoreUnavailable:
            return  # as the circuit knows

    def _writing(self):
        return self._writes.watched(self._writes.admit())


def _drawn(keys, attempt):
    """``keys``, which may be a listing, whose faults are no faults of writes."""
    try:
        yield from keys
    except StoreUnavailable:
        attempt.counts = False
        raise


class _Attempt:
    """One use of a store. ``counts`` is False when it shows nothing of it."""

    def __init__(self, is_trial: bool = False) -> None:
        self.is_trial = is_trial
        self.counts = True


class _Circuit:
    """Counts faults in a row, and knows whether there is a rest."""

    def __init__(self, failures, rest_seconds, clock):
        self._failures = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._faults = 0
        self._last_reason = ""
        #: By the clock; None while the store is used as ever.
        self._rests_until: typing.Optional[float] = None
        self._trial: typing.Optional[_Attempt] = None
        self.renew()
        _circuits.add(self)

    def renew(self):
        """At first, and in a forked child: there nobody holds the lock, nor
        is the thread there that a trial was going on in."""
        self._lock = threading.Lock()
        self._trial = None

    @property
    def rests(self):
        with self._lock:
            return self._rests()

    def _rests(self):
        if self._rests_until is None:
            return False
        return self._trial is not None or self._clock() < self._rests_until

    def admit(self):
        """An _Attempt, which is the trial after a rest; raises StoreResting."""
        with self._lock:
            if self._rests():
                raise self.refusal()
            if self._rests_until is None:
                return _Attempt()
            self._trial = _Attempt(is_trial=True)
            return self._trial

    def refusal(self):
        """For whoever holds the lock, or the trial."""
        return StoreResting(
            "left alone for %g s after %d faults in a row, the last: %s"
            % (self._rest_seconds, self._faults, self._last_reason)
        )

    @contextlib.contextmanager
    def watched(self, attempt):
        """Let the end of the block be the end of ``attempt``, which it gives."""
        try:
            yield attempt
        except StoreFull:
            # It has answered, and may have room for the next one.
            raise
        except StoreUnavailable as err:
            if attempt.counts:
                self.failed(attempt, err.reason)
            raise
        else:
            if attempt.counts:
                self._succeeded(attempt)
        finally:
            # Of a StoreUnsupported or a StoreFull, of somebody who has lost patience, or of a
            # mistake of ours nothing follows but that this trial is over.
            self._withdraw(attempt)

    def failed(self, attempt, reason):
        with self._lock:
            if self._decides(attempt):
                self._trial = None
                self._faults += 1
                self._last_reason = reason
                if self._faults >= self._failures:
                    self._rests_until = self._clock() + self._rest_seconds

    def _succeeded(self, attempt):
        with self._lock:
            if self._decides(attempt):
                self._trial = None
                self._faults = 0
                self._rests_until = None

    def _decides(self, attempt):
        """Whether anything follows from the end of ``attempt``.

        During a rest, and after it, only that of the trial: others began
        before, some of them long ago.
        """
        return self._rests_until is None or attempt is self._trial

    def _withdraw(self, attempt):
        """A trial that has shown nothing: the next attempt is another."""
        with self._lock:
            if attempt is self._trial:
                self._trial = None


def _renew_all():
    for circuit in _circuits:
        circuit.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
