"""Clone a repository twice over wire protocol v1 with a folder as the cache, then
pull what another client lacks, and show what each cost.

    .venv/hg-7.2/bin/python benchmarks/demo_v1.py [--repo REPOSITORY] [--serve]

Starts `hg serve` with the extension on a free port of 127.0.0.1, clones with a
stock client, verifies what came and compares its nodes with the server's. With
--serve it prints a clone command instead and leaves the server running until
Ctrl-C. The repository is served where it is; its configuration is not touched.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile

import clonerun
import demoparts
import pullrun
import report
from history import ServedHistory
from pullrun import FolderStore, PullRun, PullServer

from testlib.servers import HgServer

#: Changesets that the last client lacks.
LACKING = 500

HEADER = (
    *("", "bytes made for it", "stored parts", "bytes of these"),
    *("server CPU s", "making segments, CPU s", "client s"),
)


def main() -> int:
    parser = demoparts.parser(
        "Two clones and a pull over wire protocol v1, all but the first from a folder."
    )
    return demoparts.main(parser.parse_args(), _demo, _serve)


def _serve(options: argparse.Namespace) -> None:
    repository = demoparts.repository(options)
    with FolderStore() as store:
        config = pullrun.cached_config(store)
        with HgServer(options.hg, repository, config, port=options.port) as server:
            client = f"{os.fspath(options.hg)} clone {server.url} FOLDER"
            print(f"serving {repository}; to clone it:\n")
            print(f"    {client}\n\nCtrl-C stops it.", flush=True)
            demoparts.report_objects(server, store)


def _demo(options: argparse.Namespace) -> None:
    repository = demoparts.repository(options)
    nodes = demoparts.nodes(options.hg, repository)
    print(f"{repository}: {len(nodes)} changesets", flush=True)
    runs: dict[str, PullRun] = {}
    with tempfile.TemporaryDirectory(prefix="hg-s3-demo-") as name:
        folder = pathlib.Path(name)
        lacking = _older_clone(options.hg, repository, folder / "older")
        with FolderStore() as store, PullServer(
            options.hg, repository, store, {}
        ) as server:
            url = server.proxy.url
            for action in ("clone 1", "clone 2"):
                print(f"{action}...", flush=True)
                clone = folder / action.replace(" ", "")
                command = pullrun.clone_command(options.hg, url, clone)
                runs[action] = pullrun.measured(server, command)
                demoparts.check(options.hg, clone, nodes)
            if lacking:
                action = f"pull of {lacking}"
                print(f"{action}...", flush=True)
                command = pullrun.pull_command(options.hg, folder / "older", url)
                runs[action] = pullrun.measured(server, command)
                demoparts.check(options.hg, folder / "older", nodes)
            objects = store.objects()
            messages = demoparts.messages(server.hg)
    print("all: hg verify is clean, the nodes are those of the server\n")
    print(_as_table(runs))
    print(_explanation(runs, objects))
    for message in messages:
        print(f"the server said: {message}")


def _older_clone(
    hg: pathlib.Path, repository: pathlib.Path, destination: pathlib.Path
) -> int:
    """How many changesets it lacks; 0, and no clone, where the history is too short."""
    history = ServedHistory(repository)
    lengths = [n for n in history.single_headed if n <= len(history) - LACKING]
    if not lengths:
        return 0
    head = history.changesets[lengths[-1] - 1].hex()
    clonerun.hg_output(
        *(hg, "clone", "-q", "--pull", "--noupdate", "-r", head),
        *(repository, destination),
    )
    return len(history) - lengths[-1]


def _as_table(runs: dict[str, PullRun]) -> str:
    rows = [
        (
            action,
            f"{run.server_bytes - run.part_bytes:,}",
            f"{run.remote_parts}",
            f"{run.part_bytes:,}",
            f"{run.cpu_seconds:.3f}",
            f"{run.background_cpu_seconds:.3f}",
            f"{run.client_seconds:.2f}",
        )
        for action, run in runs.items()
    ]
    return report.table(HEADER, rows)


def _explanation(runs: dict[str, PullRun], objects: list[tuple[str, int]]) -> str:
    first, second = runs["clone 1"], runs["clone 2"]
    stored = sum(size for _key, size in objects)
    lines = [f"the folder holds {len(objects)} segments, {stored:,} bytes"]
    if not second.remote_parts:
        lines.append("(nothing came from it: the history is shorter than a segment)")
    cpu = second.cpu_seconds / first.cpu_seconds
    lines.append(
        f"\nclone 2 against clone 1: {cpu:.1%} of the server CPU "
        f"({1 / cpu:.1f} times less)"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
