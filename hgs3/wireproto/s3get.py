"""Short URLs, and the web command that answers them.

A bundle2 part that names an object has 255 bytes for its URL, and a presigned
one is longer. So a client is given a URL of our own::

    <URL of the repository>/s3get/<token>

and, when it comes there, is sent on to a URL that is presigned at that moment.
Where there is nowhere to send it, or where it would take its password along, it
gets the object itself (objectanswer.py).
"""

import time
import typing

from mercurial import extensions, wireprotoserver
from mercurial.hgweb import common as hgwebcommon
from mercurial.utils import stringutil

from .. import crossing, eventlog, generation
from .. import service as servicemod
from ..cache import key as cachekey
from ..cache import token as tokenmod
from ..objectstore.base import StoreResting, StoreUnavailable
from . import hgserve, objectanswer, redirect, requestscope

COMMAND = b"s3get"

#: What a parameter of a bundle2 part can hold.
MAX_URL_BYTES = 255

#: The kinds of objects that a token can name.
SEGMENT = "s"

GONE = "the object of a short url is gone"


class Kind(typing.NamedTuple):
    """``key(prefix, repo digest, name in the token)`` names the object;
    ``service(repo)`` is the CacheService of its store."""

    command: bytes
    key: typing.Callable[[str, str, bytes], str]
    service: typing.Callable


def _segment_key(prefix, repo_digest, name):
    return cachekey.object_key(prefix, repo_digest, "v1", "getbundle", name.hex())


def _cache_service(repo):
    return servicemod.of(repo.ui)


_is_set_up = False

_kinds = {SEGMENT: Kind(b"getbundle", _segment_key, _cache_service)}


def register(name, kind):
    """Let tokens name objects of another Kind; ``name`` is one ASCII character."""
    _kinds[name] = kind


def base_url(service, repo):
    """The URL that clients reach ``repo`` by, without a slash at its end;
    bytes, or None where it is not known.

    That is ``public-url``, or what the request of this thread came to.
    """
    public_url = service.settings.short_urls.public_url
    if public_url:
        return crossing.to_bytes(public_url)
    request = requestscope.current()
    if request is None:
        return None
    url = requestscope.base_url(request)
    if url is None:
        servicemod.report_once(
            repo.ui,
            "no short urls for requests that come through another server "
            "(set s3wireprotocache.public-url)",
        )
    return url


def url_for(service, repo, base_url, kind, name):
    """A short URL for the object ``name`` (bytes) of the ``kind``, as bytes.

    None when there is no secret to sign it with, or when it would be longer
    than a part can hold: then the object must not be named to a client.
    """
    secret = servicemod.url_secret(service, repo)
    if secret is None:
        return None
    token = tokenmod.make(
        secret,
        _repo_digest(service, repo),
        kind,
        name,
        int(time.time()) + service.settings.short_urls.lifetime_seconds,
        generation.read(repo),
    )
    url = b"%s/%s/%s" % (base_url, COMMAND, crossing.to_bytes(token))
    return url if len(url) <= MAX_URL_BYTES else None


def can_be_asked():
    """Whether the server can answer a short URL while its client has not read all
    of the answer that names it: it needs a second worker for that."""
    request = requestscope.current()
    return (
        request is None
        or bool(request.rawenv.get(b"wsgi.multithread"))
        or bool(request.rawenv.get(b"wsgi.multiprocess"))
    )


def setup():
    """Called by each extension; does it once."""
    global _is_set_up
    if _is_set_up:
        return
    _is_set_up = True
    # All that hgweb does for a request of the wire protocol has been done then,
    # and nothing that a page needs.
    extensions.wrapfunction(wireprotoserver, "handlewsgirequest", _handlewsgirequest)


def _handlewsgirequest(orig, rctx, req, res, checkperm):
    """Returns whether it was a request of the wire protocol, or of ours."""
    if not req.dispatchparts or req.dispatchparts[0] != COMMAND:
        return orig(rctx, req, res, checkperm)
    hgserve.mend_once()
    try:
        # Whoever may not pull learns nothing of a token.
        checkperm(rctx, req, b"pull")
        _answer(rctx.repo, req, res)
    except hgwebcommon.ErrorResponse as err:
        for name, value in err.headers:
            res.headers[name] = value
        res.status = hgwebcommon.statusmessage(err.code, stringutil.forcebytestr(err))
        res.headers[b"Content-Type"] = b"text/plain"
        res.setbodybytes(b"" if req.method == b"HEAD" else res.status[4:] + b"\n")
    return True


