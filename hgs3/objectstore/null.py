"""The store of a server for which no bucket is configured."""

from .base import ObjectStore, StoreUnavailable, StoreUnsupported

_NO_BUCKET = "no bucket is configured"


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

    def put_if_absent(self, key, body, metadata):
        # True would make everybody the one who was first, and False would have
        # everybody wait for nobody.
        raise StoreUnsupported(_NO_BUCKET)

    def delete(self, keys):
        return sum(1 for _key in keys)

    def list(self, prefix):
        return iter(())

    def presign_get(self, key, lifetime_seconds):
        raise StoreUnavailable(_NO_BUCKET)

    def public_base_url(self):
        return None

    def probe(self):
        pass
