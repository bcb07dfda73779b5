"""Whether the memory of a headless server grows with what it is asked: a mix of
pushes, pulls, `hg incoming` and lookups, each one a client of its own.
"""

from __future__ import annotations

import random

import cli
from lightpull import LightPuller
from lightpush import LightPusher
from tryreport import Memory
from tryservers import TryServer

SEED = 20191101  # any number: the mix is the same whenever it is made
FIRST_SHARE = 10  # of all requests, after which it is looked at first

#: What clients do, and how often.
PUSH, WHOLE, MIDDLE, INCOMING, LARGE, LOOKUP = range(6)
WEIGHTS = (10, 25, 20, 15, 2, 28)

PREFIX_DIGITS = 12  # of a hash that is looked up


class Mix:
    """The clients of one server."""

    def __init__(self, server: TryServer, pusher: LightPusher, large: int) -> None:
        self._server = server
        self._pusher = pusher
        self._chance = random.Random(SEED)
        self._pushed: list[list[bytes]] = []
        self._large = pusher.prepare_large(large)
        self._http_requests = 0

    def run(self, requests: int) -> Memory:
        """So many; a push counts as one of them, whatever it asks for."""
        chosen = self._chance.choices(range(len(WEIGHTS)), WEIGHTS, k=requests)
        cli.say("making what is pushed...")
        waiting = self._pusher.prepare(chosen.count(PUSH) + 1)
        self._pusher.push(self._server.proxy.url, [self._large[-1]])
        self._push(waiting)
        first = requests // FIRST_SHARE
        first_bytes = 0
        with LightPuller(self._server.proxy.url) as puller:
            for number, what in enumerate(chosen, 1):
                if what == PUSH:
                    self._push(waiting)
                else:
                    self._ask(puller, what)
                if number == first:
                    first_bytes = self._server.resident_bytes()
                if number % max(1, first) == 0:
                    self._note(number)
        return Memory(
            first_requests=first,
            first_bytes=first_bytes,
            requests=requests,
            bytes=self._server.resident_bytes(),
            http_requests=self._http_requests,
        )

    def _push(self, waiting: list[list[bytes]]) -> None:
        nodes = waiting.pop()
        self._pusher.push(self._server.proxy.url, [nodes[-1]])
        self._pushed.append(nodes)

    def _ask(self, puller: LightPuller, what: int) -> None:
        nodes = self._chance.choice(self._pushed)
        known = [self._pusher.base]
        if what == WHOLE:
            puller.pull_revision(known, nodes[-1])
        elif what == MIDDLE:
            puller.pull_revision(known, nodes[-2])
        elif what == INCOMING:
            puller.incoming(known, nodes[-1])
        elif what == LARGE:
            puller.pull_revision(known, self._large[-1])
        else:
            puller.lookup(nodes[-1].hex()[:PREFIX_DIGITS])

    def _note(self, number: int) -> None:
        self._http_requests += len(self._server.proxy.exchanges())
        self._server.proxy.clear()
        mib = self._server.resident_bytes() / 2**20
        cli.say(f"{number} requests: {mib:.1f} MiB")
