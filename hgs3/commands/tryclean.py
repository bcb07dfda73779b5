"""``hg s3try gc``, ``expire`` and ``migrate``: what is no longer wanted, and tables
that are too old."""

import time

from mercurial import error, util
from mercurial.i18n import _

from ..cache import key as cachekey
from ..objectstore.base import StoreUnavailable
from ..trybundles import trystore
from . import common

#: Of an object that nothing refers to, how long at least: a push stores its object
#: before it is recorded.
_DEFAULT_DAYS = b"1"
#: How long it is remembered that an object was deleted: longer than a push takes.
_REMEMBERED_SECONDS = 7 * common.SECONDS_A_DAY
_BATCH = 1000


def run_gc(ui, repo, opts):
    """Delete objects that no bundle of the database is, or say what ``--yes`` would
    delete."""
    oldest_kept = common.days_ago(
        opts.get("older_than") or _DEFAULT_DAYS, _(b"give a number above 0")
    )
    really = bool(opts.get("yes"))
    with trystore.faults_abort(_(b"cannot collect garbage")):
        store = trystore.of(repo)
        # The listing first: what is recorded meanwhile is then seen.
        garbage = _garbage(ui, store, oldest_kept)
        if really:
            garbage = [item for item in garbage if _delete(store, item)]
            store.index.forget_dooms(int(time.time()) - _REMEMBERED_SECONDS)
    size_bytes = sum(item.size_bytes for item in garbage)
    with common.formatter(ui, b"gc", opts, b"s3try") as fm:
        fm.startitem()
        fm.data(deleted=really, objects=len(garbage), bytes=size_bytes)
        fm.plain(
            (
                _(b"deleted %d objects (%s)\n")
                if really
                else _(b"would delete %d objects (%s)\n")
            )
            % (len(garbage), util.bytecount(size_bytes))
        )
        if garbage and not really:
            fm.plain(_(b"(use --yes to delete them)\n"))
    return 0


def _garbage(ui, store, oldest_kept):
    folder = cachekey.try_folder(store.service.settings.prefix, store.repo_digest)
    found = []
    with ui.makeprogress(_(b"listing"), unit=_(b"objects")) as progress:
        for item in store.service.store.list(folder):
            progress.increment()
            if not item.key.startswith(folder):
                # What is listed may be deleted: nobody else's.
                raise StoreUnavailable("the store lists objects that are not asked for")
            found.append(item)
    known, pending = _known(store.index), set(store.index.pending_dooms())
    return [
        item
        for item in found
        for name in [item.key[len(folder) :]]
        if name not in known
        # Whoever pushes what is doomed stores it anew each time.
        and (item.modified < oldest_kept or name in pending)
        and _is_of_this_database(store, item.key)
    ]


def _is_of_this_database(store, key):
    """A wrong setting, a disk that is not mounted: another database knows nothing of
    what is here, and all would be garbage."""
    info = store.service.store.head(key)
    return info is not None and (
        info.metadata.get(trystore.DATABASE_ID) == store.identity
    )


def _known(index):
    """The digests of all bundles, a set."""
    known, after = set(), 0
    while True:
        found = index.bundles(after, _BATCH)
        known.update(bundle.sha256 for bundle in found)
        if len(found) < _BATCH:
            return known
        after = found[-1].id


def _delete(store, item):
    """Whether it was: not when a push has come in between. From the moment that it
    is doomed, who pushes the same again waits, and then stores it anew."""
    doom = store.index.doom(item.key.rpartition("/")[2])
    if doom is None:
        return False
    store.service.store.delete([item.key])
    store.index.doomed_gone(doom)
    return True


def run_expire(ui, repo, opts):
    """Forget pushes that are older, or say how many ``--yes`` would."""
    days = opts.get("older_than")
    if not days:
        raise error.InputError(
            _(b"s3try expire needs --older-than"), hint=_(b"give a number of days")
        )
    before = int(common.days_ago(days, _(b"give a number above 0")))
    with trystore.faults_abort(_(b"cannot expire pushes")):
        index = trystore.of(repo).index
        if not opts.get("yes"):
            return _say_what_expires(ui, index, before, opts)
        expired = index.expire(before)
    with common.formatter(ui, b"expire", opts, b"s3try") as fm:
        fm.startitem()
        fm.data(
            deleted=True,
            pushes=expired.pushes,
            bundles=expired.bundles,
            bookmarks=expired.bookmarks,
        )
        fm.plain(
            _(b"forgot %d pushes, %d bundles and %d bookmarks\n")
            % (expired.pushes, expired.bundles, expired.bookmarks)
        )
        if expired.bundles:
            fm.plain(_(b"('hg s3try gc' deletes their objects)\n"))
    return 0


def _say_what_expires(ui, index, before, opts):
    count = sum(1 for push in index.pushes() if push.pushed < before)
    with common.formatter(ui, b"expire", opts, b"s3try") as fm:
        fm.startitem()
        fm.data(deleted=False, pushes=count)
        fm.plain(_(b"would forget %d pushes\n(use --yes to do it)\n") % count)
    return 0


def run_migrate(ui, repo, opts):
    """Make the tables of the database, or bring them up to date."""
    with trystore.faults_abort(_(b"cannot migrate the database")):
        store = trystore.of(repo)
        before, after = store.migrate()
    with common.formatter(ui, b"migrate", opts, b"s3try") as fm:
        fm.startitem()
        fm.data(before=before, after=after)
        fm.plain(
            _(b"the tables are those of version %d\n") % after
            if before == after
            else _(b"migrated the tables from version %d to %d\n") % (before, after)
        )
    return 0
