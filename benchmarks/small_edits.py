"""What changed between two releases, cut into single edits and spread over the
time between them.

A release has too few changed files for a long history of one file a changeset.
Here every changed run of lines of a file (a hunk) is a unit of its own; those
of one file come one after the other, evenly spaced among those of all others,
as if the file had been worked on all the time.

Needs `mercurial`, whose line differences are fast.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing

from release_trees import Change, SourceFile, Tree, Unit


@dataclasses.dataclass(frozen=True)
class PartialEdit:
    """A file on its way from `old` to `new`: the first `hunks` of their
    differences are made, the others are not.
    """

    old: SourceFile
    new: SourceFile
    hunks: int

    @property
    def executable(self) -> bool:
        return self.old.executable

    def read(self) -> bytes:
        """The content."""
        before, after = _lines(self.old), _lines(self.new)
        parts: list[bytes] = []
        done = 0  # lines of `before`
        for start, end, new_start, new_end in _hunks(self.old, self.new)[: self.hunks]:
            parts += before[done:start]
            parts += after[new_start:new_end]
            done = end
        return b"".join(parts + before[done:])


Hunk = typing.Tuple[int, int, int, int]


def _lines(source: SourceFile) -> list[bytes]:
    from mercurial import mdiff

    return mdiff.splitnewlines(source.read())


@functools.lru_cache(maxsize=4096)
def _hunks(old: SourceFile, new: SourceFile) -> tuple[Hunk, ...]:
    """(first and end line in `old`, first and end line in `new`), in order."""
    from mercurial import mdiff

    blocks = mdiff.allblocks(old.read(), new.read())
    return tuple(tuple(lines) for lines, kind in blocks if kind == b"!")


def single_edits(old: Tree, units: typing.Iterable[Unit]) -> list[Unit]:
    """`units`, which turn the tree `old` into another, as single edits in the
    order in which they are made. Additions, removals and renames stay whole.
    """
    placed = []
    for unit in units:
        steps = _steps(old, unit)
        path = unit[-1].path
        offset = _fraction(path)
        for number, step in enumerate(steps):
            placed.append(((number + offset) / len(steps), path, step))
    placed.sort(key=lambda place: place[:2])
    return [step for _position, _path, step in placed]


def _steps(old: Tree, unit: Unit) -> list[Unit]:
    change = unit[-1]
    if len(unit) > 1 or change.source is None or change.path not in old:
        return [unit]
    before = old[change.path]
    count = len(_hunks(before, change.source))
    partial = [
        (Change(change.path, PartialEdit(before, change.source, hunks)),)
        for hunks in range(1, count)
    ]
    return [*partial, unit]


def _fraction(path: bytes) -> float:
    """A number in [0, 1) that belongs to the path."""
    return int.from_bytes(hashlib.sha256(path).digest()[:4], "big") / 2**32
