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
import sys
import tempfile

import clonerun
import demoparts
import paths
import report
from clonerun import CloneRun, Server, Store

from testlib.servers import HgServer

HEADER = (
    "clone",
    "command",
    "cache",
    "server bytes",
    "store bytes",
    "server CPU s",
    "client s",
)


def main() -> int:
    parser = demoparts.parser(
        "Two clones over wire protocol v2, the second from the store."
    )
    parser.add_argument("--moto-server", type=pathlib.Path, default=paths.MOTO_SERVER)
    return demoparts.main(parser.parse_args(), _demo, _serve)


def _serve(options: argparse.Namespace) -> None:
    repository = demoparts.repository(options)
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
            demoparts.report_objects(server, store, lambda: store.running)


def _demo(options: argparse.Namespace) -> None:
    repository = demoparts.repository(options)
    nodes = demoparts.nodes(options.hg, repository)
    print(f"{repository}: {len(nodes)} changesets", flush=True)
    runs = []
    with tempfile.TemporaryDirectory(prefix="hg-s3-demo-") as folder, Store(
        options.moto_server
    ) as store, Server(options.hg, repository, store) as server:
        for number in (1, 2):
            print(f"clone {number}...", flush=True)
            destination = pathlib.Path(folder) / f"clone{number}"
            runs.append(clonerun.measured_clone(server, options.hg, destination))
            demoparts.check(options.hg, destination, nodes)
        objects = store.objects()
        messages = demoparts.messages(server.hg)
    print("both clones: hg verify is clean, the nodes are those of the server\n")
    stored = _stored_commands(objects)
    print(_as_table(runs, stored))
    if not stored:
        print("nothing reaches minimum-object-size (64KB): it stays with the server")
    print(_explanation(runs, objects))
    for message in messages:
        print(f"the server said: {message}")


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
