"""What keeps the pushes of one repository: a database, a store, local copies.

One object for each repository that a process serves, since hgwebdir makes a new
repository object for each request.
"""

import contextlib
import functools
import hashlib
import os
import tempfile

import hgdemandimport
from mercurial import error, util
from mercurial.i18n import _

from .. import crossing, trysettings
from .. import service as servicemod
from ..cache import key as cachekey
from ..database.errors import (
    DatabaseError,
    DatabaseSettingsError,
    DatabaseUnavailable,
    SchemaTooNew,
    SchemaTooOld,
)
from ..forksafe import ForkSafeLock
from ..objectstore.base import StoreUnavailable
from . import bundlefile, overlay
from .bundlecache import BundleCache, BundleDamaged, BundleUnavailable

CONTENT_TYPE = "application/octet-stream"

#: Part of the metadata of each object.
FORMAT_VERSION = 1

#: In the metadata of an object, which database it is for.
DATABASE_ID = "database"

#: Below the folder in the cache that all of ours is in.
_BUNDLE_FOLDER = "try"

_lock = ForkSafeLock()
#: (Root, settings, settings of the store) to TryStore.
_stores = util.lrucachedict(64)


class TryStore:
    """``settings`` is a TrySettings, ``service`` a CacheService for the store,
    ``pool`` has the overlays."""

    def __init__(self, repo, settings, service):
        self.ui = repo.ui
        self.settings = settings
        self.service = service
        self.repo_digest = cachekey.repo_digest(service.settings.repo_id or repo.root)
        self.pool = overlay.shared_pool(settings.overlays)
        self._database_url = trysettings.database_of(repo, settings.database_url)
        folder = settings.bundle_folder or os.path.join(
            crossing.to_str(repo.cachevfs.join(servicemod.FOLDER_NAME)), _BUNDLE_FOLDER
        )
        self.bundles = BundleCache(
            folder,
            settings.bundle_cache_bytes,
            functools.partial(servicemod.report_once, repo.ui),
        )

    @util.propertycache
    def database(self):
        """Raises DatabaseError."""
        # SQLAlchemy looks for what it needs in ways that lazy modules break.
        with hgdemandimport.deactivated():
            from ..database.engine import open_database

            return open_database(self._database_url)

    @util.propertycache
    def index(self):
        """The TryIndex of the repository. Raises DatabaseError."""
        database = self.database
        with hgdemandimport.deactivated():
            from ..database.tryindex import TryIndex

        return TryIndex(database, self.repo_digest)

    def migrate(self):
        """Bring the tables up to date; (version before, version after)."""
        with hgdemandimport.deactivated():
            from ..database.migrations import migrate
        return migrate(self.database)

    @util.propertycache
    def identity(self):
        """Of the database, beside each object. Raises DatabaseError."""
        return self.index.identity()

    def key(self, sha256):
        return cachekey.try_key(self.service.settings.prefix, self.repo_digest, sha256)

    def put(self, path, size_bytes, sha256, known=None):
        """Store the object of the bundle file at ``path``; returns its size and its
        digests, name to hexadecimal digits. Raises StoreUnavailable, OSError.

        Another compressor makes another object of the same bundle. When the Bundle
        ``known`` is such a one, and in order, it stays: clients that have been told its
        digests may be on their way to it.
        """
        with tempfile.TemporaryFile(prefix="hg-s3-try-") as body:
            digests = bundlefile.write_object(path, body)
            object_bytes = body.tell()
            hexadecimal = {name: each.hexdigest() for name, each in digests.items()}
            if (
                known is not None
                and known.sha512 != hexadecimal["sha512"]
                and self.holds(known)
            ):
                return known.object_bytes, {
                    name: getattr(known, name) for name in bundlefile.DIGEST_TYPES
                }
            self.service.store.put(
                self.key(sha256),
                body,
                object_bytes,
                CONTENT_TYPE,
                {
                    "repo-id": self.repo_digest,
                    "format-version": str(FORMAT_VERSION),
                    "size": str(size_bytes),
                    DATABASE_ID: self.identity,
                },
                hexadecimal["sha256"],
            )
        return object_bytes, hexadecimal

    def holds(self, bundle):
        """Whether the object of a Bundle in the store is the one that the database
        says. Raises StoreUnavailable."""
        chunks = self.service.store.read(self.key(bundle.sha256))
        if chunks is None:
            return False
        size, digest = 0, hashlib.sha512()
        for data in chunks:
            size += len(data)
            digest.update(data)
        return size == bundle.object_bytes and digest.hexdigest() == bundle.sha512

    def fetch(self, sha256, stream):
        """Write the bundle file of the object ``sha256`` to ``stream``. Raises
        StoreUnavailable, BundleDamaged, and what that raises."""
        chunks = self.service.store.read(self.key(sha256))
        if chunks is None:
            raise BundleDamaged(sha256, "it is not in the store")
        try:
            bundlefile.read_object(chunks, stream)
        except (StoreUnavailable, BundleUnavailable, OSError):
            raise
        except Exception as err:
            # The decompressor has exceptions of its own.
            raise BundleDamaged(sha256, "%s: %s" % (type(err).__name__, err))

    def with_file(self, bundle, opener):
        """``opener(path)`` with the path (str) of the file of a Bundle; what it
        returns. Raises as :meth:`fetch`, and BundleUnavailable."""
        return self.bundles.open_with(
            bundle.sha256,
            bundle.size_bytes,
            functools.partial(self.fetch, bundle.sha256),
            opener,
        )


