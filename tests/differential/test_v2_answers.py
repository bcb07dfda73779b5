"""A cached answer is the uncached one: wire protocol version 2.

Repositories and requests are drawn by hypothesis. Each request goes to a server
without a cache, twice to one that has a cache, and then to another one that
shares the bucket, for a client that follows no redirect. Objects, errors and
calls of hooks must be equal. Then the repository changes, and the same is asked
again.
"""

import functools
import itertools
import shutil

import building
import examples
import plans
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from mercurial import verify
from mutations import HIDING, NARROWED, TRIED, Mutation
from v2_bad_requests import bad_requests, variants
from v2_comparing import CACHED_COMMANDS, Case, Tally, examine
from v2_requests import COMMANDS, VALID, Choice
from v2_servers import Clients, Fleet

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def fleet(moto_executable, hg_executable):
    with Fleet(moto_executable, hg_executable) as running:
        yield running


def everything(plan):
    return Choice(plan, tuple(range(len(plan.commits))))


def in_view(plan):
    return Choice(plan, plan.visible() or everything(plan).numbers)


@st.composite
def requests_to(draw, plan):
    """A list of requests to a repository of ``plan``: some are valid, one of
    four has something wrong with it, and some differ little from others."""

    def of_command(command):
        # Hardly any request for just any changeset of a repository with secrets
        # has an answer.
        valid = [VALID[command](each(plan)) for each in (in_view, in_view, everything)]
        return st.one_of(*valid, bad_requests(in_view(plan), command))

    requests = st.sampled_from(sorted(COMMANDS)).flatmap(of_command)
    drawn = draw(st.lists(requests, min_size=4, max_size=7))
    for request in [each for each in drawn if not each.spoilt][:3]:
        alike = draw(variants(everything(plan), request))
        drawn.append(draw(st.sampled_from(alike)))
    return drawn


@st.composite
def requests_of(draw, plan, command):
    """Valid requests of one command, and all variants of the first of them."""
    valid = VALID[command](in_view(plan))
    drawn = draw(st.lists(valid, min_size=4, max_size=7))
    return drawn + draw(variants(in_view(plan), drawn[0]))


@st.composite
def cases(draw, kinds, mutation_names, requests=requests_to):
    """``kinds`` are keys of plans.KINDS to choose from; ``mutation_names`` has
    such a choice for each mutation."""
    plan = draw(plans.repository_plans(plans.KINDS[draw(st.sampled_from(kinds))]))
    numbers = st.integers(0, len(plan.commits) - 1)
    paths = st.sampled_from(
        sorted({p for c in plan.commits for p in c.files}) or [b"a"]
    )
    return Case(
        plan,
        tuple(draw(requests(plan))),
        tuple(
            Mutation(draw(st.sampled_from(names)), draw(numbers), draw(paths))
            for names in mutation_names
        ),
    )


def explore(fleet, strategy, name):
    """Examine cases, and return a Tally of them."""
    tally = Tally()
    ui = building.make_ui()

    @given(strategy)
    def agree(case):
        note(case.describe())
        path = fleet.collection / ("r%d" % next(_numbers))
        try:
            repository = building.Repository(ui, path, case.plan)
            examine(case, repository, Clients(fleet, ui, path), tally)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    examples.run(agree, name)
    print("%s: %s" % (name, tally))
    return tally


@pytest.mark.parametrize("kind", sorted(plans.KINDS))
def test_all_servers_answer_alike(fleet, kind):
    tally = explore(fleet, cases([kind], [TRIED, TRIED]), kind)
    assert tally.share_of_hits() > 0.25, str(tally)


@pytest.mark.parametrize("mutation", sorted(set(TRIED) - {NARROWED}))
def test_no_answer_is_older_than_the_repository(fleet, mutation):
    tally = explore(fleet, cases(["plain", "hidden"], [[mutation]]), mutation)
    assert tally.counts["hits"], str(tally)


@pytest.mark.parametrize("mutation", HIDING + (NARROWED,))
def test_files_that_are_gone_or_hidden_stay_in_the_store(fleet, mutation):
    """Asked for by its changesets, which is how clients ask."""
    kind = "narrow" if mutation == NARROWED else "plain"
    requests = functools.partial(requests_of, command=b"filesdata")
    strategy = cases([kind], [[mutation]], requests)
    tally = explore(fleet, strategy, "files, " + mutation)
    assert tally.hits[b"filesdata", "redirect"], str(tally)


@pytest.mark.parametrize("command", sorted(CACHED_COMMANDS), ids=bytes.decode)
def test_honest_requests_come_out_of_the_store(fleet, command):
    """Each its own answer. Without this test, a cache that never stores
    anything might pass."""
    requests = functools.partial(requests_of, command=command)
    tally = explore(fleet, cases(["plain"], [], requests), command.decode())
    assert tally.share_of_hits() > 0.5, str(tally)
    assert tally.counts["requests that could hit"] > 0.25 * tally.counts["requests"]
    for via in ("redirect", "inline"):
        assert tally.hits[command, via], str(tally)


@pytest.mark.parametrize("kind", sorted(plans.KINDS))
def test_the_repositories_are_sound(tmp_path, kind):
    """`hg verify` has nothing to say of them, as made and after each mutation."""
    ui = building.make_ui()

    @given(cases([kind], [TRIED, TRIED]))
    def verified(case):
        note(case.describe())
        path = tmp_path / ("r%d" % next(_numbers))
        repository = building.Repository(ui, path, case.plan)
        _verify(repository)
        for mutation in case.mutations:
            mutation.apply(repository)
            _verify(repository)

    examples.run(verified, "sound " + kind)


def _verify(repository):
    repo = repository.open()
    repo.ui.pushbuffer(error=True)
    errors = verify.verify(repo)
    output = repo.ui.popbuffer().decode("utf-8", "replace")
    assert not errors, output
    # A narrow one has more files than its patterns say, as it was made whole.
    assert "warning" not in output or repository.plan.narrow is not None, output
