"""Make a Mercurial repository of real content: releases of Mercurial, replayed
as many small changesets.

    .venv/hg-6.0.3/bin/python benchmarks/make_repo.py [--changesets N] \\
        [--releases V ...] [output]

Each release turns into the next by changesets of a few files: real edits,
additions, removals, and renames with their metadata, and about every 50
changesets a short side branch that is merged back. Where more changesets are
asked for than files differ, they are made of single edits of the files: 40,000
take three minutes. Names, dates and order are fixed: the same releases and
number of changesets give the same node ids, on every machine. A finished output
is used again.

Needs `mercurial` (6.0.3 or 7.2) in the Python that runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import sys
import time

import hgmodules
import paths
import release_trees
from history_plan import Planned, make_plan

DEFAULT_RELEASES = ("5.2.2", "5.4.2", "5.6.1", "5.9.3", "6.0.3")
DEFAULT_CHANGESETS = 1000
#: Without --releases, for more changesets than LONG_HISTORY: enough for 40,000.
MANY_RELEASES = (
    *("5.2.2", "5.3.2", "5.4.2", "5.5.2", "5.6.1", "5.7.1", "5.8.1", "5.9.3"),
    *("6.0.3", "6.1.4", "6.2.3", "6.3.3", "6.4.5", "6.5.3", "6.6.3"),
)
LONG_HISTORY = 5000  # changesets
MARKER = "benchmark-repo.json"
FORMAT = 1  # raise it when the same parameters would give other node ids

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


def _open_repository(path: pathlib.Path):
    """A new, empty repository at `path`."""
    settings = {b"phases.new-commit": b"public"}
    return hgmodules.open_repository(path, create=True, settings=settings)


def _commit(repo, position: int, planned: Planned, nodes: list[bytes]) -> bytes:
    """Write one planned changeset; its node. Parents were written before it."""
    from mercurial import context

    by_path = {change.path: change for change in planned.changes}

    def filectx(repo, memctx, path):
        change = by_path[path]
        if change.source is None:
            return None
        return context.memfilectx(
            repo,
            memctx,
            path,
            change.source.read(),
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


def default_releases(changesets: int) -> tuple[str, ...]:
    """The releases of a history of so many changesets."""
    return MANY_RELEASES if changesets > LONG_HISTORY else DEFAULT_RELEASES


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
        else list(releases or default_releases(changesets))
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
    hgmodules.prepare()
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
        help=f"default: {' '.join(DEFAULT_RELEASES)}; above {LONG_HISTORY} changesets "
        f"{' '.join(MANY_RELEASES)}",
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
