"""What the tests of the Coalescer share: herds of threads and of processes.

``python herds.py FOLDER NAME`` is a process with a Coalescer. It takes one
line at a time on standard input, ``method argument...``, and answers each with
one on standard output.
"""

import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(__file__))))

import stores

from hgs3.cache.coalesce import Coalescer, LeaderFailed, Outcome
from hgs3.cache.spool import Spool

KEY = "cache/0123/v2/filesdata/4567"
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.02


def soon():
    return time.monotonic() + PATIENCE_SECONDS


def coalescer(folder, said=None, **options):
    options.setdefault("poll_seconds", POLL_SECONDS)
    report = [].append if said is None else said.append
    return Coalescer(None if folder is None else str(folder), report, **options)


def leader_and_follower(pool):
    leader, follower = pool.enter(KEY), pool.enter(KEY)
    assert leader.leads and not follower.leads
    return leader, follower


def in_threads(count, function):
    """What ``function(number)`` returns or raises, in threads that begin together."""
    start = threading.Barrier(count, timeout=PATIENCE_SECONDS)

    def run(number):
        start.wait()
        return function(number)

    return stores.in_threads(count, run)


def compute(folder, pool, key=KEY, store=None):
    """One asker, as the cacher will be: looks, enters, computes or waits.

    ``folder`` is where the "store" is, and a log of computations.
    """
    stored = os.path.join(str(folder), "stored-" + os.path.basename(key))
    while True:
        if os.path.exists(stored):
            return "hit"
        turn = pool.enter(key)
        if not turn.leads:
            turn.wait(soon())
            turn.leave()
            continue
        # Another may have led between our look and our turn.
        if os.path.exists(stored):
            turn.finish(Outcome.STORED)
            return "hit"
        with open(os.path.join(str(folder), "computed"), "a") as log:
            log.write("%s %d\n" % (key, os.getpid()))
        with open(stored, "w"):
            turn.finish(Outcome.STORED)
        return "computed"


class Process:
    """Another process with a Coalescer; a context manager."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            universal_newlines=True,
        )
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().strip()

    def ask(self, *words):
        self.tell(*words)
        return self.answer()


class Servant:
    """The other end of a Process."""

    def __init__(self, folder):
        self.folder = folder
        self.said = []
        self.pool = coalescer(folder, self.said)
        self.turns = []
        self.spool = None

    def enter(self, key=KEY):
        self.turns.append(self.pool.enter(key))
        return "leads" if self.turns[-1].leads else "follows"

    def offer(self, memory_bytes):
        self.spool = Spool(memory_bytes=int(memory_bytes))
        self.turns[-1].offer(self.spool)
        return "offered"

    def write(self, count):
        for number in range(int(count)):
            self.spool.write(b"%07d\n" % number)
        return "written"

    def complete(self):
        self.spool.complete()
        return "complete"

    def finish(self, outcome):
        self.turns[-1].finish(Outcome(outcome))
        if self.spool is not None:
            self.spool.close()
        return "finished"

    def wait(self):
        return self.turns[-1].wait(soon()).value

    def readable(self):
        return self.turns[-1].wait_readable(soon()).value

    def read(self):
        chunks = self.turns[-1].read()
        if chunks is None:
            return "none"
        try:
            return "%d lines" % b"".join(chunks).count(b"\n")
        except LeaderFailed as err:
            return "failed: %s" % err

    def leave(self):
        self.turns.pop().leave()
        return "left"

    def next_leader(self, threads):
        """Followers in as many threads: who leads when this leader fails?"""
        stored = os.path.join(self.folder, "stored")

        def follow(_number):
            turn = self.pool.enter(KEY)
            if turn.leads:
                return "led at once"
            # Says that this thread waits.
            os.write(1, b"waits\n")
            while True:
                outcome = turn.wait(soon())
                turn.leave()
                if outcome is not Outcome.FAILED:
                    return outcome.value
                turn = self.pool.enter(KEY)
                if not turn.leads:
                    continue
                if os.path.exists(stored):
                    # We come late: another has led and is done.
                    turn.finish(Outcome.STORED)
                    return "stored"
                # Time for a second leader to show itself.
                time.sleep(0.1)
                with open(stored, "w"):
                    turn.finish(Outcome.STORED)
                return "led"

        return ",".join(sorted(map(str, in_threads(int(threads), follow))))

    def herd(self, threads):
        results = in_threads(int(threads), lambda _n: compute(self.folder, self.pool))
        return ",".join(sorted(map(str, results)))

    def fork(self):
        """A child that lives on, in the middle of all this."""
        pid = os.fork()
        if not pid:
            sys.stdin.close()
            os.close(1)
            time.sleep(PATIENCE_SECONDS)
            os._exit(0)
        return str(pid)


def serve(folder):
    servant = Servant(folder)
    for line in sys.stdin:
        method, *arguments = line.split()
        print(getattr(servant, method)(*arguments), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
