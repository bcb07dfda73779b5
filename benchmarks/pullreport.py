"""The tables of v1_pull.py."""

from __future__ import annotations

import statistics
import typing

from pullrun import PullRun
from report import MIB, figures, spread, table

CLONE = "clone"
UNCACHED, MISS, HIT, FOLDER = "uncached", "miss", "hit", "folder hit"
#: Behind another: the same once more, of the same server process.
AGAIN = ", again"

#: Changesets, from which on a pull has to be cheap; below, it must not be dearer.
MANY = 1000

ATMOST_CLONE, ATMOST_PULL, ATMOST_SMALL = "2% at most", "10% at most", "1.05 at most"
ATMOST_CLIENT = "1.0 at most"


class Kind(typing.NamedTuple):
    """What a client does (CLONE, or pull the last so many changesets), and how it
    is answered.
    """

    what: str | int
    how: str

    @property
    def action(self) -> str:
        return CLONE if self.what == CLONE else f"pull of {self.what:,}"

    def __str__(self) -> str:
        return f"{self.action}, {self.how}"


Runs = typing.Dict[Kind, typing.List[PullRun]]
Value = typing.Callable[[PullRun], float]
Row = typing.Tuple[str, str, str]


def tables(runs: Runs, light: dict[Kind, list[float]]) -> str:
    """All of them."""
    rows = [*cpu_ratios(runs), *light_ratios(light), *client_ratios(runs)]
    return "\n\n".join([cost_table(runs), figures(rows)])


def _sorted(kinds: typing.Iterable[Kind]) -> list[Kind]:
    """Clones, then pulls by size; each kind as it came first."""
    order = {kind: number for number, kind in enumerate(kinds)}
    return sorted(order, key=lambda k: (0 if k.what == CLONE else k.what, order[k]))


def _median(runs: list[PullRun], value: Value) -> float:
    return statistics.median(value(run) for run in runs)


def cost_table(runs: Runs) -> str:
    """What each kind costs the server, and takes the client."""
    header = (
        *("", "server CPU s", "background CPU s", "client s", "client CPU s"),
        *("requests", "remote parts", "server bytes", "store bytes", "peak RSS MiB"),
    )
    rows = []
    for kind in _sorted(runs):
        of = runs[kind]
        rows.append(
            (
                str(kind),
                spread([run.cpu_seconds for run in of]),
                f"{_median(of, lambda run: run.background_cpu_seconds):.3f}",
                spread([run.client_seconds for run in of], 2),
                f"{_median(of, lambda run: run.client_cpu_seconds):.2f}",
                f"{_median(of, lambda run: run.requests):.0f}",
                f"{_median(of, lambda run: run.remote_parts):.0f}",
                f"{_median(of, lambda run: run.server_bytes):,.0f}",
                f"{_median(of, lambda run: run.store_bytes):,.0f}",
                f"{_median(of, lambda run: run.peak_rss_bytes) / MIB:.1f}",
            )
        )
    return table(header, rows)


def _uncached(kind: Kind) -> Kind:
    """What it is compared with."""
    return Kind(kind.what, UNCACHED + (AGAIN if kind.how.endswith(AGAIN) else ""))


def _compared(kinds: typing.Iterable[Kind]) -> list[Kind]:
    """Those for which there is something to compare them with."""
    known = list(kinds)
    return [
        kind
        for kind in _sorted(known)
        if not kind.how.startswith(UNCACHED) and _uncached(kind) in known
    ]


def cpu_ratios(runs: Runs) -> list[Row]:
    """Of the server, for its requests."""
    rows = []
    for kind in _compared(runs):
        ratio = _ratio(runs, kind, lambda run: run.cpu_seconds)
        rows.append((f"{kind} / uncached, server CPU", *_cell(kind, ratio)))
    return rows


def _cell(kind: Kind, ratio: float) -> tuple[str, str]:
    """(ratio as text, what is asked for)."""
    if kind.how.startswith(MISS):
        return f"{ratio:.3f}", ""
    from_s3 = kind.how.startswith(HIT)
    if kind.what == CLONE:
        return f"{ratio:.2%}", ATMOST_CLONE if from_s3 else ""
    if kind.what >= MANY:
        return f"{ratio:.2%}", ATMOST_PULL if from_s3 else ""
    return f"{ratio:.3f}", ATMOST_SMALL


def light_ratios(light: dict[Kind, list[float]]) -> list[Row]:
    """Of pulls by light clients; medians."""
    rows = []
    for kind in _compared(light):
        count = len(light[kind])
        mine, theirs = map(statistics.median, (light[kind], light[_uncached(kind)]))
        name = f"{kind} / uncached, server CPU, {count} light clients"
        rows.append((name, *_cell(kind, mine / theirs)))
        cell = f"{mine * 1e3:.1f} / {theirs * 1e3:.1f} ms"
        rows.append(("of which", cell, ""))
    return rows


def client_ratios(runs: Runs) -> list[Row]:
    """Of the time that it takes the client, and of the CPU of the client, which a
    busy machine changes less.
    """
    rows = []
    for kind in _compared(runs):
        asked = "" if kind.how.startswith(MISS) else ATMOST_CLIENT
        seconds = _ratio(runs, kind, lambda run: run.client_seconds)
        cpu = _ratio(runs, kind, lambda run: run.client_cpu_seconds)
        rows.append((f"{kind} / uncached, client s", f"{seconds:.3f}", asked))
        rows.append((f"{kind} / uncached, client CPU", f"{cpu:.3f}", ""))
    return rows


def _ratio(runs: Runs, kind: Kind, value: Value) -> float:
    return _median(runs[kind], value) / _median(runs[_uncached(kind)], value)
