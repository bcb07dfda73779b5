"""What clones and pulls cost a server of wire protocol version 1: without the
extension, while the store lacks everything, and out of the store.

    .venv/hg-7.2/bin/python benchmarks/v1_pull.py [--changesets N] \\
        [--pulls N ...] [--repetitions N] [--small-pulls N] [--folder] \\
        [--set SECTION.NAME=VALUE]

Prints markdown for docs/benchmarks.md on standard output, progress on standard
error. Clients are stock; each starts from a repository of its own and passes the
same proxies. Every clone has a server process of its own; pulls take turns at two
that have answered one before. The shorter pulls are repeated by light clients, see
lightpull.py, since they are too short to be measured one by one. With --folder
there is one more clone, and pulls, of a server whose store is a folder. What was
got out of the store is verified once. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import sys
import tempfile
import typing

import cli
import clonerun
import pullreport
import pullrun
import report
from clonerun import Store
from history import ServedHistory
from lightpull import LightPuller
from pullreport import AGAIN, CLONE, FOLDER, HIT, MISS, UNCACHED, Kind, Runs
from pullrun import FolderStore, PullRun, PullServer

DEFAULT_PULLS = (10, 100, 1000, 10000)
SMALL = 1000  # changesets: what is pulled by light clients as well


class State(typing.NamedTuple):
    """What a client has before it pulls."""

    changesets: int  # that it lacks
    repository: pathlib.Path
    head: bytes


def main() -> int:
    options = _options()
    return cli.run("v1_pull", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU and bytes of clones and pulls.")
    parser.add_argument(
        "--pulls",
        nargs="*",
        type=int,
        default=list(DEFAULT_PULLS),
        metavar="N",
        help="of the last N changesets, if there are as many "
        f"(default: {' '.join(map(str, DEFAULT_PULLS))})",
    )
    parser.add_argument(
        "--repetitions", type=int, default=3, help="of each kind (%(default)s)"
    )
    parser.add_argument(
        "--small-pulls",
        type=int,
        default=40,
        help=f"more pulls of at most {SMALL} changesets, by light clients "
        "(%(default)s)",
    )
    parser.add_argument(
        "--folder", action="store_true", help="measure a folder as the store, too"
    )
    options = parser.parse_args()
    if min(options.repetitions, *options.pulls, 1) < 1 or options.small_pulls < 0:
        parser.error("--repetitions, --pulls: at least 1; --small-pulls: at least 0")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    measurement = Measurement(options, source)
    with tempfile.TemporaryDirectory(prefix="hg-s3-pull-") as folder:
        measurement.run(pathlib.Path(folder))
    rest = (
        f"Medians of {options.repetitions} runs, lowest to highest in parentheses. "
        f"{measurement.stored}"
    )
    print(report.heading(options.hg, source, rest))
    print(pullreport.tables(measurement.runs, measurement.light))


class Measurement:
    """All runs of one repository."""

    def __init__(self, options: argparse.Namespace, source: pathlib.Path) -> None:
        self.runs: Runs = {}
        #: CPU seconds of pulls by light clients, by kind.
        self.light: dict[Kind, list[float]] = {}
        #: What went into the store, in a sentence.
        self.stored = ""
        self._options = options
        self._source = source
        self._length = len(ServedHistory(source))
        self._verified: set[str] = set()
        self._folder = pathlib.Path()

    def run(self, folder: pathlib.Path) -> None:
        """Measure; `folder` is for what is cloned."""
        self._folder = folder
        states = self._states()
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(Store(self._options.moto_server))
            self._warm(store)
            if self._options.folder:
                folder_store = stack.enter_context(FolderStore())
                pullrun.warm(self._options.hg, self._source, folder_store)
            for number in range(self._options.repetitions):
                cli.say(f"{number + 1}/{self._options.repetitions}...")
                self._clones(store)
                self._pulls(store, HIT, states)
                if self._options.folder:
                    self._clone(FOLDER, folder_store)
                    self._pulls(folder_store, FOLDER, states)

    def _warm(self, store: Store) -> None:
        cli.say("hg s3cache warm...")
        seconds = pullrun.warm(self._options.hg, self._source, store)
        objects = store.objects()
        total = sum(size for _key, size in objects)
        self.stored = (
            f"hg s3cache warm stored {len(objects):,} objects, {total:,} bytes, "
            f"in {seconds:.1f} s of CPU."
        )

    def _states(self) -> list[State]:
        """A repository for each pull, without its last changesets."""
        history = ServedHistory(self._source)
        states = []
        for wanted in sorted(set(self._options.pulls)):
            # Of one head: a clone of it is all that comes before.
            lengths = [n for n in history.single_headed if n <= self._length - wanted]
            if not lengths:
                cli.say(f"too few changesets for a pull of {wanted}")
                continue
            cli.say(f"making a client that lacks {wanted} changesets...")
            head = history.changesets[lengths[-1] - 1]
            repository = self._folder / f"lacks-{wanted}"
            clonerun.hg_output(
                *(self._options.hg, "clone", "-q", "--pull", "--noupdate"),
                *("-r", head.hex(), self._source, repository),
            )
            states.append(State(wanted, repository, head))
        return states

    def _clones(self, store: Store) -> None:
        self._clone(UNCACHED, None)
        with Store(self._options.moto_server) as empty:
            self._clone(MISS, empty)
        self._clone(HIT, store)

    def _clone(self, how: str, store: pullrun.AnyStore | None) -> None:
        with self._server(store) as server:
            # The second one meets a process that has nothing left to import.
            for name in (how,) if how == MISS else (how, how + AGAIN):
                cli.say(f"clone, {name}...")
                destination = self._folder / "clone"
                command = pullrun.clone_command(
                    self._options.hg, server.proxy.url, destination
                )
                self._measure(Kind(CLONE, name), server, command, destination)
                cli.remove(destination)

    def _pulls(self, store: pullrun.AnyStore, how: str, states: list[State]) -> None:
        with self._server(None) as uncached, self._server(store) as cached:
            servers = {UNCACHED: uncached, how: cached}
            for server in servers.values():
                # What a process imports for its first answer is in no pull.
                with LightPuller(server.proxy.url) as puller:
                    for state in states[-1:]:
                        puller.pull([state.head])
            for state in states:
                for name, server in servers.items():
                    if name == UNCACHED and how != HIT:
                        continue
                    cli.say(f"pull of {state.changesets}, {name}...")
                    self._pull(Kind(state.changesets, name), server, state)
                if state.changesets <= SMALL:
                    self._light_pulls(servers, state)

    def _pull(self, kind: Kind, server: PullServer, state: State) -> None:
        with pullrun.copied(state.repository, self._folder) as client:
            url = server.proxy.url
            command = pullrun.pull_command(self._options.hg, client, url)
            self._measure(kind, server, command, client)

    def _light_pulls(self, servers: dict[str, PullServer], state: State) -> None:
        cli.say(f"{self._options.small_pulls} light pulls of {state.changesets}...")
        with contextlib.ExitStack() as stack:
            pullers = {
                name: stack.enter_context(LightPuller(server.proxy.url))
                for name, server in servers.items()
            }
            for _number in range(self._options.small_pulls):
                for name, server in servers.items():
                    before = server.hg.cpu_seconds()
                    pullers[name].pull([state.head])
                    spent = server.hg.cpu_seconds() - before
                    kind = Kind(state.changesets, name)
                    self.light.setdefault(kind, []).append(spent)

    def _server(self, store: pullrun.AnyStore | None) -> PullServer:
        settings = dict(self._options.set) if store else {}
        return PullServer(self._options.hg, self._source, store, settings)

    def _measure(
        self, kind: Kind, server: PullServer, command: list[str], client: pathlib.Path
    ) -> None:
        run = pullrun.measured(server, command)
        self.runs.setdefault(kind, []).append(run)
        self._check(kind, run, client)

    def _check(self, kind: Kind, run: PullRun, client: pathlib.Path) -> None:
        hg = self._options.hg
        tip = clonerun.hg_output(hg, "log", "-R", client, "-r", "tip", "-T", "{rev}")
        if int(tip) + 1 != self._length:
            raise ValueError(f"{kind}: {int(tip) + 1} changesets, not {self._length}")
        of_store = kind.how.startswith((HIT, FOLDER))
        if of_store and kind.what in (CLONE, max(self._options.pulls, default=0)):
            if run.remote_parts == 0:
                cli.say(f"warning: {kind}: nothing came from the store")
            if str(kind) not in self._verified and not kind.how.endswith(AGAIN):
                cli.say(f"verifying {kind}...")
                clonerun.hg_output(hg, "verify", "-q", "-R", client)
                self._verified.add(str(kind))


if __name__ == "__main__":
    sys.exit(main())
