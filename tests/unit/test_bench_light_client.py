"""The client of the traces asks for what `hg clone` asks for."""

import subprocess

import benchpath  # noqa: F401  (finds the modules below)
import clonerun
import hgui
import pytest
import serverevents

from testlib import processes
from testlib.servers import HgServer

#: Version 2 of the wire protocol is in no other.
HG60 = hgui.ROOT / ".venv" / "hg-6.0.3" / "bin" / "hg"
BENCHMARKS = hgui.ROOT / "benchmarks"

CONFIG = {
    "experimental.web.apiserver": "true",
    "experimental.web.api.http-v2": "true",
    # More than one of each.
    "experimental.server.manifestdata.recommended-batch-size": "3",
    "experimental.server.filesdata.recommended-batch-size": "2",
}

LIGHT_PULL = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import history, lightclient
url, state = sys.argv[2], int(sys.argv[4])
served = history.ServedHistory(pathlib.Path(sys.argv[3]))
lightclient.pull(url, served.changesets[state - 1:state] if state else [],
                 *served.since(state))
"""


def hg(*arguments):
    return clonerun.hg_output(HG60, *arguments)


@pytest.fixture
def repository(tmp_path):
    """A side branch that is merged, and a changeset that leaves the manifest."""
    path = tmp_path / "repository"
    hg("init", path)
    for number in range(5):
        (path / ("f%d" % number)).write_text("%d\n" % number)
        hg("commit", "-q", "-A", "-m", str(number), "-u", "test", "-R", path)
        if number == 2:
            hg("update", "-q", "-r", "1", "-R", path)
    hg("merge", "-q", "-r", "2", "-R", path)
    hg("commit", "-q", "-m", "merge", "-u", "test", "-R", path)
    hg("branch", "-q", "other", "-R", path)
    hg("commit", "-q", "-m", "branch", "-u", "test", "-R", path)
    return path


def asked_for(repository):
    """(command, digest of its arguments) of the heavy requests so far."""
    return [
        (event.command, event.key)
        for event in serverevents.read(repository)
        if event.name == serverevents.COMPUTED
    ]


@pytest.mark.parametrize("state", [0, 2])
def test_it_asks_what_a_stock_client_asks(repository, tmp_path, state):
    config = {**CONFIG, **serverevents.config()}
    with HgServer(HG60, repository, config) as server:
        destination = tmp_path / "clone"
        if state:
            hg("clone", "-q", "-r", str(state - 1), repository, destination)
            hg("pull", "-q", "-R", destination, server.url, *clonerun.CLIENT_V2)
        else:
            command = clonerun.clone_command(HG60, server.url, destination)
            processes.run(command, clonerun.client_environment())
        stock = asked_for(repository)
        arguments = [str(BENCHMARKS), server.url, str(repository), str(state)]
        python = str(HG60.with_name("python"))
        subprocess.run([python, "-c", LIGHT_PULL, *arguments], check=True, timeout=300)
        light = asked_for(repository)[len(stock) :]
    assert light == stock
    # The arguments of a stream of batches differ, each from the others.
    assert len(set(stock)) == len(stock)
    assert [name for name, _key in stock].count("filesdata") == -(-(7 - state) // 2)
