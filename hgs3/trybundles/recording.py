"""A push becomes an object, and then rows of the database."""

import contextlib
import dataclasses
import time
import typing
import uuid

from mercurial import error
from mercurial.i18n import _

from .. import crossing
from ..database.errors import (
    BookmarkConflict,
    ObjectDoomed,
    ObjectReplaced,
)
from ..database.records import Changeset, NewBundle
from . import bundlefile

#: How often an object is stored anew that a collection of garbage is about to
#: delete.
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.25


@dataclasses.dataclass
class New:
    """A bundle that was looked at; ``pushed`` is the Pushed that it comes from."""

    path: str
    size_bytes: int
    sha256_hex: str
    content: bundlefile.Content
    pushed: object
    #: LoggedChangesets, where pushes are logged.
    log: typing.Optional[list] = None

    def nodes(self):
        """A frozenset of the nodes of its changesets."""
        return frozenset(node for node, _p1, _p2, _m in self.content.changesets)

    def public(self):
        """The nodes of the changesets that are public at the client."""
        return self._ancestors(self.pushed.public)

    def _ancestors(self, heads):
        found = set(heads)
        # Parents come before their children.
        for node, p1, p2, _manifest in reversed(self.content.changesets):
            if node in found:
                found.update((p1, p2))
        return self.nodes().intersection(found)

    def rows(self):
        """The changesets as the database has them; a list of Changeset."""
        public = self.public()
        drafts = self.nodes() - public
        parents = {
            parent
            for _node, p1, p2, _m in self.content.changesets
            for parent in (p1, p2)
        }
        return [
            Changeset(
                node=node.hex(),
                p1=p1.hex(),
                p2=p2.hex(),
                manifest=manifest.hex(),
                # Of what the client has as drafts, and asks for the phase of.
                is_root=node in drafts and drafts.isdisjoint((p1, p2)),
                is_head=node not in parents,
                claimed_public=node in public,
            )
            for node, p1, p2, manifest in self.content.changesets
        ]


def record(trystore, new, moves, user, sleep=time.sleep):
    """Store the object, then record the push; returns its id.

    Raises StoreUnavailable, DatabaseError, error.PushRaced for a bookmark that
    somebody else has moved, and error.Abort while the object is being deleted.
    """
    rows = new.rows()
    # Of one try, whatever becomes of the connection on the way.
    token = uuid.uuid4().hex
    doom = None
    known = trystore.index.bundle(new.sha256_hex)
    for _attempt in range(_ATTEMPTS):
        object_bytes, digests = trystore.put(
            new.path, new.size_bytes, new.sha256_hex, known
        )
        bundle = NewBundle(
            sha256=new.sha256_hex,
            format=bundlefile.FORMAT,
            size_bytes=new.size_bytes,
            object_bytes=object_bytes,
            sha1=digests["sha1"],
            sha512=digests["sha512"],
        )
        try:
            with _conflict_is_a_race():
                return trystore.index.record_push(
                    bundle,
                    rows,
                    token,
                    user,
                    int(time.time()),
                    rows[-1].node,
                    moves,
                    doom,
                    new.log,
                    known.sha512 if known is not None else "",
                )
        except ObjectDoomed as err:
            # Somebody deletes what nothing refers to, and this was such.
            doom = err.doom_id if err.finished else None
            known = None
            if not err.finished:
                sleep(_PAUSE_SECONDS)
        except ObjectReplaced:
            known = trystore.index.bundle(new.sha256_hex)
    raise error.Abort(
        _(
            b"cannot store the push: 'hg s3try gc' is deleting what the same one has left"
        ),
        hint=_(b"try again later, at the latest in ten minutes"),
    )


def record_bookmarks(trystore, moves):
    """Bookmarks that move without a changeset; raises as :func:`record`."""
    if moves:
        with _conflict_is_a_race():
            trystore.index.record_push(
                None, (), uuid.uuid4().hex, "", int(time.time()), "", moves
            )


@contextlib.contextmanager
def _conflict_is_a_race():
    """Within: a bookmark that is not where the client has seen it."""
    try:
        yield
    except BookmarkConflict as err:
        raise error.PushRaced(
            _(
                b"remote repository changed while pushing - please try again "
                b"(bookmark '%s' has moved)"
            )
            % crossing.to_bytes(err.name)
        )
