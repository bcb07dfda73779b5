"""What a clone costs the server: uncached, a miss, a hit (wire protocol v2),
and over wire protocol v1.

    .venv/hg-6.0.3/bin/python benchmarks/v2_clone.py [--changesets N] \\
        [--releases V ...] [--repetitions N]

Prints markdown for docs/benchmarks.md on standard output, progress on standard
error. Every measured clone has a server process of its own and passes the same
proxies; kinds are interleaved, so that a slow minute of the machine meets all
of them. "Uncached" is the extension without a bucket: stock Mercurial 6.0.3
cannot serve v2 clones of a history that removes files at all. Nothing is
asserted.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import typing

import clonerun
import make_repo
import paths
from clonerun import CloneRun, Server, Store

from testlib import processes
from testlib.servers import ServerFailed

UNCACHED, MISS, HIT, V1 = "v2, uncached", "v2, miss", "v2, hit", "v1"
KINDS = (UNCACHED, MISS, HIT, V1)
HEAVY = ("manifestdata", "filesdata")
COMMANDS = ("changesetdata", *HEAVY, "getbundle", clonerun.OTHER)
MIB = 2**20

Runs = typing.Dict[str, typing.List[CloneRun]]


def main() -> int:
    options = _options()
    try:
        with processes.stop_on_signals():
            repository = options.repo or make_repo.make_repo(
                None, options.changesets, options.releases
            )
            runs: Runs = {kind: [] for kind in KINDS}
            for number in range(options.repetitions):
                _measure(options, repository, number, runs)
            print(_report(options, repository, runs))
            return 0
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:
        print(
            f"v2_clone: {' '.join(error.cmd)} failed:\n{error.stdout}{error.stderr}",
            file=sys.stderr,
        )
    except (FileNotFoundError, ServerFailed, ValueError) as error:
        print(f"v2_clone: {error}", file=sys.stderr)
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Server CPU and memory of clones: uncached, miss, hit, v1."
    )
    parser.add_argument(
        "--repo", type=pathlib.Path, help="measure this repository instead"
    )
    parser.add_argument(
        "--changesets",
        type=int,
        default=make_repo.DEFAULT_CHANGESETS,
        help="at least so many",
    )
    parser.add_argument(
        "--releases", nargs="+", metavar="VERSION", help="of Mercurial, replayed"
    )
    parser.add_argument(
        "--repetitions", type=int, default=3, help="of each kind of clone (%(default)s)"
    )
    parser.add_argument(
        "--hg",
        type=pathlib.Path,
        default=paths.HG,
        help="server and client; has the extension",
    )
    parser.add_argument("--moto-server", type=pathlib.Path, default=paths.MOTO_SERVER)
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("--repetitions: at least 1")
    return options


def _measure(
    options: argparse.Namespace, repository: pathlib.Path, number: int, runs: Runs
) -> None:
    """One clone of each kind; the order moves on with `number`, but a hit needs
    the miss before it.
    """
    turn = [[UNCACHED], [MISS, HIT], [V1]]
    turn = turn[number % len(turn) :] + turn[: number % len(turn)]
    with tempfile.TemporaryDirectory(prefix="hg-s3-bench-") as folder, Store(
        options.moto_server
    ) as store:
        for kind in [kind for group in turn for kind in group]:
            print(
                f"{number + 1}/{options.repetitions} {kind}...",
                file=sys.stderr,
                flush=True,
            )
            destination = pathlib.Path(folder) / f"clone-{KINDS.index(kind)}"
            with Server(
                options.hg, repository, store if kind in (MISS, HIT) else None
            ) as server:
                run = clonerun.measured_clone(
                    server, options.hg, destination, v2=kind != V1
                )
            hits = [name for name, cost in run.commands.items() if cost.hit]
            if kind in (MISS, HIT) and (kind == HIT) != bool(hits):
                print(
                    f"warning: {kind}: the client fetched from the store for: {hits}",
                    file=sys.stderr,
                )
            runs[kind].append(run)


def _median(runs: list[CloneRun], value: typing.Callable[[CloneRun], float]) -> float:
    return statistics.median(value(run) for run in runs)


def _report(options: argparse.Namespace, repository: pathlib.Path, runs: Runs) -> str:
    store_mib = (
        sum(
            path.stat().st_size
            for path in (repository / ".hg" / "store").rglob("*")
            if path.is_file()
        )
        / MIB
    )
    tip = clonerun.hg_output(
        options.hg, "log", "-R", repository, "-r", "tip", "-T", "{rev} {node|short}"
    ).split()
    command = " ".join(
        [
            ".venv/hg-6.0.3/bin/python benchmarks/v2_clone.py",
            *map(shlex.quote, sys.argv[1:]),
        ]
    )
    return "\n".join(
        [
            f"`{command}`\n",
            f"{_versions(options.hg)}. Repository {repository.name}: "
            f"{int(tip[0]) + 1:,} changesets, tip {tip[1]}, store {store_mib:.0f} MiB. "
            f"Medians of {options.repetitions} runs, "
            "lowest to highest in parentheses.\n",
            _cost_table(runs),
            "",
            _command_table(runs),
            "",
            _ratio_table(runs),
        ]
    )


#: What the project has promised.
ATMOST_MISS, ATMOST_HIT, ATMOST_RSS = "1.15 at most", "2% at most", "32 MB at most"


def _versions(hg: pathlib.Path) -> str:
    mercurial = clonerun.hg_output(hg, "version", "-T", "{ver}")
    boto3 = importlib.metadata.version("boto3")
    return (
        f"Mercurial {mercurial} (server and client), boto3 {boto3}, "
        f"Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    )


def _cost_table(runs: Runs) -> str:
    header = (
        "clone",
        "server CPU s",
        "with background CPU s",
        "client s",
        "RSS at start MiB",
        "peak RSS MiB",
        "server bytes",
        "store bytes",
    )
    rows = []
    for kind in KINDS:
        cpu = [run.clone_cpu_seconds for run in runs[kind]]
        rows.append(
            (
                kind,
                f"{statistics.median(cpu):.3f} ({min(cpu):.3f} to {max(cpu):.3f})",
                f"{_median(runs[kind], lambda run: run.total_cpu_seconds):.3f}",
                f"{_median(runs[kind], lambda run: run.client_seconds):.2f}",
                f"{_median(runs[kind], lambda run: run.start_rss_bytes) / MIB:.1f}",
                f"{_median(runs[kind], lambda run: run.peak_rss_bytes) / MIB:.1f}",
                f"{_median(runs[kind], lambda run: run.server_bytes):,.0f}",
                f"{_median(runs[kind], lambda run: run.store_bytes):,.0f}",
            )
        )
    return clonerun.table(header, rows)


def _command_table(runs: Runs) -> str:
    rows = []
    for kind in KINDS:
        cells = [_command_cell(runs[kind], name) for name in COMMANDS]
        rows.append(
            (
                kind,
                *cells,
                f"{_median(runs[kind], lambda run: run.background_cpu_seconds):.4f}",
            )
        )
    return clonerun.table(("server CPU s of", *COMMANDS, "no request"), rows)


def _command_cell(runs: list[CloneRun], name: str) -> str:
    if not any(name in run.commands for run in runs):
        return ""
    return f"{_median(runs, lambda run: run.cpu_of([name])):.4f}"


def _ratio_table(runs: Runs) -> str:
    rows = [*_cpu_ratios(runs), *_memory_growth(runs)]
    return clonerun.table(("figure", "measured", "asked for"), rows)


def _cpu_ratios(runs: Runs) -> list[tuple[str, str, str]]:
    def ratio(
        over: str, under: str, value: typing.Callable[[CloneRun], float]
    ) -> float:
        return _median(runs[over], value) / _median(runs[under], value)

    until_end = ratio(MISS, UNCACHED, lambda run: run.clone_cpu_seconds)
    with_upload = ratio(MISS, UNCACHED, lambda run: run.total_cpu_seconds)
    heavy = ratio(HIT, UNCACHED, lambda run: run.cpu_of(HEAVY))
    whole = ratio(HIT, UNCACHED, lambda run: run.total_cpu_seconds)
    against_v1 = ratio(HIT, V1, lambda run: run.total_cpu_seconds)
    cpu = "server CPU"
    return [
        (
            f"miss / uncached, {cpu} until the clone ends",
            f"{until_end:.3f}",
            ATMOST_MISS,
        ),
        (f"miss / uncached, {cpu} with the upload", f"{with_upload:.3f}", ATMOST_MISS),
        (f"hit / uncached, {cpu} of {' + '.join(HEAVY)}", f"{heavy:.2%}", ATMOST_HIT),
        (f"hit / uncached, {cpu}", f"{whole:.2%}", ""),
        (f"hit / v1, {cpu}", f"{against_v1:.2%}", ""),
    ]


def _memory_growth(runs: Runs) -> list[tuple[str, str, str]]:
    def more(value: typing.Callable[[CloneRun], float]) -> str:
        growth = _median(runs[MISS], value) - _median(runs[UNCACHED], value)
        return f"{growth / MIB:.1f} MiB"

    return [
        (
            "miss - uncached, peak RSS of the server",
            more(lambda run: run.peak_rss_bytes),
            ATMOST_RSS,
        ),
        ("of which at start (boto3)", more(lambda run: run.start_rss_bytes), ""),
        (
            "of which grown by the clone",
            more(lambda run: run.peak_rss_bytes - run.start_rss_bytes),
            "",
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
