"""One computation for a herd: one leader a key, in a process and on a host.

Whoever misses the cache enters with the object's key. The first one leads and
computes; the others follow: they wait for the outcome, or read the leader's
spool, even while it is still being written.

A *round* (round.py) is one leadership as one process sees it. It is led from
this process or from another one, ends once, with one outcome for all who
joined it, and is forgotten then; whoever enters afterwards begins another, so
that of the followers of a leader that failed exactly one leads next.

Between processes, leading means to hold the lock on a file (hostlock.py),
which the kernel releases when the leader is killed. Of the followers in a
process, one looks at that file some thirty times a second. It finds there the
outcome, and where the leader's spool is: a file without a name, which is
opened by way of /proc.

What can go wrong, and what becomes of it: a leader that fails ends its round
with FAILED. One that is killed ends it for the other processes. One whose
client takes nothing for ``stall_seconds`` is deposed by followers of its own
process: a client that hangs must not hold up a herd. One that computes is
never deposed, however long it takes: that is what the herd waits for, and its
followers have deadlines of their own. A folder that cannot be used leaves
rounds to each process. A forked child knows nothing of its parent's rounds.
"""

import hashlib
import json
import os
import threading
import time
import typing
import weakref

from .hostlock import Leadership, LockFolder, StoredBody, place
from .round import LeaderFailed, Limits, Outcome, Round
from .spool import Spool

__all__ = ["Coalescer", "LeaderFailed", "Outcome", "StoredBody", "Turn"]

#: How long a folder that failed is left alone.
RETRY_SECONDS = 60.0

_coalescers: typing.MutableSet["Coalescer"] = weakref.WeakSet()


