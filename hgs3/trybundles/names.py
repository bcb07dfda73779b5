"""What a client may ask of a try server by name: changesets, phases, bookmarks.

A subclass is put on each repository that is one, so that it is the same for HTTP
and SSH, for single commands and batches, for both versions of the wire protocol and
for a path.
"""

import re
import time

from mercurial import error
from mercurial.i18n import _
from mercurial.node import bin, hex, nullrev

from .. import crossing, eventlog
from ..database.errors import DatabaseError
from . import overlay, scratchbookmarks, trystore

#: How long a client may take from the end of its push to its question for phases.
_RECENT_SECONDS = 3600
#: Of so many bundles: more than come in while a client does that.
_MOST_BUNDLES = 300

#: A root for when there is none: with an empty answer, or one that says that this
#: server publishes, clients would make public what they have just pushed.
_NO_CHANGESET = b"f" * 39 + b"e"

_DRAFT = b"1"

_HEX = re.compile(rb"[0-9a-f]{1,40}\Z")
_FULL = 40


def reposetup(repo):
    """Make ``repo`` a try server."""

    class tryrepo(repo.__class__):
        hgs3_is_try = True

        def lookup(self, key):
            if overlay.is_one(self):
                return super().lookup(key)
            return _lookup(self, key, super().lookup)

        def listkeys(self, namespace):
            if overlay.is_one(self):
                return super().listkeys(namespace)
            return _listkeys(self, namespace, super().listkeys)

        def pushkey(self, namespace, key, old, new):
            return _pushkey(self, namespace, key, old, new)

    repo.__class__ = tryrepo


def _lookup(repo, key, lookup):
    """``lookup(key)``, or else what try has of that name."""
    try:
        node = lookup(key)
    except error.AmbiguousPrefixLookupError:
        # A name comes before the beginning of a hash.
        node = bookmark(repo, key)
        if node is None:
            raise
        return node
    except (error.RepoLookupError, error.LookupError):
        node = find(repo, key)
        if node is None:
            raise
        return node
    digits = prefix_of(node, key)
    if digits is None:
        return node
    return bookmark(repo, key) or _unambiguous(repo, digits, node)


def prefix_of(node, key):
    """The digits of ``key`` if they are the beginning of the hash of ``node``, and not
    all of it; else None. As in Mercurial there may be an ``x`` before them."""
    digits = _digits(key)
    is_one = digits is not None and len(digits) < _FULL
    return digits if is_one and hex(node).startswith(digits) else None


def _digits(key):
    digits = key[1:] if key.startswith(b"x") else key
    return digits if _HEX.match(digits) else None


def is_whole(key):
    """Whether ``key`` is a whole hash. As in Mercurial, no name comes before it."""
    return len(key) == _FULL and _HEX.match(key) is not None


def bookmark(repo, key):
    """The node of a scratch bookmark for which the repository has something else that
    it may mean; None when there is none, or nobody can tell."""
    try:
        return scratchbookmarks.find(trystore.of(repo), key)
    except (DatabaseError, error.Abort):
        # It is what the repository says without us.
        return None


def find(repo, key):
    """The node of a scratch bookmark, or of a changeset in a bundle; None when there
    is none. Raises error.Abort when the database does not say."""
    return find_kind(repo, key)[0]


def find_kind(repo, key):
    """As ``find``, and whether it is that of a bookmark."""
    store = trystore.of(repo)
    with trystore.faults_abort(_(b"cannot look up '%s' in try") % key):
        if is_whole(key):
            is_there = bool(store.index.bundles_of([crossing.to_str(key)]))
            return (bin(key) if is_there else None), False
        node = scratchbookmarks.find(store, key)
        if node is not None:
            return node, True
        digits = _digits(key)
        return (_find_prefix(store, digits) if digits is not None else None), False


def _find_prefix(store, key):
    found = store.index.nodes_with_prefix(crossing.to_str(key))
    if len(found) > 1:
        raise _ambiguous(key)
    return bin(crossing.to_bytes(found[0])) if found else None


def _unambiguous(repo, digits, node):
    """``node``, which is in the repository, and which begins with ``digits``; raises
    AmbiguousPrefixLookupError if something in try does so, too."""
    own = crossing.to_str(hex(node))
    try:
        found = trystore.of(repo).index.nodes_with_prefix(crossing.to_str(digits))
    except (DatabaseError, error.Abort):
        # As for bookmark.
        return node
    if any(other != own for other in found):
        raise _ambiguous(digits)
    return node


def _ambiguous(key):
    return error.AmbiguousPrefixLookupError(
        key, b"00changelog", _(b"ambiguous identifier")
    )


def _listkeys(repo, namespace, listkeys):
    if namespace == b"phases":
        return phases(repo, listkeys(namespace))
    if namespace == b"bookmarks":
        return _bookmarks(repo)
    return listkeys(namespace)


def _bookmarks(repo):
    """Scratch bookmarks, as ``listkeys`` has them; none while the database is away,
    since clients ask for them in each pull of what is in the repository."""
    try:
        return scratchbookmarks.listed(trystore.of(repo))
    except DatabaseError as err:
        reason = str(err)
    except error.Abort as err:
        reason = crossing.to_str(err.message)
    eventlog.log(repo.ui, eventlog.ERROR, b"try", "-", reason=reason)
    return {}


def phases(repo, keys, roots=None):
    """What ``listkeys`` says of phases: ``keys``, what the repository alone would say,
    and draft ``roots`` (nodes), those of the last hour if it is None.

    The server must not be a publishing one: clients would publish what they push.
    """
    keys = dict(keys)
    keys.pop(b"publishing", None)
    try:
        if roots is None:
            texts = trystore.of(repo).index.recent_roots(
                int(time.time()) - _RECENT_SECONDS, _MOST_BUNDLES
            )
            roots = [bin(crossing.to_bytes(text)) for text in texts]
    except (DatabaseError, error.Abort):
        # With its own roots as draft ones, all that a client has stays as it is.
        keys.update((hex(root), _DRAFT) for root in _roots(repo))
        if not keys:
            keys[_NO_CHANGESET] = _DRAFT
        return keys
    # What has become part of the repository has its phase there.
    has_node = repo.changelog.hasnode
    keys.update((hex(root), _DRAFT) for root in roots if not has_node(root))
    if not keys:
        keys[_NO_CHANGESET] = _DRAFT
    return keys


def _roots(repo):
    """The nodes of changesets without a parent. Looks at all of the history, which
    is done while the database is away only."""
    changelog = repo.unfiltered().changelog
    return [
        changelog.node(rev)
        for rev in changelog
        if changelog.parentrevs(rev) == (nullrev, nullrev)
    ]


def _pushkey(repo, namespace, key, old, new):
    """By clients that do not put it into a bundle2, and for phases and
    bookmarks without a changeset. True if it was done."""
    if namespace == b"bookmarks":
        return scratchbookmarks.pushkey(repo, trystore.of(repo), key, old, new)
    if namespace == b"phases" and _has_phase(repo, key, new):
        # A client may believe otherwise while the database is away.
        return True
    repo.ui.warn(_(b"a push to try changes no %s\n") % namespace)
    return False


def _has_phase(repo, key, phase):
    """Whether it is what the repository says of a changeset; both as bytes."""
    try:
        return repo[bin(key)].phase() == int(phase)
    except (error.RepoLookupError, error.LookupError, ValueError, TypeError):
        return False
