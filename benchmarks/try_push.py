"""What a push to try, and pulls of it, cost a server: an ordinary one, which does not
publish, and headless ones with a long past.

    .venv/hg-7.2/bin/python benchmarks/try_push.py [--changesets N] [--rows N ...] \\
        [--pushes N] [--stock N] [--requests N] [--large BYTES] [--quick] \\
        [--set SECTION.NAME=VALUE]

Prints markdown for docs/benchmarks.md on standard output, progress on standard
error. All servers run at the same time, each with a copy of the repository, and
take turns: each push goes to all of them, and so does each pull. Clients are the
code of stock ones inside this process, see lightpush.py and lightpull.py; some
pushes and pulls are repeated by stock clients. The database is PostgreSQL, the store
a folder; one headless server has S3 (moto) as its store. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import sys
import tempfile
import typing

import cli
import clonerun
import pullrun
import report
import tryreport
import tryservers
from lightpull import LightPuller
from lightpush import LightPusher
from trymemory import Mix
from tryreport import Measured, Samples
from tryservers import ORDINARY, Kind, Servers, TryServer

from testlib import processes

DEFAULT_ROWS = (0, 2000, 100_000, 1_000_000)
QUICK = {
    **{"changesets": 1000, "rows": [0, 500], "heads": 50, "pushes": 5, "warm": 2},
    **{"stock": 1, "requests": 100, "large": 1_000_000},
}
LARGE_PULLS_SHARE = 2  # of as many as there are small ones: they take longer


def main() -> int:
    options = _options()
    return cli.run("try_push", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU and memory of pushes to try.", 8000)
    numbers = {
        "--heads": (2000, "of another ordinary server; with 0 there is none"),
        "--pushes": (40, "that are measured, and as many pulls"),
        "--warm": (5, "pushes and pulls before them"),
        "--stock": (3, "pushes and pulls by stock clients"),
        "--requests": (5000, "for the memory of a server; with 0 it is not measured"),
        "--large": (5_000_000, "bytes of a large push"),
    }
    cli.add_database_options(
        parser, numbers, DEFAULT_ROWS, "earlier pushes, of a headless server each"
    )
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    if options.pushes < 2 or options.warm < 1:
        parser.error("--pushes: at least 2; --warm: at least 1")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    with tempfile.TemporaryDirectory(prefix="hg-s3-try-") as folder:
        measurement = Measurement(options, source, pathlib.Path(folder))
        measured = measurement.run()
    rest = (
        f"Medians of {options.pushes} pushes of {tryservers.tryrows.CHANGESETS} "
        f"changesets, lowest to highest in parentheses. A large head has "
        f"{options.large:,} bytes. PostgreSQL without fsync."
    )
    print(report.heading(options.hg, source, rest))
    print(tryreport.tables(measured))


class Measurement:
    """All of one repository."""

    def __init__(
        self, options: argparse.Namespace, source: pathlib.Path, folder: pathlib.Path
    ) -> None:
        self._options = options
        self._source = source
        self._folder = folder
        self._client = folder / "client"
        self._measured = Measured()

    def run(self) -> Measured:
        """Measure it."""
        cli.copy_without_checkout(self._source, self._client)
        self._pusher = LightPusher(self._client)
        with Servers(self._options, self._source, self._folder) as self._servers:
            running: dict[Kind, TryServer] = {}
            for kind in self._kinds():
                cli.say(f"starting: {kind}...")
                running[kind] = self._servers.start(kind, self._pusher)
            self._pushes_and_pulls(running)
            self._large(running)
            self._stock(running)
        if self._options.requests:
            # Alone, so that nothing of the above is in its memory.
            with Servers(self._options, self._source, self._folder) as self._servers:
                server = self._servers.start(Kind(True, 0), self._pusher)
                mix = Mix(server, self._pusher, self._options.large)
                self._measured.memory = mix.run(self._options.requests)
        return self._measured

    def _kinds(self) -> list[Kind]:
        rows = sorted(set(self._options.rows))
        kinds = [ORDINARY]
        if self._options.heads:
            kinds.append(Kind(False, self._options.heads))
        kinds += [Kind(True, before) for before in rows]
        # The roots of the last hour are in the answer that each client asks for.
        past = [before for before in rows if before >= tryservers.RECENT]
        if past:
            kinds.append(Kind(True, past[0], recent=tryservers.RECENT))
        return [*kinds, Kind(True, 0, s3=True)]

    def _pushes_and_pulls(self, running: dict[Kind, TryServer]) -> None:
        count = self._options.warm + self._options.pushes
        cli.say("making what is pushed...")
        pushes = self._pusher.prepare(count)
        pusher, base = self._pusher, [self._pusher.base]
        cli.say(f"{count} pushes to {len(running)} servers...")
        for number, nodes in enumerate(pushes):
            self._turn(
                *(running, number, self._measured.pushes),
                lambda server, head=nodes[-1]: pusher.push(server.proxy.url, [head]),
            )
        cli.say(f"{count} pulls from {len(running)} servers...")
        with Pullers(running) as pullers:
            for number, nodes in enumerate(pushes):
                self._turn(
                    *(running, number, self._measured.pulls),
                    lambda server, head=nodes[-1]: pullers[server].pull_revision(
                        base, head
                    ),
                )

    def _large(self, running: dict[Kind, TryServer]) -> None:
        kinds = [kind for kind in running if not kind.before]
        some = {kind: running[kind] for kind in kinds}
        cli.say(f"pulls of {self._options.large:,} bytes...")
        head = self._pusher.prepare_large(self._options.large)[-1]
        base = [self._pusher.base]
        for server in some.values():
            self._pusher.push(server.proxy.url, [head])
        with Pullers(some) as pullers:
            pulls = self._options.pushes // LARGE_PULLS_SHARE
            for number in range(self._options.warm + pulls):
                self._turn(
                    *(some, number, self._measured.large),
                    lambda server: pullers[server].pull_revision(base, head),
                )

    def _turn(
        self,
        running: dict[Kind, TryServer],
        number: int,
        samples: Samples,
        action: typing.Callable[[TryServer], object],
    ) -> None:
        """Once with each server; who comes first differs. The first ones do not
        count.
        """
        kinds = list(running)
        first = number % len(kinds)
        for kind in kinds[first:] + kinds[:first]:
            server = running[kind]
            sample = self._servers.sample(server, functools.partial(action, server))
            if number >= self._options.warm:
                samples.setdefault(kind, []).append(sample)
        if number == self._options.warm:
            # As they are in the tables.
            for kind in kinds:
                samples[kind] = samples.pop(kind)

    def _stock(self, running: dict[Kind, TryServer]) -> None:
        hg = self._options.hg
        cli.say("stock clients...")
        template = self._folder / "template"
        cli.copy_without_checkout(self._source, template)
        for nodes in self._pusher.prepare(self._options.stock):
            head = nodes[-1].hex()
            for kind, server in running.items():
                url = server.proxy.url
                push = [str(hg), "push", "-q", "-f", "-r", head]
                push += ["-R", str(self._client), url]
                sample = self._run(server, push)
                self._measured.stock_pushes.setdefault(kind, []).append(sample)
                with pullrun.copied(template, self._folder) as client:
                    pull = pullrun.pull_command(hg, client, url) + ["-r", head]
                    sample = self._run(server, pull)
                    clonerun.hg_output(hg, "log", "-R", client, "-r", head)
                self._measured.stock_pulls.setdefault(kind, []).append(sample)

    def _run(self, server: TryServer, command: list[str]) -> tryservers.Sample:
        return self._servers.sample(
            server, lambda: processes.run(command, clonerun.client_environment())
        )


class Pullers:
    """A light client of each server."""

    def __init__(self, running: dict[Kind, TryServer]) -> None:
        self._pullers = {
            server: LightPuller(server.proxy.url) for server in running.values()
        }

    def __enter__(self) -> dict[TryServer, LightPuller]:
        return self._pullers

    def __exit__(self, *details: object) -> None:
        for puller in self._pullers.values():
            puller.__exit__(*details)


if __name__ == "__main__":
    sys.exit(main())
