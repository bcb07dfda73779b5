"""Figures as markdown, for docs/benchmarks.md."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import shlex
import statistics
import sys
import typing

import clonerun

MIB = 2**20


def heading(hg: pathlib.Path, repository: pathlib.Path, rest: str) -> str:
    """How the figures were made, with what, of which repository."""
    tip = clonerun.hg_output(
        hg, "log", "-R", repository, "-r", "tip", "-T", "{rev} {node|short}"
    ).split()
    return (
        f"`{command_line()}`\n\n"
        f"{versions(hg)}. Repository {repository.name}: "
        f"{int(tip[0]) + 1:,} changesets, tip {tip[1]}, "
        f"store {store_mib(repository):.0f} MiB. {rest}\n"
    )


def command_line() -> str:
    """What makes the figures again."""
    program = os.path.basename(sys.argv[0])
    arguments = " ".join(map(shlex.quote, sys.argv[1:]))
    return f"make bench PROGRAM={program.rpartition('.')[0]}" + (
        f' ARGS="{arguments}"' if arguments else ""
    )


def versions(hg: pathlib.Path) -> str:
    """Of all that the figures depend on."""
    mercurial = clonerun.hg_output(hg, "version", "-T", "{ver}")
    boto3 = importlib.metadata.version("boto3")
    return (
        f"Mercurial {mercurial} (server and client), boto3 {boto3}, "
        f"Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    )


def store_mib(repository: pathlib.Path) -> float:
    """What the repository's history takes on disk."""
    files = (repository / ".hg" / "store").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file()) / MIB


def figures(rows: typing.Sequence[tuple[str, str, str]]) -> str:
    """What was measured beside what is asked for."""
    return table(("figure", "measured", "asked for"), rows)


def spread(values: typing.Sequence[float], digits: int = 3) -> str:
    """Median, lowest and highest."""
    return (
        f"{statistics.median(values):.{digits}f} "
        f"({min(values):.{digits}f} to {max(values):.{digits}f})"
    )


def share(part: float, whole: float, digits: int = 1) -> str:
    """As a percentage; empty when there is no whole."""
    return f"{part / whole:.{digits}%}" if whole else ""


def table(
    header: typing.Sequence[str],
    rows: typing.Sequence[typing.Sequence[str]],
    numbers_from: int = 1,
) -> str:
    """A markdown table that is aligned to be read as it is too; columns from
    `numbers_from` on are right-aligned.
    """
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: typing.Sequence[str]) -> str:
        aligned = [
            c.ljust(w) if i < numbers_from else c.rjust(w)
            for i, (c, w) in enumerate(zip(cells, widths))
        ]
        return "| " + " | ".join(aligned) + " |"

    rule = [
        ("-" * w if i < numbers_from else "-" * (w - 1) + ":")
        for i, w in enumerate(widths)
    ]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])
