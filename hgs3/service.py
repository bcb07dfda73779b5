"""What one server process shares: its stores, one uploader.

Mercurial makes a new repository object for many requests (hgwebdir makes one
for each); what is costly to make must outlive them.
"""

import atexit
import functools
import os
import threading

import hgdemandimport
from mercurial import error, util
from mercurial.i18n import _

from . import crossing, eager, urlsecret
from . import settings as settingsmod
from .cache import key as cachekey
from .cache.admission import Occurrences
from .cache.coalesce import Coalescer
from .cache.existence import Existence
from .cache.lease import Leases
from .cache.search import Search
from .cache.upload import Uploader
from .forksafe import ForkSafeLock
from .objectstore.base import StoreResting, StoreSettingsError, StoreUnavailable
from .objectstore.breaker import BreakerStore
from .objectstore.filesettings import FileSettings
from .objectstore.null import NullStore
from .objectstore.s3settings import S3Settings

#: What a store can be out of order for.
LOOKUP = "look-up"
UPLOAD = "upload"

#: Where the processes of a host find each other, below .hg/cache.
FOLDER_NAME = b"hg-s3"

_lock = ForkSafeLock()
#: Settings to Backend. Bounded: a session token that is rotated makes new
#: settings each time.
_backends = util.lrucachedict(32)
#: Folder to (Coalescer, Occurrences).
_hosts = {}
_uploader = None
_complaints = set()


class Backend:
    """A store with what goes with it: its health, its leases, what it is known
    to have."""

    def __init__(self, store, health, leases):
        self.store = store
        self.health = health
        self.leases = leases
        self.existence = Existence(store)


class CacheService:
    """The settings of one repository with what they lead to.

    ``settings`` is a CacheSettings, ``store`` an ObjectStore.
    """

    def __init__(self, settings, backend):
        self.settings = settings
        self.store = backend.store
        self.health = backend.health
        self.existence = backend.existence
        self._leases = backend.leases

    def search(self, repo, key, examine, patient, answered, missed, unfit):
        """A Search for the object at ``key``; its docstring says the rest."""
        coalescer, _occurrences = _host(repo)
        if not self.settings.coalesce_timeout_seconds:
            # Nobody meets anybody in one of one's own.
            coalescer = Coalescer(None, lambda line: None)
        return Search(
            self.store,
            coalescer,
            self._leases,
            key,
            examine,
            patient,
            self.settings.coalesce_timeout_seconds,
            answered,
            missed,
            unfit,
        )

    def lead(self, repo, key):
        """(Turn, Lease) for who is to make the object at ``key`` now; None while
        another one is at it. Raises StoreUnavailable."""
        coalescer, _occurrences = _host(repo)
        turn = coalescer.enter(key)
        lease = None
        try:
            if turn.leads:
                lease = self._leases.acquire(cachekey.lease_key(key), turn.host)
        finally:
            if lease is None:
                turn.leave()
        return None if lease is None else (turn, lease)

    def count(self, repo, key):
        """Somebody asks for ``key``, which is not in the store."""
        if self.settings.min_occurrences:
            _coalescer, occurrences = _host(repo)
            occurrences.count(key)

    def admits(self, repo, key):
        """Whether ``key`` has been asked for often enough to be stored."""
        if not self.settings.min_occurrences:
            return True
        _coalescer, occurrences = _host(repo)
        # The first time it was asked for is no repetition.
        return occurrences.seen(key) > self.settings.min_occurrences

    @property
    def uploader(self):
        """This process's only Uploader; made when it is first needed."""
        global _uploader
        with _lock:
            if _uploader is None:
                _uploader = Uploader()
                atexit.register(_drain, _uploader)
            return _uploader


class Health:
    """Says once that a store is out of order, and once that it is back.

    Look-ups and uploads fail apart: with a bucket that is missing, or that may
    only be read, every look-up is fine and no upload is.
    """

    def __init__(self, description):
        self._description = crossing.to_bytes(description)
        self._lock = threading.Lock()
        self._failing = set()

    def fault(self, ui, kind, reason):
        """``kind`` is LOOKUP or UPLOAD, ``reason`` one line."""
        with self._lock:
            first = not self._failing
            self._failing.add(kind)
        if first:
            _tell(
                ui,
                _(
                    b"warning: s3wireprotocache: %s cannot be used, "
                    b"serving without the cache until it can: %s\n"
                )
                % (self._description, crossing.to_bytes(reason)),
            )

    def fine(self, ui, kind):
        if kind not in self._failing:
            return  # as nearly always, without the lock
        with self._lock:
            last = self._failing == {kind}
            self._failing.discard(kind)
        if last:
            _tell(
                ui,
                _(b"s3wireprotocache: %s can be used again\n") % self._description,
            )


