"""A client with a cached answer ends up as with an uncached one: wire protocol
version 1.

Repositories, what clients have, and what they ask are drawn by hypothesis. Each
command runs from byte-identical copies of a client's repository, against a
server without the extension, and twice against one that has a cache: first the
segments are made, then used. The whole repositories that result, the output,
and the calls of hooks on both sides must be equal. Then the server's repository
changes, and all run again.
"""

import itertools
import shutil

import building
import examples
import plans
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from mutations import FURTHER, NARROWED, TRIED, Mutation
from v1_comparing import Case, Disagreement, Tally, examine
from v1_servers import CACHED, Fleet, Served
from v1_states import ALL, BRINGING, ClientPlan, Command, client_plans, commands

CLIENTS = ("hg-6.0.3", "hg-7.2")
CHANGES = tuple(sorted(set(TRIED) - {NARROWED, "nothing"})) + tuple(FURTHER) * 2

#: The smallest and the largest block, and how many new changesets make the smallest
#: worth it: so few that the shortest of repositories has several blocks.
SIZES = ((2, 16, 1), (4, 8, 2), (2, 4, 2), (1, 32, 1))

#: As long as it takes for several segments of the sizes that servers have.
REAL_LENGTH = 200

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def fleet(moto_executable, hg_executable):
    smallest, largest, worthwhile = SIZES[examples.SEED % len(SIZES)]
    config = {
        "differential.smallest": "%d" % smallest,
        "differential.largest": "%d" % largest,
        "differential.worthwhile": "%d" % worthwhile,
    }
    with Fleet(moto_executable, hg_executable, config) as running:
        yield running


@pytest.fixture(scope="module")
def real_fleet(moto_executable, hg_executable):
    with Fleet(moto_executable, hg_executable) as running:
        yield running


@st.composite
def cases(draw, repositories, clients, asked=1, changes=(CHANGES,), names=ALL):
    """``repositories`` are plans; each of ``clients`` clients asks ``asked``
    times, with a command of ``names``; ``changes`` has for each mutation a choice
    of names."""
    plan = draw(repositories)
    numbers = st.integers(0, len(plan.commits) - 1)
    paths = sorted({p for c in plan.commits for p in c.files}) or [b"a"]
    return Case(
        plan,
        tuple(
            (
                draw(client_plans(plan)),
                tuple(draw(commands(plan, names)) for _number in range(asked)),
            )
            for _client in range(clients)
        ),
        tuple(
            Mutation(
                draw(st.sampled_from(names)),
                draw(numbers),
                draw(st.sampled_from(paths)),
            )
            for names in changes
        ),
        draw(st.booleans()),
    )


def of_kinds(*names):
    """Plans of repositories of any of these LONG_KINDS."""
    kinds = [plans.repository_plans(plans.LONG_KINDS[name]) for name in names]
    return st.one_of(kinds)


class Lab:
    """Examines cases with one client, over one transport."""

    def __init__(self, fleet, client, transport="http", settings=()):
        self.fleet = fleet
        self.client = client
        self.transport = transport
        self.tally = Tally()
        self._settings = dict(settings)
        self._ui = building.make_ui()

    def examine(self, case):
        """Raises Disagreement."""
        path = self.fleet.collection / ("r%d" % next(_numbers))
        public_url = self.fleet.url(CACHED, path) if self.transport == "ssh" else ""
        settings = {("s3wireprotocache", "public-url"): public_url, **self._settings}
        try:
            repository = building.Repository(self._ui, path, case.plan, settings)
            served = Served(self.fleet, path)
            client = self.fleet.client(self.client)
            examine(case, repository, served, client, self.transport, self.tally)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def explore(self, strategy, name, share=1.0):
        """Examine cases of ``strategy``; returns the Tally."""

        @given(strategy)
        def agree(case):
            note(case.describe())
            self.examine(case)

        examples.run(agree, name, share)
        print("%s: %s" % (name, self.tally))
        return self.tally


@pytest.mark.parametrize("client", CLIENTS)
def test_pulls_over_http(fleet, client):
    strategy = cases(of_kinds("plain", "hidden"), clients=2)
    tally = Lab(fleet, client).explore(strategy, "http " + client)
    assert tally.share_of_remote() > 0.5, str(tally)
    assert tally.counts["answers of several parts"], str(tally)


@pytest.mark.parametrize("client", CLIENTS)
def test_pulls_over_ssh(fleet, client):
    strategy = cases(of_kinds("plain", "hidden"), clients=1, names=BRINGING)
    lab = Lab(fleet, client, transport="ssh")
    tally = lab.explore(strategy, "ssh " + client, share=0.75)
    assert tally.share_of_remote() > 0.5, str(tally)


@pytest.mark.parametrize("client", CLIENTS)
def test_segments_of_the_real_sizes(real_fleet, client):
    kind = plans.LONG_KINDS["plain"]
    grown = plans.grown_plans(kind, REAL_LENGTH)
    strategy = cases(grown, clients=2, changes=(("commits", "amend"),))
    tally = Lab(real_fleet, client).explore(strategy, "real " + client, share=0.25)
    assert tally.share_of_remote() > 0.5, str(tally)


@pytest.mark.parametrize("kind", ["refusing-hook", "treemanifest"])
def test_what_cannot_be_remote_is_the_same_too(fleet, kind):
    strategy = cases(of_kinds(kind), clients=1)
    tally = Lab(fleet, CLIENTS[1]).explore(strategy, kind, share=0.5)
    assert not tally.counts["remote parts"], str(tally)


def test_ssh_without_a_public_url(fleet):
    """Nobody knows a URL by which the client might reach the server."""
    settings = {("s3wireprotocache", "public-url"): ""}
    lab = Lab(fleet, CLIENTS[1], transport="ssh", settings=settings)
    lab.examine(pull_of_everything())
    assert not lab.tally.counts["remote parts"], str(lab.tally)


def test_a_root_without_files(fleet):
    """Mercurial's own bundles of version 01 damage a repository when the empty
    manifest is one of several."""
    empty_root = plans.Commit((), (), b"default", {})
    case = pull_of_everything(after=empty_root, pulled=frozenset([1]))
    for client in CLIENTS:
        lab = Lab(fleet, client)
        lab.examine(case)
        assert lab.tally.counts["remote parts"], str(lab.tally)


def pull_of_everything(after=None, pulled=frozenset()):
    """A case of six changesets in a line, with ``after`` after the third."""
    commits = []
    for number in range(6):
        content = "line" if number % 2 else "other"
        change = plans.Change(b"a", content)
        parents = [number - 1] if number else []
        if after is not None and number >= 3:
            parents = [number if number > 3 else 2]
        commits.append(
            plans.Commit(tuple(parents), (change,), b"default", {b"a": content})
        )
    if after is not None:
        commits.insert(3, after)
    empty = frozenset()
    plan = plans.RepositoryPlan(
        commits=tuple(commits),
        public=empty,
        secret=empty,
        obsolete=empty,
        bookmarks={},
        publishing=True,
        refusing_hook=False,
        treemanifest=False,
        minimum_object_bytes=1,
    )
    client = ClientPlan(pulled, (), empty, empty, {}, markers=False)
    return Case(plan, ((client, (Command("pull"),)),), (), warm=False)


def test_a_mistake_is_noticed(fleet):
    """The tests above can fail: of a server that forgets the phases, everything
    else is equal."""
    settings = {("differential", "forget-phases"): "yes"}
    with pytest.raises(Disagreement, match="phase, wanted: 'public'"):
        Lab(fleet, CLIENTS[1], settings=settings).examine(pull_of_everything())
