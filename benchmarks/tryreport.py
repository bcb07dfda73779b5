"""The tables of try_push.py."""

from __future__ import annotations

import dataclasses
import statistics
import typing

from report import MIB, figures, spread, table
from tryservers import ORDINARY, Kind, Sample

FLAT = "1.10 at most"
PUSH, PULL = "1.5 at most", "1.2 at most"
REDIRECT = "10 ms at most"
MEMORY = "1.2 at most"

Samples = typing.Dict[Kind, typing.List[Sample]]
Row = typing.Tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Memory:
    """Resident memory of a server, after so many requests and after all."""

    first_requests: int
    first_bytes: int
    requests: int
    bytes: int
    http_requests: int

    @property
    def ratio(self) -> float:
        return self.bytes / self.first_bytes


@dataclasses.dataclass
class Measured:
    """All samples: pushes, pulls of a small head, of a large one, and what stock
    clients take in seconds.
    """

    pushes: Samples = dataclasses.field(default_factory=dict)
    pulls: Samples = dataclasses.field(default_factory=dict)
    large: Samples = dataclasses.field(default_factory=dict)
    stock_pushes: Samples = dataclasses.field(default_factory=dict)
    stock_pulls: Samples = dataclasses.field(default_factory=dict)
    memory: typing.Optional[Memory] = None


def cpu_ms(samples: typing.Sequence[Sample]) -> float:
    """The median."""
    return statistics.median(each.cpu_seconds for each in samples) * 1e3


def tables(measured: Measured) -> str:
    """All of them."""
    parts = [
        ("Pushes", measured.pushes),
        ("Pulls of a small head", measured.pulls),
        ("Pulls of a large head", measured.large),
        ("Pushes by stock clients", measured.stock_pushes),
        ("Pulls by stock clients", measured.stock_pulls),
    ]
    texts = [f"{title}\n\n{costs(samples)}" for title, samples in parts if samples]
    return "\n\n".join([*texts, figures(rows(measured))])


def costs(samples: Samples) -> str:
    """What each kind of server spends, and on which command."""
    names = _commands(samples)
    header = ("", "server CPU ms", "database CPU ms", "client ms", "requests", *names)
    lines = []
    for kind, of in samples.items():
        database = statistics.median(each.database_cpu_seconds for each in of)
        lines.append(
            (
                str(kind),
                spread([each.cpu_seconds * 1e3 for each in of], 1),
                f"{database * 1e3:.1f}" if kind.headless else "",
                f"{statistics.median(e.client_seconds for e in of) * 1e3:.0f}",
                f"{statistics.median(each.requests for each in of):.0f}",
                *(_command_ms(of, name) for name in names),
            )
        )
    return table(header, lines)


def _commands(samples: Samples) -> list[str]:
    """Each once, in the order in which clients ask."""
    found: dict[str, None] = {}
    for of in samples.values():
        for each in of:
            found.update(dict.fromkeys(each.commands))
    return list(found)


def _command_ms(samples: typing.Sequence[Sample], name: str) -> str:
    spent = [each.commands[name] for each in samples if name in each.commands]
    return f"{statistics.median(spent) * 1e3:.1f}" if spent else ""


def rows(measured: Measured) -> list[Row]:
    """What was measured beside what is asked for."""
    return [
        *flatness(measured.pushes),
        *against_ordinary("push", measured.pushes, PUSH),
        *against_ordinary("pull of a small head", measured.pulls, PULL),
        *large(measured.large),
        *memory(measured.memory),
    ]


def flatness(pushes: Samples) -> list[Row]:
    """Pushes with a past, compared with those without one."""
    first = next((k for k in pushes if k.headless and not k.before and not k.s3), None)
    if first is None:
        return []
    found = []
    for kind, samples in pushes.items():
        if kind.headless and kind.before and not kind.s3:
            ratio = cpu_ms(samples) / cpu_ms(pushes[first])
            asked = "" if kind.recent else FLAT
            found.append((f"push, {kind} / after 0", f"{ratio:.3f}", asked))
    return found


def against_ordinary(what: str, samples: Samples, asked: str) -> list[Row]:
    """Each kind, compared with an ordinary server of few heads. What is asked for is
    asked of a folder as the store: what S3 costs is said, too.
    """
    if ORDINARY not in samples:
        return []
    found = []
    for kind, of in samples.items():
        if kind != ORDINARY:
            ratio = cpu_ms(of) / cpu_ms(samples[ORDINARY])
            is_asked = kind.headless and not kind.recent and not kind.s3
            name = f"{what}, {kind} / ordinary"
            found.append((name, f"{ratio:.3f}", asked if is_asked else ""))
    return found


def large(samples: Samples) -> list[Row]:
    """Only by S3 does the server send nothing of it itself."""
    return [
        (
            f"pull of a large head, {kind}",
            f"{cpu_ms(of):.1f} ms",
            REDIRECT if kind.s3 else "",
        )
        for kind, of in samples.items()
    ]


def memory(found: typing.Optional[Memory]) -> list[Row]:
    """After all requests, compared with the first of them."""
    if found is None:
        return []
    name = f"memory after {found.requests:,} / {found.first_requests:,} requests"
    cell = f"{found.bytes / MIB:.1f} / {found.first_bytes / MIB:.1f} MiB"
    return [
        (name, f"{found.ratio:.3f}", MEMORY),
        ("of which", cell, ""),
        ("HTTP requests", f"{found.http_requests:,}", ""),
    ]
