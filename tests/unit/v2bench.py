"""A caching server of wire protocol version 2 whose store is behind a proxy
that fails on purpose."""

import contextlib
import os
import pathlib
import random
import re
import subprocess
import sys
import threading
import time
import urllib.request
import xml.etree.ElementTree

import pytest
from stores import PATIENCE_SECONDS, SECRET

from testlib.servers import HgServer, clean_environment

try:
    from testlib import v2client
except ImportError:
    v2client = None

without_version_2 = pytest.mark.skipif(
    v2client is None, reason="this Mercurial has no wire protocol version 2"
)

HG = pathlib.Path(sys.executable).with_name("hg")
BIG_BYTES = 6 * 1024 * 1024
SMALL_FILES = 16
#: They are 16 MB together, and so go up in parts without any help.
MANY_FILES = 420

#: boto3 waits up to a second before its second try, and what comes in parts is
#: larger than what a hundred cases can wait for.
QUICK = """
import types
import hgdemandimport
from mercurial import extensions
with hgdemandimport.deactivated():
    import botocore.endpoint
    from hgs3 import service
    from hgs3.objectstore import s3
botocore.endpoint.time = types.SimpleNamespace(sleep=lambda seconds: None)
s3.MULTIPART_BYTES = %d
""" % (1024 * 1024)

SLOWLY = (
    QUICK
    + """
import os, time
from mercurial import wireprotov2server
def extsetup(ui):
    entry = wireprotov2server.COMMANDS[b"filedata"]
    orig = entry.func
    def slowly(*args, **kwargs):
        for obj in orig(*args, **kwargs):
            while not os.path.exists(%r):
                # As a command does that computes one piece after the other.
                time.sleep(0.02)
                yield b"x" * 40000
            yield obj
    entry.func = slowly
"""
)


_LINE = re.compile(
    r"> (?P<event>[a-z-]+) [a-z]+ key=(?P<key>\S+) bytes=(?P<bytes>\d+) ms=\S+"
    r"(?: via=(?P<via>\S+))?(?: reason=(?P<reason>.*))?$"
)

#: What can follow a miss, by docs/operators.md.
ENDS = ("stored", "skipped-small", "skipped-rare", "dropped", "error", "bypassed")


class Repository:
    """Small files f0, f1..., a big one, b0, and many of 40 KB below m/, whose
    bytes are random."""

    def __init__(self, path):
        self.path = path
        self.hg("init", str(path), cwd=None)
        numbers = random.Random(0)
        for number in range(SMALL_FILES):
            (path / ("f%d" % number)).write_text("%x" % numbers.getrandbits(20_000))
        (path / "b0").write_bytes(_random_bytes(numbers, BIG_BYTES))
        (path / "m").mkdir()
        for number in range(MANY_FILES):
            body = _random_bytes(numbers, 40_000)
            (path / "m" / ("%d" % number)).write_bytes(body)
        self.hg("commit", "-A", "-q", "-m", "all", "-u", "test", "-d", "0 0")
        self.node = self.hg("log", "-r", "tip", "-T", "{node}")
        manifest = self.hg("manifest", "--debug", "-r", "tip").split("\n")
        self._nodes = {line.split()[-1]: line.split()[0] for line in manifest if line}

    def hg(self, *args, cwd=""):
        command = [str(HG)] + list(args)
        environment = clean_environment(HGRCPATH=os.devnull, HGPLAIN="1")
        return subprocess.run(
            command,
            cwd=self.path if cwd == "" else cwd,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
        ).stdout.decode()

    def file(self, name):
        """The request for one file."""
        return (
            "filedata",
            {
                b"path": name.encode(),
                b"nodes": [bytes.fromhex(self._nodes[name])],
                b"fields": {b"parents", b"revision"},
            },
        )

    def files(self):
        """The request for what is below m/, which is larger than 16 MB."""
        revisions = [
            {b"type": b"changesetexplicit", b"nodes": [bytes.fromhex(self.node)]}
        ]
        return (
            "filesdata",
            {
                b"revisions": revisions,
                b"fields": {b"parents", b"revision"},
                b"haveparents": True,
                b"pathfilter": {b"include": [b"path:m"]},
            },
        )


def _random_bytes(numbers, size_bytes):
    return numbers.getrandbits(8 * size_bytes).to_bytes(size_bytes, "big")


class Event:
    def __init__(self, match):
        self.name = match["event"]
        self.key = match["key"]
        self.size_bytes = int(match["bytes"])
        self.via = match["via"]
        self.reason = match["reason"]

    def __repr__(self):
        return " ".join(filter(None, (self.name, self.via, self.reason)))


