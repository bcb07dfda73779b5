"""One measured clone or pull over wire protocol version 1: a server, a store or
none, proxies in front of both, and a stock client.

    with Store(moto_server) as store, PullServer(hg, repository, store) as server:
        run = measured(server, pull_command(hg, clone, server.proxy.url))

Without a store the server is Mercurial alone, without the extension.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import resource
import shutil
import tempfile
import time
import typing

import clonerun
from background import Background
from clonerun import Server, Store

from testlib import processes
from testlib.meterproxy import Exchange

SHORT_URL = "/s3get/"

#: Mercurial listens for pushes only when it is told to.
PUSH_CONFIG = {"web.allow-push": "*", "web.push_ssl": "false"}


class FolderStore:
    """An empty folder as the store, whose objects the server sends itself."""

    #: No other server, no other proxy.
    proxy = None

    def __enter__(self) -> FolderStore:
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="hg-s3-folder-"))
        return self

    def __exit__(self, *details: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def config(self) -> dict[str, str]:
        """The setting that names it."""
        return {"s3wireprotocache.store": f"file:{self.path}"}

    def objects(self) -> list[tuple[str, int]]:
        """(name of a file, bytes) of what the cache holds."""
        bodies = self.path.rglob("*.body")
        return sorted((path.name, path.stat().st_size) for path in bodies)


AnyStore = typing.Union[Store, FolderStore]


@dataclasses.dataclass(frozen=True)
class PullRun:
    """A clone or a pull, and what it cost."""

    cpu_seconds: float  # of the server, for its requests
    #: Of what the server did for nobody who waited: segments.
    background_cpu_seconds: float
    client_seconds: float
    client_cpu_seconds: float
    requests: int  # to the server
    remote_parts: int  # of these, those that came to a short URL
    server_bytes: int  # response bodies of the server, those of the next line too
    part_bytes: int  # response bodies of short URLs: a folder's objects
    store_bytes: int  # response bodies of the store
    peak_rss_bytes: int  # of the server, since it started


class PullServer(Server):
    """`hg serve` of wire protocol version 1; without a store, or where `extension`
    is false, it is Mercurial alone. `extra` is {'section.name': value}.
    """

    def __init__(
        self,
        hg: pathlib.Path,
        repository: pathlib.Path,
        store: AnyStore | None,
        extra: dict[str, str],
        extension: bool = True,
    ) -> None:
        self._extension = extension and store is not None
        super().__init__(hg, repository, store, extra)

    def _config(self, extra: dict[str, str]) -> dict[str, str]:
        if not self._extension:
            return extra
        return {**cached_config(self.store), **extra}

    def __enter__(self) -> PullServer:
        super().__enter__()
        self.background = Background(self.hg.pid)
        return self

    def _clocks(self) -> list[typing.Callable[[], float]]:
        clocks = [self.hg.cpu_seconds, self.background.process_seconds]
        if isinstance(self.store, Store):
            clocks.append(self.store.moto.cpu_seconds)
        return clocks


def cached_config(store: AnyStore) -> dict[str, str]:
    """The hgrc of a server with the extension."""
    return {"extensions.s3wireprotocache": "", **store.config()}


class Meter:
    """What a server spends, for its requests and besides, from now on; asked
    when it has no client.
    """

    def __init__(self, server: PullServer) -> None:
        self._server = server
        self._before = self._clocks()
        server.proxy.clear()
        if server.store is not None and server.store.proxy is not None:
            server.store.proxy.clear()

    def _clocks(self) -> tuple[float, float, float]:
        background = self._server.background
        return (
            self._server.hg.cpu_seconds(),
            background.thread_seconds(),
            background.process_seconds(),
        )

    def run(self, client_seconds: float, client_cpu_seconds: float = 0.0) -> PullRun:
        """Until now."""
        now = self._clocks()
        total, threads, others = (b - a for a, b in zip(self._before, now))
        served = self._server.proxy.exchanges()
        parts = [exchange for exchange in served if is_short_url(exchange)]
        store = self._server.store
        fetched = store.proxy.exchanges() if store and store.proxy else []
        return PullRun(
            cpu_seconds=total - threads,
            background_cpu_seconds=threads + others,
            client_seconds=client_seconds,
            client_cpu_seconds=client_cpu_seconds,
            requests=len(served),
            remote_parts=len(parts),
            server_bytes=_bytes(served),
            part_bytes=_bytes(parts),
            store_bytes=_bytes(fetched),
            peak_rss_bytes=self._server.hg.peak_rss_bytes(),
        )


def is_short_url(exchange: Exchange) -> bool:
    """Whether a client has followed the URL of a remote part."""
    return SHORT_URL in exchange.path


def _bytes(exchanges: list[Exchange]) -> int:
    return sum(exchange.response_bytes for exchange in exchanges)


def measured(server: PullServer, command: list[str]) -> PullRun:
    """Run a stock client, and wait until the server has nothing to do.

    CalledProcessError, with the client's output, when the client fails.
    """
    meter = Meter(server)
    started, cpu_started = time.monotonic(), _children_cpu_seconds()
    processes.run(command, clonerun.client_environment())
    seconds = time.monotonic() - started
    cpu_seconds = _children_cpu_seconds() - cpu_started
    server.wait_until_idle()
    return meter.run(seconds, cpu_seconds)


def clone_command(
    hg: pathlib.Path, url: str, destination: pathlib.Path, *more: str
) -> list[str]:
    """What a stock client is told, without a checkout."""
    command = [os.fspath(hg), "clone", "-q", "--noupdate", *more]
    return [*command, url, os.fspath(destination)]


def pull_command(hg: pathlib.Path, repository: pathlib.Path, url: str) -> list[str]:
    """What a stock client is told, without a checkout."""
    return [os.fspath(hg), "pull", "-q", "-R", os.fspath(repository), url]


@contextlib.contextmanager
def copied(
    template: pathlib.Path, folder: pathlib.Path
) -> typing.Iterator[pathlib.Path]:
    """A copy of a repository without a checkout, for one pull."""
    copy = pathlib.Path(tempfile.mkdtemp(prefix="client-", dir=folder)) / "repository"
    try:
        shutil.copytree(template, copy)
        yield copy
    finally:
        shutil.rmtree(copy.parent, ignore_errors=True)


def warm(hg: pathlib.Path, repository: pathlib.Path, store: AnyStore) -> float:
    """Have all segments of a repository in the store; the CPU seconds that it took."""
    settings = [
        argument
        for name, value in cached_config(store).items()
        for argument in ("--config", f"{name}={value}")
    ]
    before = _children_cpu_seconds()
    clonerun.hg_output(hg, "s3cache", "warm", "-R", repository, *settings)
    return _children_cpu_seconds() - before


def bundle(hg: pathlib.Path, repository: pathlib.Path, path: pathlib.Path) -> float:
    """Make a bundle of all of a repository, as for a clone bundle; the CPU seconds
    that it took.
    """
    before = _children_cpu_seconds()
    clonerun.hg_output(
        hg, "bundle", "-q", "-a", "-t", "zstd-v2", "-R", repository, path
    )
    return _children_cpu_seconds() - before


def _children_cpu_seconds() -> float:
    """Of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
