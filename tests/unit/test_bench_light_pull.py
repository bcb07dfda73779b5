"""The client of the fleet asks for what `hg clone` and `hg pull` ask for."""

import functools
import http.server
import pathlib
import re
import sys
import threading

import benchpath  # noqa: F401  (finds the modules below)
import clonerun
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import lightpull
import pullrun
import pytest

from testlib import processes
from testlib.servers import HgServer

HG = pathlib.Path(sys.executable).with_name("hg")
CHANGESETS = 6


def hg(*arguments):
    return clonerun.hg_output(HG, *arguments)


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    hg("init", path)
    for number in range(CHANGESETS):
        (path / ("f%d" % number)).write_text("%d\n" % number)
        hg("commit", "-q", "-A", "-m", str(number), "-u", "test", "-R", path)
    return path


@pytest.fixture
def website(tmp_path):
    """URL of what is in tmp_path."""
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path)
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "http://127.0.0.1:%d" % server.server_port
        server.shutdown()
        thread.join()


def node(repository, revision):
    text = hg("log", "-R", repository, "-r", str(revision), "-T", "{node}")
    return bytes.fromhex(text)


def requests(server):
    """What was asked for, arguments included, without addresses, times and tokens."""
    lines = [re.sub(r"^.*?\"", "", line) for line in server.access_log()]
    return [re.sub(r"/s3get/\S+", "/s3get/TOKEN", line) for line in lines]


def stock(server, repository, destination, state):
    """The requests of a stock client that has the first `state` changesets."""
    before = len(requests(server))
    if state:
        hg("clone", "-q", "-r", str(state - 1), repository, destination)
        command = pullrun.pull_command(HG, destination, server.url)
    else:
        command = pullrun.clone_command(HG, server.url, destination)
    processes.run(command, clonerun.client_environment())
    return requests(server)[before:]


@pytest.mark.parametrize("state", [0, 2, CHANGESETS])
def test_it_asks_what_a_stock_client_asks(repository, tmp_path, state):
    with HgServer(HG, repository, {}) as server:
        expected = stock(server, repository, tmp_path / "client", state)
        before = len(requests(server))
        with lightpull.LightPuller(server.url) as puller:
            if state:
                pulled = puller.pull([node(repository, state - 1)])
            else:
                pulled = puller.clone()
        asked = requests(server)[before:]
    assert asked == expected
    assert len(asked) == 3
    assert pulled.inline_parts == (0 if state == CHANGESETS else 1)
    assert (pulled.inline_bytes > 0) == (state < CHANGESETS)


def test_it_takes_a_clone_bundle_as_a_stock_client_does(repository, tmp_path, website):
    bundle = tmp_path / "bundle.hg"
    hg("bundle", "-q", "-a", "-r", "3", "-t", "zstd-v2", "-R", repository, bundle)
    manifest = repository / ".hg" / "clonebundles.manifest"
    with HgServer(HG, repository, {"extensions.clonebundles": ""}) as server:
        manifest.write_text("%s/bundle.hg BUNDLESPEC=zstd-v2\n" % website)
        expected = stock(server, repository, tmp_path / "client", 0)
        before = len(requests(server))
        with lightpull.LightPuller(server.url) as puller:
            pulled = puller.clone([node(repository, 3)])
        asked = requests(server)[before:]
    assert asked == expected
    assert any("clonebundles" in line for line in asked)
    assert pulled.clone_bundle_bytes == bundle.stat().st_size
    assert pulled.inline_parts == 1


@pytest.fixture
def long_repository(tmp_path):
    """Of three of the smallest segments, and a little more."""
    path = tmp_path / "long"
    hg("init", path)
    hg("debugbuilddag", "-n", "+200", "-R", path)
    return path


@pytest.fixture
def folder(long_repository):
    """A store with all segments of it."""
    with pullrun.FolderStore() as store:
        pullrun.warm(HG, long_repository, store)
        yield store


@pytest.mark.parametrize("state", [0, 150])
def test_it_follows_what_a_stock_client_follows(
    long_repository, folder, tmp_path, state
):
    with HgServer(HG, long_repository, pullrun.cached_config(folder)) as server:
        expected = stock(server, long_repository, tmp_path / "client", state)
        before = len(requests(server))
        with lightpull.LightPuller(server.url) as puller:
            if state:
                pulled = puller.pull([node(long_repository, state - 1)])
            else:
                pulled = puller.clone()
        asked = requests(server)[before:]
    assert asked == expected
    parts = [line for line in asked if line.startswith("GET /s3get/TOKEN")]
    assert len(parts) == pulled.remote_parts > 0
    assert pulled.remote_bytes > 0


def test_what_is_not_where_the_server_says_is_told(repository, website):
    manifest = repository / ".hg" / "clonebundles.manifest"
    manifest.write_text("%s/none?secret BUNDLESPEC=zstd-v2\n" % website)
    with HgServer(HG, repository, {"extensions.clonebundles": ""}) as server:
        with lightpull.LightPuller(server.url) as puller:
            with pytest.raises(lightpull.BadAnswer, match="/none: HTTP 404"):
                puller.clone()


def test_a_head_that_the_server_lacks_is_refused(repository):
    with HgServer(HG, repository, {}) as server:
        with lightpull.LightPuller(server.url) as puller:
            with pytest.raises(lightpull.BadAnswer):
                puller.pull([b"\1" * 20])
