"""The texts of the manifests that bundles are on top of, kept from overlay to overlay.

Each overlay is a repository of its own, and begins with nothing in memory. The first
manifest of a bundle is a delta against one of the repository, which may itself be the
end of a chain of a thousand deltas. Pushes come on top of a few changesets, again and
again.
"""

import collections

from mercurial import error

from .. import compat
from ..forksafe import ForkSafeLock

#: Of all texts together. One of a repository with 300,000 files has 27 MB or so.
_MOST_BYTES = 32 << 20

_lock = ForkSafeLock()
#: Node to text, the one that was used last at the end. A node says what the text is,
#: whatever the repository.
_texts = collections.OrderedDict()


def prime(overlay):
    """Give ``overlay`` the text that it starts from, if that is known."""
    storage, rev = _base(overlay)
    if storage is None:
        return
    node = storage.node(rev)
    with _lock:
        text = _texts.get(node)
        if text is not None:
            _texts.move_to_end(node)
    if text is not None:
        compat.keep_text(storage, rev, text)


def remember(overlay):
    """Keep the text that ``overlay`` starts from, which is about to be read, for
    other overlays. Raises error.RevlogError for a repository that is damaged."""
    storage, rev = _base(overlay)
    if storage is None:
        return
    node = storage.node(rev)
    with _lock:
        if node in _texts:
            return
    text = bytes(storage.rawdata(rev))
    with _lock:
        _texts[node] = text
        while sum(map(len, _texts.values())) > _MOST_BYTES:
            _texts.popitem(last=False)


def _base(overlay):
    """The manifest log of ``overlay``, and the revision of the manifest of the
    repository that its first changeset is on top of; (None, None) without one."""
    changelog = overlay.changelog
    first = changelog.repotiprev + 1
    if first >= len(changelog):
        return None, None
    storage = overlay.manifestlog.getstorage(b"")
    parent = changelog.changelogrevision(changelog.parentrevs(first)[0])
    try:
        rev = storage.rev(parent.manifest)
    except (LookupError, error.LookupError):
        return None, None
    return (storage, rev) if 0 <= rev <= storage.repotiprev else (None, None)
