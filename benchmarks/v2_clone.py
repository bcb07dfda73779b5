"""What a clone costs the server: uncached, a miss, a hit, with the store stopped
(wire protocol version 2, with and without --stream), and over version 1.

    .venv/hg-6.0.3/bin/python benchmarks/v2_clone.py [--changesets N] \\
        [--releases V ...] [--repetitions N] [--kinds TEXT] [--hits N] \\
        [--set SECTION.NAME=VALUE]

Prints markdown for docs/benchmarks.md on standard output, progress on standard
error. Every measured clone has a server process of its own (those with the store
stopped share one) and passes the same proxies; kinds are interleaved, so that a
slow minute of the machine meets all of them. "Uncached" is the extension without
a bucket: stock Mercurial 6.0.3 cannot serve v2 clones of a history that removes
files at all. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile

import cli
import clonereport
import clonerun
import hitlatency
import lightclient
import report
from clonereport import (
    HIT,
    KINDS,
    MISS,
    STOPPED_FIRST,
    STOPPED_LATER,
    STREAM_HIT,
    STREAM_MISS,
    STREAM_UNCACHED,
    UNCACHED,
    V1,
    Runs,
)
from clonerun import Server, Store
from history import ServedHistory

#: What is measured together, in this order: a hit needs the miss before it.
GROUPS = (
    (UNCACHED,),
    (MISS, HIT),
    (V1,),
    (STREAM_UNCACHED,),
    (STREAM_MISS, STREAM_HIT),
    (STOPPED_FIRST, STOPPED_LATER),
)
HITS = (HIT, STREAM_HIT)
STREAMED = (STREAM_UNCACHED, STREAM_MISS, STREAM_HIT)
#: Look-ups that fail, after which a server has noticed that the store is down.
NOTICED_AFTER = 20


def main() -> int:
    options = _options()
    return cli.run("v2_clone", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU and memory of clones, by kind of clone.")
    parser.add_argument(
        "--repetitions", type=int, default=3, help="of each kind of clone (%(default)s)"
    )
    parser.add_argument(
        "--kinds",
        metavar="TEXT",
        default="",
        help=f"only those with this in their name, of: {'; '.join(KINDS)}",
    )
    parser.add_argument(
        "--hits",
        type=int,
        default=200,
        help="requests for the latency of a hit; 0: leave it out (%(default)s)",
    )
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("--repetitions: at least 1")
    if not any(options.kinds in kind for kind in KINDS):
        parser.error(f"--kinds: no kind has {options.kinds!r} in its name")
    if options.hits and options.hits < 2:
        parser.error("--hits: 0, or at least 2")
    return options


def _program(options: argparse.Namespace) -> None:
    repository = cli.repository(options)
    groups = [group for group in GROUPS if any(options.kinds in kind for kind in group)]
    runs: Runs = {kind: [] for kind in KINDS}
    for number in range(options.repetitions):
        # The order moves on, too.
        first = number % len(groups)
        for group in groups[first:] + groups[:first]:
            cli.say(f"{number + 1}/{options.repetitions} {' and '.join(group)}...")
            _measure(options, repository, group, runs)
    latencies = None
    if options.hits:
        cli.say("the latency of a hit...")
        latencies = hitlatency.measure(options, repository, options.hits)
    rest = (
        f"Medians of {options.repetitions} runs, lowest to highest in parentheses; "
        "of latencies, the highest but a tenth."
    )
    print(report.heading(options.hg, repository, rest))
    print(clonereport.tables(runs, latencies))


def _measure(
    options: argparse.Namespace,
    repository: pathlib.Path,
    group: tuple[str, ...],
    runs: Runs,
) -> None:
    """One clone of each kind of the group, with a store that starts out empty."""
    with tempfile.TemporaryDirectory(prefix="hg-s3-bench-") as folder, Store(
        options.moto_server
    ) as store:
        destination = pathlib.Path(folder)
        if STOPPED_FIRST in group:
            _measure_stopped(options, repository, store, destination, runs)
            return
        for kind in group:
            cached = kind in (MISS, STREAM_MISS, *HITS)
            with Server(
                options.hg,
                repository,
                store if cached else None,
                dict(options.set) if cached else None,
            ) as server:
                run = clonerun.measured_clone(
                    server,
                    options.hg,
                    destination / kind.replace(" ", "-"),
                    v2=kind != V1,
                    stream=kind in STREAMED,
                )
            if cached and (kind in HITS) != (run.redirects > 0):
                cli.say(f"warning: {kind}: {run.redirects} requests were redirected")
            runs[kind].append(run)


def _measure_stopped(
    options: argparse.Namespace,
    repository: pathlib.Path,
    store: Store,
    destination: pathlib.Path,
    runs: Runs,
) -> None:
    """The store stops under a server: the first clone after that, and a clone
    when look-ups have failed often enough for the server to leave it alone.
    """
    manifest = ServedHistory(repository).manifests[-1:]
    with Server(options.hg, repository, store, dict(options.set)) as server:
        store.stop()
        first = clonerun.measured_clone(server, options.hg, destination / "first")
        runs[STOPPED_FIRST].append(first)
        with lightclient.LightClient(server.proxy.url) as client:
            arguments = lightclient.manifestdata_arguments(manifest)
            for _number in range(NOTICED_AFTER):
                client.call("manifestdata", arguments)
        later = clonerun.measured_clone(server, options.hg, destination / "later")
        runs[STOPPED_LATER].append(later)


if __name__ == "__main__":
    sys.exit(main())
