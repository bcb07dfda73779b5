"""What it costs in hits, and saves in stored bytes, to store only what is asked
for again (`min-occurrences`), on the trace of a busy host.

    .venv/hg-6.0.3/bin/python benchmarks/v2_admission.py [--values N ...] \\
        [--pushes N] [--push-size N] [--clones N] [--stale N ...] [--tail N] \\
        [--changesets N] [--set SECTION.NAME=VALUE]

After each push come, shuffled, clients that many share their state with: clones,
and pulls from the states of a few pushes ago, as CI makes them. And a long tail:
pulls from states of long ago, each of them only once. The trace is the same for
every value. Clients send what a stock client sends and throw the answers away, see
lightclient.py. Prints markdown for docs/benchmarks.md on standard output, progress
on standard error. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import random
import sys
import tempfile

import cli
import pushtrace
import report
from clonerun import Store
from pushtrace import GrowingServer, Totals

SETTING = "s3wireprotocache.min-occurrences"
SEED = 20191101  # any number: the trace is the same whenever it is made
#: For each pull of the herd, how many pushes ago its client pulled before.
DEFAULT_STALE = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)


@dataclasses.dataclass
class Admission:
    """The trace under one value."""

    herd: Totals
    tail: Totals
    stored_objects: int
    stored_bytes: int


def main() -> int:
    options = _options()
    return cli.run("v2_admission", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Hits and stored bytes by min-occurrences.", changesets=10000)
    parser.add_argument(
        "--values",
        nargs="+",
        type=int,
        default=[0, 1, 2],
        help="of min-occurrences (default: 0 1 2)",
    )
    parser.add_argument("--pushes", type=int, default=20, help="(%(default)s)")
    parser.add_argument(
        "--push-size", type=int, default=20, help="changesets a push (%(default)s)"
    )
    parser.add_argument(
        "--clones", type=int, default=4, help="after each push (%(default)s)"
    )
    parser.add_argument(
        "--stale",
        nargs="*",
        type=int,
        default=list(DEFAULT_STALE),
        metavar="PUSHES",
        help="a pull after each push from so many pushes ago "
        f"(default: {' '.join(map(str, DEFAULT_STALE))})",
    )
    parser.add_argument(
        "--tail",
        type=int,
        default=4,
        help="pulls after each push that nobody repeats (%(default)s)",
    )
    options = parser.parse_args()
    if min(options.pushes, options.push_size, *options.stale, 1) < 1:
        parser.error("--pushes, --push-size, --stale: at least 1")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    found: dict[int, Admission] = {}
    with tempfile.TemporaryDirectory(prefix="hg-s3-admission-") as folder:
        made = pushtrace.Trace(
            *(options.hg, source, options.pushes, options.push_size),
            pathlib.Path(folder),
        )
        for value in options.values:
            cli.say(f"min-occurrences = {value}...")
            # 0 is the default, and what there was before there was a choice.
            chosen = {SETTING: str(value)} if value else {}
            with Store(options.moto_server) as store, made.growing(
                store, {**dict(options.set), **chosen}
            ) as growing:
                found[value] = _admit(options, growing, store)
    rest = (
        f"{options.pushes} pushes of about {options.push_size} changesets; after each "
        f"{options.clones} clones, {len(options.stale)} pulls from "
        f"{', '.join(map(str, sorted(set(options.stale))))} pushes ago and "
        f"{options.tail} from random old states that nobody repeats."
    )
    print(report.heading(options.hg, source, rest))
    print(admission_table(found))


def _admit(
    options: argparse.Namespace, growing: GrowingServer, store: Store
) -> Admission:
    chance = random.Random(SEED)
    herd: list[Totals] = []
    tail: list[Totals] = []
    used: set[int] = set()
    for _push in range(options.pushes):
        growing.push()
        old = growing.states[:-1]
        jobs = [(herd, 0)] * options.clones
        jobs += [(herd, old[max(0, len(old) - ago)]) for ago in options.stale]
        jobs += [
            (tail, state)
            for state in _unused_states(chance, growing, used, options.tail)
        ]
        chance.shuffle(jobs)
        for part, state in jobs:
            part.append(growing.light_pull(state))
    sizes = [size for _key, size in store.objects()]
    return Admission(
        pushtrace.total(herd), pushtrace.total(tail), len(sizes), sum(sizes)
    )


def _unused_states(
    chance: random.Random, growing: GrowingServer, used: set[int], count: int
) -> list[int]:
    """Numbers of first changesets that some client may have, each only once."""
    taken = used | set(growing.states)
    free = [state for state in growing.history.single_headed if state not in taken]
    chosen = chance.sample(free, min(count, len(free)))
    used.update(chosen)
    return chosen


def admission_table(found: dict[int, Admission]) -> str:
    """A line for each value; what it costs and saves against the first of them."""
    header = (
        "min-occurrences",
        "hits, herd",
        "hits, tail",
        "hits",
        "hits lost",
        "bytes from the store",
        "server CPU s",
        "objects stored",
        "bytes stored",
        "bytes saved",
    )
    rows = []
    base = next(iter(found.values()))
    base_hits = base.herd.hits + base.tail.hits
    for value, each in found.items():
        both = each.herd + each.tail
        rows.append(
            (
                str(value),
                report.share(each.herd.hits, each.herd.requests),
                report.share(each.tail.hits, each.tail.requests),
                report.share(both.hits, both.requests),
                report.share(base_hits - both.hits, base_hits),
                report.share(both.hit_bytes, both.body_bytes),
                f"{both.cpu_seconds:.1f}",
                f"{each.stored_objects:,}",
                f"{each.stored_bytes:,}",
                report.share(base.stored_bytes - each.stored_bytes, base.stored_bytes),
            )
        )
    return report.table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