class Coalescer:
    """One for each process and folder. May be used by any thread.

    ``folder`` is one for all processes of this host that serve the same
    repositories; made with mode 0700 if it is missing. None: this process
    only. ``report(line)`` is called once, if it cannot be used; it must not
    raise. ``clock()`` gives seconds; deadlines are by it.

    ``stall_seconds``: see above. ``silence_seconds``: how long a reader waits
    for the next byte of a leader that still lives. ``poll_seconds``: between
    two looks at another process.
    """

    def __init__(
        self,
        folder: typing.Optional[str],
        report: typing.Callable[[str], None],
        stall_seconds: float = 10.0,
        silence_seconds: float = 120.0,
        poll_seconds: float = 0.03,
        clock: typing.Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder_path = folder
        self._folder = None if folder is None else LockFolder(folder)
        self._report = report
        self._reported = False
        self._retry_at = clock()
        self._limits = Limits(stall_seconds, silence_seconds, poll_seconds, clock)
        #: Guards the rounds and the number of turns in each.
        self._mutex = threading.Lock()
        self._rounds: typing.Dict[str, "_Joined"] = {}
        _coalescers.add(self)

    def enter(self, key: str) -> "Turn":
        """Lead, or follow who leads. Never raises for a fault of the folder."""
        with self._mutex:
            joined = self._rounds.get(key)
            first = joined is None
            if joined is None:
                joined = self._rounds[key] = _Joined(self, key)
            joined.turns += 1
        turn = Turn(self, joined)
        if first:
            self._begin(key, turn)
        return turn

    def is_led(self, key: str) -> bool:
        """Whether whoever enters now follows; known of this process only."""
        with self._mutex:
            return key in self._rounds

    def _begin(self, key, turn):
        """Find out whether this process leads."""
        round_ = turn._joined.round
        begun = False
        try:
            entered = self._enter_host(key)
            if entered is None or isinstance(entered, Leadership):
                round_.lead(weakref.ref(turn), entered)
                turn.leads = True
            else:
                round_.follow(entered)
            begun = True
        finally:
            if not begun:
                # A fault of ours: nobody must wait for it.
                round_.end(Outcome.FAILED)

    def _enter_host(self, key):
        if self._folder is None or self._limits.clock() < self._retry_at:
            return None
        # A prefix may hold any character, and JSON knows how to spell each.
        name = hashlib.sha256(json.dumps(key).encode("ascii")).hexdigest()[:40]
        try:
            return self._folder.enter(name)
        except OSError as err:
            self._fault(err)
            return None

    def _fault(self, err):
        with self._mutex:
            self._retry_at = self._limits.clock() + RETRY_SECONDS
            first, self._reported = not self._reported, True
        if first:
            self._report(
                "cannot use %s, other processes may compute the same: %s"
                % (self._folder_path, err)
            )

    def _leave(self, joined):
        with self._mutex:
            joined.turns -= 1
            if joined.turns:
                return
            # Nobody looks after it any more.
            self._drop(joined)
        joined.round.release()

    def _ended(self, joined, leader_gone):
        with self._mutex:
            self._drop(joined)
            if leader_gone:
                # It cannot leave. Who has noticed is still in the round.
                joined.turns -= 1

    def _drop(self, joined):
        if self._rounds.get(joined.key) is joined:
            del self._rounds[joined.key]

    def _forget(self):
        self._mutex = threading.Lock()
        rounds, self._rounds = self._rounds, {}
        for joined in rounds.values():
            joined.round.forget()


class _Joined:
    """A round, and how many turns are in it."""

    def __init__(self, coalescer, key):
        self.key = key
        self.turns = 0
        self.round = Round(
            coalescer._limits,
            lambda leader_gone: coalescer._ended(self, leader_gone),
            coalescer._fault,
        )


class Turn:
    """What :meth:`Coalescer.enter` gives: ``leads`` says which half applies.

    A leader calls :meth:`finish`, a follower :meth:`leave`, whatever happens;
    both may be called again, and from any thread. A leader that is forgotten
    without it has failed. Deadlines are by the clock of the Coalescer
    (time.monotonic).
    """

    def __init__(self, coalescer: Coalescer, joined: _Joined) -> None:
        self._coalescer = coalescer
        self._joined = joined
        self._round = joined.round
        self._clock = coalescer._limits.clock
        self._reading: typing.Optional[typing.Generator[bytes, None, None]] = None
        self._left = False
        self._finished = False
        #: Whether this one computes. It never changes.
        self.leads = False
        #: By the clock, while the leader is handing bytes to its client.
        self.sending_since: typing.Optional[float] = None

    # Of a leader

    @property
    def host(self) -> str:
        """Names the processes that this leader has won over, by a digest: those
        that use the same folder on this host; empty for this one alone."""
        if self._round._leadership is None or not place():
            return ""
        # A path may hold any character, and JSON knows how to spell each.
        name = json.dumps([place(), self._coalescer._folder_path])
        return hashlib.sha256(name.encode("ascii")).hexdigest()[:32]

    def offer(self, spool: Spool) -> None:
        """Followers may read this spool from now on. It must be complete
        before :meth:`finish` says STORED or COMPLETE."""
        self._round.offer(spool)

    def sending(self) -> None:
        """About to hand bytes to a client, which may take its time."""
        self.sending_since = self._clock()

    def sent(self) -> None:
        """The client has taken them."""
        self.sending_since = None

    def finish(
        self, outcome: Outcome, stored: typing.Optional[StoredBody] = None
    ) -> None:
        """STORED (with what is stored), COMPLETE or FAILED. Only the first call
        counts, and none does of a leader that was deposed."""
        if self._round.end(outcome, stored=stored):
            self._finished = True
        self.leave()

    @property
    def deposed(self) -> bool:
        """Whether the round of this leader has ended without it."""
        return self.leads and not self._finished and self._round.outcome is not None

    # Of a follower

    @property
    def stored(self) -> typing.Optional[StoredBody]:
        """After STORED: what there is now, if that was said."""
        return self._round.stored

    def wait(self, deadline: float) -> Outcome:
        """STORED, COMPLETE, FAILED or TIMEOUT."""
        return self._round.wait(deadline)

    def wait_readable(self, deadline: float) -> Outcome:
        """As :meth:`wait`, or READABLE as soon as :meth:`read` can begin."""
        return self._round.wait_readable(deadline)

    def read(self) -> typing.Optional[typing.Generator[bytes, None, None]]:
        """The leader's body from its start, in chunks, to its end, waiting for
        what is still to be written; None when it cannot be reached.

        Raises LeaderFailed when no more comes before the end. Usable until
        :meth:`leave`.
        """
        if self._left:
            return None
        self._reading = self._round.read()
        return self._reading

    def leave(self) -> None:
        """Done with it: the leader's spool may go. A leader that leaves
        without having finished has failed."""
        with self._coalescer._mutex:
            if self._left:
                return
            self._left = True
        if self.leads:
            self._round.end(Outcome.FAILED)
        if self._reading is not None:
            self._reading.close()
        self._coalescer._leave(self._joined)


def _forget_in_child():
    for coalescer in list(_coalescers):
        coalescer._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
