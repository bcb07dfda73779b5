"""Source trees of releases, and what changed from one to the next.

A tree is a mapping from path (`bytes`, `/` as separator) to `SourceFile`. The
difference of two trees is a list of units; a unit is what has to stay in one
changeset (a rename is two changes: the old path goes, the new one comes).
Everything here is a function of the trees' bytes alone, so that the same
releases always give the same units.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import os
import pathlib
import typing

BIG_BINARY_BYTES = 2 * 1024 * 1024
SIMILAR_MAX_BYTES = 512 * 1024
SIMILAR_RATIO = 0.5

# Left behind by whoever builds or tests in the tree: not part of the release.
GENERATED_FOLDERS = frozenset({".hg", "__pycache__", "build", "dist"})
GENERATED_SUFFIXES = (".pyc", ".pyo", ".so", ".err")
# Mercurial itself would interpret these at the root of a repository
# (sub-repositories, tags of unknown nodes).
INTERPRETED_FILES = frozenset(
    {b".hgsub", b".hgsubstate", b".hgtags", b".hgsigs", b".hgeol"}
)


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """One file of a tree: where to read it, and what tells two of them apart."""

    location: str
    size: int  # bytes
    digest: bytes  # SHA-256 of the content
    executable: bool

    def read(self) -> bytes:
        """The content; OSError when it has gone."""
        with open(self.location, "rb") as stream:
            return stream.read()


class Content(typing.Protocol):
    """What a path holds after a changeset."""

    @property
    def executable(self) -> bool: ...

    def read(self) -> bytes: ...


@dataclasses.dataclass(frozen=True)
class Change:
    """One path of a changeset: new content, or `source is None` for a removal."""

    path: bytes
    source: Content | None
    copied_from: bytes | None = None


Tree = typing.Dict[bytes, SourceFile]
Unit = typing.Tuple[Change, ...]


def read_tree(folder: pathlib.Path) -> Tree:
    """The regular, readable files below `folder`; generated files and binary
    files above 2 MB are left out.

    Raises ValueError when there is nothing: a wrong folder.
    """
    tree: Tree = {}
    root = os.fspath(folder)
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(
            f
            for f in folders
            if f not in GENERATED_FOLDERS and not f.endswith(".egg-info")
        )
        for name in sorted(names):
            location = os.path.join(parent, name)
            path = os.fsencode(os.path.relpath(location, root)).replace(
                os.fsencode(os.sep), b"/"
            )
            generated = name.endswith(GENERATED_SUFFIXES) or name.startswith(
                ".testtimes"
            )
            if generated or path in INTERPRETED_FILES or os.path.islink(location):
                continue
            found = _source_file(location)
            if found is not None:
                tree[path] = found
    if not tree:
        raise ValueError(f"no files below {root}")
    return tree


def _source_file(location: str) -> SourceFile | None:
    try:
        with open(location, "rb") as stream:
            content = stream.read()
            mode = os.fstat(stream.fileno()).st_mode
    except OSError:
        return None
    if len(content) > BIG_BINARY_BYTES and b"\0" in content:
        return None
    return SourceFile(
        location, len(content), hashlib.sha256(content).digest(), bool(mode & 0o100)
    )


def first_units(tree: Tree) -> list[Unit]:
    """Every file of a first release, as additions in the order of their paths."""
    return [(Change(path, tree[path]),) for path in sorted(tree)]


def units_between(old: Tree, new: Tree) -> list[Unit]:
    """What turns `old` into `new`, in the order of paths; a path is in one unit
    at most.
    """
    removed = sorted(path for path in old if path not in new)
    added = sorted(path for path in new if path not in old)
    renamed = _find_renames(old, new, removed, added)
    units: list[Unit] = []
    for path in added:
        origin = renamed.get(path)
        if origin is None:
            units.append((Change(path, new[path]),))
        else:
            units.append(
                (Change(origin, None), Change(path, new[path], copied_from=origin))
            )
    origins = set(renamed.values())
    units.extend((Change(path, None),) for path in removed if path not in origins)
    for path in sorted(old.keys() & new.keys()):
        before, after = old[path], new[path]
        if (before.digest, before.executable) != (after.digest, after.executable):
            units.append((Change(path, after),))
    units.sort(key=lambda unit: unit[-1].path)
    return units


def _find_renames(
    old: Tree, new: Tree, removed: list[bytes], added: list[bytes]
) -> dict[bytes, bytes]:
    """New path -> old path: the same content first, then the most similar text;
    each path is used once.
    """
    renamed: dict[bytes, bytes] = {}
    by_digest: dict[bytes, list[bytes]] = {}
    for path in removed:
        if old[path].size:
            by_digest.setdefault(old[path].digest, []).append(path)
    for path in added:
        same = by_digest.get(new[path].digest)
        if same:
            renamed[path] = same.pop(0)
    used = set(renamed.values())
    left_old = [path for path in removed if path not in used and _comparable(old[path])]
    left_new = [
        path for path in added if path not in renamed and _comparable(new[path])
    ]
    pairs = sorted(
        _similar_pairs(old, new, left_old, left_new),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    for _ratio, origin, path in pairs:
        if origin not in used and path not in renamed:
            renamed[path] = origin
            used.add(origin)
    return renamed


def _comparable(source: SourceFile) -> bool:
    return 0 < source.size <= SIMILAR_MAX_BYTES


def _similar_pairs(
    old: Tree, new: Tree, removed: list[bytes], added: list[bytes]
) -> typing.Iterator[tuple[float, bytes, bytes]]:
    """(ratio, old path, new path) of every pair that shares at least half of
    its bytes in equal lines.

    Counted lines rather than difflib: linear in the size, and the order of
    lines matters little for a rename.
    """
    lines = {path: _line_counts(old[path]) for path in removed}
    for path in added:
        size = new[path].size
        near = [
            o
            for o in removed
            if SIMILAR_RATIO <= old[o].size / size <= 1 / SIMILAR_RATIO
        ]
        if not near:
            continue
        counts = _line_counts(new[path])
        for origin in near:
            common = sum(len(line) * n for line, n in (counts & lines[origin]).items())
            ratio = 2 * common / (size + old[origin].size)
            if ratio >= SIMILAR_RATIO:
                yield ratio, origin, path


def _line_counts(source: SourceFile) -> collections.Counter[bytes]:
    with open(source.location, "rb") as stream:
        return collections.Counter(stream)
