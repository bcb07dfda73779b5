"""The first requests of a server, all at once, while Mercurial would still
load modules lazily."""

import socket
import subprocess
import sys
import threading

import pytest
from stores import PATIENCE_SECONDS

from testlib.servers import HOST, clean_environment

#: Without the care that is tested, most servers fail one of six.
CLIENTS = 8
SERVERS = 4

CAPABILITIES = (
    b"GET /?cmd=capabilities HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
)

WSGI = """
import socketserver, sys, wsgiref.simple_server as simple
from mercurial import demandimport
demandimport.enable()
from mercurial.hgweb import hgweb
class Server(socketserver.ThreadingMixIn, simple.WSGIServer):
    daemon_threads = True
server = simple.make_server("127.0.0.1", 0, hgweb(sys.argv[1].encode()), Server)
print(server.server_port, flush=True)
server.serve_forever()
"""


def first_lines(port, clients=CLIENTS):
    """The status lines that ``clients`` connections get that ask at once."""
    barrier = threading.Barrier(clients)
    found = []

    def ask():
        with socket.create_connection((HOST, port), PATIENCE_SECONDS) as connection:
            barrier.wait(PATIENCE_SECONDS)
            connection.sendall(CAPABILITIES)
            with connection.makefile("rb") as stream:
                found.append(stream.readline().split(b" ", 1)[1].strip())
                stream.read()

    threads = [threading.Thread(target=ask) for _each in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return found


@pytest.mark.parametrize("number", range(SERVERS))
def test_hg_serve_answers_all_of_its_first_requests(make_server, number):
    server = make_server()
    assert set(first_lines(server.hg.port)) == {b"200 Script output follows"}
    assert "Traceback" not in server.hg.log()


@pytest.mark.parametrize("number", range(SERVERS))
def test_a_wsgi_application_answers_all_of_its_first_requests(
    v2_repository, tmp_path, number
):
    hgrc = tmp_path / "hgrc"
    hgrc.write_text("[extensions]\ns3wireprotocache =\n")
    process = subprocess.Popen(
        [sys.executable, "-c", WSGI, str(v2_repository.path)],
        env=clean_environment(HGRCPATH=str(hgrc)),
        cwd=str(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        port = int(process.stdout.readline())
        assert set(first_lines(port)) == {b"200 Script output follows"}
    finally:
        process.kill()
        _out, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert b"Traceback" not in said


COLLECTED = """
import gc
try:
    from mercurial import initialization
    initialization.init()
except ImportError:
    pass
from hgs3 import eager, service
from hgs3.objectstore.s3settings import S3Settings

def make_store():
    settings = S3Settings("hg-cache", "us-west-2", "key", "secret")
    return service._make_store(settings)

def of_boto3():
    return sum(type(obj).__module__.startswith("botocore") for obj in gc.get_objects())

store = make_store()
assert of_boto3(), "it is seen when nothing is served"
gc.collect()
before = len(gc.get_objects())
eager.load_once()
other = make_store()
assert not of_boto3()
assert len(gc.get_objects()) < before / 10, (before, len(gc.get_objects()))
frozen = gc.get_freeze_count()
another = make_store()
assert gc.get_freeze_count() <= frozen, "only once"
"""


def test_the_garbage_collector_does_not_look_at_what_is_loaded():
    """hgwebdir calls it for each request."""
    done = subprocess.run(
        [sys.executable, "-c", COLLECTED],
        env=clean_environment(HGRCPATH="", AWS_EC2_METADATA_DISABLED="true"),
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr.decode()


STORE_THREADS = """
import sys, hgdemandimport
hgdemandimport.enable()
from mercurial import httppeer, url
from hgs3 import eager
def lazy():
    return {name.partition(".")[0] for name, module in list(sys.modules.items())
            if type(module).__name__ == "_LazyModule"}
for module in (httppeer, url, eager):
    vars(module)  # for real; what they import is lazy
assert {"email", "http", "mercurial"} <= lazy(), lazy()
eager.load_for_threads()
assert lazy() <= {"mercurial", "hgext", "hgext3rd"}, lazy()
assert not hgdemandimport.isenabled()
import colorsys, sys
assert type(sys.modules["colorsys"]).__name__ == "module", "what comes later, too"
"""


def test_a_process_of_ssh_loads_what_threads_of_a_store_use():
    """It loads nothing else: it serves one client, who waits for it."""
    done = subprocess.run(
        [sys.executable, "-c", STORE_THREADS],
        env=clean_environment(HGRCPATH=""),
        stderr=subprocess.PIPE,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr.decode()
