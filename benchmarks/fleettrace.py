"""The trace of v1_fleet.py: a repository that grows by pushes, and the clients that
come after each of them.
"""

from __future__ import annotations

import dataclasses
import pathlib
import random
import shutil
import typing

import cli
import clonerun
import pullrun
from history import points_of_pushes
from lightpull import LightPuller

from testlib import processes

SEED = 20191101  # any number: the trace is the same whenever it is made


@dataclasses.dataclass(frozen=True)
class Round:
    """What happens between two pushes: a push of the state of this number, and
    pulls by clients of these states.
    """

    state: int
    pulls: tuple[int, ...]


class Trace:
    """Pushes and clients of a source repository.

    `points[n]` is the only head of state n, as a hexadecimal node; state `first` is
    served at the beginning. ValueError when the history is too short.
    """

    def __init__(
        self,
        source: pathlib.Path,
        pushes: int,
        push_size: int,
        runners: int,
        behind: int,
    ) -> None:
        chance = random.Random(SEED)
        sizes = [chance.randint(1, push_size) for _push in range(behind + pushes)]
        self.source = source
        self.points = points_of_pushes(source, sizes)
        self.first = behind
        self.rounds = [
            Round(
                state,
                tuple(state - chance.randint(0, behind) for _runner in range(runners)),
            )
            for state in range(behind + 1, behind + pushes + 1)
        ]


class Clients(typing.Protocol):
    """Of one server."""

    #: The state of the clone bundle that the server names, if it names one.
    bundled: int | None

    def prepare(self, states: typing.Iterable[int]) -> None:
        """Before clients of these states pull, each once."""
        ...

    def pull(self, state: int) -> None:
        """A client of this state pulls."""
        ...

    def clone(self) -> None:
        """A client clones."""
        ...


class LightClients:
    """See lightpull.py."""

    def __init__(self, trace: Trace, puller: LightPuller) -> None:
        self._points = [bytes.fromhex(node) for node in trace.points]
        self._puller = puller
        self.bundled: int | None = None

    def prepare(self, states: typing.Iterable[int]) -> None:
        """They have nothing but the nodes of their heads."""

    def pull(self, state: int) -> None:
        self._puller.pull([self._points[state]])

    def clone(self) -> None:
        known = [] if self.bundled is None else [self._points[self.bundled]]
        self._puller.clone(known)


class StockClients:
    """Real ones, each with a repository of its own, made beforehand."""

    def __init__(
        self, trace: Trace, hg: pathlib.Path, url: str, scratch: pathlib.Path
    ) -> None:
        self.bundled: int | None = None
        self._trace = trace
        self._hg = hg
        self._url = url
        self._scratch = scratch
        self._oldest = scratch / "oldest"
        self._ready: dict[int, list[pathlib.Path]] = {}
        self._count = 0
        clonerun.hg_output(
            *(hg, "clone", "-q", "--pull", "--noupdate", "-r", trace.points[0]),
            *(trace.source, self._oldest),
        )

    def prepare(self, states: typing.Iterable[int]) -> None:
        """Make their repositories."""
        for state in states:
            self._count += 1
            repository = self._scratch / f"client-{self._count}"
            shutil.copytree(self._oldest, repository)
            if state:
                clonerun.hg_output(
                    *(self._hg, "pull", "-q", "-R", repository),
                    *("-r", self._trace.points[state], self._trace.source),
                )
            self._ready.setdefault(state, []).append(repository)

    def pull(self, state: int) -> None:
        repository = self._ready[state].pop()
        self._run(pullrun.pull_command(self._hg, repository, self._url))
        cli.remove(repository)

    def clone(self) -> None:
        destination = self._scratch / "clone"
        self._run(pullrun.clone_command(self._hg, self._url, destination))
        cli.remove(destination)

    def _run(self, command: list[str]) -> None:
        processes.run(command, clonerun.client_environment())
