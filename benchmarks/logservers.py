"""The servers that pushlog.py measures, each with a copy of the same repository:
ordinary ones, with the log of pushes or without it.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import pathlib
import subprocess
import time
import typing

import cli
import logreport
import logrows
import pullrun
import tryrows
import tryservers
from lightpush import LightPusher

from testlib.servers import HOST, HgServer


class LogServer(tryservers.TryServer):
    """With the log if there is a `database_url`; else it is Mercurial alone."""

    def _config(self, extra: dict[str, str]) -> dict[str, str]:
        config = dict(pullrun.PUSH_CONFIG)
        if self._database_url:
            config.update({"extensions.pushlog": "", **extra})
            config["pushlog.database"] = self._database_url
        return config

    def log_pushes(self, logged: bool) -> None:
        """From the next push on, or no more."""
        hg = self.repository / ".hg"
        text = f"[pushlog]\nenabled = {'yes' if logged else 'no'}\n"
        (hg / "hgrc").write_text(text)
        # A server opens its repository anew, and reads that, when this file has a time
        # of another second.
        changelog = hg / "store" / "00changelog.i"
        then = changelog.stat().st_mtime + 1
        os.utime(changelog, (then, then))
        get(self.hg, "/?cmd=capabilities")  # not the push, since others would not

    def count_logged(self) -> int:
        """The pushes in the log."""
        self.log_pushes(True)
        answer = get(self.hg, "/json-pushes?version=2&startID=0&tipsonly=1")
        return len(json.loads(answer.body)["pushes"])


class LogServers(tryservers.Servers):
    """Those of one measurement."""

    def log_server(self, logged: bool = True, rows: int = 0) -> LogServer:
        """A server with a log of so many pushes, or without one."""
        copy = self.copy()
        url = ""
        if logged:
            url = self._database.create_database()
            tryrows.make_tables(url)
            if rows:
                started = time.monotonic()
                logrows.fill(url, tryservers.repo_digest(copy), rows)
                cli.say(f"{rows:,} pushes: {time.monotonic() - started:.1f} s")
        server = LogServer(self._options.hg, copy, None, url, dict(self._options.set))
        return self._stack.enter_context(server)

    def client(self) -> LightPusher:
        """With a copy of its own; all of them push the same."""
        return LightPusher(self.copy())


@dataclasses.dataclass(frozen=True)
class Push:
    """Of the changesets up to `head`, to a server; the `number`-th of its kind."""

    number: int
    kind: str
    server: LogServer
    client: LightPusher
    head: bytes

    def prepared(self) -> typing.Callable[[], None]:
        """What pushes it, once the server knows whether to log it."""
        self.server.log_pushes(self.kind == logreport.LOGGED)
        url = self.server.proxy.url
        return lambda: self.client.push(url, [self.head], force=False)

    def by_hg(self, hg: pathlib.Path) -> float:
        """Do it as a developer does; seconds from the start of `hg` to its end."""
        self.server.log_pushes(self.kind == logreport.LOGGED)
        command = [hg, "-R", self.client.path, "push", "-q", "-r", self.head.hex()]
        environment = dict(os.environ, HGRCPATH=os.devnull)
        started = time.perf_counter()
        subprocess.run([*command, self.server.proxy.url], check=True, env=environment)
        return time.perf_counter() - started


class Answer(typing.NamedTuple):
    """Of a server to one request: `seconds` until it was read to its end."""

    status: int
    etag: str
    body: bytes
    seconds: float


def get(server: HgServer, path: str, **headers: str) -> Answer:
    """Ask by a connection of its own, as somebody who comes by once a minute does.

    No proxy is in between.
    """
    started = time.monotonic()
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        seconds = time.monotonic() - started
        return Answer(answer.status, answer.getheader("ETag", ""), body, seconds)
    finally:
        connection.close()
