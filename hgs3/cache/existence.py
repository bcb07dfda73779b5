"""What the store is known to have, for a while.

An answer may name a dozen objects, and a herd asks for the same ones: each is
looked for once in a while, and not for each answer.
"""

import concurrent.futures
import threading
import time
import typing

from ..objectstore.base import ObjectInfo, ObjectStore

#: Each takes some hundred bytes.
REMEMBERED_OBJECTS = 20_000

#: How many are looked for at the same time.
THREADS = 8

Found = typing.Optional[ObjectInfo]


class Existence:
    """For one store. May be used by any thread.

    ``clock()`` gives seconds that never go back.
    """

    def __init__(
        self,
        store: ObjectStore,
        clock: typing.Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        #: Key to (what was found, when).
        self._known: typing.Dict[str, typing.Tuple[Found, float]] = {}

    def look(
        self, keys: typing.Sequence[str], ttl_seconds: float
    ) -> typing.Dict[str, Found]:
        """Key to ObjectInfo, None where there is no object, for all ``keys``.

        What is known is believed for ``ttl_seconds``; all else is asked for, at
        the same time. Raises StoreUnavailable, then for all of them.
        """
        found = {}
        unknown = []
        oldest = self._clock() - ttl_seconds
        with self._lock:
            for key in keys:
                info, when = self._known.get(key, (None, oldest))
                if when > oldest:
                    found[key] = info
                else:
                    unknown.append(key)
        if len(unknown) == 1:
            found[unknown[0]] = self._ask(unknown[0])
        elif unknown:
            found.update(self._ask_for_many(unknown))
        return found

    def forget(self, key: str) -> None:
        """What was known of ``key`` is no longer true."""
        with self._lock:
            self._known.pop(key, None)

    def _ask_for_many(self, keys):
        with concurrent.futures.ThreadPoolExecutor(
            min(THREADS, len(keys)), "s3 look-up"
        ) as pool:
            return dict(zip(keys, pool.map(self._ask, keys)))

    def _ask(self, key):
        # Before it is asked: what is stored meanwhile may not be in the answer.
        when = self._clock()
        info = self._store.head(key)
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = (info, when)
            while len(self._known) > REMEMBERED_OBJECTS:
                del self._known[next(iter(self._known))]
        return info
