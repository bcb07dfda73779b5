"""The changegroup of a getbundle answer, by segments from the store.

Wire protocol version 1, which every Mercurial speaks. A bundle2 answer may hold
any number of ``changegroup`` parts and of ``remote-changegroup`` parts, which
name a URL, a size and digests; a client applies them in order, in one
transaction (see ``mercurial.bundle2``, ``handleremotechangegroup``).

Two rules: whatever fails here ends in the answer that the server gives without
us; and a client gets exactly the changesets that it would have got then.
"""

import time

from mercurial import exchange, util
from mercurial.node import hex

from .. import eager, eventlog
from .. import service as servicemod
from ..cache import blocks
from ..forksafe import ForkSafeLock
from ..objectstore.base import StoreResting, StoreUnavailable
from . import (
    remotepart,
    repoproxy,
    s3get,
    v1history,
    v1layout,
    v1objects,
    v1queue,
    v1segment,
)
from .v1segment import Digests

#: Run by us, once for all parts of an answer.
_HOOKS = frozenset((b"preoutgoing", b"outgoing"))


def getbundle_changegroup(
    orig,
    bundler,
    repo,
    source,
    bundlecaps=None,
    b2caps=None,
    heads=None,
    common=None,
    **kwargs,
):
    """Wraps the step ``changegroup`` of ``exchange.getbundle2partsmapping``."""

    def run_orig(repo, heads, common):
        # As Mercurial calls it: others that wrap it count on positions.
        return orig(
            bundler,
            repo,
            source,
            bundlecaps=bundlecaps,
            b2caps=b2caps,
            heads=heads,
            common=common,
            **kwargs,
        )

    answer = None
    if (
        source == b"serve"
        and is_core(orig)
        and remotepart.is_readable(bundlecaps, b2caps, kwargs, Digests.TYPES)
    ):
        answer = _Answer.plan(repo, b2caps, heads or [], common or [])
    if answer is None:
        return run_orig(repo, heads, common)
    return answer.add_to(bundler, run_orig, source)


def is_core(step):
    """Whether ``step`` is Mercurial's own. Another one (that of the narrow
    extension, with its access control) may put less into a changegroup, and
    has to be asked for all of it."""
    return step is exchange._getbundlechangegrouppart


#: Keys of tails that a client would have got.
_missed = util.lrucachedict(1000)
_missed_lock = ForkSafeLock()


