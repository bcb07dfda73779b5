"""Make segments that the store lacks, where no client waits for them."""

import dataclasses
import hashlib
import io
import sys
import time

from mercurial import error

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache import key as cachekey
from ..cache.blocks import State
from ..cache.coalesce import Outcome
from ..cache.spool import Spool, SpoolError
from ..objectstore.base import StoreResting, StoreUnavailable
from . import v1deltas, v1objects, v1segment

#: Why a segment is not made here.
ELSEWHERE = "another one makes it"


class Stopped(Exception):
    """The process ends."""


@dataclasses.dataclass
class Made:
    """What became of a segment. ``event`` is one of eventlog's: STORED, HIT (it
    was there), DROPPED, BYPASSED, ERROR; ``reason`` one line."""

    event: str
    key: str
    size_bytes: int = 0
    reason: str = ""


class Maker:
    """Makes segments of ``repo``, the served view, one at a time.

    ``segments`` is a v1objects.Segments of the same view. ``check()`` is called
    now and then, and raises Stopped to have it given up.
    """

    def __init__(self, service, repo, segments, check=lambda: None):
        self._service = service
        self._repo = repo
        self._segments = segments
        self._check = check
        self._beginnings = v1deltas.Beginnings()

    def make(self, block):
        """Make and store the segment of ``block``; returns Made, and logs it.

        Only Stopped is raised.
        """
        started = time.perf_counter()
        key = self._segments.key(block)
        if key is None:
            return Made(eventlog.DROPPED, "-", reason="nothing of it is served")
        try:
            made = self._make_once(block, key)
        except StoreResting as err:
            made = Made(eventlog.BYPASSED, key, reason=err.reason)
        except StoreUnavailable as err:
            made = Made(eventlog.ERROR, key, reason=err.reason)
            self._service.health.fault(self._repo.ui, servicemod.UPLOAD, err.reason)
        except SpoolError as err:
            made = Made(eventlog.ERROR, key, reason="cannot spool: %s" % err)
        except (error.Error, LookupError, OSError) as err:
            # Of the repository, which may be changed or damaged meanwhile.
            self._repo.ui.traceback()
            made = Made(eventlog.ERROR, key, reason="cannot be made: %s" % err)
        if made.event != eventlog.HIT:
            eventlog.log(
                self._repo.ui,
                made.event,
                v1objects.COMMAND,
                key,
                made.size_bytes,
                time.perf_counter() - started,
                reason=made.reason,
            )
        return made

    def _make_once(self, block, key):
        """Unless another thread, process or host is at it."""
        lead = self._service.lead(self._repo, key)
        if lead is None:
            return Made(eventlog.BYPASSED, key, reason=ELSEWHERE)
        turn, lease = lead
        outcome = Outcome.FAILED
        try:
            # The leader before may have stored it meanwhile.
            self._segments.look([block], ttl_seconds=0)
            if self._segments.state(block) is State.PRESENT:
                info = self._segments.info(block)
                outcome = Outcome.STORED
                return Made(eventlog.HIT, key, info.size_bytes)
            made = self._make(block, key, lease)
            if made.event == eventlog.STORED:
                outcome = Outcome.STORED
                self._service.health.fine(self._repo.ui, servicemod.UPLOAD)
            return made
        finally:
            self._service.existence.forget(key)
            turn.finish(outcome)
            lease.release()

    def _make(self, block, key, lease):
        try:
            spool, metadata = self._spooled(block, lease)
        except v1segment.Unfit as err:
            self._note_unfit(key, str(err))
            return Made(eventlog.DROPPED, key, reason=str(err))
        try:
            with spool.reader() as body:
                body.on_read = lease.renew_if_due
                self._service.store.put(
                    key,
                    body,
                    spool.size_bytes,
                    v1objects.CONTENT_TYPE,
                    metadata,
                    spool.sha256_hex,
                )
            return Made(eventlog.STORED, key, spool.size_bytes)
        finally:
            spool.close()

    def _spooled(self, block, lease):
        """(Spool with the whole bundle, metadata). Raises Unfit, SpoolError."""
        limit = min(self._service.settings.segment_bytes, self._room_bytes())
        digests = v1segment.Digests()
        history = self._segments.history
        spool = Spool()
        is_whole = False
        try:
            for data in v1segment.chunks(self._repo, history, block, self._beginnings):
                self._check()
                lease.renew_if_due()
                spool.write(data)
                digests.update(data)
                if spool.size_bytes > limit:
                    raise v1segment.Unfit("%s%d bytes" % (v1objects.TOO_LARGE, limit))
            spool.complete()
            is_whole = True
        finally:
            if not is_whole:
                spool.close()
        metadata = self._metadata(spool.size_bytes, spool.sha256_hex)
        metadata.update(digests.metadata())
        metadata["changesets"] = str(len(history.revisions(block)))
        return spool, metadata

    def _room_bytes(self):
        """What a store of limited size could take at most."""
        return getattr(self._service.settings.store, "limit_bytes", 0) or sys.maxsize

    def _note_unfit(self, key, reason):
        """Store that it cannot be made, so that nobody tries again."""
        sha256_hex = hashlib.sha256(b"").hexdigest()
        metadata = self._metadata(0, sha256_hex)
        metadata[v1objects.UNFIT] = reason
        self._service.store.put(
            key, io.BytesIO(), 0, v1objects.CONTENT_TYPE, metadata, sha256_hex
        )

    def _metadata(self, size_bytes, sha256_hex):
        return cachekey.metadata(
            crossing.to_str(v1objects.COMMAND),
            self._segments.repo_digest,
            size_bytes,
            sha256_hex,
        )
