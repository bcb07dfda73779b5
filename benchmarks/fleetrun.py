"""One run of the trace of v1_fleet.py, with one way to spare the server work."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import time
import typing

import cli
import clonerun
import pullrun
from clonerun import Store
from fleettrace import Clients, LightClients, Round, StockClients, Trace
from lightpull import LightPuller
from pullrun import Meter, PullRun, PullServer

from testlib import processes

#: Ways: none, Mercurial's own clone bundles, our segments, and those made as soon
#: as something was pushed.
NOTHING, BUNDLES = "nothing", "clonebundles"
SEGMENTS, PUBLISHED = "segments", "publish-on-push"
WAYS = (NOTHING, BUNDLES, SEGMENTS, PUBLISHED)

_CONFIG = {
    NOTHING: {},
    BUNDLES: {"extensions.clonebundles": ""},
    SEGMENTS: {},
    PUBLISHED: {"s3wireprotocache.publish-on-push": "yes"},
}

#: Quicker than after a single client: there are hundreds of groups of them.
SETTLE_STEP_SECONDS = 0.05
SETTLE_LOOKS = 3

SAY_EVERY = 20  # pushes


@dataclasses.dataclass
class Fleet:
    """What each push, the pulls after it and the clones after it cost."""

    pushes: list[PullRun] = dataclasses.field(default_factory=list)
    pulls: list[PullRun] = dataclasses.field(default_factory=list)
    clones: list[PullRun] = dataclasses.field(default_factory=list)
    #: To make the segments, or the clone bundle, of the first state.
    first_cpu_seconds: float = 0.0
    #: To make the later clone bundles.
    bundle_cpu_seconds: float = 0.0
    stored_objects: int = 0
    stored_bytes: int = 0

    @property
    def answers(self) -> list[PullRun]:
        return self.pulls + self.clones

    @property
    def background_cpu_seconds(self) -> float:
        runs = [*self.pushes, *self.answers]
        return self.bundle_cpu_seconds + total(runs, "background_cpu_seconds")


def total(runs: typing.Iterable[PullRun], name: str) -> float:
    """The sum of a field of all of them."""
    return sum(getattr(run, name) for run in runs)


def share(runs: typing.Sequence[PullRun]) -> float:
    """Of the bytes that clients got, those that came from the store."""
    stored = total(runs, "store_bytes")
    return stored / (stored + total(runs, "server_bytes") or 1)


@dataclasses.dataclass(frozen=True)
class Setting:
    """What all runs of a trace have in common."""

    hg: pathlib.Path
    moto_server: pathlib.Path
    trace: Trace
    first: pathlib.Path  # a repository of the state that is served first
    clones: int  # after each push
    bundle_every: int  # pushes
    real: bool  # stock clients
    extra: dict[str, str]  # of a server with the extension, {'section.name': value}


def run(setting: Setting, way: str, scratch: pathlib.Path) -> Fleet:
    """The whole trace."""
    served = scratch / "served"
    cli.copy_without_checkout(setting.first, served)
    with_extension = way in (SEGMENTS, PUBLISHED)
    config = {**pullrun.PUSH_CONFIG, **_CONFIG[way]}
    config.update(setting.extra if with_extension else {})
    with contextlib.ExitStack() as stack:
        stack.callback(cli.remove, served)
        store = stack.enter_context(Store(setting.moto_server))
        server = stack.enter_context(
            PullServer(
                *(setting.hg, served, None if way == NOTHING else store, config),
                extension=with_extension,
            )
        )
        clients = _clients(setting, server.proxy.url, scratch, stack)
        bundles = Bundles(setting.hg, served, store, scratch)
        fleet = Fleet()
        if with_extension:
            fleet.first_cpu_seconds = pullrun.warm(setting.hg, served, store)
        for number, each in enumerate(setting.trace.rounds):
            if way == BUNDLES and number % setting.bundle_every == 0:
                bundles.make()
                clients.bundled = each.state - 1
                if number == 0:
                    fleet.first_cpu_seconds = bundles.cpu_seconds
            _round(setting, server, clients, each, number, fleet)
            if (number + 1) % SAY_EVERY == 0:
                cli.say(f"{way}: {number + 1} of {len(setting.trace.rounds)} pushes")
        objects = store.objects()
    if way == BUNDLES:
        fleet.bundle_cpu_seconds = bundles.cpu_seconds - fleet.first_cpu_seconds
    fleet.stored_objects = len(objects)
    fleet.stored_bytes = sum(size for _key, size in objects)
    return fleet


def _clients(
    setting: Setting, url: str, scratch: pathlib.Path, stack: contextlib.ExitStack
) -> Clients:
    if setting.real:
        folder = scratch / "clients"
        folder.mkdir()
        stack.callback(cli.remove, folder)
        return StockClients(setting.trace, setting.hg, url, folder)
    return LightClients(setting.trace, stack.enter_context(LightPuller(url)))


def _round(
    setting: Setting,
    server: PullServer,
    clients: Clients,
    each: Round,
    number: int,
    fleet: Fleet,
) -> None:
    trace = setting.trace

    def push() -> None:
        command = [os.fspath(setting.hg), "push", "-q", "-R", os.fspath(trace.source)]
        command += ["-r", trace.points[each.state], server.hg.url]
        processes.run(command, clonerun.client_environment())

    def pull() -> None:
        for state in each.pulls:
            clients.pull(state)

    def clone() -> None:
        for _clone in range(setting.clones):
            clients.clone()

    clients.prepare(each.pulls)
    fleet.pushes.append(_metered(server, push))
    # What is missing after a push is missed by one or the other.
    parts = [(pull, fleet.pulls), (clone, fleet.clones)]
    for action, runs in parts if number % 2 else reversed(parts):
        runs.append(_metered(server, action))


def _metered(server: PullServer, action: typing.Callable[[], None]) -> PullRun:
    meter = Meter(server)
    started = time.monotonic()
    action()
    seconds = time.monotonic() - started
    server.wait_until_idle(SETTLE_STEP_SECONDS, SETTLE_LOOKS)
    return meter.run(seconds)


class Bundles:
    """Clone bundles of a repository, made as an operator's cron job makes them."""

    def __init__(
        self,
        hg: pathlib.Path,
        repository: pathlib.Path,
        store: Store,
        scratch: pathlib.Path,
    ) -> None:
        self.cpu_seconds = 0.0
        self._hg = hg
        self._repository = repository
        self._store = store
        self._path = scratch / "bundle.hg"
        self._count = 0

    def make(self) -> None:
        """Of the present state; the server names it from now on."""
        self.cpu_seconds += pullrun.bundle(self._hg, self._repository, self._path)
        url = self._store.publish(f"bundle-{self._count}.hg", self._path.read_bytes())
        self._count += 1
        self._path.unlink()
        manifest = self._repository / ".hg" / "clonebundles.manifest"
        manifest.write_text(f"{url} BUNDLESPEC=zstd-v2\n")
