"""What the actions share: the bucket, its faults, this repository's objects."""

import contextlib
import time

from mercurial import encoding, error
from mercurial.i18n import _

from .. import crossing
from .. import service as servicemod
from ..cache import key as cachekey
from ..objectstore.base import StoreUnavailable

SECONDS_A_DAY = 24 * 3600


def service_with_store(ui):
    """The CacheService for ``ui``; error.Abort where nothing is stored."""
    service = servicemod.start(ui)
    if not service.settings.store.is_configured:
        raise no_store()
    return service


def no_store():
    return error.Abort(
        _(b"no bucket is configured"),
        hint=_(b"set s3wireprotocache.bucket, or s3wireprotocache.store"),
    )


@contextlib.contextmanager
def store_faults_abort(hint=None):
    """Within: a store that cannot be used ends the command, in one line.

    ``hint()`` is called then, if given, for bytes or None.
    """
    try:
        yield
    except StoreUnavailable as err:
        raise error.Abort(
            _(b"the store cannot be used: %s") % to_local(err.reason),
            hint=hint() if hint is not None else None,
        )


def repo_folder(service, repo):
    """What the keys of this repository's objects begin with; str."""
    settings = service.settings
    return cachekey.repo_folder(
        settings.prefix, cachekey.repo_digest(settings.repo_id or repo.root)
    )


def repo_objects(ui, service, repo):
    """All objects of this repository as a list of ListedObject, with a
    progress bar. Raises StoreUnavailable.

    The whole list, so that a fault is said before the first line is.
    """
    folder = repo_folder(service, repo)
    found = []
    with ui.makeprogress(_(b"listing"), unit=_(b"objects")) as progress:
        for item in service.store.list(folder):
            if not item.key.startswith(folder):
                # What is listed may be deleted: nobody else's, whatever the
                # store makes of a prefix.
                raise StoreUnavailable("the store lists objects that are not asked for")
            found.append(item)
            progress.increment()
    return found


def days_ago(days, hint):
    """What ``--older-than DAYS`` (bytes) means, in seconds since the epoch, which
    nothing is older than."""
    try:
        number = float(days)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise error.InputError(
            _(b"--older-than is not a number of days: '%s'") % days, hint=hint
        )
    return max(0.0, time.time() - number * SECONDS_A_DAY)


def to_local(text):
    """``text`` as bytes in the encoding of the user's terminal."""
    return encoding.tolocal(crossing.to_bytes(text))


def formatter(ui, topic, opts, command=b"s3cache"):
    """Mercurial's formatter for ``-T``; ``topic`` is the action."""
    name = b"%s-%s" % (command, topic)
    return ui.formatter(name, {b"template": opts.get("template")})
