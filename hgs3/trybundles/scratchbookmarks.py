"""Bookmarks that are in the database alone.

The repository's own are hidden from who pushes: a client moves each bookmark that
the server lists and that it has, too, without being asked.
"""

from mercurial import bookmarks, error
from mercurial.i18n import _
from mercurial.node import bin, hex
from mercurial.utils import stringutil

from .. import crossing
from ..database.records import MAX_NAME_LENGTH, UNSTORABLE, BookmarkMove
from . import recording
from .pushed import Pushed, node_of


def moves(repo, trystore, pushed, new_nodes):
    """What a Pushed does to bookmarks, as a list of BookmarkMove.

    ``new_nodes`` are the changesets that it brings. Raises error.Abort for a
    bookmark that cannot be one, and DatabaseError.
    """
    unknown = {
        node
        for node in pushed.bookmarks.values()
        if node is not None
        and node not in new_nodes
        and not repo.changelog.hasnode(node)
    }
    if unknown:
        found = trystore.index.bundles_of([node.hex() for node in sorted(unknown)])
        unknown = {node for node in unknown if node.hex() not in found}
    accepts = _matcher(trystore)
    for name, node in sorted(pushed.bookmarks.items()):
        _check_name(repo, accepts, name)
        if node in unknown:
            raise error.Abort(
                _(b"bookmark '%s' points to %s, which is unknown here")
                % (name, hex(node))
            )
    return [
        BookmarkMove(
            crossing.to_str(name),
            node.hex() if node is not None else "",
            _expected(pushed, name),
        )
        for name, node in sorted(pushed.bookmarks.items())
    ]


def listed(trystore):
    """Name to hexadecimal node, as ``listkeys`` has it. Raises DatabaseError."""
    accepts = _matcher(trystore)
    return {
        name: crossing.to_bytes(node)
        for name, node in (
            (crossing.to_bytes(name), node)
            for name, node in trystore.index.bookmarks().items()
        )
        if accepts(name)
    }


def find(trystore, name):
    """The node of the bookmark ``name``, or None. Raises DatabaseError."""
    text = crossing.to_str(name)
    if not _can_be_stored(text) or not _matcher(trystore)(name):
        return None
    node = trystore.index.bookmark(text)
    return bin(crossing.to_bytes(node)) if node else None


def _matcher(trystore):
    pattern = trystore.settings.bookmarks
    if not pattern:
        return lambda name: False
    return stringutil.stringmatcher(pattern)[2]


def _expected(pushed, name):
    """Where the client has seen it; None (anywhere) for who forces it."""
    if name not in pushed.expected:
        return None
    node = pushed.expected[name]
    return node.hex() if node is not None else ""


def _check_name(repo, accepts, name):
    if not accepts(name) or bookmarks.isdivergent(name):
        raise error.Abort(
            _(b"try does not accept the bookmark '%s'") % name,
            hint=_(b"names must be as the server's s3try.scratch-bookmarks says"),
        )
    if not _can_be_stored(crossing.to_str(name)):
        raise error.Abort(
            _(b"try cannot keep the bookmark '%s'") % name,
            hint=_(b"names are UTF-8 of %d characters at most") % MAX_NAME_LENGTH,
        )
    for namespace, names in (
        (_(b"bookmark"), repo._bookmarks),
        (_(b"tag"), repo.tags()),
        (_(b"branch"), repo.branchmap()),
    ):
        if name in names:
            raise error.Abort(
                _(b"'%s' is a %s of the repository itself") % (name, namespace),
                hint=_(b"choose another name for the bookmark"),
            )


def _can_be_stored(text):
    return (
        0 < len(text) <= MAX_NAME_LENGTH
        and not UNSTORABLE.search(text)
        and not any(char < " " for char in text)
        and text == text.rstrip()
    )


def pushkey(repo, trystore, name, old, new):
    """As ``pushkey`` of the namespace ``bookmarks``: whether it was done."""
    pushed = Pushed("", 0)
    try:
        pushed.bookmarks[name] = node_of(new)
        pushed.expected[name] = node_of(old)
    except ValueError:
        return False
    try:
        recording.record_bookmarks(trystore, moves(repo, trystore, pushed, ()))
    except error.PushRaced:
        return False
    return True
