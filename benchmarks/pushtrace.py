"""A repository that grows by pushes while clients ask for it: what the traces of
v2_growth.py and v2_admission.py are made of.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import typing

import cli
import clonerun
import lightclient
from clonerun import CloneRun, Server, Store
from history import ServedHistory, push_points

from testlib import processes

#: Quicker than after a real clone: there are hundreds of clients.
SETTLE_STEP_SECONDS = 0.05
SETTLE_LOOKS = 3

PUSH_CONFIG = {"web.allow-push": "*", "web.push_ssl": "false"}


@dataclasses.dataclass
class Totals:
    """What clients asked for, of the heavy commands, and what it cost."""

    requests: int = 0
    hits: int = 0
    body_bytes: int = 0
    hit_bytes: int = 0
    cpu_seconds: float = 0.0  # of the server, until it was idle

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            **{
                field.name: getattr(self, field.name) + getattr(other, field.name)
                for field in dataclasses.fields(Totals)
            }
        )


def total(parts: typing.Iterable[Totals]) -> Totals:
    """The sum."""
    return sum(parts, Totals())


def of_answers(
    answers: typing.Iterable[lightclient.Answer], cpu_seconds: float
) -> Totals:
    """Of a light client; bytes as they are without compression."""
    answers = list(answers)
    return Totals(
        requests=len(answers),
        hits=sum(answer.redirected for answer in answers),
        body_bytes=sum(answer.body_bytes for answer in answers),
        hit_bytes=sum(answer.body_bytes for answer in answers if answer.redirected),
        cpu_seconds=cpu_seconds,
    )


def of_clone(run: CloneRun) -> Totals:
    """Of a real client; bytes as they were on the wire."""
    costs = [run.commands[name] for name in lightclient.HEAVY if name in run.commands]
    return Totals(
        requests=sum(cost.requests for cost in costs),
        hits=sum(cost.redirects for cost in costs),
        body_bytes=sum(cost.server_bytes + cost.store_bytes for cost in costs),
        hit_bytes=sum(cost.store_bytes for cost in costs),
        cpu_seconds=run.total_cpu_seconds,
    )


class GrowingServer:
    """A server of a copy of the first state, which `push()` brings forward."""

    def __init__(
        self,
        hg: pathlib.Path,
        source: pathlib.Path,
        points: list[str],
        server: Server,
        repository: pathlib.Path,
    ) -> None:
        self.server = server
        self.history = ServedHistory(repository)
        #: How many changesets there were at each state so far, this one included.
        self.states = [len(self.history)]
        self._hg = hg
        self._source = source
        self._left = points[1:]

    def push(self) -> None:
        """The next push, by a stock client."""
        command = [os.fspath(self._hg), "push", "-q", "-R", os.fspath(self._source)]
        command += ["-r", self._left.pop(0), self.server.hg.url]
        processes.run(command, clonerun.client_environment())
        self.history.refresh()
        self.states.append(len(self.history))

    def light_pull(self, state: int) -> Totals:
        """What a client costs that has the first `state` changesets (0: a clone)."""
        changesets, manifests = self.history.since(state)
        common = self.history.changesets[state - 1 : state] if state else []
        before = self.server.hg.cpu_seconds()
        answers = lightclient.pull(self.server.hg.url, common, changesets, manifests)
        self.server.wait_until_idle(SETTLE_STEP_SECONDS, SETTLE_LOOKS)
        return of_answers(answers, self.server.hg.cpu_seconds() - before)


class Trace:
    """A source repository and the states between which it is pushed.

    ValueError when its history is too short.
    """

    def __init__(
        self,
        hg: pathlib.Path,
        source: pathlib.Path,
        pushes: int,
        push_size: int,
        scratch: pathlib.Path,
    ) -> None:
        self._hg = hg
        self._source = source
        self._scratch = scratch
        self._points = push_points(source, pushes, push_size)
        self._first = scratch / "first"
        cli.say("making the first state...")
        clonerun.hg_output(
            *(hg, "clone", "-q", "--pull", "--noupdate", "-r", self._points[0]),
            *(source, self._first),
        )

    @contextlib.contextmanager
    def growing(
        self, store: Store, extra: dict[str, str]
    ) -> typing.Iterator[GrowingServer]:
        """A server of the first state with these settings."""
        repository = self._scratch / "served"
        cli.copy_without_checkout(self._first, repository)
        config = {**PUSH_CONFIG, **extra}
        try:
            with Server(self._hg, repository, store, config) as server:
                yield GrowingServer(
                    self._hg, self._source, self._points, server, repository
                )
        finally:
            cli.remove(repository)
