"""One leadership of a key, as one process sees it: in it or elsewhere."""

import enum
import os
import threading
import typing

from ..objectstore.base import CHUNK_BYTES
from .hostlock import Following, Leadership, Record, StoredBody
from .spool import Spool, SpoolError, SpoolReader


class Outcome(enum.Enum):
    """What became of a computation, or of waiting for it."""

    #: The object is in the store, which is to be asked for it.
    STORED = "stored"
    #: The body is whole, but will not be in the store.
    COMPLETE = "complete"
    #: There is no body.
    FAILED = "failed"

    #: None of these yet, but there is something to read.
    READABLE = "readable"
    #: None of all this within the time that was given.
    TIMEOUT = "timeout"


class LeaderFailed(Exception):
    """The leader failed, was killed or stalled before the end of the body."""


class Limits(typing.NamedTuple):
    """Times in seconds; see Coalescer."""

    stall: float
    silence: float
    poll: float
    clock: typing.Callable[[], float]

    @property
    def slice(self) -> float:
        """How long to wait before the leader is looked after again."""
        return max(0.01, min(1.0, self.stall / 4))


class Round:
    """Ends once, with an outcome for all who joined it.

    It is led from this process (``leadership`` is the lock of the host, if
    there is one), or followed (``following``); at first neither, while the
    first of this process finds out. ``on_end(leader_gone)`` is called when it
    ends, before its followers know; ``leader_gone`` says that nobody has the
    leader's turn any more.
    """

    def __init__(
        self,
        limits: Limits,
        on_end: typing.Callable[[bool], None],
        on_fault: typing.Callable[[OSError], None],
    ) -> None:
        self._limits = limits
        self._on_end = on_end
        self._on_fault = on_fault
        self._changed = threading.Condition()
        self.outcome: typing.Optional[Outcome] = None
        self.stored: typing.Optional[StoredBody] = None
        self._ending = False
        # Led from here:
        self._leader: typing.Optional[typing.Callable[[], typing.Any]] = None
        self._leadership: typing.Optional[Leadership] = None
        self._spool: typing.Optional[Spool] = None
        self._hold: typing.Optional[SpoolReader] = None
        # Led from elsewhere:
        self._following: typing.Optional[Following] = None
        self._polling = False
        self._descriptor: typing.Optional[int] = None
        self._readable_bytes = 0
        #: The size of the whole body, once it is known.
        self._complete_bytes: typing.Optional[int] = None
        self._unreachable: typing.Optional[typing.List[int]] = None

    def lead(self, leader, leadership: typing.Optional[Leadership]) -> None:
        """``leader()`` is the Turn, or None when nobody has it any more."""
        with self._changed:
            self._leader = leader
            self._leadership = leadership

    def follow(self, following: Following) -> None:
        with self._changed:
            self._following = following
            self._changed.notify_all()

    def offer(self, spool: Spool) -> None:
        with self._changed:
            if self._ending or self._spool is not None:
                return
            # The followers' share: it lives until the last of them has left.
            self._hold = spool.reader()
            self._spool = spool
            self._changed.notify_all()
        if self._leadership is not None:
            spool.watch(self._publish)
            self._publish()

    def end(
        self,
        outcome: Outcome,
        leader_gone: bool = False,
        stored: typing.Optional[StoredBody] = None,
    ) -> bool:
        """False when it had ended already."""
        with self._changed:
            if self._ending:
                return False
            self._ending = True
        try:
            # Before anybody here asks again, or one would follow ourselves.
            if self._leadership is not None:
                self._leadership.finish(outcome.value, stored)
        except OSError as err:
            self._on_fault(err)
        finally:
            self._on_end(leader_gone)
            with self._changed:
                self.outcome = outcome
                self.stored = stored
                self._changed.notify_all()
        return True

    def forget(self) -> None:
        """In a forked child: it is the parent's."""
        self._changed = threading.Condition()
        self._ending = True
        self._leadership = self._following = None
        self.outcome = Outcome.FAILED

    def release(self) -> None:
        """Nobody of this process reads any more."""
        with self._changed:
            hold, self._hold = self._hold, None
            following, self._following = self._following, None
            descriptor, self._descriptor = self._descriptor, None
        if hold is not None:
            hold.close()
        if descriptor is not None:
            os.close(descriptor)
        if following is not None:
            following.close()

    def wait(self, deadline: float) -> Outcome:
        self._wait_for(lambda: self.outcome is not None, deadline)
        return self.outcome or Outcome.TIMEOUT

    def wait_readable(self, deadline: float) -> Outcome:
        self._wait_for(lambda: self.outcome is not None or self._readable(), deadline)
        if self.outcome is not None:
            return self.outcome
        return Outcome.READABLE if self._readable() else Outcome.TIMEOUT

    def read(self) -> typing.Optional[typing.Generator[bytes, None, None]]:
        with self._changed:
            if not self._readable():
                return None
            if self._spool is not None:
                return self._read_spool(_Patience(self))
            return self._read_elsewhere(self._descriptor)

    def _readable(self):
        if self._spool is not None:
            return self._hold is not None and (
                self._spool.completed or self.outcome is not Outcome.FAILED
            )
        return self._descriptor is not None and (
            self._complete_bytes is not None or self.outcome is None
        )

    def _read_spool(self, patience):
        chunks = self._spool.follow(patience.wait)
        try:
            for chunk in chunks:
                yield chunk
                patience.renew()
        except SpoolError as err:
            raise LeaderFailed(str(err))
        finally:
            chunks.close()

    def _read_elsewhere(self, descriptor):
        position = 0
        while True:
            end = self._complete_bytes
            if position == end:
                return
            here = self._readable_bytes if end is None else end
            if position < here:
                size = min(CHUNK_BYTES, here - position)
                try:
                    chunk = os.pread(descriptor, size, position)
                except OSError as err:
                    raise LeaderFailed("cannot read its spool: %s" % err)
                if not chunk:
                    raise LeaderFailed("its spool was cut")
                position += len(chunk)
                yield chunk
            elif self.outcome is not None:
                # Both are set at once: the end is not to be known any more.
                if self._complete_bytes is None:
                    raise LeaderFailed("it ended before its body did")
            else:
                self._wait_for_growth(position)

    def _wait_for_growth(self, position):
        deadline = self._limits.clock() + self._limits.silence
        if not self._wait_for(
            lambda: (
                self.outcome is not None
                or self._complete_bytes is not None
                or self._readable_bytes > position
            ),
            deadline,
        ):
            raise LeaderFailed("nothing for %d s" % self._limits.silence)

    def _wait_for(self, ready, deadline):
        """Whether ``ready()`` came true before the deadline.

        When another process leads, one of those who wait looks after it, and
        the others sleep until that one has news.
        """
        clock = self._limits.clock
        polling = False
        try:
            while True:
                self.look_after_leader()
                with self._changed:
                    if ready():
                        return True
                    seconds = deadline - clock()
                    if seconds <= 0:
                        return False
                    if self._following is not None and not self._polling:
                        self._polling = polling = True
                    if not polling:
                        self._changed.wait(min(seconds, self._limits.slice))
                if polling:
                    self._poll()
                    with self._changed:
                        if not ready():
                            self._changed.wait(min(seconds, self._limits.poll))
        finally:
            if polling:
                with self._changed:
                    self._polling = False
                    # Whoever it wakes takes over.
                    self._changed.notify()

    def look_after_leader(self) -> None:
        """End the round when its leader, in this process, is no more, or sends
        to a client that does not take what it sends."""
        if self._leader is None or self._ending:
            return  # it is elsewhere, or not known yet, or has finished
        leader = self._leader()
        if leader is None:
            self.end(Outcome.FAILED, leader_gone=True)
            return
        since = leader.sending_since
        if (
            since is not None
            and self._limits.clock() - since > self._limits.stall
            and not (self._spool is not None and self._spool.completed)
        ):
            self.end(Outcome.FAILED)

    def _poll(self):
        following, descriptor = self._following, self._descriptor
        try:
            news = following.look()
            spool = news.record.get("spool")
            if descriptor is None and news.leads and spool != self._unreachable:
                descriptor = following.open_spool(news.record)
                # Not again each time.
                self._unreachable = spool if descriptor is None else None
            size_bytes = 0 if descriptor is None else os.fstat(descriptor).st_size
        except OSError as err:
            self._on_fault(err)
            self.end(Outcome.FAILED)
            return
        complete_bytes = (
            news.record.get("complete_bytes") if descriptor is not None else None
        )
        found = descriptor, size_bytes, complete_bytes
        with self._changed:
            before = self._descriptor, self._readable_bytes, self._complete_bytes
            if found != before:
                self._descriptor, self._readable_bytes, self._complete_bytes = found
                self._changed.notify_all()
        if not news.leads:
            self.end(_outcome(news.record), stored=_stored(news.record))

    def _publish(self):
        spool, leadership = self._spool, self._leadership
        if leadership is None or spool is None or spool.descriptor is None:
            return
        try:
            leadership.publish(
                spool.descriptor, spool.size_bytes if spool.completed else None
            )
        except OSError as err:
            self._on_fault(err)


class _Patience:
    """Of one who reads a spool of this process and finds nothing new in it."""

    def __init__(self, round_):
        self._round = round_
        self._since = None

    def renew(self):
        self._since = None

    def wait(self):
        """Called after each slice of waiting; raises LeaderFailed."""
        limits = self._round._limits
        if self._since is None:
            self._since = limits.clock()
        self._round.look_after_leader()
        if self._round.outcome is Outcome.FAILED:
            raise LeaderFailed("it failed or stalled")
        if limits.clock() - self._since > limits.silence:
            raise LeaderFailed("nothing for %d s" % limits.silence)


def _outcome(record: Record) -> Outcome:
    try:
        return Outcome(record.get("outcome"))
    except ValueError:
        return Outcome.FAILED  # it was killed


def _stored(record: Record) -> typing.Optional[StoredBody]:
    return StoredBody(*record["stored"]) if record.get("stored") else None
