"""The response cacher of wire protocol version 2 (Mercurial 5.9 to 6.0).

The life cycle of a cacher, one for each request, is in the docstring of
``mercurial.interfaces.repository.iwireprotocolcommandcacher``. Two rules of
ours on top of it: a fault of the store or of the disk always ends in the
answer that the server would give without us; and a miss that began is always
followed by exactly one line of the log that says what became of it.
"""

import functools
import time

from mercurial import pycompat
from mercurial.interfaces import repository
from mercurial.interfaces import util as interfaceutil
from mercurial.utils import cborutil

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache import fitness
from ..cache import key as cachekey
from ..cache.search import Alone, Lead, Spooled, Stored
from ..cache.spool import SpoolFull
from ..objectstore.base import StoreResting, StoreUnavailable
from . import redirect, repoproxy, requestscope, v2commands, v2follow
from .v2making import Making

PROTOCOL = "v2"

#: Pieces of a response are put together until they are that large: most are
#: tiny, and what comes after us has work with each. A frame holds 32 KB.
PIECE_BYTES = 32 * 1024

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
        self._request = None
        self._key = "-"
        self._making = None
        self._pieces = []
        self._pieces_bytes = 0
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
        making, self._making = self._making, None
        if making is not None:
            size_bytes = making.spool.size_bytes
            making.give_up()
            self._log(eventlog.DROPPED, size_bytes, reason="response not completed")

    def adjustcachekeystate(self, state):
        self._request = v2commands.REQUESTS[self._command](
            self._server, self._repo, self._proto, self._args
        )
        state.update(self._request.state())
        state[b"hg-s3"] = cachekey.FORMAT_VERSION
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
        return self._request.may_be_served()

    def lookup(self):
        hit = self._search()
        if hit is None:
            return None
        try:
            # Not guarded: the operator's hook may refuse this user.
            self._request.before_hit()
        except Exception:
            self._log(eventlog.DROPPED, reason="refused before it was sent")
            raise
        if hit.via != v2follow.SPOOL:
            self._log(eventlog.HIT, hit.size_bytes, via=hit.via)
        return {b"objs": hit.objs}

    def _log_spooled(self, size_bytes, is_whole):
        # Its size is known only now, at its end.
        if is_whole:
            self._log(eventlog.HIT, size_bytes, via=v2follow.SPOOL)
        else:
            self._log(eventlog.DROPPED, size_bytes, reason="response not completed")

    @_fails_open(None)
    def _search(self):
        """A v2follow.Hit, or None when the command has to run."""
        redirectable = redirect.is_possible(
            self._proto._req, self._service.store, self._redirecttargets
        )
        search = self._service.search(
            self._repo,
            self._key,
            self._examine,
            # Others read along while it is made, but for what could not be made
            # once more if that fails.
            redirectable or not self._request.is_repeatable,
            self._answered,
            self._missed,
            self._unfit,
        )
        try:
            found = search.run()
            if isinstance(found, Stored):
                if redirectable and self._is_worth_it(found.info):
                    return self._redirect(found.info)
                hit = self._inline(found.info)
                if hit is not None:
                    return hit
                found = search.run_without_store("its body is not what was stored")
        except StoreResting as err:
            self._log(eventlog.BYPASSED, reason=err.reason)
            return None
        except StoreUnavailable as err:
            self._log(eventlog.ERROR, reason=err.reason)
            self._service.health.fault(self._ui, servicemod.LOOKUP, err.reason)
            return None
        return self._hit_of(found)

    def _hit_of(self, found):
        if isinstance(found, Stored):
            # By now, for a client that could not read what was there before.
            return self._inline(found.info)
        if isinstance(found, Spooled):
            requestscope.at_end(found.turn.leave)
            return v2follow.from_spool(
                found, self._types, self._run_command, self._log_spooled
            )
        if isinstance(found, Lead):
            self._making = Making(found.turn, found.lease)
        elif isinstance(found, Alone):
            self._log(eventlog.BYPASSED, reason=found.reason)
        return None

    def _examine(self, info):
        settings = self._service.settings
        return fitness.examine(
            info,
            crossing.to_str(self._command),
            self._repo_digest,
            settings.url_lifetime_seconds,
            settings.object_lifetime_seconds,
        )

    def _answered(self):
        self._service.health.fine(self._ui, servicemod.LOOKUP)

    def _missed(self, reason):
        self._log(eventlog.MISS, reason=reason)
        self._service.count(self._repo, self._key)

    def _unfit(self, verdict, reason):
        if verdict == fitness.DAMAGED:
            self._log(eventlog.DAMAGED, reason=reason)

    def _is_worth_it(self, info):
        return info.size_bytes >= self._service.settings.minimum_object_bytes

    def _redirect(self, info):
        url = self._service.store.presign_get(
            self._key, self._service.settings.url_lifetime_seconds
        )
        location = self._types.alternatelocationresponse(
            url=crossing.to_bytes(url),
            mediatype=crossing.to_bytes(cachekey.MEDIA_TYPE),
            size=info.size_bytes,
        )
        return v2follow.Hit(v2follow.REDIRECT, info.size_bytes, [location])

    def _inline(self, info):
        return v2follow.from_store(self._service.store, self._key, info, self._types)

    def onobject(self, obj):
        """Pass an object on, with its encoding teed into the spool.

        It goes out encoded, since that was done for the spool already.
        """
        if self._making is not None and isinstance(
            obj, self._types.alternatelocationresponse
        ):
            # Not ours: another extension sends the client elsewhere.
            self._give_up("the command answered with a redirect")
        if self._making is None:
            for piece in self._flush():
                yield piece
            yield obj
            return
        for data in self._encoded(obj):
            if len(data) > LARGE_BYTES:
                # A whole file, may be: not to be copied.
                for piece in self._flush():
                    yield piece
            self._pieces.append(data)
            self._pieces_bytes += len(data)
            if self._pieces_bytes >= PIECE_BYTES:
                for piece in self._flush():
                    yield piece

    def onfinished(self):
        for piece in self._flush():
            yield piece
        making = self._making
        if making is not None:
            self._hand_over()
            for piece in making.rest():
                yield self._types.encodedresponse(piece)

    def _flush(self):
        """Keep what was put together, and send it on."""
        if not self._pieces:
            return
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._pieces_bytes = 0
        making = self._making
        if making is not None and not self._keep(data):
            # From now on without us, but for what a slow client still lacks.
            for piece in making.rest():
                yield self._types.encodedresponse(piece)
            making = None
        if making is None:
            yield self._types.encodedresponse(data)
        elif making.is_ahead:
            for piece in making.sign_of_life():
                yield self._types.encodedresponse(piece)
        else:
            making.sending()
            yield self._types.encodedresponse(data)
            making.sent(len(data))

    @_fails_open(None)
    def _hand_over(self):
        """Decide what becomes of a response that is complete."""
        # Ours to give up until it is somebody else's: a leader that just went
        # away would be waited for.
        making = self._making
        size_bytes = making.spool.size_bytes
        try:
            making.spool.complete()
        except SpoolFull as err:
            self._give_up("cannot spool: %s" % err)
            return
        event, reason = None, ""
        if not self._request.is_still_true():
            # Of the repository as it is now, which those who wait may have.
            event, reason = eventlog.DROPPED, "the repository has changed"
        elif size_bytes < self._service.settings.minimum_object_bytes:
            event = eventlog.SKIPPED_SMALL
        elif not self._service.admits(self._repo, self._key):
            event = eventlog.SKIPPED_RARE
        if event is None:
            making.store(
                self._service, self._ui, self._command, self._key, self._repo_digest
            )
        else:
            making.keep_from_store()
            self._log(event, size_bytes, reason=reason)
        self._making = None

    def _encoded(self, obj):
        types = self._types
        if isinstance(obj, types.encodedresponse):
            return (obj.data,)
        if isinstance(obj, types.indefinitebytestringresponse):
            # Its chunks can be read only once, and may be many.
            return cborutil.streamencodebytestringfromiter(obj.chunks)
        if isinstance(obj, bytes) and len(obj) > LARGE_BYTES:
            # A header and the very same bytes.
            return self._encodefn(obj)
        return (b"".join(self._encodefn(obj)),)

    def _run_command(self):
        """What the command answers, encoded, as a generator of bytes.

        Its hook has run already, for the part that was sent.
        """
        command = self._server.COMMANDS[self._command].func
        repo = repoproxy.WithoutHooks(self._repo, (b"preoutgoing",))
        for obj in command(repo, self._proto, **pycompat.strkwargs(self._args)):
            for data in self._encoded(obj):
                yield data

    def _keep(self, data):
        try:
            self._making.keep(data)
        except SpoolFull as err:
            self._give_up("cannot spool: %s" % err)
            return False
        return True

    def _give_up(self, reason):
        """Go on without the cache: for this response, nothing is stored."""
        making, self._making = self._making, None
        size_bytes = 0
        if making is not None:
            size_bytes = making.spool.size_bytes
            making.give_up()
        self._log(eventlog.ERROR, size_bytes, reason=reason)

    def _log(self, event, size_bytes=0, via="", reason=""):
        eventlog.log(
            self._ui,
            event,
            self._command,
            self._key,
            size_bytes,
            time.perf_counter() - self._started,
            via,
            reason,
        )


interfaceutil.implementer(repository.iwireprotocolcommandcacher)(ResponseCacher)


def makecacher(service, server, types, repo, proto, command, args, **kwargs):
    """A ResponseCacher, or None where nothing can or may be cached."""
    if not service.store.keeps_objects or command not in v2commands.REQUESTS:
        return None
    if crossing.to_str(command) not in service.settings.commands:
        return None
    return ResponseCacher(service, server, types, repo, proto, command, args, **kwargs)


def is_ours(cacher):
    return isinstance(cacher, ResponseCacher)
