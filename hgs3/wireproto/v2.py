"""The response cacher of wire protocol version 2 (Mercurial 5.9 to 6.0).

The life cycle of a cacher, one for each request, is in the docstring of
``mercurial.interfaces.repository.iwireprotocolcommandcacher``. Two rules of
ours on top of it: a fault of the store or of the disk always ends in the
answer that the server would give without us; and a miss that began is always
followed by exactly one line of the log that says what became of it.
"""

import functools
import time

from mercurial.interfaces import repository
from mercurial.interfaces import util as interfaceutil
from mercurial.utils import cborutil

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache import key as cachekey
from ..cache.spool import Spool, SpoolFull
from ..cache.upload import Upload
from ..objectstore.base import StoreUnavailable
from . import redirect, requestscope, v2request

PROTOCOL = "v2"

#: From here on, a copy costs more than to handle two pieces.
LARGE_BYTES = 128 * 1024


def _fails_open(answer_without_cache):
    """Decorate a method of the cacher that must never fail a request.

    A fault that has a name is dealt with where it occurs. What is left is a
    fault of ours: it is logged, and ``answer_without_cache`` returned.
    """

    def decorate(method):
        @functools.wraps(method)
        def guarded(self, *args):
            try:
                return method(self, *args)
            except Exception as err:
                self._ui.traceback()
                self._give_up("%s: %s" % (type(err).__name__, err))
                return answer_without_cache

        return guarded

    return decorate


