"""Clone a repository twice over wire protocol v2 and show what the second clone
no longer costs the server.

    .venv/hg-6.0.3/bin/python benchmarks/demo.py [--repo REPOSITORY] [--serve]

Starts moto's S3 server and `hg serve` with the extension on free ports of
127.0.0.1, clones with a stock client, verifies both clones and compares their
nodes with the server's. With --serve it prints a clone command instead and
leaves the servers running until Ctrl-C. The repository is served where it is;
its configuration is not touched.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import clonerun
import make_repo
import paths
import report
from clonerun import CloneRun, Server, Store

from testlib import processes
from testlib.servers import HgServer, ServerFailed

LOOK_SECONDS = 1.0
HEADER = (
    "clone",
    "command",
    "cache",
    "server bytes",
    "store bytes",
    "server CPU s",
    "client s",
)


class DemoFailed(Exception):
    """A clone was not what it should be."""


def main() -> int:
    options = _options()
    try:
        with processes.stop_on_signals():
            return _serve(options) if options.serve else _demo(options)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 0 if options.serve else 130  # Ctrl-C is how serving is meant to end
    except subprocess.CalledProcessError as error:
        print(
            f"demo: {' '.join(error.cmd)} failed:\n{error.stdout}{error.stderr}",
            file=sys.stderr,
        )
    except (DemoFailed, FileNotFoundError, ServerFailed, ValueError) as error:
        print(f"demo: {error}", file=sys.stderr)
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Two clones over wire protocol v2, the second from the store."
    )
    parser.add_argument(
        "--repo", type=pathlib.Path, help="default: releases of Mercurial, replayed"
    )
    parser.add_argument(
        "--serve", action="store_true", help="leave the servers running until Ctrl-C"
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="of hg serve, with --serve (default: a free one)",
    )
    parser.add_argument(
        "--hg",
        type=pathlib.Path,
        default=paths.HG,
        help="server and client; has the extension",
    )
    parser.add_argument("--moto-server", type=pathlib.Path, default=paths.MOTO_SERVER)
    return parser.parse_args()


def _repository(options: argparse.Namespace) -> pathlib.Path:
    if options.repo is None:
        print(
            "making a repository of some releases of Mercurial, unless it is there...",
            flush=True,
        )
        return make_repo.make_repo()
    repository = options.repo.resolve()
    if not (repository / ".hg").is_dir():
        raise FileNotFoundError(f"no Mercurial repository: {repository}")
    return repository


def _serve(options: argparse.Namespace) -> int:
    repository = _repository(options)
    with Store(options.moto_server) as store:
        config = clonerun.server_config(store, public_url=store.moto.url)
        with HgServer(options.hg, repository, config, port=options.port) as server:
            client = " ".join(
                [
                    os.fspath(options.hg),
                    *clonerun.CLIENT_V2,
                    "clone",
                    server.url,
                    "FOLDER",
                ]
            )
            print(f"serving {repository}; to clone it over wire protocol v2:\n")
            print(f"    {client}\n\nCtrl-C stops it.", flush=True)
            _report_objects(server, store)
    raise DemoFailed("a server has ended by itself")


def _report_objects(server: HgServer, store: Store) -> None:
    """Say what the store holds whenever that changes; returns when a server has
    ended.
    """
    known: list[tuple[str, int]] = []
    while server.process.running and store.moto.process.running:
        objects = store.objects()
        if objects != known:
            total = sum(size for _key, size in objects)
            print(
                f"the store holds {len(objects)} objects, {total:,} bytes", flush=True
            )
            known = objects
        time.sleep(LOOK_SECONDS)
    print(server.log(), file=sys.stderr)


def _demo(options: argparse.Namespace) -> int:
    repository = _repository(options)
    nodes = _nodes(options.hg, repository)
    print(f"{repository}: {len(nodes)} changesets", flush=True)
    runs = []
    with tempfile.TemporaryDirectory(prefix="hg-s3-demo-") as folder, Store(
        options.moto_server
    ) as store, Server(options.hg, repository, store) as server:
        for number in (1, 2):
            print(f"clone {number}...", flush=True)
            destination = pathlib.Path(folder) / f"clone{number}"
            runs.append(clonerun.measured_clone(server, options.hg, destination))
            _check(options.hg, destination, nodes)
        objects = store.objects()
        messages = [
            line for line in server.hg.log().splitlines() if not line.startswith("http")
        ]
    print("both clones: hg verify is clean, the nodes are those of the server\n")
    stored = _stored_commands(objects)
    print(_as_table(runs, stored))
    if not stored:
        print("nothing reaches minimum-object-size (64KB): it stays with the server")
    print(_explanation(runs, objects))
    for message in messages:
        print(f"the server said: {message}")
    return 0


def _nodes(hg: pathlib.Path, repository: pathlib.Path) -> list[str]:
    """The nodes that a clone of the repository gets, sorted: a clone may number
    them otherwise.
    """
    revisions = ("-r", "not secret()")
    return sorted(
        clonerun.hg_output(
            hg, "log", "-R", repository, *revisions, "-T", "{node}\n"
        ).split()
    )


def _check(hg: pathlib.Path, clone: pathlib.Path, nodes: list[str]) -> None:
    clonerun.hg_output(hg, "verify", "-q", "-R", clone)
    cloned = _nodes(hg, clone)
    if cloned != nodes:
        raise DemoFailed(
            f"{clone.name} has {len(cloned)} changesets that are not the "
            f"{len(nodes)} of the server"
        )


def _stored_commands(objects: list[tuple[str, int]]) -> set[str]:
    """Keys end with .../COMMAND/REQUEST."""
    return {key.split("/")[-2] for key, _size in objects}


def _cache_word(command: str, redirected: bool, stored: set[str]) -> str:
    """What is neither fetched from the store nor stored there has a dash."""
    if redirected:
        return "hit"
    return "miss" if command in stored else "-"


def _as_table(runs: list[CloneRun], stored: set[str]) -> str:
    rows = []
    for number, run in enumerate(runs, 1):
        for command, cost in run.commands.items():
            cache = _cache_word(command, cost.redirects > 0, stored)
            amounts = (f"{cost.server_bytes:,}", f"{cost.store_bytes:,}")
            times = (f"{cost.cpu_seconds:.3f}", f"{cost.client_seconds:.2f}")
            rows.append((str(number), command, cache, *amounts, *times))
        rows.append(
            (
                str(number),
                "background upload",
                "-",
                "",
                "",
                f"{run.background_cpu_seconds:.3f}",
                "",
            )
        )
        total = (
            f"{run.server_bytes:,}",
            f"{run.store_bytes:,}",
            f"{run.total_cpu_seconds:.3f}",
        )
        rows.append((str(number), "TOTAL", "", *total, f"{run.client_seconds:.2f}"))
    return report.table(HEADER, rows, numbers_from=3)


def _explanation(runs: list[CloneRun], objects: list[tuple[str, int]]) -> str:
    first, second = runs
    cpu = second.total_cpu_seconds / first.total_cpu_seconds
    sent = second.server_bytes / first.server_bytes
    stored = sum(size for _key, size in objects)
    return (
        "background upload: CPU of the server while it answered nobody\n"
        f"the store holds {len(objects)} objects, {stored:,} bytes\n\n"
        f"clone 2 against clone 1: {cpu:.1%} of the server CPU "
        f"({1 / cpu:.1f} times less), "
        f"{sent:.1%} of the bytes sent by the server ({1 / sent:.1f} times fewer)"
    )


if __name__ == "__main__":
    sys.exit(main())
