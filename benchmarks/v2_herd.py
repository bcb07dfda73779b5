"""What a herd costs: many stock clients that clone at once, from a few server
processes that share one bucket in which nothing is yet.

    .venv/hg-6.0.3/bin/python benchmarks/v2_herd.py [--clients N] [--servers N] \\
        [--separate-hosts] [--without-cache] [--changesets N] [--repetitions N] \\
        [--set SECTION.NAME=VALUE]

The measure is one uncached clone of the same run. Server CPU is that of all
server processes. A small extension in the servers counts what is computed, see
countruns.py. The servers serve a copy of the repository, since they log into it;
with --separate-hosts each serves a copy of its own, so that they share nothing
but the bucket. Prints markdown for docs/benchmarks.md on standard output, progress
on standard error. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import tempfile
import typing

import cli
import herd
import lightclient
import report
import serverevents
from clonerun import Store
from herd import HerdRun

ONE, HERD, HERD_UNCACHED = "one clone, uncached", "herd", "herd, uncached"
ATMOST_CPU = "1.5 at most"

Runs = typing.Dict[str, typing.List[HerdRun]]


def main() -> int:
    options = _options()
    return cli.run("v2_herd", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU of many clones at once.")
    parser.add_argument(
        "--clients", type=int, default=50, help="that clone at once (%(default)s)"
    )
    parser.add_argument(
        "--servers", type=int, default=2, help="server processes (%(default)s)"
    )
    parser.add_argument(
        "--separate-hosts",
        action="store_true",
        help="a copy of the repository for each server, with the same repo-id",
    )
    parser.add_argument(
        "--without-cache",
        action="store_true",
        help="measure a herd without a bucket, too",
    )
    parser.add_argument("--repetitions", type=int, default=1, help="(%(default)s)")
    options = parser.parse_args()
    if min(options.clients, options.servers, options.repetitions) < 1:
        parser.error("--clients, --servers, --repetitions: at least 1")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    runs: Runs = {ONE: [], HERD: [], HERD_UNCACHED: []}
    with tempfile.TemporaryDirectory(prefix="hg-s3-herd-") as folder:
        scratch = pathlib.Path(folder)
        copies = options.servers if options.separate_hosts else 1
        repositories = [scratch / f"host-{number}" for number in range(copies)]
        for repository in repositories:
            cli.copy_without_checkout(source, repository)
        for number in range(options.repetitions):
            for kind in (
                ONE,
                HERD,
                *([HERD_UNCACHED] if options.without_cache else []),
            ):
                cli.say(f"{number + 1}/{options.repetitions} {kind}...")
                runs[kind].append(_measure(options, kind, repositories, scratch))
    rest = (
        f"{options.clients} clients, {options.servers} servers"
        f"{', each with a copy of its own' if options.separate_hosts else ''}; "
        f"medians of {options.repetitions} runs."
    )
    print(report.heading(options.hg, source, rest))
    print("\n\n".join([cost_table(runs), command_table(runs[HERD]), figures(runs)]))


def _measure(
    options: argparse.Namespace,
    kind: str,
    repositories: list[pathlib.Path],
    scratch: pathlib.Path,
) -> HerdRun:
    if kind == ONE:
        return herd.run(options.hg, repositories[:1], None, 1, scratch)
    served = [repositories[n % len(repositories)] for n in range(options.servers)]
    if kind == HERD_UNCACHED:
        return herd.run(options.hg, served, None, options.clients, scratch)
    with Store(options.moto_server) as store:
        return herd.run(
            options.hg, served, store, options.clients, scratch, dict(options.set)
        )


def _median(runs: list[HerdRun], value: typing.Callable[[HerdRun], float]) -> float:
    return statistics.median(value(run) for run in runs)


def cost_table(runs: Runs) -> str:
    """What each kind of run costs."""
    header = (
        "",
        "server CPU s",
        "by server",
        "median client s",
        "slowest client s",
        "stored objects",
        "stored bytes",
    )
    rows = []
    for kind, of in runs.items():
        if not of:
            continue
        by_server = zip(*(run.cpu_seconds for run in of))
        rows.append(
            (
                kind,
                f"{_median(of, lambda run: run.total_cpu_seconds):.3f}",
                " + ".join(f"{statistics.median(each):.3f}" for each in by_server),
                f"{_median(of, lambda run: statistics.median(run.client_seconds)):.2f}",
                f"{_median(of, lambda run: max(run.client_seconds)):.2f}",
                f"{_median(of, lambda run: run.stored_objects):.0f}",
                f"{_median(of, lambda run: run.stored_bytes):,.0f}",
            )
        )
    return report.table(header, rows)


def command_table(runs: list[HerdRun]) -> str:
    """What became of the requests of the herd, by server process; worst run."""
    header = (
        "herd",
        "different requests",
        "computed",
        "most for one request",
        "miss",
        "hit",
        "stored",
        "others",
    )
    rows = []
    for command in lightclient.HEAVY:
        worst = max(runs, key=lambda run: sum(run.computations(command).values()))
        counts = worst.computations(command)
        events = [
            " + ".join(map(str, worst.count(name, command)))
            for name in (serverevents.MISS, serverevents.HIT, serverevents.STORED)
        ]
        computed = worst.count(serverevents.COMPUTED, command)
        if counts:
            cells = (str(len(counts)), " + ".join(map(str, computed)))
            most = str(max(counts.values()))
            rows.append((command, *cells, most, *events, worst.others(command)))
    return report.table(header, rows)


def figures(runs: Runs) -> str:
    """What is asked for."""
    most = max(
        (
            times
            for run in runs[HERD]
            for command in lightclient.HEAVY
            for times in run.computations(command).values()
        ),
        default=0,
    )
    rows = [("computations of one request, at most", str(most), "exactly 1")]
    for kind, asked in ((HERD, ATMOST_CPU), (HERD_UNCACHED, "")):
        if not runs[kind]:
            continue
        ratio = _median(runs[kind], lambda run: run.total_cpu_seconds) / _median(
            runs[ONE], lambda run: run.total_cpu_seconds
        )
        slowest = _median(runs[kind], lambda run: max(run.client_seconds)) / _median(
            runs[ONE], lambda run: max(run.client_seconds)
        )
        rows.append((f"{kind} / one clone, server CPU", f"{ratio:.2f}", asked))
        rows.append((f"{kind}, slowest client / one clone", f"{slowest:.2f}", ""))
    return report.figures(rows)


if __name__ == "__main__":
    sys.exit(main())
