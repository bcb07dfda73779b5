"""Make a Mercurial repository of real content: releases of Mercurial, replayed
as many small changesets.

    .venv/hg-6.0.3/bin/python benchmarks/make_repo.py [--changesets N] \\
        [--releases V ...] [output]

Each release turns into the next by changesets of a few files: real edits,
additions, removals, and renames with their metadata, and about every 50
changesets a short side branch that is merged back. Names, dates and order are
fixed: the same releases and number of changesets give the same node ids, on
every machine. A finished output is used again.

Needs `mercurial` (6.0.3 or 7.2) in the Python that runs it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import shutil
import sys
import time

import paths
import release_trees
from release_trees import Change, Unit

DEFAULT_RELEASES = ("5.2.2", "5.4.2", "5.6.1", "5.9.3", "6.0.3")
DEFAULT_CHANGESETS = 1000
MARKER = "benchmark-repo.json"
FORMAT = 1  # raise it when the same parameters would give other node ids

FIRST_RELEASE_GROUP = 20  # files a changeset
MERGE_EVERY = 50  # changesets
BRANCH_LENGTH = 3  # changesets on each side of a merge
TRANSACTION_LENGTH = 400  # changesets
FIRST_DATE = 1572566400  # seconds since 1970: 2019-11-01, when 5.2 came out
DATE_STEP = 37 * 60  # seconds between changesets
USERS = (
    b"Ada Example <ada@example.org>",
    b"Bela Example <bela@example.org>",
    b"Chidi Example <chidi@example.org>",
    b"Dora Example <dora@example.org>",
    b"Emeka Example <emeka@example.org>",
)


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
        """Append the groups (each path in one group only: that is why branches
        merge without conflicts).
        """
        for start in range(0, len(groups), MERGE_EVERY):
            block = groups[start : start + MERGE_EVERY]
            fork = (
                len(block) - 2 * BRANCH_LENGTH
                if len(block) > 4 * BRANCH_LENGTH
                else len(block)
            )
            for changes in block[:fork]:
                self.tip = self._add(
                    (self.tip, -1), _describe(release, changes), changes
                )
            if fork < len(block):
                self._branch_and_merge(
                    release,
                    block[fork : fork + BRANCH_LENGTH],
                    block[fork + BRANCH_LENGTH :],
                )

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
    """The changesets to write, at least `minimum`; ValueError when the releases
    differ in too few files for that.
    """
    units = [release_trees.first_units(trees[0])]
    units += [
        release_trees.units_between(old, new) for old, new in zip(trees, trees[1:])
    ]
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
    if len(plan.changesets) < minimum:
        raise ValueError(
            f"{' '.join(releases)} give {len(plan.changesets)} changesets at most, "
            f"{minimum} asked: add --releases"
        )
    return plan.changesets


def _open_repository(path: pathlib.Path):
    """A new, empty repository at `path`, with no configuration of the user or
    the system.
    """
    os.environ["HGRCPATH"] = ""
    os.environ["HGPLAIN"] = "1"
    try:
        from mercurial import initialization  # hg >= 7.2
    except ImportError:
        pass
    else:
        initialization.init()
    from mercurial import hg, ui

    baseui = ui.ui.load()
    baseui.setconfig(b"phases", b"new-commit", b"public", b"make_repo")
    return hg.repository(baseui, os.fsencode(path), create=True).unfiltered()


def _commit(repo, position: int, planned: Planned, nodes: list[bytes]) -> bytes:
    """Write one planned changeset; its node. Parents were written before it."""
    from mercurial import context

    by_path = {change.path: change for change in planned.changes}

    def filectx(repo, memctx, path):
        change = by_path[path]
        if change.source is None:
            return None
        with open(change.source.location, "rb") as stream:
            data = stream.read()
        return context.memfilectx(
            repo,
            memctx,
            path,
            data,
            isexec=change.source.executable,
            copysource=change.copied_from,
        )

    memctx = context.memctx(
        repo,
        [None if parent < 0 else nodes[parent] for parent in planned.parents],
        planned.text.encode("ascii"),
        list(by_path),
        filectx,
        user=USERS[position % len(USERS)],
        date=(FIRST_DATE + position * DATE_STEP, 0),
        extra={b"branch": b"default"},
    )
    return repo.commitctx(memctx)


def write_repository(
    path: pathlib.Path, plan: list[Planned], last: release_trees.Tree
) -> str:
    """Write the plan to a new repository at `path`; the hexadecimal node of its tip."""
    repo = _open_repository(path)
    nodes: list[bytes] = []
    with repo.lock():
        for start in range(0, len(plan), TRANSACTION_LENGTH):
            with repo.transaction(b"make-repo"):
                for planned in plan[start : start + TRANSACTION_LENGTH]:
                    nodes.append(_commit(repo, len(nodes), planned, nodes))
    if len(set(nodes)) != len(plan):
        raise RuntimeError("two planned changesets became one")
    if set(repo[nodes[-1]].manifest()) != set(last):
        raise RuntimeError("the tip is not the last release")
    return nodes[-1].hex()


def default_output(releases: list[str], changesets: int) -> pathlib.Path:
    """Where a repository of these parameters is kept in the project."""
    name = f"mercurial-{releases[0]}-{releases[-1]}-{len(releases)}-{changesets}"
    return paths.REPOSITORIES / name


def make_repo(
    output: pathlib.Path | None = None,
    changesets: int = DEFAULT_CHANGESETS,
    releases: list[str] | None = None,
    source_trees: list[pathlib.Path] | None = None,
) -> pathlib.Path:
    """The repository, made now or found finished; `source_trees` takes unpacked
    trees instead of releases.

    Raises ValueError for parameters that cannot be kept, FileExistsError when
    `output` is something else's.
    """
    names = (
        [tree.name for tree in source_trees]
        if source_trees
        else list(releases or DEFAULT_RELEASES)
    )
    output = output or default_output(names, changesets)
    parameters = {"format": FORMAT, "changesets": changesets, "releases": names}
    marker = output / ".hg" / MARKER
    if marker.exists():
        known = json.loads(marker.read_text())
        if {key: known.get(key) for key in parameters} == parameters:
            return output
        shutil.rmtree(output)
    elif output.exists():
        raise FileExistsError(
            f"{output} is there and is not a repository of this program"
        )
    trees = [
        release_trees.read_tree(folder) for folder in source_trees or _fetch(names)
    ]
    plan = make_plan(names, trees, changesets)
    partial = output.with_name(output.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    tip = write_repository(partial, plan, trees[-1])
    summary = {**parameters, "written": len(plan), "tip": tip}
    (partial / ".hg" / MARKER).write_text(json.dumps(summary, indent=1) + "\n")
    partial.rename(output)
    return output


def _fetch(releases: list[str]) -> list[pathlib.Path]:
    sys.path.insert(0, os.fspath(paths.ROOT / "tools"))
    import sdists

    return [sdists.fetch_mercurial_sdist(release) for release in releases]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Replay releases of Mercurial as a repository."
    )
    parser.add_argument(
        "output",
        nargs="?",
        type=pathlib.Path,
        help="default: below .venv/benchmark-repos",
    )
    parser.add_argument(
        "--changesets",
        type=int,
        default=DEFAULT_CHANGESETS,
        help="at least so many (%(default)s)",
    )
    parser.add_argument(
        "--releases",
        nargs="+",
        metavar="VERSION",
        help=f"default: {' '.join(DEFAULT_RELEASES)}",
    )
    parser.add_argument(
        "--source-trees",
        nargs="+",
        type=pathlib.Path,
        metavar="FOLDER",
        help="instead of releases",
    )
    options = parser.parse_args()
    started = time.monotonic()
    try:
        path = make_repo(
            options.output, options.changesets, options.releases, options.source_trees
        )
    except (ValueError, FileExistsError) as error:
        parser.exit(1, f"make_repo: {error}\n")
    summary = json.loads((path / ".hg" / MARKER).read_text())
    written, seconds = summary["written"], time.monotonic() - started
    print(f"{path}: {written} changesets, tip {summary['tip']}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
