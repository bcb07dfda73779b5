"""Overlays of bundles that the store has, and how long an answer keeps them."""

import os
import tempfile

from ..wireproto import requestscope
from . import stitch, trystore


def take(repo, bundles):
    """A Lease of an overlay of ``repo`` and these Bundles, one or more.

    Raises as ``TryStore.with_file``.
    """
    store = trystore.of(repo)
    name = tuple(bundle.sha256 for bundle in bundles)

    def open_bundle(opener):
        if len(bundles) == 1:
            return store.with_file(bundles[0], opener)
        return _stitched(store, repo, list(bundles), [], opener)

    return store.pool.take(repo, name, open_bundle)


def view(overlay, repo):
    """Of the unfiltered ``overlay``, what ``repo`` shows of its repository."""
    return overlay.filtered(repo.filtername) if repo.filtername else overlay


def until_end(leases, chunks):
    """The ``chunks`` of an answer. When all are taken, or the request has ended in
    another way, the overlays that they come from are given back."""

    def give_back():
        for lease in leases:
            lease.give_back()

    # A generator that nobody finishes lives until the garbage is collected.
    requestscope.at_end(give_back)

    def generate():
        try:
            for chunk in chunks:
                yield chunk
        finally:
            give_back()

    return generate()


def _stitched(store, repo, bundles, paths, opener):
    """With the files of all ``bundles`` in ``paths`` (str), as one of them."""
    if bundles:
        return store.with_file(
            bundles[0],
            lambda path: _stitched(store, repo, bundles[1:], paths + [path], opener),
        )
    with tempfile.TemporaryDirectory(prefix="hg-s3-try-") as folder:
        path = os.path.join(folder, "stitched")
        with open(path, "wb") as stream:
            stitch.stitch(repo.ui, paths, stream)
        # Once it is open, it needs no name.
        return opener(path)