def _answer(repo, req, res):
    """Raises ErrorResponse."""
    if req.method not in (b"GET", b"HEAD"):
        raise hgwebcommon.ErrorResponse(
            hgwebcommon.HTTP_METHOD_NOT_ALLOWED, headers=[(b"Allow", b"GET, HEAD")]
        )
    # It is good for nobody else, and for this one only for a while.
    res.headers[b"Cache-Control"] = b"no-store"
    kind, service, key = _object_of(repo, req.dispatchparts[1:])

    def failed(err):
        _log_fault(service, repo.ui, kind, key, err)

    try:
        if _is_sent_on(service.store, req):
            _send_on(service, repo.ui, key, res, failed)
        else:
            objectanswer.answer(service, _info(service, repo.ui, key), req, res, failed)
    except objectanswer.ObjectGone:
        eventlog.log(repo.ui, eventlog.ERROR, kind.command, key, reason=GONE)
        raise _refusal(404, b"the object is gone")
    except StoreUnavailable as err:
        failed(err)
        seconds = b"%d" % max(1, service.settings.breaker_rest_seconds)
        raise _refusal(503, b"the store cannot be used", [(b"Retry-After", seconds)])


def _object_of(repo, parts):
    """The Kind, its CacheService and the key of what the URL names, by the ``parts``
    of its path."""
    token = crossing.to_str(parts[0]) if len(parts) == 1 else ""
    # What it says of its kind is believed when the signature has been compared.
    kind = _kinds.get(tokenmod.claimed_kind(token), _kinds[SEGMENT])
    service = kind.service(repo)
    if not service.store.keeps_objects:
        raise _refusal(404, b"no store for short urls")
    secret = servicemod.url_secret(service, repo)
    repo_digest = _repo_digest(service, repo)
    try:
        if secret is None:
            raise tokenmod.TokenForged("no token")
        kind_name, name = tokenmod.read(
            secret, repo_digest, token, time.time(), generation.read(repo)
        )
        if _kinds.get(kind_name) is not kind:
            raise tokenmod.TokenForged("a token of a kind that is not known")
    except tokenmod.TokenExpired:
        raise _refusal(403, b"the short url has expired")
    except tokenmod.TokenForged:
        raise _refusal(403, b"not a short url of this repository")
    return kind, service, kind.key(service.settings.prefix, repo_digest, name)


def _repo_digest(service, repo):
    return cachekey.repo_digest(service.settings.repo_id or repo.root)


def _is_sent_on(store, req):
    return store.public_base_url() is not None and not redirect.sends_password_along(
        req
    )


def _info(service, ui, key):
    """The ObjectInfo of what was there when an answer named it. Believed as long
    as for an answer: clients come here in crowds, and right after it."""
    info = service.existence.look([key], service.settings.exists_ttl_seconds)[key]
    if info is None:
        # Another process may have stored it since, and named it.
        info = service.existence.look([key], 0)[key]
    service.health.fine(ui, servicemod.LOOKUP)
    if info is None:
        raise objectanswer.ObjectGone()
    return info


def _send_on(service, ui, key, res, failed):
    try:
        _info(service, ui, key)
    except StoreUnavailable as err:
        # The client has no way back, and may reach what we cannot.
        failed(err)
    url = service.store.presign_get(key, service.settings.url_lifetime_seconds)
    res.status = b"302 Found"
    res.headers[b"Location"] = crossing.to_bytes(url)
    res.setbodybytes(b"")


def _log_fault(service, ui, kind, key, err):
    eventlog.log(ui, eventlog.ERROR, kind.command, key, reason=err.reason)
    if not isinstance(err, StoreResting):
        service.health.fault(ui, servicemod.LOOKUP, err.reason)


def _refusal(code, message, headers=()):
    return hgwebcommon.ErrorResponse(code, message, list(headers))
