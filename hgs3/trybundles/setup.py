"""Where Mercurial's own code is hooked for headless try."""

from mercurial import bundle2, bundlerepo, exchange, extensions
from mercurial.i18n import _

from .. import compat, crossing, generation, trysettings
from ..database.errors import DatabaseError
from ..wireproto import s3get, websetup
from . import incoming, names, overlay, pages, pull, push, trystore

#: Items of Mercurial's own without which a push takes locks, gets past us, or is
#: first written to a file that no limit is for, whose disk may be full.
_NEEDED = (
    (b"experimental", b"bundle2lazylocking", True),
    (b"server", b"bundle1.push", False),
    (b"server", b"bundle1gd.push", False),
    (b"server", b"streamunbundle", True),
)


def setup():
    """Called once."""
    generation.setup()
    websetup.setup()
    s3get.setup()
    pull.setup()
    pages.setup()
    extensions.wrapfunction(exchange, "unbundle", push.unbundle)
    extensions.wrapfunction(bundle2, "processparts", push.processparts)
    extensions.wrapfunction(exchange, "getbundlechunks", pull.getbundlechunks)
    extensions.wrapfunction(bundlerepo, "getremotechanges", incoming.getremotechanges)
    overlay.protect_those_of(trysettings.is_on)
    websetup.before_starting(_check)
    v2 = compat.wireprotov2()
    if v2 is not None:
        # Imported here, since a Mercurial without version 2 lacks what it needs.
        from . import v2 as tryv2

        tryv2.setup(v2[0])


def reposetup(ui, repo):
    """Called for each repository that is opened."""
    if not repo.local() or not trysettings.is_on(repo.ui):
        return
    for section, item, value in _NEEDED:
        repo.ui.setconfig(section, item, value, b"s3try")
    generation.rolls_back(repo)
    overlay.protect(repo)
    names.reposetup(repo)


def _check(repo):
    """``hg serve`` starts. Raises error.Abort for a setting that is wrong."""
    if not trystore.is_on(repo):
        return
    store = trystore.of(repo)
    try:
        store.index.last_push_id()
    except DatabaseError as err:
        repo.ui.warn(
            _(b"warning: s3try: pushes will be refused: %s\n")
            % crossing.to_bytes(str(err))
        )
