"""A repository with a bundle on top of it, to be read and never written to.

It is Mercurial's own bundle repository (``mercurial.bundlerepo``). As it comes,
that one writes what it finds out about the bundle into the caches of the real
repository, and may lock it; here it cannot.

One overlay has one handle of its bundle: it must not be read by two threads at
once. :class:`Pool` lends each to one at a time.
"""

import contextlib
import errno
import os
import threading

from mercurial import bundlerepo, error, extensions
from mercurial import vfs as vfsmod

from .. import generation
from ..forksafe import ForkSafeLock
from . import basetexts, memory

#: What, beside changesets, changes what an overlay shows: of the store, and of the
#: folder that it is in. Bookmarks are in either.
_STATE_FILES = (b"phaseroots", b"obsstore", b"bookmarks")
_STATE_FILES_BESIDE = (b"bookmarks", b"localtags")

#: Repositories are circles of objects, of a megabyte for each 6,000 changesets or so.
#: They are not left to the collector's own idea of when it is time: that comes after
#: so many changesets, of all that were closed since.
_CHANGESETS_UNTIL_COLLECTED = 100000
#: What one costs that has none, in the same measure.
_CHANGESETS_OF_AN_EMPTY_ONE = 5000

_MODES = frozenset((b"r", b"rb"))

_lock = ForkSafeLock()
_closed_changesets = 0


def make(repo, path):
    """An overlay of ``repo`` and the uncompressed bundle in the file at ``path``
    (bytes), as an unfiltered repository that ``close`` closes.

    Raises error.RevlogError and LookupError for a bundle that does not fit.
    """
    unfiltered = repo.unfiltered()
    overlay = bundlerepo.makebundlerepository(
        unfiltered.baseui.copy(), unfiltered.root, path
    )
    protect(overlay)
    try:
        basetexts.prime(overlay)
    except BaseException:
        close(overlay)
        raise
    return overlay


def is_one(repo):
    """Whether ``repo``, whatever the view, is an overlay."""
    return getattr(repo, "hgs3_is_overlay", False)


def protect_those_of(is_try):
    """From now on, a bundle repository on top of a repository that ``is_try(ui)``
    says yes for cannot be written to, whoever makes it: a hook of the site, for one."""

    def makebundlerepository(orig, ui, repopath, bundlepath):
        repo = orig(ui, repopath, bundlepath)
        if is_try(repo.ui):
            protect(repo)
        return repo

    extensions.wrapfunction(bundlerepo, "makebundlerepository", makebundlerepository)


def protect(repo):
    """Let nobody write to ``repo``, if it is a bundle repository.

    The first one of a process may be made by what is loaded for its sake only then,
    too late for :func:`protect_those_of`.
    """
    if isinstance(repo, bundlerepo.bundlerepository) and not is_one(repo):
        _protect(repo)


def _protect(overlay):
    overlay.cachevfs = _ReadOnlyVfs(overlay.cachevfs)
    overlay.wcachevfs = _ReadOnlyVfs(overlay.wcachevfs)

    class tryoverlay(overlay.__class__):
        hgs3_is_overlay = True

        def lock(self, *args, **kwargs):
            raise _no_lock(b"repository")

        def wlock(self, *args, **kwargs):
            raise _no_lock(b"working directory")

    overlay.__class__ = tryoverlay


def _no_lock(what):
    # What takes locks for caches goes on without, when it gets this one.
    return error.LockUnavailable(errno.EROFS, "it is an overlay", what, what)


def _refused(*_args, **_kwargs):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class _ReadOnlyVfs(vfsmod.proxyvfs):
    """Whoever writes to a cache gets along with an OSError; not so with the Abort
    of Mercurial's own readonlyvfs, which ends a request."""

    def __call__(self, path, mode=b"r", *args, **kwargs):
        if mode not in _MODES:
            _refused()
        return self.vfs(path, mode, *args, **kwargs)

    def join(self, path, *insidef):
        return self.vfs.join(path, *insidef)

    def tryunlink(self, path=None):
        return False

    append = chmod = makedir = makedirs = makelock = mkdir = mkstemp = _refused
    rename = removedirs = rmdir = rmtree = setflags = symlink = _refused
    unlink = unlinkpath = utime = write = writelines = _refused