class ResponseCacher:
    """Serves one request from the store, or stores what the command answers.

    ``server`` and ``types`` are the modules wireprotov2server and
    wireprototypes. ``encodefn(obj)`` gives the CBOR of an object in chunks of
    bytes; ``redirecttargets`` is the list of names that the client accepts.
    """

    def __init__(
        self,
        service,
        server,
        types,
        repo,
        proto,
        command,
        args,
        encodefn,
        redirecttargets,
    ):
        self._service = service
        self._server = server
        self._types = types
        self._repo = repo
        self._ui = repo.ui
        self._proto = proto
        self._command = command
        self._args = args
        self._encodefn = encodefn
        self._redirecttargets = redirecttargets
        self._repo_digest = cachekey.repo_digest(service.settings.repo_id or repo.root)
        self._key = "-"
        self._spool = None
        self._started = time.perf_counter()

    def __enter__(self):
        requestscope.at_end(self._abandon)
        return self

    def __exit__(self, exctype, excvalue, exctb):
        self._abandon()

    def _abandon(self):
        # A response that was finished has handed its spool over. What is
        # left was cut off: by an error of the command, or by a client that
        # went away.
        if self._spool is not None:
            size_bytes = self._spool.size_bytes
            self._close_spool()
            self._log(eventlog.DROPPED, size_bytes, reason="response not completed")

    def adjustcachekeystate(self, state):
        # Not guarded: revisions that are wrong must raise, as in the command.
        self._args = v2request.resolve(
            self._server, self._repo, self._command, self._args
        )
        state[b"args"] = self._args
        state[b"hg-s3"] = cachekey.FORMAT_VERSION
        state[b"local"] = v2request.local_state(self._repo)
        # The path by default, but two servers of one repository may be told
        # that they are the same.
        state[b"repo"] = crossing.to_bytes(self._repo_digest)

    @_fails_open(False)
    def setcachekey(self, key):
        self._key = cachekey.object_key(
            self._service.settings.prefix,
            self._repo_digest,
            PROTOCOL,
            crossing.to_str(self._command),
            crossing.to_str(key),
        )
        return v2request.may_be_served(
            self._server, self._repo, self._proto, self._command, self._args
        )

    @_fails_open(None)
    def lookup(self):
        start = time.perf_counter()
        try:
            info = self._service.store.head(self._key)
            if info is None or not cachekey.written_by_us(
                info, crossing.to_str(self._command), self._repo_digest
            ):
                objs = None
            elif self._redirectable(info):
                objs = [self._redirect(info)]
                via = "redirect"
            else:
                objs = self._inline(info)
                via = "inline"
        except StoreUnavailable as err:
            self._fault(err.reason)
            return None
        self._service.health.fine(self._ui, servicemod.LOOKUP)

        seconds = time.perf_counter() - start
        if objs is None:
            self._log(eventlog.MISS, seconds=seconds)
            self._spool = Spool()
            return None
        self._log(eventlog.HIT, info.size_bytes, seconds, via=via)
        return {b"objs": objs}

    def onobject(self, obj):
        """Pass an object on at once, with its encoding teed into the spool.

        It goes out encoded, since that was done for the spool already.
        """
        if self._spool is None:
            yield obj
            return
        types = self._types
        if isinstance(obj, types.indefinitebytestringresponse):
            # Its chunks can be read only once, and may be many.
            for chunk in cborutil.streamencodebytestringfromiter(obj.chunks):
                self._keep(chunk)
                yield types.encodedresponse(chunk)
        elif isinstance(obj, types.alternatelocationresponse):
            # Not ours: another extension sends the client elsewhere.
            self._give_up("the command answered with a redirect")
            yield obj
        else:
            for data in self._encoded(obj):
                self._keep(data)
                yield types.encodedresponse(data)

    @_fails_open(())
    def onfinished(self):
        spool = self._spool
        if spool is None:
            return ()
        seconds = time.perf_counter() - self._started
        if spool.size_bytes < self._service.settings.minimum_object_bytes:
            self._log(eventlog.SKIPPED_SMALL, spool.size_bytes, seconds)
            self._close_spool()
            return ()
        upload = Upload(
            store=self._service.store,
            key=self._key,
            spool=spool,
            content_type=cachekey.MEDIA_TYPE,
            metadata=cachekey.metadata(
                crossing.to_str(self._command),
                self._repo_digest,
                spool.sha256_hex,
            ),
            done=functools.partial(
                _log_upload,
                self._ui,
                self._service.health,
                self._command,
                self._key,
                spool.size_bytes,
            ),
        )
        # From here on the uploader owns the spool.
        self._spool = None
        self._service.uploader.submit(upload)
        return ()

    def _encoded(self, obj):
        if isinstance(obj, self._types.encodedresponse):
            return (obj.data,)
        if isinstance(obj, bytes) and len(obj) > LARGE_BYTES:
            # A whole file, may be: a header and the very same bytes, uncopied.
            return self._encodefn(obj)
        return (b"".join(self._encodefn(obj)),)

    def _redirectable(self, info):
        return (
            not redirect.sends_password_along(self._proto)
            and info.size_bytes >= self._service.settings.minimum_object_bytes
            and redirect.target_name(self._service.store) in self._redirecttargets
        )

    def _redirect(self, info):
        url = self._service.store.presign_get(
            self._key, self._service.settings.url_lifetime_seconds
        )
        return self._types.alternatelocationresponse(
            url=crossing.to_bytes(url),
            mediatype=crossing.to_bytes(cachekey.MEDIA_TYPE),
            size=info.size_bytes,
        )

    def _inline(self, info):
        """The stored body for a client that follows no redirect of ours.

        It is fetched whole before the first byte goes out: a body that turns
        out cut or damaged half-way could not be taken back. None when it is
        gone since the HEAD or is not what its metadata say.
        """
        chunks = self._service.store.read(self._key)
        if chunks is None:
            return None
        spool = Spool()
        # It is read back while the response goes out, or not to the end.
        requestscope.at_end(spool.close)
        try:
            for chunk in chunks:
                spool.write(chunk)
            # A disk may turn out full with the last of it.
            spool.complete()
        except SpoolFull as err:
            raise StoreUnavailable("cannot spool: %s" % err)
        if (
            spool.size_bytes != info.size_bytes
            or spool.sha256_hex != info.metadata["sha256"]
        ):
            return None
        return map(self._types.encodedresponse, spool.chunks())

    def _keep(self, data):
        if self._spool is None:
            return
        try:
            self._spool.write(data)
        except SpoolFull as err:
            self._give_up("cannot spool: %s" % err)

    def _fault(self, reason):
        self._log(eventlog.ERROR, reason=reason)
        self._service.health.fault(self._ui, servicemod.LOOKUP, reason)

    def _give_up(self, reason):
        """Go on without the cache: for this response, nothing is stored."""
        size_bytes = self._spool.size_bytes if self._spool is not None else 0
        self._close_spool()
        self._log(eventlog.ERROR, size_bytes, reason=reason)

    def _close_spool(self):
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def _log(self, event, size_bytes=0, seconds=None, via="", reason=""):
        if seconds is None:
            seconds = time.perf_counter() - self._started
        eventlog.log(
            self._ui,
            event,
            self._command,
            self._key,
            size_bytes,
            seconds,
            via,
            reason,
        )


interfaceutil.implementer(repository.iwireprotocolcommandcacher)(ResponseCacher)


def _log_upload(ui, health, command, key, size_bytes, outcome, seconds, reason):
    """Say what became of an upload; called by the uploader, in its thread."""
    eventlog.log(ui, outcome, command, key, size_bytes, seconds, reason=reason)
    if outcome == eventlog.STORED:
        health.fine(ui, servicemod.UPLOAD)
    elif outcome == eventlog.ERROR:
        health.fault(ui, servicemod.UPLOAD, reason)


def makecacher(service, server, types, repo, proto, command, args, **kwargs):
    """A ResponseCacher, or None where nothing can or may be cached."""
    if not service.store.keeps_objects or command not in v2request.COMMANDS:
        return None
    return ResponseCacher(service, server, types, repo, proto, command, args, **kwargs)
