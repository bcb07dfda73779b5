"""Where Mercurial is hooked for the log of pushes."""

from mercurial import error
from mercurial.i18n import _

from .. import crossing, pushlogsettings
from ..database.errors import DatabaseError
from ..wireproto import websetup
from . import journal, navigation, record, repolog, webcommands, wirecommand


def setup():
    """Called once."""
    websetup.setup()
    websetup.before_starting(_check)
    wirecommand.setup()
    webcommands.setup()
    navigation.setup()


def reposetup(repo):
    """Called for each repository that is opened."""
    if not repo.local() or not pushlogsettings.is_on(repo.ui):
        return

    class loggedrepo(repo.__class__):
        hgs3_has_pushlog = True

        def transaction(self, *args, **kwargs):
            is_new = self.currenttransaction() is None
            tr = super().transaction(*args, **kwargs)
            if is_new:
                # Within another one there may be no more to be added to it.
                record.follow(self, tr)
            return tr

        def destroying(self):
            super().destroying()
            record.before_destroying(self)

        def destroyed(self):
            super().destroyed()
            record.after_destroying(self)

    repo.__class__ = loggedrepo


def _check(repo):
    """``hg serve`` starts. Raises error.Abort for a setting that is wrong."""
    if not repolog.is_on(repo):
        return
    try:
        # Asked even if nobody has pushed yet, and there is nothing to settle.
        repolog.of(repo).log.state()
        journal.settle(repo)
    except (DatabaseError, error.StorageError) as err:
        repo.ui.warn(
            _(b"warning: pushlog: pushes will be refused: %s\n")
            % crossing.to_bytes(str(err))
        )
