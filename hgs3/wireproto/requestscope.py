"""What goes with one request: its end, and the address that it came to.

A response is a chain of generators. When a client goes away, they are dropped
half-way, but not closed: Mercurial's frame reactor and its generators refer
to each other, so the inner ones live until the garbage collector comes by,
which on a quiet server is much later. Until then, a spool would keep its
memory or its disk. The outermost generator is in no such circle: it ends
with the request, and takes along what was registered here.
"""

import re
import threading

from mercurial import encoding, util

from .. import crossing, eager

#: What a front server adds, by which a request is known to have come through one.
_FORWARDED = (
    b"Forwarded",
    b"Via",
    b"X-Forwarded-For",
    b"X-Forwarded-Host",
    b"X-Forwarded-Proto",
    b"X-Real-IP",
)

_HOST = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]+)?\Z|\[[0-9A-Fa-f:.]+\](:[0-9]+)?\Z")


_LOOPBACK = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?\Z")


class _Request:
    def __init__(self, req):
        self.req = req
        self.callbacks = []


class _Scope(threading.local):
    request = None


_scope = _Scope()


def at_end(callback):
    """Call ``callback()`` when the request of this thread has ended.

    It must not raise, and may find that all was done already. Does nothing
    outside of a request that :func:`run_wsgi` serves.
    """
    if _scope.request is not None:
        _scope.request.callbacks.append(callback)


def current():
    """hgweb's ``parsedrequest`` that this thread is at; None outside HTTP."""
    return _scope.request.req if _scope.request is not None else None


def user():
    """Who has sent the request, or, outside HTTP, whose process this is; "" for
    nobody; str."""
    request = current()
    if request is None:
        name = encoding.environ.get(b"USER") or encoding.environ.get(b"LOGNAME")
    else:
        name = request.rawenv.get(b"REMOTE_USER")
    return crossing.to_str(name or b"")


def base_url(req):
    """The URL of the repository as its client wrote it, without a slash at
    the end, or None where it cannot be told; bytes.

    By the request's Host header and its path. Behind a front server neither
    need be what the client wrote, and a client that is sent to the wrong place
    fails: then only ``web.baseurl`` says, which hgwebdir heeds.
    """
    if req.advertisedbaseurl != _server_url(req):
        base = req.advertisedbaseurl  # of web.baseurl, like apppath
    elif _came_through_another(req):
        return None
    else:
        base = req.baseurl
    scheme, _separator, host = base.partition(b"://")
    if scheme not in (b"http", b"https") or not _HOST.match(host):
        return None
    return base + util.urlreq.quote(req.apppath.rstrip(b"/"))


def likely_url(req):
    """As ``base_url``, but what is most likely where it cannot be told."""
    known = base_url(req)
    if known is not None:
        return known
    _scheme, _separator, host = req.baseurl.partition(b"://")
    base = req.baseurl if _HOST.match(host) else req.advertisedbaseurl
    return base + util.urlreq.quote(req.apppath.rstrip(b"/"))


def _came_through_another(req):
    """Whether a front server has passed the request on, as far as that shows: by
    what it adds, by the protocol that it speaks, by a port that is not ours."""
    if any(req.headers.get(name) for name in _FORWARDED):
        return True
    if req.rawenv.get(b"SERVER_PROTOCOL") == b"HTTP/1.0":
        return True
    host = req.headers.get(b"Host", b"")
    _name, _colon, port = host.rpartition(b"]")[2].partition(b":")
    if _LOOPBACK.match(host):
        # On this machine, whatever port it is that leads here.
        return False
    return (port or _usual_port(req)) != req.rawenv[b"SERVER_PORT"]


def _usual_port(req):
    return b"443" if req.urlscheme == b"https" else b"80"


def _server_url(req):
    """What ``advertisedbaseurl`` is where ``web.baseurl`` says nothing else."""
    port = req.rawenv[b"SERVER_PORT"]
    url = b"%s://%s" % (req.urlscheme, req.rawenv[b"SERVER_NAME"])
    return url if port == _usual_port(req) else b"%s:%s" % (url, port)


def run_wsgi(orig, self, req, res):
    """Wraps ``hgweb.run_wsgi``, a generator of the chunks of a response."""
    # The first of our functions that a request comes to where hgwebdir has
    # loaded the extension for one of its repositories only now.
    eager.load_once()
    request = _scope.request = _Request(req)
    try:
        for chunk in orig(self, req, res):
            yield chunk
    finally:
        if _scope.request is request:
            # The thread may idle; what it served must not live on with it.
            _scope.request = None
        for callback in request.callbacks:
            callback()
