"""An ObjectStore in memory that keeps the promises, with a clock of its own."""

import hashlib
import threading
import time

from hgs3.objectstore.base import ListedObject, ObjectInfo, StoreUnavailable
from hgs3.objectstore.null import NullStore


class MemoryStore(NullStore):
    """``now`` is its clock. ``before(method, key)`` is called ahead of each
    request, outside of any lock, and may raise."""

    keeps_objects = True

    def __init__(self):
        self.now = 1000.0
        self.objects = {}
        self.requests = []
        self.before = lambda method, key: None
        self._lock = threading.Lock()

    def _request(self, method, key):
        self.requests.append((method, key))
        self.before(method, key)
        # Others come in between, as they do on a network.
        time.sleep(0)

    def head(self, key):
        self._request("head", key)
        with self._lock:
            if key not in self.objects:
                return None
            body, metadata, written = self.objects[key]
            return ObjectInfo(key, len(body), metadata, age_seconds=self.now - written)

    def read(self, key):
        self._request("read", key)
        with self._lock:
            return iter([self.objects[key][0]]) if key in self.objects else None

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        self._request("put", key)
        body.seek(0)
        data = body.read()
        if (len(data), hashlib.sha256(data).hexdigest()) != (size_bytes, sha256_hex):
            raise StoreUnavailable("PUT failed: this is not that body")
        with self._lock:
            self.objects[key] = data, dict(metadata), self.now

    def put_if_absent(self, key, body, metadata):
        self._request("put_if_absent", key)
        with self._lock:
            if key in self.objects:
                return False
            self.objects[key] = body, dict(metadata), self.now
            return True

    def delete(self, keys):
        keys = list(keys)
        for key in keys:
            self._request("delete", key)
            with self._lock:
                self.objects.pop(key, None)
        return len(keys)

    def list(self, prefix):
        self._request("list", prefix)
        for key, (body, _metadata, written) in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield ListedObject(key, len(body), written)
