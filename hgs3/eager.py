"""Load lazy modules for real before two requests need them at once.

Mercurial loads modules when they are first touched, which keeps ``hg status``
fast. Two threads that touch the same one first race: the second finds it half
made, and its request fails with an AttributeError. A server that starts under
load loses clients that way, to modules of ours and of Mercurial alike.

What has been loaded lazily is loaded for real, and what a function imports from
then on (``wsgiheaders``, for one, in each request) is imported in the ordinary
way, under the locks that Python has for it.

hgwebdir has the garbage collector look at everything after each request, which
takes longer the more is loaded: with boto3, tens of milliseconds. What is loaded
stays until the end, so it is left out of that.
"""

import gc
import importlib
import importlib.util
import pkgutil
import sys

import hgdemandimport

from . import compat
from .forksafe import ForkSafeLock

_lock = ForkSafeLock()
_loaded = False
_boto3_is_spared = False
_threads_may_run = False

#: Of our modules, those that a Mercurial without version 2 cannot load.
_WITH_V2 = ("hgs3.wireproto.v2", "hgs3.trybundles.v2")
#: Others than who has its database may lack it.
_WITH_DRIVER = ("hgs3.database.pgpipeline",)

#: Packages that no thread of a store's touches.
_MERCURIAL = ("mercurial", "hgext", "hgext3rd")


def load_once():
    """Return when no module is lazy any more, nor will be.

    For processes that serve, until their end: it switches demandimport off.
    boto3 is not loaded here: making a store does it, under a lock of its own.
    """
    global _loaded
    if _loaded:
        return
    with _lock:
        if not _loaded:
            with hgdemandimport.deactivated():
                _import_ours()
                _touch_lazy_modules()
                # Within "deactivated", which would enable it again at its end
                # if it had found it enabled later.
                hgdemandimport.disable()
            _spare_the_collector()
            _loaded = True


def load_for_threads():
    """Return when threads may run that use a store, and nothing of Mercurial's.

    For processes that serve one client, as those of SSH do: to load all would
    take them longer than to answer. Switches demandimport off, too.
    """
    global _threads_may_run
    if _loaded or _threads_may_run:
        return
    with _lock:
        with hgdemandimport.deactivated():
            _touch_lazy_modules(but_for=_MERCURIAL)
            hgdemandimport.disable()
        _threads_may_run = True


def boto3_is_loaded():
    """For whoever makes a store with it; matters the first time, to processes
    that serve."""
    global _boto3_is_spared
    if _loaded and not _boto3_is_spared:
        _boto3_is_spared = True
        _spare_the_collector()


def _spare_the_collector():
    """What there is now is not looked for garbage again.

    Not to be done for each request: what of it is in a circle stays for ever.
    """
    gc.collect()
    gc.freeze()


def _import_ours():
    has_v2 = compat.wireprotov2() is not None
    packages = ["hgs3", "hgs3.cache", "hgs3.wireproto"]
    if "hgs3.trybundles.setup" in sys.modules:
        # What it needs is large.
        packages += ["hgs3.database", "hgs3.trybundles"]
    if "hgs3.pushes.setup" in sys.modules:
        packages += ["hgs3.database", "hgs3.pushes"]
    for package in packages:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path, package + "."):
            needs_v2 = module.name.startswith(_WITH_V2)
            if module.ispkg or module.name in _WITH_DRIVER:
                continue
            if has_v2 or not needs_v2:
                importlib.import_module(module.name)


def _touch_lazy_modules(but_for=()):
    for name, module in list(sys.modules.items()):
        if _is_lazy(module) and name.partition(".")[0] not in but_for:
            try:
                vars(module)  # any attribute makes a lazy module load itself
            except ImportError:
                # An optional one, without what it needs. Whoever touches it
                # deals with that; nobody may have to.
                pass


def _is_lazy(module):
    return type(module).__name__ == "_LazyModule"
