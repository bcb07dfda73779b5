"""Each client with each server of headless try: all that the two can do to each other
once, in an order that a person has chosen.

See test_try_stories.py for what is compared, and for random orders. Here pushes are
answered inline, but for the ones that are large.
"""

import plans
import pytest
from try_clients import TryClient
from try_lab import Lab, Setup
from try_servers import HEADLESS, Arena
from try_steps import Step, copy, write

CLIENTS = ("hg-6.0.3", "hg-7.2")


def base():
    """Six public changesets: 0 to 3 in a line, 4 and 5 on 1."""
    commits = []
    for number, parents in enumerate(((), (0,), (1,), (2,), (1,), (4,))):
        changes = (
            plans.Change(b"all", "line" if number % 2 else "lines"),
            plans.Change(b"file-%d" % number, "other"),
        )
        commits.append(plans.Commit(parents, changes, b"default", {}))
    return plans.RepositoryPlan(
        commits=tuple(commits),
        public=frozenset((3, 5)),
        secret=frozenset(),
        obsolete=frozenset(),
        bookmarks={},
        publishing=True,
        refusing_hook=False,
        treemanifest=False,
        minimum_object_bytes=1,
    )


def steps():
    """(Step, whether it is done in short stories, too): all of them. What was pushed has
    numbers in the order of the first pushes. Over SSH, each asks a new process."""
    a, b = 0, 1
    yield Step("commit", a, ((3,), (write(b"a", "line"),))), True
    step = Step("commit", a, ((-1,), (write(b"a", "large"), ("remove", 1)), "stable"))
    yield step, True
    yield Step("commit", a, ((-1,), ())), True
    yield Step("push", a), True  # a stack: 0, 1, 2
    yield Step("push", a), False  # again, unchanged
    renamed = (copy("move", 0, b"b"), copy("copy", 1, b"c", "line"))
    yield Step("commit", a, ((5,), renamed)), True
    yield Step("push", a, ((-1,),)), True  # 3
    yield Step("identify", b, (0, 12)), True
    yield Step("incoming", b, (2, 40)), False
    yield Step("pull", b, ((0,), 12)), True
    yield Step("incoming", b, (2, 12)), True
    yield Step("pull_base", b), False
    yield Step("pull", b, ((2, 3), 40)), True  # a part of it is there
    yield Step("pull", b, ((2, 3), 40)), False  # all is there
    yield Step("commit", b, ((8, 9), (write(b"merged", "line"),))), True
    yield Step("push", b, ((-1,),)), True  # on what was pulled: 4
    yield Step("pull", a, ((4,), 7)), False
    yield Step("begin", b), True
    yield Step("pull", b, ((4, 2), 40)), True  # into nothing
    yield Step("begin", b, ((1,),)), False
    yield Step("pull", b, ((0, 3), 12)), False  # on an old base
    yield Step("clone", b, ((1,), 40)), False
    yield Step("clone_base", b), False
    # Bookmarks: new, moved, deleted.
    yield Step("push_bookmark", a, ("work", 0)), True
    yield Step("pull_bookmark", b, ("work", "-r")), True
    yield Step("push_bookmark", a, ("work", 2)), False
    yield Step("pull_bookmark", b, ("work", "-B")), False
    yield Step("delete_bookmark", a, ("work",)), True
    yield Step("pull_bookmark", b, ("work", "-r")), False
    # What was amended is still there.
    yield Step("amend", a, (0, True)), True
    yield Step("push", a), False  # 5
    yield Step("pull", b, ((5, 4), 12)), False
    # Revisions of files that the base has elsewhere.
    yield Step("resemble", a, (2, False)), True
    yield Step("push", a, ((-1,),)), True
    yield Step("clone", b, ((-1,), 40)), True
    yield Step("resemble", a, (3, True)), False
    yield Step("push", a, ((-1,),)), False
    yield Step("clone", b, ((-1,), 40)), False
    # The base grows, by others' work and by what was pushed.
    yield Step("grow", a, ((0,), (write(b"new", "line"),))), True
    yield Step("commit", a, ((-1,), (write(b"a", "other"),))), True
    yield Step("push", a, ((-1,),)), False
    yield Step("pull_base", a), False
    yield Step("promote", a, (0,)), True
    yield Step("pull", b, ((1,), 40)), True
    yield Step("pull", a, ((1,), 40)), False
    yield Step("pull_base", b), False
    yield Step("pull_base", a), True
    yield Step("push", a), False
    yield Step("clone_base", b), True


@pytest.fixture(scope="module")
def arena(hg_executable):
    with Arena(hg_executable) as running:
        yield running


@pytest.fixture(scope="module", params=CLIENTS)
def client(arena, request):
    return TryClient(request.param, arena)


@pytest.mark.parametrize("transport", ["http", "ssh"])
def test_all_that_can_be_done(arena, client, transport):
    lab = Lab(arena, client, Setup(HEADLESS, transport, redirect_minimum=1000))
    lab.run(base(), [step for step, short in steps() if short or transport == "http"])
    counts = lab.tally
    assert counts["try hit inline"] and counts["try hit redirect"], str(counts)
    # None that finds nothing to be done with.
    assert {step.name.replace("_", " ") for step, _short in steps()} <= set(counts)
