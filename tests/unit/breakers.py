"""A BreakerStore around a store, a clock and threads that a test moves."""

import pytest
from stores import put, read_whole

from hgs3.objectstore.base import StoreResting, StoreUnavailable
from hgs3.objectstore.breaker import BreakerStore
from hgs3.objectstore.null import NullStore

FAILURES = 3
REST_SECONDS = 30.0


class FakeStore(NullStore):
    """Does what it is told: ``outcome`` is raised, if it is an exception."""

    keeps_objects = True

    def __init__(self):
        self.outcome = None
        self.calls = []
        #: Chunks, among them an exception to be raised in the middle.
        self.body = None

    def _do(self, name, result=None):
        self.calls.append(name)
        if self.outcome is not None:
            raise self.outcome
        return result

    def head(self, key):
        return self._do("head")

    def read(self, key):
        self._do("read")
        return None if self.body is None else self._chunks(self.body)

    def _chunks(self, body):
        for chunk in body:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def list(self, prefix):
        self._do("list")
        yield from self._chunks(self.body or ())

    def probe(self):
        self._do("probe")

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        self._do("put")

    def put_if_absent(self, key, body, metadata):
        return self._do("put_if_absent", True)

    def delete(self, keys):
        count = len(list(keys))
        return self._do("delete", count) if count else 0

    def presign_get(self, key, lifetime_seconds):
        return self._do("presign_get", "http://host/%s" % key)

    def public_base_url(self):
        return "http://host/"


READS = {
    "head": lambda store: store.head("key"),
    "read": lambda store: read_whole(store, "key"),
    "list": lambda store: list(store.list("key")),
    "probe": lambda store: store.probe(),
}
WRITES = {
    "put": lambda store: put(store, "key", b"body"),
    "put_if_absent": lambda store: store.put_if_absent("key", b"body", {}),
    "delete": lambda store: store.delete(["key"]),
}
USES = dict(READS, **WRITES)


class Breaker(BreakerStore):
    """Around a FakeStore; ``now`` is the time, ``threads`` what was started."""

    def __init__(self, failures=FAILURES):
        self.fake = FakeStore()
        self.now = 1000.0
        self.threads = []
        super().__init__(
            self.fake,
            failures,
            REST_SECONDS,
            clock=lambda: self.now,
            start_thread=self.threads.append,
        )

    def fail(self, use, count=FAILURES, reason="HEAD failed: timeout"):
        """Use the store while it is out of order."""
        self.fake.outcome = StoreUnavailable(reason)
        for _ in range(count):
            with pytest.raises(StoreUnavailable) as caught:
                use(self)
            assert type(caught.value) is StoreUnavailable
        self.fake.outcome = None

    def refuses(self, use):
        """Whether it raises StoreResting, which must not cost a request."""
        before = list(self.fake.calls)
        try:
            use(self)
        except StoreResting:
            assert self.fake.calls == before
            return True
        return False

    def refuses_all(self, uses):
        return {self.refuses(use) for use in uses.values()} == {True}

    def run_probe(self):
        """What the only thread does that was started."""
        (target,) = self.threads
        del self.threads[:]
        target()