def is_on(repo):
    """Whether pushes into ``repo``, whatever the view, are kept apart from it."""
    return getattr(repo, "hgs3_is_try", False) and not overlay.is_one(repo)


def of(repo):
    """The TryStore of ``repo``; error.Abort for a setting that is wrong."""
    known = vars(repo.unfiltered()).get("_hgs3_trystore")
    if known is not None and known[0] == os.getpid():
        # As long as the repository object lives, its configuration is the same.
        return known[1]
    store = _of(repo)
    vars(repo.unfiltered())["_hgs3_trystore"] = os.getpid(), store
    return store


def _of(repo):
    ui = repo.ui
    settings = trysettings.load(ui)
    service = servicemod.start(trysettings.of_store(ui))
    if not service.store.keeps_objects:
        raise error.Abort(
            _(b"try has no store"),
            hint=_(b"set s3wireprotocache.bucket, or s3try.bucket"),
        )
    key = (repo.root, settings, service.settings)
    with _lock:
        store = _stores.get(key)
        if store is None:
            store = _stores[key] = TryStore(repo.unfiltered(), settings, service)
        return store


@contextlib.contextmanager
def faults_abort(what):
    """Within: what is wrong with the store or the database is an error.Abort that
    says ``what`` (bytes) cannot be done, and what to change."""
    try:
        yield
    except DatabaseUnavailable as err:
        raise _abort(what, err.reason, b"the database", b"s3try.database")
    except DatabaseSettingsError as err:
        raise _abort(what, err.reason, b"the setting", b"s3try.database")
    except (SchemaTooOld, SchemaTooNew) as err:
        raise error.Abort(
            b"%s: %s" % (what, crossing.to_bytes(str(err))),
            hint=_(b"the operator of the server has to bring both together"),
        )
    except DatabaseError as err:
        raise _abort(what, str(err), b"the database", b"s3try.database")
    except StoreUnavailable as err:
        raise _abort(what, err.reason, b"the store", b"s3wireprotocache")
    except BundleUnavailable as err:
        raise _abort(what, str(err), b"the folder", b"s3try.bundle-cache")
    except BundleDamaged as err:
        raise error.Abort(
            b"%s: %s" % (what, crossing.to_bytes(str(err))),
            hint=_(b"tell the operator of the server to run 'hg s3try verify'"),
        )


def _abort(what, reason, place, setting):
    return error.Abort(
        b"%s: %s" % (what, crossing.to_bytes(reason)),
        hint=_(b"try again later; the operator of the server can check %s (%s)")
        % (place, setting),
    )


def _forget():
    _stores.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
