"""``hg s3try verify``: whether the store has all that the database says, undamaged."""

import hashlib
import tempfile

from mercurial.i18n import _

from .. import crossing
from ..objectstore.base import StoreUnavailable
from ..trybundles import bundlefile, trystore
from . import common

_BATCH = 500


def run(ui, repo, opts):
    """A line for each bundle with which something is wrong, and a last one. 1 when
    there is one."""
    bad = total = 0
    with trystore.faults_abort(_(b"cannot verify the bundles")):
        store = trystore.of(repo)
        with common.formatter(ui, b"verify", opts, b"s3try") as fm:
            for bundle in _all(ui, store.index):
                total += 1
                problem = _problem(store, bundle)
                if problem is None:
                    continue
                bad += 1
                fm.startitem()
                fm.data(
                    bundle=crossing.to_bytes(bundle.sha256),
                    changesets=bundle.changesets,
                    problem=common.to_local(problem),
                )
                fm.plain(
                    b"%s: %s\n"
                    % (crossing.to_bytes(bundle.sha256), common.to_local(problem))
                )
            fm.plain(_(b"%d bundles, %d damaged or missing\n") % (total, bad))
    return 1 if bad else 0


def _all(ui, index):
    """All bundles, with a progress bar."""
    after = 0
    with ui.makeprogress(_(b"verifying"), unit=_(b"bundles")) as progress:
        while True:
            found = index.bundles(after, _BATCH)
            for bundle in found:
                yield bundle
                progress.increment()
            if len(found) < _BATCH:
                return
            after = found[-1].id


def _problem(store, bundle):
    """One line (str), or None. Raises StoreUnavailable, DatabaseError."""
    chunks = store.service.store.read(store.key(bundle.sha256))
    if chunks is None:
        # The store in a folder takes one of another length for none.
        return "the object is missing, or cut off"
    digests = {name: hashlib.new(name) for name in bundlefile.DIGEST_TYPES}
    size = 0

    def watched():
        nonlocal size
        for data in chunks:
            size += len(data)
            for digest in digests.values():
                digest.update(data)
            yield data

    with tempfile.NamedTemporaryFile(prefix="hg-s3-try-") as stream:
        try:
            bundlefile.read_object(watched(), stream)
        except (StoreUnavailable, OSError):
            raise
        except Exception as err:
            # The decompressor has exceptions of its own.
            return "the object is damaged (%s)" % type(err).__name__
        stream.flush()
        found = tuple(digests[name].hexdigest() for name in bundlefile.DIGEST_TYPES)
        if found != (bundle.sha1, bundle.sha512) or size != bundle.object_bytes:
            return "the object is not the one that was stored"
        return _problem_of_file(store, bundle, stream)


def _problem_of_file(store, bundle, stream):
    stream.seek(0)
    digest = hashlib.sha256()
    for data in iter(lambda: stream.read(1 << 16), b""):
        digest.update(data)
    if digest.hexdigest() != bundle.sha256:
        return "the content of the object is damaged"
    nodes = bundlefile.nodes(store.ui, stream.name)
    rows = [each.node for each in store.index.changesets_of(bundle.id)]
    if [node.hex() for node in nodes] != rows:
        return "the database has other changesets than the object"
    return None
