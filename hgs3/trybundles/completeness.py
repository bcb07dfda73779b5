"""Whether the changesets of a bundle have all that they name.

Mercurial's bundles are self-consistent by their hashes only as far as a revision is
what its node says. A changeset may still name a manifest, or that one a revision of a
file, that is nowhere: whoever pulled it would have a repository that fails ``hg
verify``.

Or it is in the repository, but came with a changeset that is not below the bundle, as
when a change is made on two branches. A client that pushes leaves out what it knows
that the server has. Another one that pulls need not have it.
"""

from mercurial import bundle2, changegroup, discovery
from mercurial.node import hex

from ..wireproto import repoproxy
from . import basetexts, bundlefile

#: What each revision is a delta against is said in it.
_VERSION = b"02"

_HOOKS = frozenset((b"preoutgoing",))


def check(overlay, content):
    """Whether all comes with the bundle, or with what is below it; otherwise
    :func:`write_whole` has to be used. Raises bundlefile.Damaged for what is nowhere;
    ``content`` is what the bundle holds."""
    manifests = overlay.manifestlog
    storage = manifests.getstorage(b"")
    below = _Below(overlay, content)
    null = overlay.nullid
    # What has been read since is in its place.
    basetexts.prime(overlay)
    for node, p1, _p2, manifest in content.changesets:
        if manifest == null:
            continue
        if not storage.hasnode(manifest):
            raise bundlefile.Damaged(b"changeset %s has no manifest" % hex(node))
        if manifest not in content.manifests:
            below.look_at(storage, manifest)
        before = manifests[_manifest_of(overlay, p1)].read()
        for path, (new, _old) in manifests[manifest].read().diff(before).items():
            if new[0] is None or new[0] in content.files.get(path, ()):
                continue
            file_storage = overlay.file(path)
            if not file_storage.hasnode(new[0]):
                raise bundlefile.Damaged(
                    b"changeset %s lacks the content of %s" % (hex(node), path)
                )
            below.look_at(file_storage, new[0])
    return below.has_all


class _Below:
    """What changesets below a bundle have brought."""

    def __init__(self, overlay, content):
        changelog = overlay.changelog
        self._ancestors = changelog.ancestors(
            [changelog.rev(node) for node in bases(overlay, content)], inclusive=True
        )
        self.has_all = True

    def look_at(self, storage, node):
        """A revision of the repository's. It may have come several times, of which
        one is known; so it may be called missing when it is not."""
        if self.has_all:
            self.has_all = storage.linkrev(storage.rev(node)) in self._ancestors


def write_whole(overlay, content, path):
    """Write a bundle file to ``path`` (str): that of ``content``, and what it lacks."""
    parents = {p for _node, p1, p2, _m in content.changesets for p in (p1, p2)}
    heads = [node for node, _p1, _p2, _m in content.changesets if node not in parents]
    outgoing = discovery.outgoing(overlay, bases(overlay, content), heads)
    # Mercurial looks at each revision whether a changeset that is sent has it.
    data = changegroup.makestream(
        repoproxy.WithoutHooks(overlay, _HOOKS), outgoing, _VERSION, b"push"
    )
    bundler = bundle2.bundle20(overlay.ui)
    part = bundler.newpart(b"changegroup", data=data)
    part.addparam(b"version", _VERSION)
    with open(path, "wb") as stream:
        for chunk in bundler.getchunks():
            stream.write(chunk)


def bases(overlay, content):
    """The nodes (a list) that a bundle is on top of."""
    own = {node for node, _p1, _p2, _m in content.changesets}
    parents = {p for _node, p1, p2, _m in content.changesets for p in (p1, p2)}
    return sorted(parents.difference(own, (overlay.nullid,)))


def _manifest_of(overlay, node):
    return overlay.changelog.read(node)[0]
