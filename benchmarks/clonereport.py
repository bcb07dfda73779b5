"""The tables of v2_clone.py."""

from __future__ import annotations

import statistics
import typing

from clonerun import OTHER, CloneRun
from hitlatency import HitLatencies
from report import MIB, figures, spread, table

UNCACHED, MISS, HIT, V1 = "v2, uncached", "v2, miss", "v2, hit", "v1"
STREAM_UNCACHED, STREAM_MISS, STREAM_HIT = (
    "v2 --stream, uncached",
    "v2 --stream, miss",
    "v2 --stream, hit",
)
STOPPED_FIRST, STOPPED_LATER = "v2, store stopped, first", "v2, store stopped, later"
KINDS = (
    *(UNCACHED, MISS, HIT, V1),
    *(STREAM_UNCACHED, STREAM_MISS, STREAM_HIT),
    *(STOPPED_FIRST, STOPPED_LATER),
)

HEAVY = ("manifestdata", "filesdata")
COMMANDS = ("rawstorefiledata", "changesetdata", *HEAVY, "getbundle", OTHER)

#: What the project has promised.
ATMOST_MISS, ATMOST_HIT, ATMOST_RSS = "1.15 at most", "2% at most", "32 MB at most"
ATMOST_STOPPED, ATMOST_ADDED_MS = "1.05 at most", "5 ms at most"

Runs = typing.Dict[str, typing.List[CloneRun]]
Value = typing.Callable[[CloneRun], float]


def tables(runs: Runs, latencies: HitLatencies | None) -> str:
    """All of them; kinds without runs are left out."""
    parts = [cost_table(runs), command_table(runs)]
    rows = [*cpu_ratios(runs), *stopped_ratios(runs), *memory_growth(runs)]
    rows += added_latency(latencies) if latencies else []
    return "\n\n".join([*parts, figures(rows)])


def _measured(runs: Runs) -> list[str]:
    return [kind for kind in KINDS if runs.get(kind)]


def _median(runs: list[CloneRun], value: Value) -> float:
    return statistics.median(value(run) for run in runs)


def cost_table(runs: Runs) -> str:
    """What each kind of clone costs the server, and takes the client."""
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
    for kind in _measured(runs):
        of = runs[kind]
        rows.append(
            (
                kind,
                spread([run.clone_cpu_seconds for run in of]),
                f"{_median(of, lambda run: run.total_cpu_seconds):.3f}",
                f"{_median(of, lambda run: run.client_seconds):.2f}",
                f"{_median(of, lambda run: run.start_rss_bytes) / MIB:.1f}",
                f"{_median(of, lambda run: run.peak_rss_bytes) / MIB:.1f}",
                f"{_median(of, lambda run: run.server_bytes):,.0f}",
                f"{_median(of, lambda run: run.store_bytes):,.0f}",
            )
        )
    return table(header, rows)


def command_table(runs: Runs) -> str:
    """Server CPU by command; a star where the store sent the body."""
    rows = []
    for kind in _measured(runs):
        cells = [_command_cell(runs[kind], name) for name in COMMANDS]
        background = _median(runs[kind], lambda run: run.background_cpu_seconds)
        rows.append((kind, *cells, f"{background:.4f}"))
    return table(("server CPU s (* redirected) of", *COMMANDS, "no request"), rows)


def _command_cell(runs: list[CloneRun], name: str) -> str:
    with_it = [run for run in runs if name in run.commands]
    if not with_it:
        return ""
    star = "\\*" if any(run.commands[name].redirects for run in with_it) else ""
    return f"{star}{_median(runs, lambda run: run.cpu_of([name])):.4f}"


def _ratio(runs: Runs, over: str, under: str, value: Value) -> float | None:
    if not runs.get(over) or not runs.get(under):
        return None
    return _median(runs[over], value) / _median(runs[under], value)


def _rows(
    found: typing.Iterable[tuple[str, float | None, str, str]],
) -> list[tuple[str, str, str]]:
    """(figure, ratio, how to write it, what is asked for) as cells."""
    return [
        (name, format(ratio, how), asked)
        for name, ratio, how, asked in found
        if ratio is not None
    ]


def _until_end(run: CloneRun) -> float:
    return run.clone_cpu_seconds


def _whole(run: CloneRun) -> float:
    return run.total_cpu_seconds


def cpu_ratios(runs: Runs) -> list[tuple[str, str, str]]:
    """Of misses and hits, with and without --stream."""
    found = []
    for over, hit, under in (
        (MISS, HIT, UNCACHED),
        (STREAM_MISS, STREAM_HIT, STREAM_UNCACHED),
    ):
        name = "--stream: " if over == STREAM_MISS else ""
        found += [
            (
                f"{name}miss / uncached, server CPU until the clone ends",
                _ratio(runs, over, under, _until_end),
                ".3f",
                ATMOST_MISS,
            ),
            (
                f"{name}miss / uncached, server CPU with the upload",
                _ratio(runs, over, under, _whole),
                ".3f",
                ATMOST_MISS,
            ),
            (
                f"{name}hit / uncached, server CPU of {' + '.join(HEAVY)}",
                _ratio(runs, hit, under, lambda run: run.cpu_of(HEAVY)),
                ".2%",
                ATMOST_HIT,
            ),
            (
                f"{name}hit / uncached, server CPU",
                _ratio(runs, hit, under, _whole),
                ".2%",
                ATMOST_HIT,
            ),
        ]
    found.append(("hit / v1, server CPU", _ratio(runs, HIT, V1, _whole), ".2%", ""))
    return _rows(found)


def stopped_ratios(runs: Runs) -> list[tuple[str, str, str]]:
    """What an unreachable store costs, before the server gives up on it and after."""
    return _rows(
        (
            f"{kind} / uncached, server CPU",
            _ratio(runs, kind, UNCACHED, _whole),
            ".3f",
            ATMOST_STOPPED,
        )
        for kind in (STOPPED_FIRST, STOPPED_LATER)
    )


def memory_growth(runs: Runs) -> list[tuple[str, str, str]]:
    """What the extension adds to the memory of a server."""
    if not runs.get(MISS) or not runs.get(UNCACHED):
        return []

    def more(value: Value) -> str:
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


def added_latency(latencies: HitLatencies) -> list[tuple[str, str, str]]:
    """What a hit takes; medians, milliseconds."""

    def cell(seconds: list[float]) -> str:
        tenths = statistics.quantiles(seconds, n=10)
        return f"{statistics.median(seconds) * 1e3:.1f} (to {tenths[-1] * 1e3:.1f}) ms"

    count = len(latencies.answers)
    return [
        (f"a hit, request to answer, {count} hits", cell(latencies.answers), ""),
        ("of which the HEAD round trip", cell(latencies.heads), ""),
        ("added by a hit besides the HEAD", cell(latencies.added), ATMOST_ADDED_MS),
        ("for comparison: a request for heads", cell(latencies.nothing), ""),
    ]
