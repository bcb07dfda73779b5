"""hgweb of an empty repository whose log has what a test says, in this process."""

import os
import types
import urllib.parse

import hgui
from mercurial import encoding, extensions, hg, hgweb
from mercurial import ui as uimod
from trydata import node, token

from hgs3.database.records import (
    AS_PUSHED,
    Changes,
    Details,
    LoggedChangeset,
    NewLogPush,
)
from hgs3.pushes import repolog

BASE = "https://hg.example.com/repo"

#: What no document may take for its own.
HOSTILE = "</script><b a='1' c=\"2\">&amp;\x01\x7f\r\n\udc80\udcff]]>"


def details(author="Ada <ada@example.com>", description="a change", **values):
    """Details; all that is not given is plain."""
    given = {
        "parents": (node("parent"),),
        "date": 5,
        "offset": -3600,
        "branch": "default",
        "files": ("a", "b c"),
        "tags": (),
        "phase": "draft",
        "extra": {},
        "precursors": (),
    }
    given.update(values)
    return Details(author=author, description=description, **given)


class Site:
    """The repository is in ``path``, which is empty; ``config`` is of sections and
    items in one, with a dot."""

    def __init__(self, path, **config):
        ui = uimod.ui.load()
        ui.setconfig(b"ui", b"quiet", b"yes")
        extension = os.fsencode(str(hgui.ROOT / "hgext" / "pushlog.py"))
        ui.setconfig(b"extensions", b"pushlog", extension)
        ui.setconfig(b"web", b"name", b"repo")
        for name, value in config.items():
            section, _dot, item = name.replace("__", "-").partition("_")
            ui.setconfig(section.encode(), item.encode(), value.encode())
        extensions.loadall(ui)
        extensions.populateui(ui)
        root = os.fsencode(str(path))
        hg.repository(ui, root, create=True)
        self._root, self._ui = root, ui
        self.serve()
        self.log = repolog.of(hg.repository(ui, root)).log

    def serve(self):
        """From now on with the configuration that the repository has now."""
        self.app = hgweb.hgweb(self._root, baseui=self._ui)

    def push(self, *names, user="alice", pushed=1000, state=AS_PUSHED, like=None):
        """Log one push; ``like`` are the Details of its changesets."""
        changesets = [LoggedChangeset(node(name), state, like) for name in names]
        made = NewLogPush(token(), user, pushed, lambda: changesets)
        (push_id,) = self.log.apply(Changes(pushes=[made]))
        return push_id

    def get(self, path, query="", method="GET", **headers):
        """An answer: ``status`` (int), ``headers`` (a dict), ``body`` (bytes).
        ``query`` is as in a URL, or a list of pairs."""
        if not isinstance(query, str):
            query = urllib.parse.urlencode(query, errors="surrogateescape")
        environment = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/repo",
            "PATH_INFO": "/" + path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "hg.example.com",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "hg.example.com",
            "wsgi.url_scheme": "https",
            "wsgi.input": None,
        }
        for name, value in headers.items():
            environment["HTTP_" + name.upper()] = value
        begun = []
        chunks = self.app(environment, lambda *args: begun.append(args))
        body = b"".join(chunks)
        status, found = begun[0][:2]
        return types.SimpleNamespace(
            status=int(status[:3]),
            reason=status[4:],
            headers={name: value for name, value in found},
            body=body,
        )

    def text(self, *arguments, **values):
        """The body of an answer that is a success, str."""
        answer = self.get(*arguments, **values)
        assert answer.status == 200, answer
        return answer.body.decode(encoding.encoding.decode())
