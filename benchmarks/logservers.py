"""The servers that pushlog.py measures, each with a copy of the same repository:
ordinary ones, with the log of pushes or without it.
"""

from __future__ import annotations

import http.client
import time
import typing

import cli
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
