"""What a growing repository does to the hit rate, by the recommended size of a
batch: pushes, and clones one after the other after each of them.

    .venv/hg-6.0.3/bin/python benchmarks/v2_growth.py [--sizes SIZE ...] \\
        [--pushes N] [--push-size N] [--clones N] [--real] [--changesets N] \\
        [--set SECTION.NAME=VALUE]

A clone asks for manifests and files in batches of the size that the server
recommends. What history appends to changes only the last batch: the smaller the
batches, the less is computed anew after a push, and the more requests a clone
makes. SIZE is the number of changesets in a batch; M/F gives manifestdata and
filesdata each their own; `core` is what Mercurial recommends by itself.

Clients send what `hg clone` sends and throw the answers away, see lightclient.py;
with --real they are stock `hg clone`. Before the first push there is one more
clone, which is not counted. Prints markdown for docs/benchmarks.md on standard
output, progress on standard error. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import shutil
import statistics
import sys
import tempfile

import cli
import clonerun
import pushtrace
import report
from clonerun import Store
from pushtrace import GrowingServer, Totals

CORE = "core"
#: Mercurial's own defaults: manifestdata, filesdata.
CORE_SIZES = (100000, 50000)
DEFAULT_SIZES = (CORE, "20000/5000", "5000", "2500", "1000")


@dataclasses.dataclass
class Growth:
    """The trace under one setting; what each clone after each push cost."""

    clones: list[list[Totals]]  # by push, then in the order of the clones
    stored_objects: int  # since the first push
    stored_bytes: int

    @property
    def totals(self) -> Totals:
        return pushtrace.total(each for clones in self.clones for each in clones)

    def cpu_of(self, position: int) -> list[float]:
        """CPU seconds of the clones at this position after their pushes."""
        return [clones[position].cpu_seconds for clones in self.clones]


def main() -> int:
    options = _options()
    return cli.run("v2_growth", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Hit rates while a repository grows.", changesets=10000)
    parser.add_argument(
        "--sizes",
        nargs="+",
        type=batch_sizes,
        default=[batch_sizes(size) for size in DEFAULT_SIZES],
        metavar="SIZE",
        help=f"of a batch: N, M/F or {CORE} (default: {' '.join(DEFAULT_SIZES)})",
    )
    parser.add_argument("--pushes", type=int, default=50, help="(%(default)s)")
    parser.add_argument(
        "--push-size", type=int, default=100, help="changesets a push (%(default)s)"
    )
    parser.add_argument(
        "--clones", type=int, default=3, help="after each push (%(default)s)"
    )
    parser.add_argument("--real", action="store_true", help="stock clients")
    options = parser.parse_args()
    if min(options.pushes, options.push_size, options.clones) < 1:
        parser.error("--pushes, --push-size, --clones: at least 1")
    return options


def batch_sizes(text: str) -> tuple[str, int, int]:
    """(name, manifests a batch, changesets a batch); ValueError."""
    if text == CORE:
        return (text, *CORE_SIZES)
    manifests, _slash, changesets = text.partition("/")
    sizes = int(manifests), int(changesets or manifests)
    if min(sizes) < 1:
        raise ValueError(text)
    return (text, *sizes)


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    growths: dict[str, Growth] = {}
    with tempfile.TemporaryDirectory(prefix="hg-s3-growth-") as folder:
        scratch = pathlib.Path(folder)
        made = pushtrace.Trace(
            options.hg, source, options.pushes, options.push_size, scratch
        )
        for name, manifests, changesets in options.sizes:
            cli.say(f"batches of {name}...")
            extra = {
                "experimental.server.manifestdata.recommended-batch-size": manifests,
                "experimental.server.filesdata.recommended-batch-size": changesets,
            }
            with Store(options.moto_server) as store, made.growing(
                store,
                {**dict(options.set), **{item: str(n) for item, n in extra.items()}},
            ) as growing:
                growths[name] = _grow(options, growing, store, scratch)
    rest = (
        f"{options.pushes} pushes of about {options.push_size} changesets up to the "
        f"tip, {options.clones} {'real' if options.real else 'light'} clones after "
        "each, one after the other."
    )
    print(report.heading(options.hg, source, rest))
    print(growth_table(growths))


def _grow(
    options: argparse.Namespace,
    growing: GrowingServer,
    store: Store,
    scratch: pathlib.Path,
) -> Growth:
    def clone() -> Totals:
        if not options.real:
            return growing.light_pull(0)
        destination = scratch / "clone"
        run = clonerun.measured_clone(growing.server, options.hg, destination)
        shutil.rmtree(destination)
        return pushtrace.of_clone(run)

    clone()
    before = [size for _key, size in store.objects()]
    clones = []
    for _push in range(options.pushes):
        growing.push()
        clones.append([clone() for _number in range(options.clones)])
    after = [size for _key, size in store.objects()]
    return Growth(clones, len(after) - len(before), sum(after) - sum(before))


def growth_table(growths: dict[str, Growth]) -> str:
    """A line for each size of a batch."""
    header = (
        "batch",
        "requests a clone",
        "hits",
        "bytes from the store",
        "server CPU s",
        "first clone after a push, CPU s",
        "later ones",
        "objects stored",
        "bytes stored",
    )
    rows = []
    for name, growth in growths.items():
        totals = growth.totals
        count = sum(map(len, growth.clones))
        later = [
            seconds
            for position in range(1, len(growth.clones[0]))
            for seconds in growth.cpu_of(position)
        ]
        rows.append(
            (
                name,
                f"{totals.requests / count:.1f}",
                report.share(totals.hits, totals.requests),
                report.share(totals.hit_bytes, totals.body_bytes),
                f"{totals.cpu_seconds:.1f}",
                f"{statistics.mean(growth.cpu_of(0)):.3f}",
                f"{statistics.mean(later):.3f}" if later else "",
                f"{growth.stored_objects:,}",
                f"{growth.stored_bytes:,}",
            )
        )
    return report.table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
