"""The settings of headless try, and the store that it uses.

The store is that of the cache. Each item of that section may be overridden in
ours: a copy of the ``ui`` then has it in the section of the cache, and whoever
reads that section finds it there.
"""

import dataclasses
import os
import re

from mercurial import error
from mercurial.i18n import _
from mercurial.utils import stringutil

from . import crossing, settings, settingvalues

SECTION = b"s3try"

#: Each item of our own once, with its default, as ``settings.DEFAULTS``.
DEFAULTS = (
    (b"enabled", b"no"),
    (b"database", b"sqlite:"),
    (b"max-bundle-size", b"256MB"),
    (b"max-changesets", b"5000"),
    (b"redirect-minimum", b"100KB"),
    (b"scratch-bookmarks", b"re:.+"),
    (b"bundle-cache", b""),
    (b"bundle-cache-size", b"1GB"),
    (b"overlay-cache", b"8"),
)

#: Of the section of the cache; there is no default but what is set there.
OVERRIDES = tuple(name for name, _default in settings.DEFAULTS)

#: Where one is set, that of the section of the cache does not count: a store is
#: a bucket or a folder.
_STORES = (b"bucket", b"store")

#: Beside the store of the repository.
DATABASE_FILE = b"hg-s3-try.db"

_KINDS_OF_PATTERN = ("re", "literal")


@dataclasses.dataclass(frozen=True)
class TrySettings:
    """The section, checked.

    ``database_url`` is ``sqlite:`` for the file beside the store of the
    repository, ``bundle_folder`` empty for one in its cache. ``bookmarks`` is a
    pattern for ``stringutil.stringmatcher``.
    """

    database_url: str = dataclasses.field(repr=False)
    bundle_bytes: int
    changesets: int
    redirect_bytes: int
    bookmarks: bytes
    bundle_folder: str
    bundle_cache_bytes: int
    overlays: int


def is_on(ui) -> bool:
    """Whether pushes into the repository are to be kept apart from it.

    What is neither yes nor no is a yes: nothing may change the repository because
    of a slip. :func:`load` says what is wrong.
    """
    try:
        return ui.configbool(SECTION, b"enabled")
    except error.ConfigError:
        return True


def load(ui) -> TrySettings:
    """Read and check every item; raises error.Abort naming the first bad one."""
    known = [name for name, _default in DEFAULTS] + list(OVERRIDES)
    settingvalues.refuse_unknown(ui, known, SECTION)
    settingvalues.yes_or_no(ui, b"enabled", section=SECTION)
    return TrySettings(
        database_url=settingvalues.text(ui, b"database", SECTION) or "sqlite:",
        bundle_bytes=settingvalues.size(ui, b"max-bundle-size", SECTION),
        changesets=settingvalues.whole_number(
            ui,
            b"max-changesets",
            1,
            10**6,
            _(b"is not a number"),
            section=SECTION,
        ),
        redirect_bytes=settingvalues.size(ui, b"redirect-minimum", SECTION),
        bookmarks=_pattern(ui),
        bundle_folder=_folder(ui),
        bundle_cache_bytes=settingvalues.size(ui, b"bundle-cache-size", SECTION),
        overlays=settingvalues.whole_number(
            ui, b"overlay-cache", 0, 1000, _(b"is not a number"), section=SECTION
        ),
    )


def of_store(ui):
    """A ``ui`` whose section of the cache is what our section makes of it."""
    overridden = [
        (name, ui.config(SECTION, name))
        for name in OVERRIDES
        if ui.hasconfig(SECTION, name)
    ]
    if not overridden:
        return ui
    # Not ui.copy(): that of a repository leaves its own configuration out.
    mixed = ui.__class__(ui)
    if any(name in _STORES and value for name, value in overridden):
        for name in _STORES:
            mixed.setconfig(settings.SECTION, name, b"", SECTION)
    for name, value in overridden:
        mixed.setconfig(settings.SECTION, name, value, SECTION)
    return mixed


def say_on_pages(ui, html):
    """Have hgweb's pages say ``html`` (bytes), too, where their styles have a place for
    a word of the day: at the end."""
    said = ui.config(b"web", b"motd", untrusted=True) or b""
    ui.setconfig(b"web", b"motd", said + html, SECTION)


def database_of(repo, url: str) -> str:
    """The URL of a database; ``sqlite:`` alone is a file beside the store."""
    if url != "sqlite:":
        return url
    # Not by the path of the store: some repositories have none.
    path = os.path.join(repo.sharedpath, DATABASE_FILE)
    return url + crossing.to_str(path)


def _pattern(ui):
    value = crossing.to_bytes(settingvalues.text(ui, b"scratch-bookmarks", SECTION))
    kind = crossing.to_str(value).partition(":")[0]
    problem = None
    if value and kind not in _KINDS_OF_PATTERN:
        problem = _(b"is not a pattern: '%s'") % value
    else:
        try:
            stringutil.stringmatcher(value)
        except (error.Error, re.error):
            problem = _(b"is not a regular expression: '%s'") % value
    if problem is not None:
        raise settingvalues.bad(
            b"scratch-bookmarks",
            problem,
            _(b"set %s.scratch-bookmarks to a pattern such as re:try/.+") % SECTION,
            SECTION,
        )
    return value


def _folder(ui):
    value = settingvalues.text(ui, b"bundle-cache", SECTION)
    if value and not value.startswith("/"):
        raise settingvalues.bad(
            b"bundle-cache",
            _(b"is not an absolute path: '%s'") % crossing.to_bytes(value),
            _(b"set %s.bundle-cache to the path of a folder of this machine") % SECTION,
            SECTION,
        )
    return value
