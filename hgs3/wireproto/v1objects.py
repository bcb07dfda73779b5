"""The segments of a repository as the store has them."""

from .. import crossing, eventlog
from ..cache import fitness
from ..cache import key as cachekey
from ..cache.blocks import State
from . import v1history, v1segment

PROTOCOL = "v1"

#: The command of wire protocol version 1 that is answered with segments.
COMMAND = b"getbundle"

CONTENT_TYPE = "application/octet-stream"

#: Beside the metadata of every object.
METADATA = v1segment.Digests.TYPES + ("changesets",)

#: The one more of an object that stands for a segment that cannot be made, and
#: what it begins with when that one would be too large.
UNFIT = "unfit"
TOO_LARGE = "larger than "


def are_wanted(service):
    """Whether there is a store, and segments are to be in it."""
    return (
        service.store.keeps_objects
        and crossing.to_str(COMMAND) in service.settings.commands
    )


class Segments:
    """Those of one view of a repository, ``history`` being that view's.

    ``service`` is a CacheService.
    """

    def __init__(self, service, repo, history):
        self._service = service
        self._ui = repo.ui
        self.history = history
        self.repo_digest = cachekey.repo_digest(service.settings.repo_id or repo.root)
        #: Block to (State, ObjectInfo or None).
        self._found = {}

    def key(self, block):
        """The key of a block's object; None when nothing of it is served."""
        name = self.history.name(block)
        if name is None:
            return None
        return cachekey.object_key(
            self._service.settings.prefix,
            self.repo_digest,
            PROTOCOL,
            crossing.to_str(COMMAND),
            v1history.request_name(name),
        )

    def look(self, blocks, ttl_seconds=None):
        """Find out what the store has of ``blocks``, all at once.

        What is known already is believed for ``ttl_seconds``; None stands for
        ``exists-ttl``. Raises StoreUnavailable.
        """
        if ttl_seconds is None:
            ttl_seconds = self._service.settings.exists_ttl_seconds
        keys = {block: self.key(block) for block in blocks}
        found = self._service.existence.look(
            [key for key in keys.values() if key is not None], ttl_seconds
        )
        for block, key in keys.items():
            info = found.get(key)
            state = State.UNFIT if key is None else self._judge(key, info)
            self._found[block] = state, info

    def state(self, block):
        """The blocks.State of ``block``. Raises StoreUnavailable."""
        if block not in self._found:
            self.look([block])
        return self._found[block][0]

    def info(self, block):
        """The ObjectInfo of a block that is PRESENT."""
        return self._found[block][1]

    def _judge(self, key, info):
        if info is None:
            return State.MISSING
        reason = info.metadata.get(UNFIT, "")
        if reason:
            verdict, _why = self._examine(info, (UNFIT,))
            if verdict == fitness.FIT and not self._fits_now(reason):
                return State.UNFIT
            return State.MISSING
        verdict, why = self._examine(info, METADATA)
        if verdict == fitness.DAMAGED:
            eventlog.log(self._ui, eventlog.DAMAGED, COMMAND, key, reason=why)
        return State.PRESENT if verdict == fitness.FIT else State.MISSING

    def _examine(self, info, more):
        settings = self._service.settings
        return fitness.examine(
            info,
            crossing.to_str(COMMAND),
            self.repo_digest,
            settings.short_urls.lifetime_seconds,
            settings.object_lifetime_seconds,
            more,
        )

    def _fits_now(self, reason):
        """Whether what was too large is no longer, by another setting."""
        if not reason.startswith(TOO_LARGE):
            return False
        limit = reason[len(TOO_LARGE) :].split(" ")[0]
        return not limit.isdigit() or int(limit) < self._service.settings.segment_bytes
