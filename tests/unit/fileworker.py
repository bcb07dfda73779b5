"""``fileworker.py FOLDER LIMIT ACTION ...``: a process of its own that uses a
store. It says ``ready``, and begins with a line on its standard input.

``put SEED``         puts bodies of all sizes until it is killed; a line each
``push SEED``        puts what is never evicted, and 20 times as much else, until it
                     is killed; a line with name and SHA-256 of each of the former
``first KEYS``       the keys, 0 to KEYS, at which it was the first
``share SEED TURNS`` puts, replaces, reads and deletes what others do, too
"""

import hashlib
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from stores import put

from hgs3.objectstore.base import StoreFull
from hgs3.objectstore.file import FileStore
from hgs3.objectstore.filesettings import FileSettings


def a_body(chance):
    """A body that nobody makes twice, and that says itself if it is whole."""
    text = os.urandom(chance.choice((10, 1000, 50_000, 400_000)))
    return hashlib.sha256(text).hexdigest().encode() + text


def is_whole(body):
    return hashlib.sha256(body[64:]).hexdigest().encode() == body[:64]


def puts(store, seed):
    chance = random.Random(seed)
    for number in range(10**9):
        put(store, "%s/%d" % (seed, chance.randrange(40)), a_body(chance))
        print(number, flush=True)


def pushes(store, seed):
    chance = random.Random(seed)
    for number in range(10**9):
        if number % 20 == 0:
            body = a_body(chance)
            put(store, "p/try/%s/%s-%d" % (32 * "0", seed, number), body)
            print(
                "%s-%d" % (seed, number), hashlib.sha256(body).hexdigest(), flush=True
            )
        try:
            put(store, "p/cache/%s/%d" % (seed, chance.randrange(40)), a_body(chance))
        except StoreFull:
            continue


def first(store, keys):
    won = [
        number
        for number in range(int(keys))
        if store.put_if_absent("key/%d" % number, b"%d" % os.getpid(), {})
    ]
    print(os.getpid(), *won, flush=True)


def share(store, seed, turns):
    chance = random.Random(seed)
    found = 0
    for _turn in range(int(turns)):
        key = "shared/%d" % chance.randrange(10)
        action = chance.randrange(4)
        if action == 0:
            put(store, key, a_body(chance))
        elif action == 1 and chance.random() < 0.2:
            store.delete([key])
        elif action == 2:
            for each in store.list("shared/"):
                assert each.size_bytes >= 64
        else:
            chunks = store.read(key)
            if chunks is not None:
                assert is_whole(b"".join(chunks))
                found += 1
    print(found, flush=True)


if __name__ == "__main__":
    store = FileStore(FileSettings(sys.argv[1], int(sys.argv[2])))
    print("ready", flush=True)
    sys.stdin.readline()
    actions = {"put": puts, "push": pushes, "first": first, "share": share}
    actions[sys.argv[3]](store, *sys.argv[4:])
