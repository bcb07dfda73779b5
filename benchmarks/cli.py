"""What the programs here have in common: options, the repository that they
name, progress, and how a program ends.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys
import typing

import make_repo
import paths

from testlib import processes
from testlib.servers import ServerFailed


def parser(
    description: str, changesets: int = make_repo.DEFAULT_CHANGESETS
) -> argparse.ArgumentParser:
    """With the options that name a repository and the programs to measure."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--repo", type=pathlib.Path, help="measure this repository instead"
    )
    made.add_argument(
        "--changesets",
        type=int,
        default=changesets,
        help="of the repository that is made, at least (%(default)s)",
    )
    made.add_argument(
        "--releases", nargs="+", metavar="VERSION", help="of Mercurial, replayed"
    )
    made.add_argument(
        "--hg",
        type=pathlib.Path,
        default=paths.HG,
        help="server and client; has the extension",
    )
    made.add_argument("--moto-server", type=pathlib.Path, default=paths.MOTO_SERVER)
    made.add_argument(
        "--set",
        metavar="SECTION.NAME=VALUE",
        action="append",
        default=[],
        type=setting,
        help="of the servers with a store; may be repeated",
    )
    return made


def setting(text: str) -> tuple[str, str]:
    """('section.name', value); ValueError."""
    name, equals, value = text.partition("=")
    if not equals or "." not in name:
        raise ValueError(text)
    return name, value


def repository(options: argparse.Namespace) -> pathlib.Path:
    """The one that was named, or a made one; FileNotFoundError, ValueError."""
    if options.repo is None:
        say("making the repository, unless it is there...")
        return make_repo.make_repo(None, options.changesets, options.releases)
    named = options.repo.resolve()
    if not (named / ".hg").is_dir():
        raise FileNotFoundError(f"no Mercurial repository: {named}")
    return named


def copy_without_checkout(source: pathlib.Path, target: pathlib.Path) -> None:
    """A repository with the same changesets, to be written to: its log, pushes."""
    shutil.copytree(
        source / ".hg",
        target / ".hg",
        ignore=shutil.ignore_patterns("blackbox.log*", "wlock", "lock"),
    )


def remove(repository: pathlib.Path) -> None:
    """A copy that is no longer needed."""
    shutil.rmtree(repository, ignore_errors=True)


def say(text: str) -> None:
    """Progress: the figures alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def run(name: str, program: typing.Callable[[], None]) -> int:
    """The exit status of `program`, whose servers are stopped whatever ends it."""
    try:
        with processes.stop_on_signals():
            program()
            return 0
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:
        say(f"{name}: {' '.join(error.cmd)} failed:\n{error.stdout}{error.stderr}")
    except (FileNotFoundError, ServerFailed, ValueError) as error:
        say(f"{name}: {error}")
    return 1


def add_database_options(
    made: argparse.ArgumentParser,
    numbers: typing.Mapping[str, tuple[int, str]],
    rows: typing.Sequence[int],
    rows_help: str,
) -> None:
    """Of what is measured with PostgreSQL: options that are a number each, with their
    defaults and what they say, and the lengths of the past.
    """
    for name, (default, text) in numbers.items():
        made.add_argument(
            name, type=int, default=default, metavar="N", help=f"{text} (%(default)s)"
        )
    made.add_argument(
        "--rows",
        nargs="+",
        type=int,
        default=list(rows),
        metavar="N",
        help=f"{rows_help} (default: {' '.join(map(str, rows))})",
    )
    made.add_argument("--postgresql", type=pathlib.Path, default=paths.POSTGRESQL)
    made.add_argument("--quick", action="store_true", help="see whether it works")
