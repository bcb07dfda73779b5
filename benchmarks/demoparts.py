"""What the demonstrations have in common: options, the repository, servers that
are left running, and whether a clone is what it should be.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import time
import typing

import clonerun
import make_repo
import paths

from testlib import processes
from testlib.servers import HgServer, ServerFailed

LOOK_SECONDS = 1.0


class DemoFailed(Exception):
    """A clone was not what it should be."""


def main(
    options: argparse.Namespace,
    demo: typing.Callable[[argparse.Namespace], None],
    serve: typing.Callable[[argparse.Namespace], None],
) -> int:
    """The exit status of one of them, as the options say."""
    try:
        with processes.stop_on_signals():
            (serve if options.serve else demo)(options)
            return 0
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


def parser(description: str) -> argparse.ArgumentParser:
    """With the options of all demonstrations."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--repo", type=pathlib.Path, help="default: releases of Mercurial, replayed"
    )
    made.add_argument(
        "--serve", action="store_true", help="leave the servers running until Ctrl-C"
    )
    made.add_argument(
        "--port",
        type=int,
        default=0,
        help="of hg serve, with --serve (default: a free one)",
    )
    made.add_argument(
        "--hg",
        type=pathlib.Path,
        default=paths.HG,
        help="server and client; has the extension",
    )
    return made


def repository(options: argparse.Namespace) -> pathlib.Path:
    """The one that was named, or a made one; FileNotFoundError."""
    if options.repo is None:
        print(
            "making a repository of some releases of Mercurial, unless it is there...",
            flush=True,
        )
        return make_repo.make_repo()
    named = options.repo.resolve()
    if not (named / ".hg").is_dir():
        raise FileNotFoundError(f"no Mercurial repository: {named}")
    return named


def report_objects(
    server: HgServer, store, running: typing.Callable[[], bool] = lambda: True
) -> None:
    """Say what the store holds whenever that changes; DemoFailed when the server
    has ended, or what `running` looks at.
    """
    known: list[tuple[str, int]] = []
    while server.process.running and running():
        objects = store.objects()
        if objects != known:
            total = sum(size for _key, size in objects)
            print(
                f"the store holds {len(objects)} objects, {total:,} bytes", flush=True
            )
            known = objects
        time.sleep(LOOK_SECONDS)
    print(server.log(), file=sys.stderr)
    raise DemoFailed("a server has ended by itself")


def nodes(hg: pathlib.Path, repository: pathlib.Path) -> list[str]:
    """The nodes that a clone of the repository gets, sorted: a clone may number
    them otherwise.
    """
    revisions = ("-r", "not secret()")
    return sorted(
        clonerun.hg_output(
            hg, "log", "-R", repository, *revisions, "-T", "{node}\n"
        ).split()
    )


def check(hg: pathlib.Path, clone: pathlib.Path, expected: list[str]) -> None:
    """DemoFailed unless the clone is undamaged and has these nodes."""
    clonerun.hg_output(hg, "verify", "-q", "-R", clone)
    cloned = nodes(hg, clone)
    if cloned != expected:
        raise DemoFailed(
            f"{clone.name} has {len(cloned)} changesets that are not the "
            f"{len(expected)} of the server"
        )


def messages(server: HgServer) -> list[str]:
    """What the server said, but for its addresses."""
    return [line for line in server.log().splitlines() if not line.startswith("http")]
