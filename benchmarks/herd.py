"""Many stock clients that clone at the same moment, and what they cost."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import threading
import time
import typing

import clonerun
import serverevents
from clonerun import Server, Store
from serverevents import Event


@dataclasses.dataclass
class HerdRun:
    """A herd and what it cost; CPU of the servers until they were idle."""

    cpu_seconds: list[float]  # by server
    client_seconds: list[float]  # by client
    events: list[Event]
    pids: list[int]  # of the servers
    stored_objects: int
    stored_bytes: int

    @property
    def total_cpu_seconds(self) -> float:
        return sum(self.cpu_seconds)

    def count(self, name: str, command: str) -> list[int]:
        """Events of this name, by server."""
        return [
            sum(
                event.name == name and event.command == command and event.pid == pid
                for event in self.events
            )
            for pid in self.pids
        ]

    def others(self, command: str) -> str:
        """What else servers said of it, with the number of times."""
        counts = collections.Counter(
            event.name
            for event in self.events
            if event.command == command and event.name not in serverevents.USUAL
        )
        return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

    def computations(self, command: str) -> dict[str, int]:
        """Key to how many times it was computed, on all servers together."""
        counts: dict[str, int] = {}
        for event in self.events:
            if event.name == serverevents.COMPUTED and event.command == command:
                counts[event.key] = counts.get(event.key, 0) + 1
        return counts


def run(
    hg: pathlib.Path,
    repositories: typing.Sequence[pathlib.Path],
    store: Store | None,
    clients: int,
    scratch: pathlib.Path,
    extra: dict[str, str] | None = None,
) -> HerdRun:
    """`clients` clones at once of a server process for each item of
    `repositories`, in turn; these may be the same repository, and are copies of
    one that `repo-id` makes the same where they are not, with temporary folders of
    their own, as on hosts of their own.

    CalledProcessError, with the client's output, when a clone fails.
    """
    for repository in set(repositories):
        serverevents.clear(repository)
    apart = len(set(repositories)) > 1
    config = {**serverevents.config(), **(extra or {})}
    if store is not None:
        config["s3wireprotocache.public-endpoint-url"] = store.moto.url
        if apart:
            config["s3wireprotocache.repo-id"] = "herd"
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                Server(
                    *(hg, repository, store, config),
                    environment=_own_temporary_folder(repository) if apart else None,
                )
            )
            for repository in repositories
        ]
        before = [server.hg.cpu_seconds() for server in servers]
        urls = [servers[n % len(servers)].hg.url for n in range(clients)]
        seconds = _clone_at_once(hg, urls, scratch)
        for server in servers:
            server.wait_until_idle()
        spent = [
            server.hg.cpu_seconds() - start for server, start in zip(servers, before)
        ]
        pids = [server.hg.pid for server in servers]
    objects = store.objects() if store is not None else []
    events = [
        event
        for repository in dict.fromkeys(repositories)
        for event in serverevents.read(repository)
    ]
    stored_bytes = sum(size for _key, size in objects)
    return HerdRun(spent, seconds, events, pids, len(objects), stored_bytes)


def _own_temporary_folder(repository: pathlib.Path) -> dict[str, str]:
    folder = repository.with_name(repository.name + "-tmp")
    folder.mkdir(exist_ok=True)
    return {"TMPDIR": os.fspath(folder)}


class _Client:
    """One `hg clone`, watched by a thread that notes when it ends."""

    def __init__(self, hg: pathlib.Path, url: str, destination: pathlib.Path) -> None:
        self.command = clonerun.clone_command(hg, url, destination)
        self._destination = destination
        self.seconds = 0.0
        self.output = ""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clonerun.client_environment(),
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        output, _nothing = self._process.communicate()
        self.seconds = time.monotonic() - self._started
        self.output = output.decode("utf-8", "replace")
        shutil.rmtree(self._destination, ignore_errors=True)

    def wait(self) -> None:
        self._thread.join()

    @property
    def returncode(self) -> int:
        return self._process.returncode

    def kill(self) -> None:
        """Harmless when it has ended."""
        self._process.kill()
        self._thread.join()


def _clone_at_once(
    hg: pathlib.Path, urls: list[str], scratch: pathlib.Path
) -> list[float]:
    clients: list[_Client] = []
    try:
        for number, url in enumerate(urls):
            clients.append(_Client(hg, url, scratch / f"client-{number}"))
        for client in clients:
            client.wait()
    finally:
        for client in clients:
            client.kill()
    for client in clients:
        if client.returncode:
            raise subprocess.CalledProcessError(
                client.returncode, client.command, client.output, ""
            )
    return [client.seconds for client in clients]
