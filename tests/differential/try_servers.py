"""The servers that are compared: an ordinary one that takes pushes into its
repositories, and two that keep them apart, of which one has the cache of responses,
too.

Each serves a folder of repositories, over HTTP; the headless ones over SSH as well.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

from serverlog import PATIENCE_SECONDS, ServerLog
from v1_clients import HgProcess
from v1_servers import REMOTE_HG, as_hgrc

from testlib.servers import HgwebdirServer

HERE = pathlib.Path(__file__).resolve().parent

ORDINARY, HEADLESS, CACHED = "ordinary", "headless", "cached"

COMMON = {
    "extensions.v1_blocks": str(HERE / "v1_blocks.py"),
    "web.allow-push": "*",
    "web.push_ssl": "no",
    "phases.publish": "no",
    # As many sites have, to say no.
    "hooks.pretxnchangegroup.look": "python:%s:look" % (HERE / "recordhook.py"),
    # After each request it would take longer than the request.
    "experimental.web.full-garbage-collection-rate": "200",
}

#: The store comes to it.
OF_TRY = {
    "extensions.blackbox": "",
    "extensions.s3try": "",
    "blackbox.track": "s3wireprotocache",
}

#: What of a repository below .hg is ours, or for us: a path, or the start of one.
OURS = ("cache/hg-s3", "hg-s3-try.db", "blackbox.log", "hgrc")


class Arena:
    """The servers, running."""

    def __init__(self, hg_executable):
        self._hg = hg_executable
        self._folder = tempfile.TemporaryDirectory(prefix="hg-s3-differential-")
        self.folder = pathlib.Path(self._folder.name)
        self._urls = {}
        self._stack = contextlib.ExitStack()
        self.admin = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_exception):
        self._stack.close()
        self._folder.cleanup()

    def stop_at_end(self, running):
        self._stack.callback(running.stop)
        return running

    def _start(self):
        of_try = dict(OF_TRY)
        of_try["s3wireprotocache.store"] = "file:%s" % (self.folder / "store")
        cached = {**of_try, "extensions.s3wireprotocache": ""}
        for who, config in ((ORDINARY, {}), (HEADLESS, of_try), (CACHED, cached)):
            config = {**COMMON, **config}
            collection = self.folder / who
            collection.mkdir()
            server = HgwebdirServer(self._hg, collection, config)
            self.stop_at_end(server).start()
            self._urls[who] = server.url
            hgrc = self.folder / (who + ".hgrc")
            hgrc.write_text(as_hgrc(config))
            remote_hg = self._remote_hg(who)
            remote_hg.write_text(REMOTE_HG % (hgrc, os.fspath(self._hg)))
            remote_hg.chmod(0o755)
        config = {**COMMON, **cached, "extensions.try_helper": HERE / "try_helper.py"}
        del config["phases.publish"]  # of where the base comes from
        self.admin = HgProcess(self._hg, self.folder, "admin", as_hgrc(config))
        self.stop_at_end(self.admin)

    def _remote_hg(self, who):
        return self.folder / ("hg-" + who)

    def url(self, path, transport="http"):
        """Where clients find the repository at ``path``."""
        if transport == "ssh":
            return "ssh://server/%s" % path
        return "%s/%s" % (self._urls[path.parent.name], path.name)

    def options(self, path, transport):
        """Arguments by which clients reach it."""
        if transport == "ssh":
            return ["--config", "ui.remotecmd=%s" % self._remote_hg(path.parent.name)]
        return []

    def add(self, who, name, base, settings=()):
        """Serve a copy of the repository at the path ``base``, with ``settings`` of
        its own; returns its path."""
        path = self.folder / who / name
        shutil.copytree(str(base), str(path), symlinks=True)
        config = {"phases.publish": "no"}
        if who != ORDINARY:
            config["s3try.enabled"] = "yes"
            # Over SSH, it is not known otherwise.
            config["s3wireprotocache.public-url"] = self.url(path)
        config.update(settings)
        (path / ".hg" / "hgrc").write_text(as_hgrc(config))
        return path


class Guarded:
    """The repository at ``path`` of a headless server: no push may change it."""

    def __init__(self, arena, path):
        self._admin = arena.admin
        self.path = path
        self.log = ServerLog(path, shared=True)
        self.has_changed()

    def has_changed(self):
        """On purpose."""
        # Whoever answers the first request afterwards would write them.
        self._admin.check("-R", self.path, "debugupdatecaches")
        self._digests = self._take()

    def settle(self):
        """Return when nobody makes segments any more."""
        self.log.settle()
        # While a process is at it, or ends, no other one is started.
        lock = self.path / ".hg" / "cache" / "hg-s3-publishing"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while os.path.lexists(lock):
            assert time.monotonic() < deadline, "a process does not end"
            time.sleep(0.01)

    def differences(self):
        """Paths below .hg that are not as they were."""
        digests = self._take()
        paths = sorted(set(digests) | set(self._digests))
        return [path for path in paths if digests.get(path) != self._digests.get(path)]

    def _take(self):
        top = self.path / ".hg"
        return {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in top.rglob("*")
            for name in [path.relative_to(top).as_posix()]
            if path.is_file() and not name.startswith(OURS)
        }
