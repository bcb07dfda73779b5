"""``bundleworker.py FOLDER LIMIT ACTION ...``: a process of its own that uses a
BundleCache, and the bundles of tests. It says ``ready``, and begins with a line on
its standard input.

``herd NUMBER THREADS LOG``  asks for one bundle in as many threads; a fetch is a
                             line in the file LOG
``hang NUMBER``              fetches a half, says ``half``, and waits to be killed
``churn SEED TURNS``         adds, asks for and reads what others do, too
"""

import hashlib
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import stores

from hgs3.trybundles.bundlecache import BundleCache

CHUNK_BYTES = 10_000
SIZE = 50_000


class Bundle:
    """Content that is known by its number; ``fetch`` counts, as ``fetches``."""

    def __init__(self, number, size_bytes=SIZE):
        seed = hashlib.sha256(b"%d" % number).digest()
        self.data = (seed * (size_bytes // len(seed) + 1))[:size_bytes]
        self.sha256 = hashlib.sha256(self.data).hexdigest()
        self.size_bytes = size_bytes
        self.fetches = 0

    def fetch(self, stream):
        self.fetches += 1
        for start in range(0, self.size_bytes, CHUNK_BYTES):
            stream.write(self.data[start : start + CHUNK_BYTES])

    def path(self, cache, fetch=None):
        return cache.path(self.sha256, self.size_bytes, fetch or self.fetch)

    def read(self, cache, fetch=None):
        """The content, as the cache has it."""
        return cache.open_with(self.sha256, self.size_bytes, fetch or self.fetch, read)

    def add(self, cache, source):
        cache.add(self.sha256, self.size_bytes, str(source))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def bundles_in(folder):
    """The names of all files but those of locks and of the count."""
    others = ("lock-", "space", "sweeping")
    return sorted(
        each.name for each in folder.iterdir() if not each.name.startswith(others)
    )


def never(stream):
    raise AssertionError("nobody should fetch")


def herd(cache, number, threads, log):
    bundle = Bundle(int(number))

    def fetch(stream):
        with open(log, "a") as file:
            file.write("fetched\n")
        # Time for all others to come.
        time.sleep(0.3)
        bundle.fetch(stream)

    results = stores.in_threads(
        int(threads), lambda _number: bundle.read(cache, fetch) == bundle.data
    )
    print(results.count(True), flush=True)


def hang(cache, number):
    bundle = Bundle(int(number))

    def fetch(stream):
        stream.write(bundle.data[: bundle.size_bytes // 2])
        stream._file.flush()
        print("half", flush=True)
        time.sleep(stores.PATIENCE_SECONDS)

    bundle.path(cache, fetch)


def churn(cache, seed, turns):
    chance = random.Random(seed)
    wrong = 0
    for turn in range(int(turns)):
        bundle = Bundle(chance.randrange(20))
        if chance.random() < 0.2:
            source = "%s-%s-%d" % (cache._path, seed, turn)
            with open(source, "wb") as file:
                file.write(bundle.data)
            bundle.add(cache, source)
            os.unlink(source)
        wrong += bundle.read(cache) != bundle.data
        print("turn", flush=True)
    print("wrong", wrong, flush=True)


if __name__ == "__main__":
    cache = BundleCache(sys.argv[1], int(sys.argv[2]), print)
    print("ready", flush=True)
    sys.stdin.readline()
    {"herd": herd, "hang": hang, "churn": churn}[sys.argv[3]](cache, *sys.argv[4:])
