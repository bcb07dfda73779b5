"""Find a response, or find out who makes it.

The order matters. The store is asked first, since nearly always it has the
object. Only a miss takes part in the coalescing: one asker on the host leads,
and asks the store once more as soon as it does, because the leader before it,
here or on another host, may have stored the object meanwhile.
"""

import dataclasses
import time
import typing

from ..objectstore.base import ObjectInfo, ObjectStore, StoreUnavailable
from . import fitness
from . import key as cachekey
from .coalesce import Coalescer, Outcome, StoredBody, Turn
from .lease import Lease, Leases

#: Between two looks whether another host is ready: at first, and at most.
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.0


@dataclasses.dataclass
class Stored:
    """The store has it."""

    info: ObjectInfo


@dataclasses.dataclass
class Spooled:
    """Somebody makes it, or has made it; ``chunks`` is it, as Turn.read gives
    it. The caller has to leave the turn afterwards."""

    turn: Turn
    chunks: typing.Iterator[bytes]


@dataclasses.dataclass
class Lead:
    """The caller makes it. Whoever else asks waits for ``turn.finish``, on
    other hosts for the release of ``lease`` (None: nobody there waits)."""

    turn: Turn
    lease: typing.Optional[Lease]


@dataclasses.dataclass
class Alone:
    """The caller makes it, for itself only; ``reason`` is one line."""

    reason: str


Found = typing.Union[Stored, Spooled, Lead, Alone]


class Search:
    """One search for the object at ``key``.

    ``examine(info)`` gives what :func:`hgs3.cache.fitness.examine` does.
    ``patient`` is whether to wait until the leader is done, for a client that
    can be sent to the store; others read along while it works.
    ``answered()`` is called when the store has answered at all,
    ``missed(reason)`` once when it does not have the object, or one that cannot
    be used for ``reason``; ``unfit(verdict, reason)`` once for such an object.
    """

    def __init__(
        self,
        store: ObjectStore,
        coalescer: Coalescer,
        leases: Leases,
        key: str,
        examine: typing.Callable[[ObjectInfo], typing.Tuple[str, str]],
        patient: bool,
        timeout_seconds: float,
        answered: typing.Callable[[], None],
        missed: typing.Callable[[str], None],
        unfit: typing.Callable[[str, str], None],
        sleep: typing.Callable[[float], None] = time.sleep,
        clock: typing.Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._coalescer = coalescer
        self._leases = leases
        self._key = key
        self._examine = examine
        self._patient = patient
        self._timeout_seconds = timeout_seconds
        self._answered = answered
        self._missed = missed
        self._unfit = unfit
        self._sleep = sleep
        self._clock = clock
        self._why_unfit = ""

    def run(self) -> Found:
        """Raises StoreUnavailable when the store cannot even be asked."""
        # While somebody here is at it, it was not there a moment ago.
        if not self._coalescer.is_led(self._key):
            info = self._ask()
            if info is not None:
                return Stored(info)
        self._missed(self._why_unfit)
        return self._lead_or_follow(self._ask)

    def run_without_store(self, why: str) -> Found:
        """After all, what the store has is of no use: have it made anew."""
        self._say_unfit(fitness.DAMAGED, why)
        self._missed(why)
        return self._lead_or_follow(lambda: None)

    def _ask(self):
        info = self._store.head(self._key)
        self._answered()
        if info is None:
            return None
        verdict, reason = self._examine(info)
        if verdict == fitness.FIT:
            return info
        self._say_unfit(verdict, reason)
        return None

    def _say_unfit(self, verdict, reason):
        # Once, though the store is asked again by the one who leads.
        if not self._why_unfit:
            self._why_unfit = reason
            self._unfit(verdict, reason)

    def _lead_or_follow(self, ask):
        deadline = self._clock() + self._timeout_seconds
        while True:
            turn = self._coalescer.enter(self._key)
            if turn.leads:
                return self._lead(turn, deadline, ask)
            found = self._follow(turn, deadline)
            if found is not None:
                return found

    def _follow(self, turn, deadline):
        """What came of it; None when the leader failed, and another is due."""
        try:
            if self._patient:
                outcome = turn.wait(deadline)
            else:
                outcome = turn.wait_readable(deadline)
            if outcome is Outcome.FAILED:
                turn.leave()
                return None
            if outcome is Outcome.STORED:
                info = self._described(turn.stored) or self._ask()
                turn.leave()
                return Stored(info) if info is not None else Alone("gone again")
            chunks = turn.read()
            if chunks is not None:
                return Spooled(turn, chunks)
        except BaseException:
            turn.leave()
            raise
        turn.leave()
        if outcome is Outcome.TIMEOUT:
            return Alone("waited %d seconds for another" % self._timeout_seconds)
        # Another process has it, in memory of its own. One here makes it again,
        # and the others of this process follow that one.
        return None

    def _described(self, stored):
        """The ObjectInfo of what another has just stored."""
        if stored is None:
            return None
        return ObjectInfo(self._key, stored.size_bytes, {"sha256": stored.sha256_hex})

    def _lead(self, turn, deadline, ask):
        lease = None
        try:
            lease = self._acquire(turn, deadline, ask)
            info = ask()
        except StoreUnavailable:
            # Those who wait are better served by one who goes on than by
            # trying the store one after the other.
            return Lead(turn, lease)
        except BaseException:
            turn.finish(Outcome.FAILED)
            raise
        if info is None:
            return Lead(turn, lease)
        if lease is not None:
            lease.release()
        turn.finish(
            Outcome.STORED, StoredBody(info.size_bytes, info.metadata["sha256"])
        )
        return Stored(info)

    def _acquire(self, turn, deadline, ask):
        """The lease; None when another host keeps it for too long, or has
        stored the object meanwhile.

        Half of the time is for that. The rest is for making it, so that those
        who follow have something to read when their time is over.
        """
        pause = FIRST_PAUSE_SECONDS
        now = self._clock()
        until = now + (deadline - now) / 2
        while True:
            lease = self._leases.acquire(cachekey.lease_key(self._key), turn.host)
            left = until - self._clock()
            if lease is not None or left <= 0:
                return lease
            self._sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if ask() is not None:
                return None
