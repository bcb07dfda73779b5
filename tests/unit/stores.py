"""Stores for tests, and what tests do with any of them."""

import hashlib
import io
import itertools
import threading
import urllib.error
import urllib.request

from hgs3.objectstore.s3 import S3Store
from hgs3.objectstore.s3settings import S3Settings

MEDIA_TYPE = "application/mercurial-cbor"
METADATA = {"command": "filesdata", "format-version": "1"}

#: In settings of tests, and so never to be seen in a message.
SECRET = "test+secret/NEVER-TO-BE-SHOWN"

_numbers = itertools.count(1)

#: Longer than any machine needs: only a test that hangs sees its end.
PATIENCE_SECONDS = 60


def new_bucket_name():
    return "bucket-%d" % next(_numbers)


def s3_settings(endpoint_url="", bucket="hg-cache", **others):
    """S3Settings with keys, and timeouts that a loaded machine can keep."""
    values = {
        "region": "us-west-2",
        "access_key_id": "test-key",
        "secret_access_key": SECRET,
        "connect_timeout_seconds": 20.0,
        "read_timeout_seconds": 60.0,
        "endpoint_url": endpoint_url,
        "bucket": bucket,
    }
    values.update(others)
    return S3Settings(**values)


def s3_store(endpoint_url="", bucket="hg-cache", **others):
    return S3Store(s3_settings(endpoint_url, bucket, **others))


def put(store, key, body, metadata=METADATA, content_type=MEDIA_TYPE, file=None):
    store.put(
        key,
        io.BytesIO(body) if file is None else file,
        len(body),
        content_type,
        metadata,
        hashlib.sha256(body).hexdigest(),
    )


def read_whole(store, key):
    """The body at ``key``, or None."""
    chunks = store.read(key)
    return None if chunks is None else b"".join(chunks)


def fetch(url):
    """(status, headers, body) as any HTTP client sees them; no proxies."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as err:
        return err.code, err.headers, err.read()


def in_threads(count, work):
    """What ``work(number)`` returns, or raises, in so many threads at once."""
    results = [None] * count

    def run(number):
        try:
            results[number] = work(number)
        except BaseException as err:
            results[number] = err

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True)
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    return results


class WatchedBody(io.BytesIO):
    """A body that calls ``watch()`` each time more of it is read, which is
    always before the last of it is sent."""

    def __init__(self, data, watch):
        super().__init__(data)
        self._size = len(data)
        self._watch = watch

    def read(self, size=-1):
        # At its end, all may have arrived.
        if self.tell() < self._size:
            self._watch()
        return super().read(size)
