"""What a client of a repository knows after it has cloned it, read from the
repository itself; and the moments of its history at which it is pushed.

Needs `mercurial` in the Python that runs it.
"""

from __future__ import annotations

import pathlib
import typing

import hgmodules


class ServedHistory:
    """The nodes of a repository in the order in which clients get them. Grows by
    `refresh()` after pushes; nodes are only ever appended.
    """

    def __init__(self, repository: pathlib.Path) -> None:
        self._repository = repository
        self.changesets: list[bytes] = []
        #: Each once; `manifests_until[n]` of them belong to the first n changesets.
        self.manifests: list[bytes] = []
        self.manifests_until: list[int] = [0]
        #: Numbers of first changesets, ascending, that have one head: the last.
        self.single_headed: list[int] = []
        self._heads: set[int] = set()
        self._seen: set[bytes] = set()
        self.refresh()

    def refresh(self) -> None:
        """Read what was pushed."""
        changelog = _open(self._repository).changelog
        for revision in range(len(self.changesets), len(changelog)):
            manifest = changelog.changelogrevision(revision).manifest
            if manifest not in self._seen:
                self._seen.add(manifest)
                self.manifests.append(manifest)
            self.changesets.append(changelog.node(revision))
            self.manifests_until.append(len(self.manifests))
            self._heads.difference_update(changelog.parentrevs(revision))
            self._heads.add(revision)
            if len(self._heads) == 1:
                self.single_headed.append(revision + 1)

    def __len__(self) -> int:
        return len(self.changesets)

    def since(self, state: int) -> tuple[list[bytes], list[bytes]]:
        """(changesets, manifests) that a client with the first `state` changesets
        lacks.
        """
        return self.changesets[state:], self.manifests[self.manifests_until[state] :]


def push_points(repository: pathlib.Path, pushes: int, size: int) -> list[str]:
    """The tips, as hexadecimal nodes, of `pushes` pushes of about `size` changesets
    up to the tip of the repository, after that of a first state: one more than
    there are pushes. All on the line of first parents, so that none makes a head.

    ValueError when the history is too short.
    """
    changelog = _open(repository).changelog
    first = len(changelog) - 1 - pushes * size
    if first < 0:
        raise ValueError(
            f"{len(changelog)} changesets are too few for {pushes} pushes of {size}"
        )
    line = []
    revision = len(changelog) - 1
    while revision >= 0:
        line.append(revision)
        revision = changelog.parentrevs(revision)[0]
    line.reverse()
    points = []
    wanted = first
    for revision in line:
        if revision >= wanted:
            points.append(changelog.node(revision).hex())
            wanted = max(wanted + size, revision + 1)
    if len(points) != pushes + 1:
        raise ValueError(f"branches are longer than a push of {size} changesets")
    return points


def points_of_pushes(
    repository: pathlib.Path, sizes: typing.Sequence[int]
) -> list[str]:
    """The tips, as hexadecimal nodes, between pushes of at most so many changesets
    each (of more where a merge brings more) up to the tip of the repository: one
    more than there are sizes. All on the line of first parents.

    ValueError when the history is too short.
    """
    changelog = _open(repository).changelog
    revision = len(changelog) - 1
    points = [revision]
    for size in reversed(sizes):
        left = size
        while left > 0:
            parent = changelog.parentrevs(revision)[0]
            brought = len(changelog.findmissingrevs([parent], [revision]))
            if brought > left and revision != points[-1]:
                break
            if parent < 0:
                raise ValueError(f"too few changesets for {len(sizes)} pushes")
            revision = parent
            left -= brought
        points.append(revision)
    return [changelog.node(revision).hex() for revision in reversed(points)]


def _open(repository: pathlib.Path):
    return hgmodules.open_repository(repository).filtered(b"served")
