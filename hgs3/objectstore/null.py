"""The store of a server for which no bucket is configured."""

from .base import ObjectStore, StoreUnavailable


class NullStore(ObjectStore):
    """Holds nothing and is never down.

    It stands wherever a store may stand, so that no caller has to ask
    whether there is one.
    """

    keeps_objects = False

    def head(self, key):
        return None

    def read(self, key):
        return None

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        pass

    def presign_get(self, key, lifetime_seconds):
        raise StoreUnavailable("no bucket is configured")

    def public_base_url(self):
        return None

    def probe(self):
        pass
