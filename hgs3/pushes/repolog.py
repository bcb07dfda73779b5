"""The log of the pushes into one repository, and what can be wrong with it."""

import contextlib
import os

import hgdemandimport
from mercurial import error, util
from mercurial.i18n import _

from .. import crossing, pushlogsettings, trysettings
from ..cache import key as cachekey
from ..database.errors import (
    DatabaseError,
    DatabaseSettingsError,
    DatabaseUnavailable,
    SchemaTooNew,
    SchemaTooOld,
)


class RepoLog:
    """``settings`` is a PushlogSettings."""

    def __init__(self, repo, settings):
        self.settings = settings
        self.digest = cachekey.repo_digest(settings.repo_id or _root(repo))
        self._database_url = trysettings.database_of(repo, settings.database_url)

    @util.propertycache
    def database(self):
        """Raises DatabaseError."""
        # SQLAlchemy looks for what it needs in ways that lazy modules break.
        with hgdemandimport.deactivated():
            from ..database.engine import open_database

            return open_database(self._database_url)

    @util.propertycache
    def log(self):
        """The PushLog. Raises DatabaseError."""
        database = self.database
        with hgdemandimport.deactivated():
            from ..database.pushlog import PushLog

        return PushLog(database, self.digest)

    def migrate(self):
        """Bring the tables up to date; (version before, version after)."""
        with hgdemandimport.deactivated():
            from ..database.migrations import migrate
        return migrate(self.database)


def _root(repo):
    """The path that a repository is known by where nothing else is said; bytes."""
    if is_try(repo):
        return repo.root
    # Those that share a store have one log, since its changesets are in all of them.
    return os.path.dirname(repo.sharedpath)


def is_on(repo):
    """Whether pushes into ``repo``, whatever the view, are logged."""
    return getattr(repo, "hgs3_has_pushlog", False)


def show_on_pages(overlay, repo):
    """Have pages of ``overlay`` lead to the log of ``repo``, if it has one. The overlay
    has none itself."""
    overlay.unfiltered().hgs3_shows_pushlog = is_on(repo)


def is_on_pages(repo):
    """Whether pages of ``repo``, whatever the view, lead to a log."""
    return is_on(repo) or getattr(repo, "hgs3_shows_pushlog", False)


def is_try(repo):
    """Whether pushes into ``repo`` are kept apart from it."""
    return getattr(repo, "hgs3_is_try", False)


#: RepoLogs by all that they are made of. A server makes a repository object after
#: each push, and would read the same settings again.
_known = {}
_MAX_KNOWN = 1000


def of(repo):
    """The RepoLog of ``repo``; error.Abort for a setting that is wrong."""
    mine = vars(repo.unfiltered())
    known = mine.get("_hgs3_repolog")
    if known is not None and known[0] == os.getpid():
        # As long as the repository object lives, its configuration is the same.
        return known[1]
    given = pushlogsettings.given(repo.ui)
    key = os.getpid(), repo.root, repo.sharedpath, is_try(repo), given
    made = _known.get(key)
    if made is None:
        made = RepoLog(repo, pushlogsettings.load(repo.ui, is_try(repo)))
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[key] = made
    mine["_hgs3_repolog"] = os.getpid(), made
    return made


@contextlib.contextmanager
def faults_abort(what):
    """Within: what is wrong with the database is an error.Abort that says ``what``
    (bytes) cannot be done, and what to change."""
    try:
        yield
    except (SchemaTooOld, SchemaTooNew) as err:
        raise _abort(
            what,
            str(err),
            _(b"the operator of the server has to bring both together"),
        )
    except DatabaseSettingsError as err:
        raise _abort(what, err.reason, _(b"correct pushlog.database"))
    except DatabaseUnavailable as err:
        raise _abort(
            what,
            err.reason,
            _(
                b"try again later; the operator of the server can check the database "
                b"(pushlog.database)"
            ),
        )
    except DatabaseError as err:
        raise _abort(what, str(err), _(b"see pushlog.database"))


def _abort(what, reason, hint):
    return error.Abort(b"%s: %s" % (what, crossing.to_bytes(reason)), hint=hint)
