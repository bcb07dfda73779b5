"""Whether the changesets of a bundle have all that they name.

Mercurial's bundles are self-consistent by their hashes only as far as a revision is
what its node says. A changeset may still name a manifest, or that one a revision of a
file, that is nowhere: whoever pulled it would have a repository that fails ``hg
verify``.
"""

from mercurial.node import hex

from . import bundlefile


def check(overlay, content):
    """Raises bundlefile.Unfit; ``content`` is what the bundle holds."""
    manifests = overlay.manifestlog
    storage = manifests.getstorage(b"")
    null = overlay.nullid
    known = dict(content.files)
    for node, p1, _p2, manifest in content.changesets:
        if manifest == null:
            continue
        if not storage.hasnode(manifest):
            raise bundlefile.Unfit(b"changeset %s has no manifest" % hex(node))
        before = manifests[_manifest_of(overlay, p1)].read()
        for path, (new, _old) in manifests[manifest].read().diff(before).items():
            if new[0] is not None and not _has(overlay, known, path, new[0]):
                raise bundlefile.Unfit(
                    b"changeset %s lacks the content of %s" % (hex(node), path)
                )


def _manifest_of(overlay, node):
    return overlay.changelog.read(node)[0]


def _has(overlay, known, path, node):
    nodes = known.get(path)
    if nodes is not None and node in nodes:
        return True
    if overlay.file(path).hasnode(node):
        known.setdefault(path, set()).add(node)
        return True
    return False
