"""One leader a key between the hosts that share a store.

A lease is an object that is stored on the condition that there is none yet;
of any number of hosts, one is told that it did. Its age, by the clock of the
store, says when it has expired, so that a holder that died is waited for that
long and no longer.

To delete an expired lease and to store another in its place would be two
steps, between which the same steps of a second host fit, and both would lead.
Therefore who takes over first stores a *claim* beside the lease, on the same
condition, looks once more whether the lease is still the expired one, and
then overwrites it. The claim is gone a moment later.
"""

import contextlib
import hashlib
import io
import math
import secrets
import threading
import time
import typing

from ..objectstore.base import (
    ObjectInfo,
    ObjectStore,
    StoreUnavailable,
    StoreUnsupported,
)

#: What may be changed under our feet between two requests is tried again.
_ATTEMPTS = 3

_CLAIM = ".claim"
_CONTENT_TYPE = "application/octet-stream"


class Lease:
    """What :meth:`Leases.acquire` gives to a leader.

    Methods may be called from any thread, again and again, and never raise
    for a fault of the store.
    """

    def renew_if_due(self) -> None:
        """Make it last anew when a third of its life is over; costs next to
        nothing before."""

    def release(self, is_surely_ours: bool = True) -> None:
        """Let another host lead at once, if the lease is still ours.

        The store is asked whether it is when it may have expired, and for who
        is not surely its owner: one that was deposed.
        """


#: For where there are no leases: everybody leads.
NULL_LEASE = Lease()


class Leases:
    """Leases of ``seconds`` in ``store``; 0 turns them off.

    ``report(line)`` is called once, if the store does not know conditional
    writes. It must not raise. ``clock()`` gives seconds; it decides when to
    renew, never whether a lease has expired.
    """

    def __init__(
        self,
        store: ObjectStore,
        seconds: int,
        report: typing.Callable[[str], None],
        clock: typing.Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._report = report
        self._clock = clock
        self._lock = threading.Lock()
        self._on = seconds > 0

    def acquire(self, lease_key: str, host: str = "") -> typing.Optional[Lease]:
        """A lease, or None: somebody else holds one that has not expired.

        ``host`` names all who compete for the key by other means than leases,
        too, and have let the caller win: a lease of one of them is left over
        from a leader that was killed or deposed, and taken over at once.
        Raises StoreUnavailable. Without leases, everybody leads.
        """
        if not self._on:
            return NULL_LEASE
        owner = secrets.token_hex(16)
        try:
            if self._take(lease_key, owner, host):
                return _HeldLease(
                    self._store, lease_key, owner, host, self._seconds, self._clock
                )
            return None
        except StoreUnsupported as err:
            self._turn_off(err.reason)
            return NULL_LEASE

    def _turn_off(self, reason):
        with self._lock:
            was_on, self._on = self._on, False
        if was_on:
            self._report(
                "the store refuses conditional writes, "
                "other hosts may compute the same: %s" % reason
            )

    def _take(self, key, owner, host):
        metadata = _metadata(owner, host, self._seconds)
        for _attempt in range(_ATTEMPTS):
            if self._store.put_if_absent(key, _body(owner), metadata):
                return True
            info = self._store.head(key)
            if info is None:
                continue  # released a moment ago
            if host and info.metadata.get("host") == host:
                _put(self._store, key, owner, host, self._seconds)
                return True
            return _has_expired(info, self._seconds) and self._take_over(
                key, info, owner, host
            )
        # It is taken and released all the time; somebody else's turn.
        return False

    def _take_over(self, key, expired, owner, host):
        """Whether it is ours now, and not another's who tries the same."""
        claim = key + _CLAIM
        metadata = _metadata(owner, host, self._seconds)
        if not self._store.put_if_absent(claim, _body(owner), metadata):
            info = self._store.head(claim)
            if info is not None and _has_expired(info, self._seconds):
                # Who claimed it died at once. The next one will get it.
                self._store.delete([claim])
            return False
        try:
            info = self._store.head(key)
            if info is None or _owner(info) != _owner(expired):
                return False  # another has taken it over, and has it
            _put(self._store, key, owner, host, self._seconds)
            return True
        finally:
            # The lease is what counts; a claim that stays expires.
            with contextlib.suppress(StoreUnavailable):
                self._store.delete([claim])


class _HeldLease(Lease):
    def __init__(self, store, key, owner, host, seconds, clock):
        self._store = store
        self._key = key
        self._owner = owner
        self._host = host
        self._seconds = seconds
        self._clock = clock
        #: Held while the store is asked.
        self._lock = threading.Lock()
        self._written()

    def _written(self):
        """It lasts from about now on."""
        now = self._clock()
        self._due = now + self._seconds / 3
        #: Nobody may have taken it over before: no need to ask the store.
        self._ours_until = now + self._seconds / 2

    def renew_if_due(self):
        if self._clock() < self._due:
            return
        # Another thread that renews or releases it is not waited for.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._clock() < self._due:
                return
            self._due = self._clock() + self._seconds / 3
            if self._is_ours():
                self._put(self._seconds)
                self._written()
            else:
                self._due = math.inf
        except StoreUnavailable:
            return  # the next third may be better
        finally:
            self._lock.release()

    def release(self, is_surely_ours=True):
        with self._lock:
            if self._owner is None:
                return
            self._due = math.inf
            try:
                is_young = is_surely_ours and self._clock() < self._ours_until
                if is_young or self._is_ours():
                    self._take_away()
            except StoreUnavailable:
                pass  # it expires
            self._owner = None

    def _take_away(self):
        try:
            self._store.delete([self._key])
        except StoreUnavailable:
            # Credentials that may store and not delete: let it have expired.
            self._put(-1)

    def _put(self, seconds):
        _put(self._store, self._key, self._owner, self._host, seconds)

    def _is_ours(self):
        info = self._store.head(self._key)
        return info is not None and _owner(info) == self._owner


def _metadata(owner, host, seconds):
    return {"owner": owner, "host": host, "seconds": "%d" % seconds}


def _owner(info: ObjectInfo) -> str:
    return info.metadata.get("owner", "")


def _has_expired(info: ObjectInfo, default_seconds: int) -> bool:
    """After as long as its holder said, which may have another setting."""
    try:
        seconds = int(info.metadata["seconds"])
    except (KeyError, ValueError):
        seconds = default_seconds
    return info.age_seconds > seconds


def _body(owner):
    # Like no other, so that the store knows its own first try again.
    return owner.encode("ascii")


def _put(store, key, owner, host, seconds):
    body = _body(owner)
    store.put(
        key,
        io.BytesIO(body),
        len(body),
        _CONTENT_TYPE,
        _metadata(owner, host, seconds),
        hashlib.sha256(body).hexdigest(),
    )