class Server:
    """`hg serve` of a repository, with our log in a file of its own."""

    def __init__(self, folder, repository, moto, endpoint_url, bucket, **settings):
        self.folder = folder
        self.log = folder / "blackbox.log"
        self.tmp = folder / "tmp"
        self.tmp.mkdir(parents=True)
        self._moto = moto
        self._bucket = bucket
        extension = folder / "quick.py"
        extension.write_text(settings.pop("extension", QUICK))
        environment = {"AWS_EC2_METADATA_DISABLED": "true", "TMPDIR": str(self.tmp)}
        environment.update(settings.pop("environment", {}))
        config = {
            "extensions.s3wireprotocache": "",
            "extensions.quick": str(extension),
            "extensions.ourlog": str(_log_extension(folder, self.log)),
            "experimental.web.apiserver": "true",
            "experimental.web.api.http-v2": "true",
        }
        ours = {
            "bucket": bucket,
            "access-key-id": "test-key",
            "secret-access-key": SECRET,
            "endpoint-url": endpoint_url,
            "public-endpoint-url": moto.url,
            "repo-id": folder.name,
            "minimum-object-size": "1",
            "breaker-failures": "0",
            "lease-time": "60",
            "connect-timeout": "20",
            "read-timeout": "60",
        }
        for name, value in settings.items():
            ours[name.replace("_", "-")] = value
        for name, value in ours.items():
            config["s3wireprotocache." + name] = value
        self.hg = HgServer(HG, repository.path, config, environment=environment)
        self._marks = {}

    def __enter__(self):
        self.hg.__enter__()
        return self

    def __exit__(self, *exc):
        self.hg.__exit__(*exc)

    def ask(self, request, redirect=True, url=None):
        """(digest of the objects, was it redirected); fails when none come."""
        return Asking(self, request, redirect, url).answer()

    def ask_patiently(self, request, redirect, url):
        """As :meth:`ask`, however long it takes."""
        command, args = request
        objs, redirected = v2client.call(url or self.hg.url, command, args, redirect)
        return v2client.digest_of(objs), redirected

    def events(self, key=None):
        """All of our log so far, of one key if it is named."""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text().splitlines(True):
            match = _LINE.search(line.rstrip("\n"))
            if line.endswith("\n") and match and key in (None, match["key"]):
                found.append(Event(match))
        return found

    def new_events(self, key, until):
        """Those since the last call, as soon as ``until(events)``."""
        mark = self._marks.get(key, 0)
        found = wait_for(lambda: self.events(key)[mark:], until)
        self._marks[key] = mark + len(found)
        return found

    def key_of(self, request):
        """Ask once, and see which object it is about."""
        before = len(self.events())
        self.ask(request)
        events = wait_for(lambda: self.events()[before:], is_over)
        self._marks[events[0].key] = len(self.events(events[0].key))
        return events[0].key

    def forget(self, *keys):
        """Delete objects; the log and its marks stay."""
        for key in keys:
            http("DELETE", "%s/%s/%s" % (self._moto.url, self._bucket, key))

    def stored_keys(self):
        return [key for key, _size in self._moto.objects(self._bucket)]

    def unfinished_uploads(self):
        """(key, id) of each multipart upload that takes up room."""
        body = http("GET", "%s/%s?uploads" % (self._moto.url, self._bucket))
        tree = xml.etree.ElementTree.fromstring(body)
        return [
            (upload.findtext("{*}Key"), upload.findtext("{*}UploadId"))
            for upload in tree.iterfind("{*}Upload")
        ]

    def abort(self, uploads):
        for key, upload_id in uploads:
            where = "%s/%s/%s" % (self._moto.url, self._bucket, key)
            http("DELETE", "%s?uploadId=%s" % (where, upload_id))

    def open_spools(self):
        """Temporary files that the server still has, by what /proc says."""
        folder = pathlib.Path("/proc/%d/fd" % self.hg.pid)
        found = []
        for entry in folder.iterdir():
            with contextlib.suppress(OSError):
                found.append(os.readlink(entry))
        return [name for name in found if name.startswith(str(self.tmp))]

    def everything_said(self):
        """All that this server wrote anywhere, as one text."""
        logs = [self.hg.log(), *self.hg.access_log()]
        if self.log.exists():
            logs.append(self.log.read_text())
        return "\n".join(logs)


def _log_extension(folder, log):
    """blackbox would write below the repository, which several servers share."""
    path = folder / "ourlog.py"
    path.write_text(
        """
class Logger:
    def tracked(self, event):
        return event == b"s3wireprotocache"
    def log(self, ui, event, msg, opts):
        with open(%r, "ab") as stream:
            stream.write(b"> " + msg)

def reposetup(ui, repo):
    repo.ui.setlogger(b"ourlog", Logger())
"""
        % str(log)
    )
    return path


class Asking:
    """A request in a thread of its own."""

    def __init__(self, server, request, redirect=True, url=None):
        self._found = []
        self._thread = threading.Thread(
            target=lambda: self._found.append(
                server.ask_patiently(request, redirect, url)
            ),
            daemon=True,
        )
        self._thread.start()

    @property
    def is_over(self):
        return not self._thread.is_alive()

    def answer(self):
        """As Server.ask; fails when none comes."""
        self._thread.join(PATIENCE_SECONDS)
        assert self._found, "no answer"
        return self._found[0]


def names(events):
    return [event.name for event in events]


def has(*wanted):
    """Whether these events are among those that there are."""
    return lambda events: all(
        names(events).count(name) >= wanted.count(name) for name in wanted
    )


def is_over(events):
    """Whether nothing more is to be said: each miss has had its end."""
    names = [event.name for event in events]
    misses = names.count("miss")
    if "error" in names and not misses:
        return True
    if misses:
        return sum(names.count(end) for end in ENDS) >= misses
    return "hit" in names or "bypassed" in names


def wait_for(look, until):
    """``look()`` as soon as ``until`` is true of it; fails when it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if until(found):
            return found
        if time.monotonic() > deadline:
            pytest.fail("never came true of %r" % (found,))
        time.sleep(0.01)


def http(method, url, body=None, **headers):
    """The body of the answer."""
    with _opened(method, url, body, headers) as response:
        return response.read()


def metadata(url):
    """The headers that hold the metadata of an object."""
    with _opened("HEAD", url, None, {}) as response:
        return {
            name: value
            for name, value in response.headers.items()
            if name.lower().startswith("x-amz-meta-")
        }


def _opened(method, url, body, headers):
    # In the form of a signature, which is all that moto looks at.
    headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=test-key/20200101/us-east-1/s3/aws4_request,"
        "SignedHeaders=host,Signature=0"
    )
    headers["Content-Type"] = "application/octet-stream"
    request = urllib.request.Request(url, body, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=PATIENCE_SECONDS)
