"""A repository with a store, as far as the web command of short URLs sees one."""

import os
import types

import hgui
from memorystore import MemoryStore
from mercurial import vfs as vfsmod
from mercurial.hgweb import request as requestmod
from stores import put

from hgs3 import eventlog, service, settings
from hgs3.objectstore.file import FileStore
from hgs3.wireproto import s3get

NAME = bytes(range(20))
BODY = bytes(range(256)) * 1000
BASE = b"https://hg.example.com/repo"
BASIC = {"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"}


class Presigning(MemoryStore):
    """Can be sent to, unlike the one that it is made of."""

    def public_base_url(self):
        return "https://s3.example.com/"

    def presign_get(self, key, lifetime_seconds):
        return "https://s3.example.com/%s?for=%d" % (key, lifetime_seconds)


class Answer:
    def __init__(self, status, headers, body):
        self.code, self.message = int(status[:3]), status[4:]
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body


class Site:
    """With ``instead`` of the folder that ``items`` name. ``refusal`` is what
    the check of permissions raises, ``events`` what was logged."""

    def __init__(self, path, instead=None, **items):
        for name in ("store", "cache"):
            (path / name).mkdir()
        self.ui = hgui.make_ui(url_secret="sixteen letters!", **items)
        self.ui.setconfig(b"ui", b"quiet", b"yes")
        loaded = settings.load(self.ui)
        self.store = instead or FileStore(loaded.store)
        self.service = service.CacheService(
            loaded, service.Backend(self.store, service.Health("it"), None)
        )
        self.repo = types.SimpleNamespace(
            ui=self.ui,
            root=os.fsencode(str(path)),
            svfs=vfsmod.vfs(os.fsencode(str(path / "store"))),
            cachevfs=vfsmod.vfs(os.fsencode(str(path / "cache"))),
        )
        self.refusal = None
        self.events = []
        self.url = s3get.url_for(self.service, self.repo, BASE, s3get.SEGMENT, NAME)
        digest = s3get._repo_digest(self.service, self.repo)
        self.key = "cache/%s/v1/getbundle/%s" % (digest, NAME.hex())

    def fill(self, body=BODY):
        put(self.store, self.key, body)
        return self

    def ask(self, path=None, method="GET", **environment):
        path = self.url[len(BASE) :].decode() if path is None else path
        environment = dict(
            {
                "REQUEST_METHOD": method,
                "SCRIPT_NAME": "/repo",
                "PATH_INFO": path,
                "QUERY_STRING": "",
                "SERVER_NAME": "hg.example.com",
                "SERVER_PORT": "443",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "wsgi.url_scheme": "https",
                "wsgi.input": None,
            },
            **environment,
        )
        req = requestmod.parserequestfromenv(environment)
        begun = []
        res = requestmod.wsgiresponse(req, lambda *args: begun.append(args))
        with eventlog.listening(lambda *event: self.events.append(event)):
            rctx = types.SimpleNamespace(repo=self.repo)
            assert s3get._handlewsgirequest(None, rctx, req, res, self._check)
            body = b"".join(res.sendresponse())
        return Answer(*begun[0], body)

    def _check(self, rctx, req, op):
        assert op == b"pull"
        if self.refusal is not None:
            raise self.refusal

    def reasons(self):
        return [
            (event, command, key, reason)
            for event, command, key, _bytes, reason in self.events
        ]
