"""The servers that are compared over wire protocol version 1: one without the
extension, one with it and a store. Both serve the same repositories from the
same folder, over HTTP, and over SSH as Mercurial's own client starts them.
"""

import os
import pathlib
import sys
import tempfile
import time

from serverlog import PATIENCE_SECONDS, ServerLog
from v1_clients import Client, HgProcess

from testlib.servers import HgwebdirServer, MotoServer

HERE = pathlib.Path(__file__).resolve().parent
BUCKET = "hg-cache"

UNCACHED_CONFIG = {
    "experimental.evolution": "all",
    "extensions.v1_blocks": str(HERE / "v1_blocks.py"),
    # After each request it would take longer than the request.
    "experimental.web.full-garbage-collection-rate": "200",
}
for _hook in ("preoutgoing", "outgoing"):
    UNCACHED_CONFIG["hooks.%s.record" % _hook] = "python:%s:record" % (
        HERE / "recordhook.py"
    )

CACHED_CONFIG = {
    "extensions.blackbox": "",
    "extensions.s3wireprotocache": "",
    "blackbox.track": "s3wireprotocache",
    "s3wireprotocache.bucket": BUCKET,
    "s3wireprotocache.access-key-id": "test-key",
    "s3wireprotocache.secret-access-key": "test-secret",
    # A loaded machine must not look like a store that is out of order.
    "s3wireprotocache.connect-timeout": "60",
    "s3wireprotocache.read-timeout": "60",
}

#: What starts a server for a client that comes by SSH.
REMOTE_HG = """#!/bin/sh
HGRCPATH=%s HGPLAIN=1 HGENCODING=utf-8 exec %s "$@"
"""

UNCACHED, CACHED = "uncached", "cached"


class Fleet:
    """The servers and the clients, running. ``collection`` is the folder of
    repositories.

    ``cached_config`` is for the one server, ``config`` for both.
    """

    def __init__(self, moto, hg_executable, config=(), cached_config=CACHED_CONFIG):
        self._folder = tempfile.TemporaryDirectory(prefix="hg-s3-differential-")
        self.folder = pathlib.Path(self._folder.name)
        self.collection = self.folder / "collection"
        self.collection.mkdir()
        self._moto = MotoServer(executable=moto)
        self._hg = hg_executable
        self._config = {**UNCACHED_CONFIG, **dict(config)}
        self._cached_config = cached_config
        self._running = []
        self._clients = {}
        self._urls = {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_exception):
        for running in reversed(self._running):
            running.stop()
        self._folder.cleanup()

    def client(self, env):
        """The Client of a Mercurial, started when it is first needed."""
        if env not in self._clients:
            self._clients[env] = Client(env, self.folder)
            self._running.append(self._clients[env])
        return self._clients[env]

    def url(self, who, path, transport="http"):
        """Where the server ``who`` serves the repository at ``path``."""
        if transport == "ssh":
            return "ssh://server/%s" % path
        return "%s/%s" % (self._urls[who], path.name)

    def options(self, who, transport):
        """Arguments by which a client reaches a server."""
        if transport == "ssh":
            return ["--config", "ui.remotecmd=%s" % self._remote_hg(who)]
        return []

    def warm(self, path):
        """Have all segments made."""
        status, output = self._admin.run("-R", path, "s3cache", "warm")
        # 1: some response could not be stored, as it is with empty ones.
        assert status in (0, 1), output.decode("utf-8", "replace")

    def _start(self):
        self._run(self._moto)
        self._moto.create_bucket(BUCKET)
        cached = {**self._config, **self._cached_config}
        cached["s3wireprotocache.endpoint-url"] = self._moto.url
        for who, config in ((UNCACHED, self._config), (CACHED, cached)):
            server = self._run(HgwebdirServer(self._hg, self.collection, config))
            self._urls[who] = server.url
            hgrc = self.folder / (who + ".hgrc")
            hgrc.write_text(as_hgrc(config))
            remote_hg = self._remote_hg(who)
            remote_hg.write_text(REMOTE_HG % (hgrc, os.fspath(self._hg)))
            remote_hg.chmod(0o755)
        self._admin = HgProcess(self._hg, self.folder, "admin", as_hgrc(cached))
        self._running.append(self._admin)

    def _remote_hg(self, who):
        return self.folder / ("hg-" + who)

    def _run(self, server):
        self._running.append(server)
        server.start()
        return server


def as_hgrc(config):
    """{"section.name": value} as text."""
    items = [name.partition(".")[::2] + (value,) for name, value in config.items()]
    return "".join("[%s]\n%s = %s\n" % item for item in items)


class Served:
    """A repository at ``path`` and what its servers write about it."""

    def __init__(self, fleet, path):
        self.fleet = fleet
        self.path = path
        self.log = ServerLog(path, shared=True)

    def settle(self):
        """Return when nothing is being made or stored any more."""
        self.log.settle()
        # While a process is at it, or ends, no other one is started.
        lock = self.path / ".hg" / "cache" / "hg-s3-publishing"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while os.path.lexists(lock):
            assert time.monotonic() < deadline, "a process does not end"
            time.sleep(0.01)

    def url(self, who, transport):
        return self.fleet.url(who, self.path, transport)
