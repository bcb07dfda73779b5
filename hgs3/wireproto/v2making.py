"""A response in the making: teed into a spool on its way to the client.

Whoever else asks for the same thing meanwhile reads that spool, or waits until
it is in the store. So it must not depend on the first client's patience: when
that one takes the response slowly, the rest of it is computed ahead, into the
spool, and the client gets it from there as it can.
"""

import functools
import time

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache import key as cachekey
from ..cache.coalesce import Outcome, StoredBody
from ..cache.spool import Spool
from ..cache.upload import STOPPING, Upload
from ..objectstore.base import CHUNK_BYTES

#: A client that has kept the response waiting for so long, and for this many
#: times as long as it took to compute, is a slow one.
SLOW_SECONDS = 2.0
SLOW_RATIO = 2.0

#: While computing ahead, the client gets a piece this often, so that nothing
#: between it and us takes the silence for a dead connection.
SIGN_OF_LIFE_SECONDS = 5.0


class Making:
    """What the leader has in hand: the spool, its turn and its lease.

    Written by one thread; the spool has to be complete before :meth:`store` or
    :meth:`keep_from_store`. From :meth:`store` on, the uploader has it.
    """

    def __init__(self, turn, lease):
        self.spool = Spool()
        self.turn = turn
        self._lease = lease
        self._started = time.perf_counter()
        self._sending_since = 0.0
        self._waited_seconds = 0.0
        self._sent_bytes = 0
        #: Reads what is still to be sent, once the client turned out slow.
        self._behind = None
        self._next_sign = 0.0
        turn.offer(self.spool)

    def keep(self, data):
        """Put the next piece into the spool; raises SpoolFull."""
        self.spool.write(data)
        self._renew_lease()

    def sending(self):
        """The piece that was kept last is about to go to the client."""
        self._sending_since = time.perf_counter()
        self.turn.sending()

    def sent(self, size_bytes):
        """The client's side has taken that piece."""
        self.turn.sent()
        now = time.perf_counter()
        self._sent_bytes += size_bytes
        self._waited_seconds += now - self._sending_since
        if self._waited_seconds > SLOW_SECONDS:
            computing = now - self._started - self._waited_seconds
            if self._waited_seconds > SLOW_RATIO * computing:
                self._behind = self.spool.reader()
                self._behind.seek(self._sent_bytes)
                self._next_sign = now + SIGN_OF_LIFE_SECONDS

    @property
    def is_ahead(self):
        """Whether pieces are to be kept and not sent: the client is slow."""
        return self._behind is not None

    def sign_of_life(self):
        """What a slow client gets now, if anything."""
        if time.perf_counter() < self._next_sign:
            return
        piece = self._behind.read(CHUNK_BYTES)
        if piece:
            self.turn.sending()
            yield piece
            self.turn.sent()
        self._next_sign = time.perf_counter() + SIGN_OF_LIFE_SECONDS

    def rest(self):
        """What the client has not got yet, when all is computed."""
        behind, self._behind = self._behind, None
        if behind is None:
            return
        try:
            while True:
                piece = behind.read(CHUNK_BYTES)
                if not piece:
                    return
                yield piece
        finally:
            behind.close()

    def _renew_lease(self):
        if self._lease is not None:
            self._lease.renew_if_due()

    def store(self, service, ui, command, key, repo_digest):
        """Hand the finished response over to the uploader."""
        self._renew_lease()
        spool = self.spool
        service.uploader.submit(
            Upload(
                store=service.store,
                key=key,
                spool=spool,
                content_type=cachekey.MEDIA_TYPE,
                metadata=cachekey.metadata(
                    crossing.to_str(command),
                    repo_digest,
                    spool.size_bytes,
                    spool.sha256_hex,
                ),
                busy=self._renew_lease,
                done=functools.partial(
                    self._stored, ui, service.health, command, key, spool.size_bytes
                ),
            )
        )

    def _stored(self, ui, health, command, key, size_bytes, outcome, seconds, reason):
        """Say what became of an upload; called by the uploader, in its thread."""
        is_stored = outcome == eventlog.STORED
        stored = StoredBody(size_bytes, self.spool.sha256_hex) if is_stored else None
        # At the end of the process nobody waits for a store any more: the lease
        # expires by itself.
        self._end(
            Outcome.STORED if is_stored else Outcome.COMPLETE,
            stored,
            releases=reason != STOPPING,
        )
        eventlog.log(ui, outcome, command, key, size_bytes, seconds, reason=reason)
        if is_stored:
            health.fine(ui, servicemod.UPLOAD)
        elif outcome == eventlog.ERROR:
            health.fault(ui, servicemod.UPLOAD, reason)

    def keep_from_store(self):
        """It is whole, but not to be stored; those who wait may have it."""
        self._end(Outcome.COMPLETE)
        self.spool.close()

    def give_up(self):
        """It is of no use to anybody."""
        self._end(Outcome.FAILED)
        self.spool.close()

    def _end(self, outcome, stored=None, releases=True):
        deposed = self.turn.deposed
        self.turn.finish(outcome, stored)
        if self._lease is not None and releases:
            # Who took our place, if anybody, has taken our lease, too.
            self._lease.release(is_surely_ours=not deposed)
