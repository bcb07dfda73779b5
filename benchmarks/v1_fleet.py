"""What a fleet of CI runners costs a server of wire protocol version 1: pushes, and
after each of them pulls from states of long ago or just now, and clones; with
nothing, with Mercurial's clone bundles, and with segments of the history.

    .venv/hg-7.2/bin/python benchmarks/v1_fleet.py [--ways WAY ...] [--pushes N] \\
        [--push-size N] [--runners N] [--behind N] [--clones N] [--bundle-every N] \\
        [--real] [--changesets N] [--set SECTION.NAME=VALUE]

The trace is the same each time: each push brings 1 to --push-size changesets, and
each runner was there 0 to --behind pushes ago. Clients send what `hg pull` and `hg
clone` send, fetch what they are sent to, and throw all of it away, see lightpull.py;
with --real they are stock clients. They come one after the other. The segments of
the first state are in the store before the first push, and the first clone bundle
is made then. Prints markdown for docs/benchmarks.md on standard output, progress on
standard error. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile
import typing

import cli
import clonerun
import fleetrun
import report
from fleetrun import NOTHING, PUBLISHED, SEGMENTS, WAYS, Fleet, share, total
from fleettrace import Trace

ATLEAST_SHARE = "99% at least"


def main() -> int:
    options = _options()
    return cli.run("v1_fleet", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU and bytes of many runners.", changesets=10000)
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=WAYS,
        default=[way for way in WAYS if way != PUBLISHED],
        help="(default: all but publish-on-push)",
    )
    parser.add_argument("--pushes", type=int, default=200, help="(%(default)s)")
    parser.add_argument(
        "--push-size", type=int, default=5, help="changesets, at most (%(default)s)"
    )
    parser.add_argument(
        "--runners", type=int, default=20, help="that pull after each (%(default)s)"
    )
    parser.add_argument(
        "--behind", type=int, default=500, help="pushes, at most (%(default)s)"
    )
    parser.add_argument(
        "--clones", type=int, default=2, help="after each push (%(default)s)"
    )
    parser.add_argument(
        "--bundle-every",
        type=int,
        default=50,
        help="pushes a clone bundle is made (%(default)s)",
    )
    parser.add_argument("--real", action="store_true", help="stock clients")
    options = parser.parse_args()
    if min(options.pushes, options.push_size, options.bundle_every) < 1:
        parser.error("--pushes, --push-size, --bundle-every: at least 1")
    if min(options.runners, options.behind, options.clones) < 0:
        parser.error("--runners, --behind, --clones: at least 0")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    trace = Trace(
        *(source, options.pushes, options.push_size, options.runners, options.behind)
    )
    fleets: dict[str, Fleet] = {}
    with tempfile.TemporaryDirectory(prefix="hg-s3-fleet-") as folder:
        scratch = pathlib.Path(folder)
        setting = _setting(options, trace, scratch / "first")
        for way in options.ways:
            cli.say(f"{way}...")
            fleets[way] = fleetrun.run(setting, way, scratch)
    rest = (
        f"{options.pushes} pushes of 1 to {options.push_size} changesets up to the "
        f"tip; after each, {options.runners} pulls from states of 0 to "
        f"{options.behind} pushes before and {options.clones} clones, by "
        f"{'stock' if options.real else 'light'} clients; clone bundles made every "
        f"{options.bundle_every} pushes."
    )
    print(report.heading(options.hg, source, rest))
    print(f"{cost_table(fleets)}\n\n{report.figures(ratios(fleets))}")


def _setting(
    options: argparse.Namespace, trace: Trace, first: pathlib.Path
) -> fleetrun.Setting:
    cli.say("making the first state...")
    clonerun.hg_output(
        *(options.hg, "clone", "-q", "--pull", "--noupdate"),
        *("-r", trace.points[trace.first], trace.source, first),
    )
    return fleetrun.Setting(
        options.hg,
        options.moto_server,
        trace,
        first,
        options.clones,
        options.bundle_every,
        options.real,
        dict(options.set),
    )


Cell = typing.Callable[[Fleet], str]


def _seconds(part: typing.Callable[[Fleet], list], name: str) -> Cell:
    return lambda fleet: f"{total(part(fleet), name):.1f}"


def _amount(part: typing.Callable[[Fleet], list], name: str) -> Cell:
    return lambda fleet: f"{total(part(fleet), name):,.0f}"


def _rows() -> list[tuple[str, Cell]]:
    """(what it is, how it is written)."""
    rows: list[tuple[str, Cell]] = []
    for name, part in (
        ("pulls", lambda fleet: fleet.pulls),
        ("clones", lambda fleet: fleet.clones),
        ("both", lambda fleet: fleet.answers),
    ):
        rows += [
            (f"{name}: server CPU s", _seconds(part, "cpu_seconds")),
            (f"{name}: requests", _amount(part, "requests")),
            (f"{name}: bytes from the server", _amount(part, "server_bytes")),
            (f"{name}: bytes from the store", _amount(part, "store_bytes")),
            (f"{name}: share of the store", _share(part)),
        ]
    return rows + [
        ("pushes: server CPU s", _seconds(lambda fleet: fleet.pushes, "cpu_seconds")),
        (
            "before the first push, CPU s",
            lambda fleet: f"{fleet.first_cpu_seconds:.1f}",
        ),
        (
            "background CPU s: segments, bundles",
            lambda fleet: f"{fleet.background_cpu_seconds:.1f}",
        ),
        ("objects stored", lambda fleet: f"{fleet.stored_objects:,}"),
        ("bytes stored", lambda fleet: f"{fleet.stored_bytes:,}"),
        ("peak RSS of the server, MiB", _peak_rss),
    ]


def _share(part: typing.Callable[[Fleet], list]) -> Cell:
    return lambda fleet: f"{share(part(fleet)):.2%}"


def _peak_rss(fleet: Fleet) -> str:
    runs = fleet.pushes + fleet.answers
    return f"{max(run.peak_rss_bytes for run in runs) / report.MIB:.1f}"


def cost_table(fleets: dict[str, Fleet]) -> str:
    """A column for each way."""
    rows = [
        (name, *(cell(fleet) for fleet in fleets.values())) for name, cell in _rows()
    ]
    return report.table(("", *fleets), rows)


def ratios(fleets: dict[str, Fleet]) -> list[tuple[str, str, str]]:
    """What is asked for, and what each way saves."""
    rows = []
    for way, fleet in fleets.items():
        asked = ATLEAST_SHARE if way in (SEGMENTS, PUBLISHED) else ""
        rows.append(
            (f"{way}: bytes from the store", f"{share(fleet.answers):.2%}", asked)
        )
    if NOTHING not in fleets:
        return rows
    nothing = total(fleets[NOTHING].answers, "cpu_seconds")
    for way, fleet in fleets.items():
        if way == NOTHING:
            continue
        spent = total(fleet.answers, "cpu_seconds")
        background = spent + fleet.background_cpu_seconds
        rows += [
            (f"{way} / nothing, server CPU", f"{spent / nothing:.2%}", ""),
            ("of which with background", f"{background / nothing:.2%}", ""),
        ]
    return rows


if __name__ == "__main__":
    sys.exit(main())
