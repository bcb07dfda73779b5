"""Stories that are tried, with one client and one headless server."""

import collections
import dataclasses
import itertools
import shutil
import typing

import building
import examples
from hypothesis import given, note
from try_running import World

_numbers = itertools.count(1)


class Setup(typing.NamedTuple):
    """``who`` is one of try_servers, ``transport`` how its clients reach it,
    ``redirect_minimum`` the size in bytes from which on they are sent to the store."""

    who: str
    transport: str = "http"
    redirect_minimum: int = 1


class Lab:
    """``client`` is a TryClient; ``tally`` counts what happened."""

    def __init__(self, arena, client, setup):
        self._arena = arena
        self._client = client
        self._setup = setup
        self._ui = building.make_ui()
        self.tally = collections.Counter()

    def run(self, base, steps):
        """``base`` is a RepositoryPlan; raises Disagreement."""
        name = "r%d" % next(_numbers)
        upstream = self._arena.folder / ("upstream-" + name)
        building.Repository(self._ui, upstream, as_base(base))
        world = World(
            self._arena, self._client, upstream, name, self._setup, self.tally
        )
        try:
            world.run(steps)
        finally:
            world.remove()
            shutil.rmtree(str(upstream))

    def explore(self, strategy, name, share):
        """Run Stories of ``strategy``; returns the tally."""

        @given(strategy)
        def agree(story):
            note(story.describe())
            self.run(story.base, story.steps)

        examples.run(agree, name, share)
        print("%s: %s" % (name, dict(self.tally)))
        return self.tally


def as_base(plan):
    """The RepositoryPlan with all that it has public, and without what some versions
    of `hg update` do not survive."""
    commits = tuple(
        dataclasses.replace(
            commit,
            changes=tuple(
                dataclasses.replace(change, flags=change.flags.replace("l", ""))
                for change in commit.changes
            ),
        )
        for commit in plan.commits
    )
    none = frozenset()
    return dataclasses.replace(
        plan,
        commits=commits,
        public=frozenset(range(len(commits))),
        secret=none,
        obsolete=none,
        bookmarks={},
    )
