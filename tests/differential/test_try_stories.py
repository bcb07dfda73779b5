"""Clients of a headless try server end up as those of an ordinary one.

What happens to two clients and the repository that try is on top of is drawn by
hypothesis: commits, pushes, pulls, clones, bookmarks, and a base that grows. Each
client has its repository twice, byte for byte the same: one goes to an ordinary
server that does not publish, the other to a headless one. After each step they must
hold the same changesets with the same phases and bookmarks; in the end, and before one
is thrown away, all else in them is compared, too. The server's repository must be as
it was.
"""

import pathlib
import sys

import plans
import pytest
from try_clients import TryClient
from try_lab import Lab, Setup
from try_servers import CACHED, HEADLESS, Arena
from try_steps import LONG_WEIGHTS, stories

OLD, NEW = "hg-6.0.3", "hg-7.2"

#: The Mercurial that runs the tests is that of the servers.
SERVER = pathlib.Path(sys.prefix).name

KIND = plans.Kind(lengths=(2, 8), shapes=plans.LONG_SHAPES, tags=True)

#: As long as it takes for several segments of the cache.
LONG = 200

#: A client of the other Mercurial comes by HTTP to an old server, by SSH to a new one.
OTHER = {OLD: (NEW, "http"), NEW: (OLD, "ssh")}


@pytest.fixture(scope="module")
def arena(hg_executable):
    with Arena(hg_executable) as running:
        yield running


@pytest.fixture(scope="module")
def client(arena):
    """A function: name -> TryClient, which is started when it is first needed."""
    started = {}

    def get(name):
        if name not in started:
            started[name] = TryClient(name, arena)
        return started[name]

    return get


@pytest.mark.parametrize("redirect_minimum, share", [(1, 0.5), (10**6, 0.25)])
def test_clients_of_the_same_mercurial(arena, client, redirect_minimum, share):
    setup = Setup(HEADLESS, "http", redirect_minimum)
    strategy = stories(plans.repository_plans(KIND))
    name = "same %d" % redirect_minimum
    tally = Lab(arena, client(SERVER), setup).explore(strategy, name, share)
    via = "redirect" if redirect_minimum == 1 else "inline"
    assert tally["try hit " + via], str(tally)
    assert via == "redirect" or not tally["try hit redirect"], str(tally)


def test_clients_of_the_other_mercurial(arena, client):
    name, transport = OTHER[SERVER]
    lab = Lab(arena, client(name), Setup(HEADLESS, transport))
    tally = lab.explore(stories(plans.repository_plans(KIND)), "other", share=0.25)
    assert tally["try hit redirect"], str(tally)


def test_a_long_base_with_the_cache_of_responses(arena, client):
    """What is of the base comes as segments, together with bundles."""
    bases = plans.grown_plans(plans.LONG_KINDS["plain"], LONG)
    strategy = stories(bases, clients=1, weights=LONG_WEIGHTS)
    lab = Lab(arena, client(SERVER), Setup(CACHED))
    tally = lab.explore(strategy, "long", share=0.25)
    assert tally["try hit redirect"] and tally["getbundle hit redirect"], str(tally)