def _tell(ui, message):
    """Say something to whoever looks at the server's terminal, if it can be."""
    try:
        ui.warn(message)
        ui.flush()
    except (OSError, error.Abort):
        # A terminal that is gone, a log on a full disk: what was to be said is
        # less than the request, or the thread, that says it.
        return


def start(ui):
    """The service for ``ui`` at the start of a server.

    Raises error.Abort for a setting that is wrong.
    """
    settings = settingsmod.remembered(ui)
    with _lock:
        return CacheService(settings, _backend(ui, settings))


def of(ui):
    """The service for ``ui`` while a server is running.

    A bad setting (of a repository that hgwebdir found after the start, of a
    WSGI application) is said once and leaves the server uncached.
    """
    try:
        return start(ui)
    except error.Abort as err:
        _complain_once(ui, err)
        return OFF


def probe(ui, service):
    """Warn if the store of ``service`` cannot be used; never raises."""
    try:
        service.store.probe()
    except StoreResting:
        return  # it has been said already
    except StoreUnavailable as err:
        # Nothing is known of either; each clears its own.
        service.health.fault(ui, LOOKUP, err.reason)
        service.health.fault(ui, UPLOAD, err.reason)


def _backend(ui, settings):
    key = (
        settings.store,
        settings.breaker_failures,
        settings.breaker_rest_seconds,
        settings.lease_seconds,
    )
    if key not in _backends:
        store = _make_store(settings.store)
        if settings.breaker_failures and store.keeps_objects:
            store = BreakerStore(
                store, settings.breaker_failures, settings.breaker_rest_seconds
            )
        _backends[key] = Backend(
            store,
            Health(settings.store.description),
            Leases(store, settings.lease_seconds, functools.partial(_report, ui)),
        )
    return _backends[key]


def url_secret(service, repo):
    """The secret of the short URLs of ``repo``; None when there can be none."""
    return urlsecret.of(
        service.settings,
        _host_folder(repo),
        functools.partial(report_once, repo.ui),
    )


def _host_folder(repo):
    return os.fsdecode(repo.cachevfs.join(FOLDER_NAME))


def _host(repo):
    """(Coalescer, Occurrences) of all that serve ``repo`` on this host."""
    folder = _host_folder(repo)
    with _lock:
        if folder not in _hosts:
            report = functools.partial(_report, repo.ui)
            _hosts[folder] = (
                Coalescer(folder, report),
                Occurrences(os.path.join(folder, "occurrences"), report),
            )
        return _hosts[folder]


def _report(ui, line):
    """Say something that changes how the cache works, and is said once."""
    _tell(ui, b"s3wireprotocache: %s\n" % crossing.to_bytes(line))


def report_once(ui, line):
    """Say a line (str, without secrets), unless this process has said it."""
    with _lock:
        said = line in _complaints
        _complaints.add(line)
    if not said:
        _report(ui, line)


def _make_store(settings):
    if not settings.is_configured:
        return NullStore()
    # boto3 imports and probes in ways that lazy modules break, and Mercurial's
    # lazy modules race when two requests load the same one first.
    with hgdemandimport.deactivated():
        try:
            return _STORE_MAKERS[type(settings)](settings)
        except StoreSettingsError as err:
            raise settingsmod.store_settings_abort(err)


def _make_s3_store(settings):
    try:
        from .objectstore.s3 import S3Store
    except ImportError as err:
        raise error.Abort(
            _(b"s3wireprotocache cannot load boto3: %s") % crossing.to_bytes(str(err)),
            hint=_(b"install boto3 into the Python that runs this Mercurial"),
        )
    store = S3Store(settings)
    eager.boto3_is_loaded()
    return store


def _make_file_store(settings):
    from .objectstore.file import FileStore

    return FileStore(settings)


#: Each kind of store is imported when it is used, and no other.
_STORE_MAKERS = {S3Settings: _make_s3_store, FileSettings: _make_file_store}


def _complain_once(ui, err):
    with _lock:
        said = err.message in _complaints
        _complaints.add(err.message)
    if not said:
        _tell(
            ui,
            _(b"warning: %s\n(%s; serving without the cache until then)\n")
            % (err.message, err.hint or b"correct the setting"),
        )


def _drain(uploader):
    try:
        uploader.drain()
    except (KeyboardInterrupt, error.SignalInterrupt):
        # A second signal: whoever stops the server is out of patience.
        uploader.drain(0)


def _forget():
    """A forked child has neither the threads nor a right to the sockets."""
    global _uploader
    # What is queued is the parent's to store, and its threads to wait for.
    atexit.unregister(_drain)
    _backends.clear()
    _hosts.clear()
    _uploader = None


OFF = CacheService(None, Backend(NullStore(), Health(""), None))

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
