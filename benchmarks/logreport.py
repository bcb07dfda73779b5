"""The tables of pushlog.py."""

from __future__ import annotations

import dataclasses
import statistics
import typing

from report import figures, spread, table
from tryservers import Sample

BY_ID, POLL = "startID, endID", "304"
PLAIN, AGAIN = "without the log", "without the log, again"
LOGGED = "with the log"
OTHER = "Mercurial alone, another process"
ORDINARY, TRY = "ordinary", "try"

ASKED_MS, FLAT = "15 ms at most", "1.10 at most"
RECORDING = "1.05 at most"
PAGE = "1.5 at most"
#: Of the pages, those that something is asked of.
_PAGES = ("/rev/", "/file/", "/annotate/")

#: Pushes beside those without the log, and what is asked for.
_COMPARED = ((LOGGED, RECORDING), (AGAIN, ""), (OTHER, ""))

Row = typing.Tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Asked:
    """Some requests, one after the other: `seconds` of each until its answer was
    read, the rest a request.
    """

    seconds: typing.Sequence[float]
    cpu_seconds: float  # of the server
    database_cpu_seconds: float
    size_bytes: float  # of the body


@dataclasses.dataclass
class Measured:
    """All of it: by kind of request and length of the log, by changesets of a push and
    server, by page and kind of changeset.
    """

    asked: dict[tuple[str, int], list[Asked]] = dataclasses.field(default_factory=dict)
    pushes: dict[tuple[int, str], list[Sample]] = dataclasses.field(
        default_factory=dict
    )
    #: By server: seconds of each, from the start of the process to its end.
    by_hg: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    pages: dict[tuple[str, str], list[Asked]] = dataclasses.field(default_factory=dict)

    def add_asked(self, name: str, rows: int, asked: Asked) -> None:
        self.asked.setdefault((name, rows), []).append(asked)

    def add_push(self, changesets: int, server: str, sample: Sample) -> None:
        """In the order of pushes, which is the same for all servers."""
        self.pushes.setdefault((changesets, server), []).append(sample)

    def add_by_hg(self, server: str, seconds: float) -> None:
        """As add_push: a push by the program `hg`."""
        self.by_hg.setdefault(server, []).append(seconds)

    def add_page(self, name: str, kind: str, asked: Asked) -> None:
        self.pages.setdefault((name, kind), []).append(asked)


def tables(measured: Measured) -> str:
    """All of them."""
    asked = {
        (name, f"{rows:,}"): of for (name, rows), of in sorted(measured.asked.items())
    }
    parts = [
        _costs(("json-pushes, full=1", "pushes in the log"), asked),
        _pushes(measured),
        _costs(("page", "changeset"), measured.pages),
        figures(rows(measured)),
    ]
    return "\n\n".join(parts)


def _costs(
    names: tuple[str, str], costs: typing.Mapping[tuple[str, str], list[Asked]]
) -> str:
    header = (*names, "ms", "server CPU ms", "database CPU ms", "bytes")
    return table(
        header,
        [
            (
                *key,
                f"{_ms(of):.1f}",
                spread([each.cpu_seconds * 1e3 for each in of], 1),
                f"{_median(each.database_cpu_seconds for each in of) * 1e3:.1f}",
                f"{_median(each.size_bytes for each in of):,.0f}",
            )
            for key, of in costs.items()
        ],
        numbers_from=2,
    )


def _pushes(measured: Measured) -> str:
    header = ("push", "server", "server CPU ms", "client ms", "database CPU ms")
    return table(
        header,
        [
            (
                f"{changesets} changesets",
                server,
                spread([each.cpu_seconds * 1e3 for each in of], 1),
                spread([each.client_seconds * 1e3 for each in of], 1),
                f"{_median(each.database_cpu_seconds for each in of) * 1e3:.1f}",
            )
            for (changesets, server), of in measured.pushes.items()
        ],
        numbers_from=2,
    )


def rows(measured: Measured) -> list[Row]:
    """What was measured beside what is asked for."""
    return [*_asked(measured), *_recording(measured), *_shown(measured)]


def _asked(measured: Measured) -> list[Row]:
    lengths = sorted({length for _name, length in measured.asked})
    if not lengths:
        return []
    longest, shortest = lengths[-1], lengths[0]
    found = []
    for name in dict.fromkeys(name for name, _length in measured.asked):
        long, short = measured.asked[name, longest], measured.asked[name, shortest]
        is_asked = name == BY_ID
        what = f"{name}, {longest:,} pushes"
        found.append((what, f"{_ms(long):.1f} ms", ASKED_MS if is_asked else ""))
        ratio = _cpu(long) / _cpu(short)
        what += f" / {shortest:,}"
        found.append((what, f"{ratio:.3f}", FLAT if is_asked else ""))
    return found


def _recording(measured: Measured) -> list[Row]:
    found = []
    for changesets in dict.fromkeys(changesets for changesets, _ in measured.pushes):
        plain = measured.pushes[changesets, PLAIN]
        for server, asked in _COMPARED:
            of = measured.pushes.get((changesets, server))
            if of is None:
                continue
            what = f"push of {changesets}, {server} / {PLAIN}"
            for name, value in (
                ("server CPU", lambda sample: sample.cpu_seconds),
                ("time", lambda sample: sample.client_seconds),
            ):
                ratio = paired(list(map(value, plain)), list(map(value, of)))
                found.append((f"{what}, {name}", f"{ratio:.3f}", asked))
    for server, asked in _COMPARED:
        if server in measured.by_hg:
            ratio = paired(measured.by_hg[PLAIN], measured.by_hg[server])
            what = f"hg push, {server} / {PLAIN}, time"
            found.append((what, f"{ratio:.3f}", asked))
    return found


def _shown(measured: Measured) -> list[Row]:
    found = []
    for name in dict.fromkeys(name for name, _kind in measured.pages):
        pair = (measured.pages[name, TRY], measured.pages[name, ORDINARY])
        asked = PAGE if name.startswith(_PAGES) else ""
        cpu = neighbours(
            *([each.cpu_seconds for each in of] for of in pair),
        )
        time = neighbours(
            *([seconds for each in of for seconds in each.seconds] for of in pair),
        )
        found.append((f"{name}, try / ordinary, server CPU", f"{cpu:.3f}", asked))
        found.append((f"{name}, try / ordinary, time", f"{time:.3f}", asked))
    return found


def paired(first: typing.Sequence[float], second: typing.Sequence[float]) -> float:
    """How many times as much the second ones are: by the median of what each of them
    is more than its counterpart, which what both have in common does not change.
    """
    more = statistics.median(b - a for a, b in zip(first, second))
    return 1 + more / statistics.median(first)


def neighbours(first: typing.Sequence[float], second: typing.Sequence[float]) -> float:
    """How many times the second ones the first are: the median of the ratios of what was
    measured one after the other, whatever the machine does in between.
    """
    return statistics.median(a / b for a, b in zip(first, second))


def _median(values: typing.Iterable[float]) -> float:
    return statistics.median(values)


def _cpu(of: typing.Sequence[Asked]) -> float:
    return _median(each.cpu_seconds for each in of)


def _ms(of: typing.Sequence[Asked]) -> float:
    """The median of all requests, in milliseconds."""
    return _median(seconds for each in of for seconds in each.seconds) * 1e3