class _Answer:
    """What a client gets: ``cover`` says in which parts, ``urls`` (block to
    bytes) where those in the store are."""

    def __init__(self, repo, wanted, history, common):
        self._repo = repo
        self._wanted = wanted
        self._history = history
        self._common = common
        self._cover = None
        self._segments = None
        self._urls = {}
        self._started = time.perf_counter()

    @classmethod
    def plan(cls, repo, b2caps, heads, common):
        """An answer with remote parts, or None; never raises."""
        try:
            service = servicemod.of(repo.ui)
            if not v1objects.are_wanted(service):
                return None
            try:
                return cls._plan(service, repo, b2caps, heads, common)
            except StoreUnavailable as err:
                _log_unavailable(service, repo, err)
        except Exception as err:
            # A fault of ours, or arguments that are wrong: the server says
            # itself what it thinks of them.
            repo.ui.traceback()
            reason = "%s: %s" % (type(err).__name__, err)
            _log(repo, eventlog.ERROR, reason=reason)
        return None

    @classmethod
    def _plan(cls, service, repo, b2caps, heads, common):
        base_url = s3get.base_url(service, repo)
        if base_url is None:
            return None
        # Next what most pulls end with.
        history = v1history.History(repo)
        wanted = history.wanted(heads, common)
        if wanted is None or not v1segment.is_possible(repo):
            return None
        if not remotepart.allows(b2caps, base_url):
            return None
        if not s3get.can_be_asked():
            return None
        answer = cls(repo, wanted, history, common)
        ideal = blocks.ideal(wanted)
        if not ideal:
            return None
        answer._look(service, ideal)
        if not answer._name_urls(service, base_url):
            return None
        return answer

    def _look(self, service, ideal):
        self._segments = v1objects.Segments(service, self._repo, self._history)
        # It looks with several threads.
        eager.load_for_threads()
        # One look for all of them: in most cases it is enough.
        self._segments.look(ideal + blocks.alternatives(ideal))
        self._cover = blocks.cover(self._wanted, ideal, self._segments.state)
        service.health.fine(self._repo.ui, servicemod.LOOKUP)
        missing = self._cover.missing
        # What a tail would be there instead of has been missed, or hit.
        combined = {tail for tail in missing if blocks.is_combined(tail)}
        for block in missing:
            if block not in combined:
                _log(self._repo, eventlog.MISS, self._segments.key(block))
        if self._repo.filtername != v1history.SERVED:
            # Of another view, by server.view. Nobody makes segments of it.
            return
        v1queue.request(
            self._repo,
            [
                block
                for block in missing
                if not blocks.is_tail(block)
                or _was_missed_before(self._segments.key(block))
            ],
        )

    def _name_urls(self, service, base_url):
        """Whether there is a URL for each block, and a block at all."""
        for step in self._cover.steps:
            if step.block is None:
                continue
            url = s3get.url_for(
                service,
                self._repo,
                base_url,
                s3get.SEGMENT,
                self._history.name(step.block),
            )
            if url is None:
                return False
            self._urls[step.block] = url
        return bool(self._urls)

    def add_to(self, bundler, run_orig, source):
        """Add the parts; raises what a hook raises that refuses."""
        repo = self._repo
        repo.hook(b"preoutgoing", throw=True, source=source)
        quiet = repoproxy.WithoutHooks(repo, _HOOKS)
        for step in self._cover.steps:
            if step.block is None:
                self._add_inline(step, quiet, run_orig)
            else:
                self._add_remote(bundler, step.block)
        first = self._history.nodes(self._wanted.revisions[:1])[0]
        repo.hook(b"outgoing", node=hex(first), source=source)

    def _add_inline(self, step, repo, run_orig):
        revisions = list(self._wanted.within(step.start, step.end))
        # What is between these, and nothing else: parents that are not among
        # them the client has, or has got by then.
        run_orig(
            repo,
            self._history.heads(revisions),
            self._common + self._history.bases(revisions),
        )

    def _add_remote(self, bundler, block):
        info = self._segments.info(block)
        remotepart.add(
            bundler,
            self._urls[block],
            info.size_bytes,
            {name: info.metadata[name] for name in Digests.TYPES},
        )
        _log(
            self._repo,
            eventlog.HIT,
            self._segments.key(block),
            info.size_bytes,
            time.perf_counter() - self._started,
            via="redirect",
        )


def _log_unavailable(service, repo, err):
    if isinstance(err, StoreResting):
        _log(repo, eventlog.BYPASSED, reason=err.reason)
    else:
        _log(repo, eventlog.ERROR, reason=err.reason)
        service.health.fault(repo.ui, servicemod.LOOKUP, err.reason)


def _was_missed_before(key):
    """A tail is of use until the next push only: it is made when a second client
    wants it."""
    with _missed_lock:
        known = key in _missed
        _missed[key] = True
    return known


def _log(repo, event, key="-", size_bytes=0, seconds=0.0, via="", reason=""):
    eventlog.log(
        repo.ui, event, v1objects.COMMAND, key, size_bytes, seconds, via, reason
    )


def request_after(repo, tr):
    """Have segments made of what transaction ``tr`` has added to ``repo``.

    Never raises: the transaction is closed.
    """
    try:
        length = len(repo.unfiltered().changelog)
        before = tr.changes.get(b"origrepolen", length)
        if before < length and v1objects.are_wanted(servicemod.of(repo.ui)):
            layout = v1layout.of(repo)
            begin = layout.position(before)
            v1queue.request(repo, list(blocks.complete(layout.end, begin)))
    except Exception as err:
        repo.ui.traceback()
        reason = "%s: %s" % (type(err).__name__, err)
        _log(repo, eventlog.ERROR, reason=reason)
