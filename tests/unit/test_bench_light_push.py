"""The clients of try_push.py ask for what stock clients ask for."""

import pathlib
import re
import shutil
import sys

import benchpath  # noqa: F401  (finds the modules below)
import clonerun
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import lightpull
import lightpush
import pytest

from testlib.servers import HgServer

HG = pathlib.Path(sys.executable).with_name("hg")
CONFIG = {"web.allow-push": "*", "web.push_ssl": "false", "phases.publish": "no"}


def hg(*arguments):
    return clonerun.hg_output(HG, *arguments)


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    hg("init", path)
    for number in range(4):
        (path / ("f%d" % number)).write_text("%d\n" % number)
        hg("commit", "-q", "-A", "-m", str(number), "-u", "test", "-R", path)
    hg("phase", "-q", "--public", "-r", "tip", "-R", path)
    return path


@pytest.fixture
def pusher(repository, tmp_path):
    """A client, and the changesets of a push."""
    client = tmp_path / "client"
    shutil.copytree(repository, client)
    made = lightpush.LightPusher(client)
    (nodes,) = made.prepare(1)
    return made, client, nodes


def requests(server):
    """What was asked for, arguments included, without addresses and times."""
    return [re.sub(r"^.*?\"", "", line) for line in server.access_log()]


def test_it_pushes_as_a_stock_client_does(repository, pusher, tmp_path):
    made, client, nodes = pusher
    shutil.copytree(repository, tmp_path / "other")
    head = nodes[-1].hex()
    with HgServer(HG, repository, CONFIG) as server:
        made.push(server.url, [nodes[-1]])
        asked = requests(server)
    with HgServer(HG, tmp_path / "other", CONFIG) as server:
        hg("push", "-q", "-f", "-r", head, "-R", client, server.url)
        assert asked == requests(server)
    assert "cmd=unbundle" in "".join(asked)
    for pushed in (repository, tmp_path / "other"):
        text = hg("log", "-R", pushed, "-r", "draft()", "-T", "{node}\n")
        assert text.split() == [node.hex() for node in nodes]
    assert hg("log", "-R", client, "-r", "public()", "-T", "x") == "xxxx"


def test_it_says_why_a_push_failed(repository, pusher):
    made, _client, nodes = pusher
    refuse = {**CONFIG, "hooks.pretxnchangegroup.no": "echo not today; false"}
    with HgServer(HG, repository, refuse) as server:
        with pytest.raises(lightpush.PushFailed, match="not today"):
            made.push(server.url, [nodes[-1]])


@pytest.mark.parametrize("command", ["pull", "incoming"])
def test_it_asks_for_a_revision_as_a_stock_client_does(
    repository, pusher, tmp_path, command
):
    made, _client, nodes = pusher
    shutil.copytree(repository, tmp_path / "empty-handed")
    with HgServer(HG, repository, CONFIG) as server:
        made.push(server.url, [nodes[-1]])
        before = len(requests(server))
        at = ("-R", tmp_path / "empty-handed")
        hg(command, "-q", *at, "-r", nodes[-2].hex(), server.url)
        stock = requests(server)[before:]
        with lightpull.LightPuller(server.url) as puller:
            ask = {"pull": puller.pull_revision, "incoming": puller.incoming}[command]
            pulled = ask([made.base], nodes[-2])
            light = requests(server)[before + len(stock) :]
            assert puller.lookup(nodes[0].hex()[:12]) == nodes[0]
    assert light == stock
    assert pulled.inline_parts == 1


def test_what_is_pushed_is_the_same_each_time(repository, pusher, tmp_path):
    _made, _client, nodes = pusher
    shutil.copytree(repository, tmp_path / "again")
    again = lightpush.LightPusher(tmp_path / "again")
    assert again.prepare(1) == [nodes]
    large = again.prepare_large(3000)
    sizes = hg(
        "files", "-R", tmp_path / "again", "-r", large[-1].hex(), "-T", "{size} "
    )
    assert sizes.split().count("1000") == 3
    assert len(set(again.prepare_heads(5))) == 5