class Pool:
    """Overlays that are open: at most ``limit`` that nobody uses.

    An overlay shows the repository as it was when it was opened: when that has
    changed, it is of no use.
    """

    def __init__(self, limit):
        self._limit = limit
        # Of a pool that is never used in a forked child.
        self._lock = threading.Lock()
        #: [(key, overlay)], the one that was used last at the end.
        self._idle = []

    def take(self, repo, name, open_bundle):
        """A Lease of an overlay, for the caller alone.

        ``name`` (hashable) is that of the bundle; ``open_bundle(opener)`` calls
        ``opener(path)`` with the path (str) of its file and returns what that
        does.
        """
        key = (repo.unfiltered().root, name, _state(repo))
        overlay = self._found(key)
        if overlay is None:
            overlay = open_bundle(lambda path: make(repo, os.fsencode(path)))
        return Lease(self, key, overlay)

    def _found(self, key):
        stale = []
        try:
            with self._lock:
                for index, (other, overlay) in enumerate(self._idle):
                    if other == key:
                        del self._idle[index]
                        return overlay
                # Of this repository, in a state that it is no longer in.
                stale = [
                    item
                    for item in self._idle
                    if item[0][0] == key[0] and item[0][2] != key[2]
                ]
                self._idle = [item for item in self._idle if item not in stale]
            return None
        finally:
            for _key, overlay in stale:
                close(overlay)

    def _give_back(self, key, overlay):
        with self._lock:
            self._idle.append((key, overlay))
            excess = len(self._idle) - self._limit
            dropped = self._idle[: max(0, excess)]
            del self._idle[: max(0, excess)]
        for _key, dropped_overlay in dropped:
            close(dropped_overlay)


#: Limit to Pool: all repositories of a process with the same limit have one.
_pools = {}


def shared_pool(limit):
    """The Pool of this process with at most ``limit`` idle overlays."""
    with _lock:
        if limit not in _pools:
            _pools[limit] = Pool(limit)
        return _pools[limit]


if hasattr(os, "register_at_fork"):
    # Handles of a parent's overlays are the parent's, too.
    os.register_at_fork(after_in_child=_pools.clear)


class Lease:
    """One use of an overlay; ``repo`` is the overlay, unfiltered."""

    def __init__(self, pool, key, overlay):
        self._pool = pool
        self._key = key
        self.repo = overlay

    def give_back(self):
        """Done with it. May be called again, from any thread."""
        with self._pool._lock:
            overlay, self.repo = self.repo, None
        if overlay is not None:
            self._pool._give_back(self._key, overlay)


def close(overlay):
    """Never raises: nothing is lost with it."""
    global _closed_changesets
    size = _CHANGESETS_OF_AN_EMPTY_ONE
    with contextlib.suppress(Exception):
        size += len(overlay.changelog)
        overlay.close()
    with _lock:
        _closed_changesets += size
        is_time = _closed_changesets >= _CHANGESETS_UNTIL_COLLECTED
        if is_time:
            _closed_changesets = 0
    if is_time:
        memory.collect()


def _state(repo):
    """What must be the same for an overlay to show ``repo`` as it is."""
    unfiltered = repo.unfiltered()
    changelog = unfiltered.changelog
    stats = []
    files = [(unfiltered.svfs, name) for name in _STATE_FILES]
    files += [(unfiltered.vfs, name) for name in _STATE_FILES_BESIDE]
    for vfs, name in files:
        try:
            status = vfs.stat(name)
            stats.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            stats.append(None)
    return len(changelog), changelog.tip(), generation.read(repo), tuple(stats)
