"""How the differences between releases are laid out as a history: which
changeset holds what, and on top of which others. Nothing here reads or writes a repository.
"""

from __future__ import annotations

import dataclasses

import release_trees
import small_edits
from release_trees import Change, Unit

FIRST_RELEASE_GROUP = 20  # files a changeset
MERGE_EVERY = 50  # changesets
BRANCH_LENGTH = 3  # changesets on each side of a merge


@dataclasses.dataclass(frozen=True)
class Planned:
    """A changeset to write; parents are positions in the plan, -1 is the null
    revision.
    """

    parents: tuple[int, int]
    text: str
    changes: tuple[Change, ...]


class Plan:
    """Groups of units, laid out as a history with side branches."""

    def __init__(self) -> None:
        self.changesets: list[Planned] = []
        self.tip = -1

    def _add(
        self, parents: tuple[int, int], text: str, changes: tuple[Change, ...]
    ) -> int:
        self.changesets.append(Planned(parents, text, changes))
        return len(self.changesets) - 1

    def add_release(self, release: str, groups: list[tuple[Change, ...]]) -> None:
        """Append the groups, with a side branch in each block of them whose two
        sides touch different paths and so merge without conflicts.
        """
        for start in range(0, len(groups), MERGE_EVERY):
            block = groups[start : start + MERGE_EVERY]
            fork = (
                len(block) - 2 * BRANCH_LENGTH
                if len(block) > 4 * BRANCH_LENGTH
                else len(block)
            )
            side = block[fork : fork + BRANCH_LENGTH]
            main = block[fork + BRANCH_LENGTH :]
            if not _paths(side).isdisjoint(_paths(main)):
                fork = len(block)
            for changes in block[:fork]:
                self.tip = self._add(
                    (self.tip, -1), _describe(release, changes), changes
                )
            if fork < len(block):
                self._branch_and_merge(release, side, main)

    def _branch_and_merge(
        self,
        release: str,
        side: list[tuple[Change, ...]],
        main: list[tuple[Change, ...]],
    ) -> None:
        side_tip = self.tip
        for changes in side:
            side_tip = self._add((side_tip, -1), _describe(release, changes), changes)
        for changes in main:
            self.tip = self._add((self.tip, -1), _describe(release, changes), changes)
        # The side's renames are recorded in its own file revisions, which the
        # merge takes as they are.
        taken = tuple(
            dataclasses.replace(change, copied_from=None)
            for changes in side
            for change in changes
        )
        self.tip = self._add(
            (self.tip, side_tip),
            f"{release}: merge a side branch of {len(side)} changesets",
            taken,
        )


def _paths(groups: list[tuple[Change, ...]]) -> set[bytes]:
    return {change.path for changes in groups for change in changes}


def _printable(path: bytes) -> str:
    # ASCII whatever the locale is: the text is hashed into the node.
    return path.decode("ascii", "backslashreplace")


def _describe(release: str, changes: tuple[Change, ...]) -> str:
    first = _printable(changes[0].path)
    lines = [
        f"{release}: {first}"
        + (f" and {len(changes) - 1} more" if len(changes) > 1 else ""),
        "",
    ]
    for change in changes:
        verb = (
            "remove"
            if change.source is None
            else "rename to"
            if change.copied_from
            else "write"
        )
        lines.append(f"- {verb} {_printable(change.path)}")
    return "\n".join(lines)


def _grouped(units: list[Unit], size: int) -> list[tuple[Change, ...]]:
    return [
        tuple(c for unit in units[i : i + size] for c in unit)
        for i in range(0, len(units), size)
    ]


def make_plan(
    releases: list[str], trees: list[release_trees.Tree], minimum: int
) -> list[Planned]:
    """The changesets to write, at least `minimum`: of whole files where the
    releases differ in enough of them, of single edits otherwise. ValueError when
    not even those are enough.
    """
    units = [release_trees.first_units(trees[0])]
    units += [
        release_trees.units_between(old, new) for old, new in zip(trees, trees[1:])
    ]
    plan = _plan_of_files(releases, units, minimum)
    if len(plan.changesets) < minimum:
        plan = _plan_of_edits(releases, trees, units, minimum)
    if len(plan.changesets) < minimum:
        raise ValueError(
            f"{' '.join(releases)} give {len(plan.changesets)} changesets at most, "
            f"{minimum} asked: add --releases"
        )
    return plan.changesets


def _plan_of_files(releases: list[str], units: list[list[Unit]], minimum: int) -> Plan:
    later = sum(len(release) for release in units[1:])
    first_group = FIRST_RELEASE_GROUP
    wanted = max(1, minimum - len(units[0]) // first_group)
    group = max(1, later // wanted)
    if later < wanted:
        first_group = max(1, len(units[0]) // max(1, minimum - later))
    plan = Plan()
    plan.add_release(releases[0], _grouped(units[0], first_group))
    for release, changed in zip(releases[1:], units[1:]):
        plan.add_release(release, _grouped(changed, group))
    return plan


def _plan_of_edits(
    releases: list[str],
    trees: list[release_trees.Tree],
    units: list[list[Unit]],
    minimum: int,
) -> Plan:
    plan = Plan()
    plan.add_release(releases[0], _grouped(units[0], FIRST_RELEASE_GROUP))
    wanted = minimum - len(plan.changesets)
    edits = [
        small_edits.single_edits(old, changed) for old, changed in zip(trees, units[1:])
    ]
    total = sum(len(release) for release in edits)
    for release, changed in zip(releases[1:], edits):
        groups = min(len(changed), -(-len(changed) * wanted // total))
        plan.add_release(release, _divided(changed, groups))
    return plan


def _divided(units: list[Unit], count: int) -> list[tuple[Change, ...]]:
    """`count` groups of nearly the same number of units."""
    cuts = [len(units) * i // count for i in range(count + 1)]
    return [
        tuple(change for unit in units[start:end] for change in unit)
        for start, end in zip(cuts, cuts[1:])
    ]
