"""One measured clone: a server, a store, proxies in front of both, and a stock client.

    with Store(moto_server) as store, Server(hg, repository, store) as server:
        run = measured_clone(server, hg, destination)

CPU is that of the `hg serve` process alone, from the operating system's clock
of that process, all threads.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import time
import typing

import paths  # noqa: F401  (finds testlib)

from testlib import processes
from testlib.meterproxy import Exchange, MeterProxy
from testlib.servers import HgServer, MotoServer, clean_environment

BUCKET = "hg-cache"
V2_COMMANDS = (
    *("rawstorefiledata", "changesetdata", "manifestdata", "filesdata"),
    "filedata",
)
OTHER = "other"
CLIENT_V2 = ("--config", "experimental.httppeer.advertise-v2=true")

IDLE_STEP = 0.2  # seconds between two looks at the CPU clocks
IDLE_LOOKS = 5  # quiet looks in a row that count as idle
IDLE_SHARE = 0.02  # of one CPU: `hg serve` wakes up twice a second, asked or not
IDLE_LIMIT = 120.0  # seconds


@dataclasses.dataclass
class CommandCost:
    """What one command of a clone cost, all its requests together."""

    requests: int = 0
    redirects: int = 0  # of them, those that the store answered
    server_bytes: int = 0  # response bodies of the server
    store_bytes: int = 0  # response bodies of the store, fetched for this command
    cpu_seconds: float = 0.0  # of the server, from request to end of response
    client_seconds: float = 0.0  # until the next command, or the end of the clone


@dataclasses.dataclass
class CloneRun:
    """A clone and what it cost; `commands` in the order of first use, `OTHER` last."""

    commands: dict[str, CommandCost]
    clone_cpu_seconds: float  # server, until the client had ended
    total_cpu_seconds: float  # server, until it was idle
    client_seconds: float
    start_rss_bytes: int  # server's peak before the clone: what its modules take
    peak_rss_bytes: int  # server's peak since it started

    @property
    def background_cpu_seconds(self) -> float:
        """CPU of the server while no request was being answered: what uploads
        cost, mostly.
        """
        return max(
            0.0,
            self.total_cpu_seconds
            - sum(cost.cpu_seconds for cost in self.commands.values()),
        )

    @property
    def redirects(self) -> int:
        return sum(cost.redirects for cost in self.commands.values())

    @property
    def server_bytes(self) -> int:
        return sum(cost.server_bytes for cost in self.commands.values())

    @property
    def store_bytes(self) -> int:
        return sum(cost.store_bytes for cost in self.commands.values())

    def cpu_of(self, names: typing.Iterable[str]) -> float:
        """CPU seconds of these commands together; those that were not asked for
        cost nothing.
        """
        return sum(
            self.commands[name].cpu_seconds for name in names if name in self.commands
        )


class Store:
    """moto with an empty bucket, and the proxy that clients see."""

    def __init__(self, moto_server: pathlib.Path) -> None:
        self.moto = MotoServer(executable=moto_server)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Store:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.moto)
            self.moto.create_bucket(BUCKET)
            self.proxy = stack.enter_context(MeterProxy("127.0.0.1", self.moto.port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def config(self, public_url: str | None = None) -> dict[str, str]:
        """The settings that name the bucket, and how clients reach it."""
        settings = {
            "bucket": BUCKET,
            "region": "us-east-1",
            "access-key-id": "test",
            "secret-access-key": "test",
            "endpoint-url": self.moto.url,
            "public-endpoint-url": public_url or self.proxy.url,
        }
        return {f"s3wireprotocache.{name}": value for name, value in settings.items()}

    @property
    def running(self) -> bool:
        return self.moto.process.running

    def stop(self) -> None:
        """From now on nobody answers at its address."""
        self.moto.stop()

    def publish(self, name: str, body: bytes) -> str:
        """The URL at which clients find a new object that anybody may read."""
        self.moto.put_public(BUCKET, name, body)
        return f"{self.proxy.url}/{BUCKET}/{name}"

    def objects(self) -> list[tuple[str, int]]:
        """(key, bytes) of what the cache holds."""
        return self.moto.objects(BUCKET)


def server_config(
    store: Store | None,
    public_url: str | None = None,
    extra: dict[str, str] | None = None,
) -> dict[str, str]:
    """The hgrc of a server with the extension; without a store there is no
    bucket, and nothing is cached. `extra` is {'section.name': value}.
    """
    config = {
        "extensions.s3wireprotocache": "",
        "experimental.web.apiserver": "true",
        "experimental.web.api.http-v2": "true",
    }
    if store is not None:
        config.update(store.config(public_url))
    config.update(extra or {})
    return config


class Server:
    """`hg serve` of a repository with the extension, and the metering proxy in
    front of it.
    """

    def __init__(
        self,
        hg: pathlib.Path,
        repository: pathlib.Path,
        store: Store | None,
        extra: dict[str, str] | None = None,
        acknowledge_at_once: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.store = store
        self._acknowledge_at_once = acknowledge_at_once
        config = self._config(extra or {})
        self.hg = HgServer(hg, repository, config, environment=environment)
        self._stack = contextlib.ExitStack()

    def _config(self, extra: dict[str, str]) -> dict[str, str]:
        return server_config(self.store, extra=extra)

    def __enter__(self) -> Server:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.hg)
            self.proxy = stack.enter_context(
                MeterProxy(
                    "127.0.0.1",
                    self.hg.port,
                    self.hg.cpu_seconds,
                    acknowledge_at_once=self._acknowledge_at_once,
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def _clocks(self) -> list[typing.Callable[[], float]]:
        """CPU seconds of whatever may still have something to do."""
        store = (
            [self.store.moto.cpu_seconds] if self.store and self.store.running else []
        )
        return [self.hg.cpu_seconds, *store]

    def wait_until_idle(
        self, step_seconds: float = IDLE_STEP, looks: int = IDLE_LOOKS
    ) -> bool:
        """Wait until neither the server nor the store works any more; False
        when that takes too long.
        """
        clocks = self._clocks()
        limit = time.monotonic() + IDLE_LIMIT
        quiet = 0
        before = [clock() for clock in clocks]
        while quiet < looks and time.monotonic() < limit:
            time.sleep(step_seconds)
            now = [clock() for clock in clocks]
            busy = any(
                late - early > IDLE_SHARE * step_seconds
                for early, late in zip(before, now)
            )
            quiet = 0 if busy else quiet + 1
            before = now
        return quiet >= looks


def client_environment() -> dict[str, str]:
    """A client with no configuration of its own, and so without our extension."""
    return clean_environment(HGRCPATH="", HGPLAIN="1", HGENCODING="utf-8")


def clone_command(
    hg: pathlib.Path,
    url: str,
    destination: pathlib.Path,
    v2: bool = True,
    stream: bool = False,
) -> list[str]:
    """What a stock client is told, without a checkout."""
    return [
        os.fspath(hg),
        *(CLIENT_V2 if v2 else ()),
        "clone",
        "-q",
        "--noupdate",
        *(["--stream"] if stream else []),
        url,
        os.fspath(destination),
    ]


def measured_clone(
    server: Server,
    hg: pathlib.Path,
    destination: pathlib.Path,
    v2: bool = True,
    stream: bool = False,
) -> CloneRun:
    """Clone (without a checkout) and wait until the server is idle.

    CalledProcessError, with the client's output, when the clone fails.
    """
    store = server.store
    server.proxy.clear()
    if store is not None:
        store.proxy.clear()
    command = clone_command(hg, server.proxy.url, destination, v2, stream)
    start_rss_bytes = server.hg.peak_rss_bytes()
    cpu_before = server.hg.cpu_seconds()
    started = time.monotonic()
    processes.run(command, client_environment())
    ended = time.monotonic()
    cpu_cloned = server.hg.cpu_seconds()
    server.wait_until_idle()
    return CloneRun(
        commands=_costs(
            server.proxy.exchanges(), store.proxy.exchanges() if store else [], ended
        ),
        clone_cpu_seconds=cpu_cloned - cpu_before,
        total_cpu_seconds=server.hg.cpu_seconds() - cpu_before,
        client_seconds=ended - started,
        start_rss_bytes=start_rss_bytes,
        peak_rss_bytes=server.hg.peak_rss_bytes(),
    )


def _costs(
    served: list[Exchange], fetched: list[Exchange], ended: float
) -> dict[str, CommandCost]:
    """Costs by command. A client asks for one thing after the other, so that
    what it fetches from the store between two requests belongs to the first of
    them.
    """
    costs: dict[str, CommandCost] = {}
    other = CommandCost()
    ends = [exchange.started for exchange in served[1:]] + [ended]
    for exchange, end in zip(served, ends):
        named = exchange.command in V2_COMMANDS or exchange.command == "getbundle"
        cost = costs.setdefault(exchange.command, CommandCost()) if named else other
        redirected = [
            fetch for fetch in fetched if exchange.started <= fetch.started < end
        ]
        cost.requests += 1
        cost.server_bytes += exchange.response_bytes
        cost.store_bytes += sum(fetch.response_bytes for fetch in redirected)
        cost.cpu_seconds += exchange.cpu_seconds or 0.0
        cost.client_seconds += end - exchange.started
        cost.redirects += bool(redirected)
    return {**costs, OTHER: other}


def hg_output(hg: pathlib.Path, *arguments: str | os.PathLike[str]) -> str:
    """Standard output of a stock hg; CalledProcessError when it fails."""
    return processes.run(
        [os.fspath(hg), *(os.fspath(argument) for argument in arguments)],
        client_environment(),
    )
