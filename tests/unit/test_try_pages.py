"""Pages of changesets in a hundred bundles, a thousand times: no memory, no open file
and no overlay is left behind."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import benchpath  # noqa: F401  (finds the modules below)
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import lightpush
import pytest

from testlib import webpages
from testlib.servers import HgServer

HG = pathlib.Path(sys.executable).with_name("hg")
BUNDLES = 100
PAGES = 1000
#: When everything that is kept has been used.
FIRST = 300
OVERLAYS = 8
#: Files of an overlay: its bundle, and what of the store is kept open.
FILES_OF_ONE = 4


def config(store):
    return {
        "web.allow-push": "*",
        "web.push_ssl": "false",
        "phases.publish": "no",
        "extensions.s3try": "",
        "s3try.enabled": "yes",
        "s3try.store": "file:%s" % store,
        "s3try.overlay-cache": str(OVERLAYS),
    }


def hg(*arguments):
    subprocess.run([str(HG), *map(str, arguments)], check=True, stdout=subprocess.PIPE)


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    """A base, and a client that has pushes for it."""
    folder = tmp_path_factory.mktemp("pages")
    base = folder / "base"
    hg("init", base)
    for number in range(4):
        (base / ("f%d" % number)).write_text("%d\n" % number)
        hg("commit", "-qAm", str(number), "-u", "test", "-R", base)
    hg("phase", "-qp", "-r", "tip", "-R", base)
    shutil.copytree(base, folder / "client")
    return base, folder / "client"


@pytest.fixture
def server(repositories, tmp_path):
    base, client = repositories
    (tmp_path / "store").mkdir()
    shutil.copytree(base, tmp_path / "served")
    with HgServer(HG, tmp_path / "served", config(tmp_path / "store")) as running:
        yield running


def pushed(repositories, server, count):
    pusher = lightpush.LightPusher(repositories[1])
    heads = [nodes[-1] for nodes in pusher.prepare(count)]
    for head in heads:
        pusher.push(server.url, [head])
    return [head.hex() for head in heads]


def open_files(server):
    return len(os.listdir("/proc/%d/fd" % server.pid))


def resident_bytes(server):
    status = pathlib.Path("/proc/%d/status" % server.pid).read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024


def page(server, path):
    status, headers, body = webpages.fetch("%s/%s" % (server.url, path))
    assert status == 200, body
    return headers, body


def test_nothing_is_left_behind(repositories, server):
    heads = pushed(repositories, server, BUNDLES)
    page(server, "raw-rev/tip")
    before = open_files(server)
    first = 0
    for number in range(PAGES):
        head = heads[number * 7 % BUNDLES]
        headers, body = page(server, "raw-rev/" + head)
        assert headers[("HG-S3-Push")] and head.encode() in body
        if number == FIRST:
            first = resident_bytes(server)
    assert open_files(server) <= before + OVERLAYS * FILES_OF_ONE
    assert resident_bytes(server) <= 1.2 * first


def test_many_at_once_are_not_mixed_up(repositories, server):
    """One overlay is never read by two threads."""
    heads = pushed(repositories, server, 5)
    expected = {head: page(server, "raw-rev/" + head)[1] for head in heads}
    assert len(set(expected.values())) == 5

    def ask(number):
        head = heads[number % 5]
        return head, page(server, "raw-rev/" + head)[1]

    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        for head, body in threads.map(ask, range(200)):
            assert body == expected[head]


def test_an_overlay_shows_the_base_as_it_is_now(repositories, server, tmp_path):
    (head,) = pushed(repositories, server, 1)
    ask = "json-log/%s" % head
    other = b"somebody else's"
    assert other not in page(server, "bundle/1/shortlog")[1]
    page(server, ask)
    served = tmp_path / "served"
    hg("update", "-q", "-R", served)
    (served / "f0").write_text("new\n")
    hg("commit", "-qm", other.decode(), "-u", "test", "-R", served)
    assert other in page(server, "bundle/1/shortlog")[1]
    # By now the repository has no older state in any overlay.
    page(server, ask)
    assert open_files(server) < 40
