"""The servers that try_push.py compares: ordinary ones, which keep pushes in their
repository, and headless ones, each with a database and a store of its own.

Each has a copy of the same repository.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import tempfile
import time
import typing

import cli
import pullrun
import tryrows
from clonerun import Store
from lightpush import LightPusher
from pullrun import AnyStore, FolderStore, PullServer

from testlib import processes
from testlib.databases import PostgreSQLServer

#: For what a server does after its answer: the thread of a connection ends.
SETTLE_SECONDS = 0.005
RECENT = 300  # pushes in the last hour, as many as a server tells of

#: A non-publishing server, as one for try must be.
ORDINARY_CONFIG = {**pullrun.PUSH_CONFIG, "phases.publish": "no"}


class Kind(typing.NamedTuple):
    """A server: `headless` or not, what was pushed before (rows of a headless one,
    heads of an ordinary one), how many of these pushes in the last hour, and
    whether the store is S3 or a folder.
    """

    headless: bool
    before: int
    recent: int = 0
    s3: bool = False

    def __str__(self) -> str:
        if not self.headless:
            return f"ordinary, {self.before:,} heads" if self.before else "ordinary"
        text = f"headless after {self.before:,}"
        if self.recent:
            text += f", {self.recent:,} of them recent"
        return text + (", S3" if self.s3 else "")


ORDINARY = Kind(False, 0)


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one push, or one pull, cost."""

    cpu_seconds: float  # of the server
    database_cpu_seconds: float  # of all processes of the database
    client_seconds: float
    commands: dict[str, float]  # of the server's CPU, by command of the protocol
    requests: int


class TryServer(PullServer):
    """A headless server if there is a `database_url`."""

    def __init__(
        self,
        hg: pathlib.Path,
        repository: pathlib.Path,
        store: AnyStore | None,
        database_url: str,
        extra: dict[str, str],
    ) -> None:
        self.repository = repository
        self._database_url = database_url
        super().__init__(hg, repository, store, extra, extension=bool(database_url))
        # Else Mercurial's server waits for the network in the middle of each answer.
        self._acknowledge_at_once = True

    def _config(self, extra: dict[str, str]) -> dict[str, str]:
        if not self._database_url:
            return ORDINARY_CONFIG
        return {
            **pullrun.PUSH_CONFIG,
            **self.store.config(),
            "extensions.s3try": "",
            "s3try.enabled": "yes",
            "s3try.database": self._database_url,
            **extra,
        }

    def resident_bytes(self) -> int:
        """Of its memory, now."""
        status = pathlib.Path(f"/proc/{self.hg.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


class Servers:
    """Those of one measurement; used as a context, they end with it."""

    def __init__(
        self, options: argparse.Namespace, source: pathlib.Path, folder: pathlib.Path
    ) -> None:
        self._options = options
        self._source = source
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="servers-", dir=folder))
        self._stack = contextlib.ExitStack()
        self._count = 0

    def __enter__(self) -> Servers:
        with contextlib.ExitStack() as stack:
            self._database = stack.enter_context(
                PostgreSQLServer(self._options.postgresql)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()
        cli.remove(self._folder)

    def copy(self) -> pathlib.Path:
        """A copy of the repository, for one server or client."""
        self._count += 1
        copy = self._folder / f"copy-{self._count}"
        cli.copy_without_checkout(self._source, copy)
        return copy

    def start(
        self, kind: Kind, pusher: LightPusher, copy: pathlib.Path | None = None
    ) -> TryServer:
        """A server of this kind, with what was pushed before; of a `copy` that was
        made, or of a new one.
        """
        copy = copy or self.copy()
        if not kind.headless:
            return self._ordinary(kind, copy, pusher)
        url = self._database.create_database()
        tryrows.make_tables(url)
        if kind.before:
            started = time.monotonic()
            base = pusher.base.hex()
            tryrows.fill(url, repo_digest(copy), base, kind.before, kind.recent)
            cli.say(f"{kind}: {time.monotonic() - started:.1f} s for the rows")
        store = self._stack.enter_context(
            Store(self._options.moto_server) if kind.s3 else FolderStore()
        )
        extra = dict(self._options.set)
        server = TryServer(self._options.hg, copy, store, url, extra)
        return self._stack.enter_context(server)

    def _ordinary(
        self, kind: Kind, copy: pathlib.Path, pusher: LightPusher
    ) -> TryServer:
        server = TryServer(self._options.hg, copy, None, "", {})
        self._stack.enter_context(server)
        if kind.before:
            pusher.push(server.hg.url, pusher.prepare_heads(kind.before))
        return server

    def database_cpu_seconds(self) -> float:
        """Of all processes of the database that there are."""
        total = 0.0
        for pid in processes.children(self._database.pid):
            with contextlib.suppress(ProcessLookupError):
                total += processes.cpu_seconds(pid)
        return total

    def sample(self, server: TryServer, action: typing.Callable[[], object]) -> Sample:
        """Do it, and count what it costs."""
        server.proxy.clear()
        database = self.database_cpu_seconds()
        before, started = server.hg.cpu_seconds(), time.monotonic()
        action()
        seconds = time.monotonic() - started
        exchanges = server.proxy.exchanges()
        time.sleep(SETTLE_SECONDS)
        spent = server.hg.cpu_seconds() - before
        commands: dict[str, float] = {}
        for each in exchanges:
            name = each.command or "short URL"
            commands[name] = commands.get(name, 0.0) + (each.cpu_seconds or 0.0)
        return Sample(
            cpu_seconds=spent,
            database_cpu_seconds=self.database_cpu_seconds() - database,
            client_seconds=seconds,
            commands=commands,
            requests=len(exchanges),
        )


def repo_digest(repository: pathlib.Path) -> str:
    """What names the repository in the database."""
    from hgs3.cache import key

    return key.repo_digest(os.fsencode(repository))
