"""The settings of the log of pushes."""

import dataclasses

from mercurial import error
from mercurial.i18n import _

from . import settings, settingvalues, shorturlsettings, trysettings

SECTION = b"pushlog"

#: Each item once, with its default, as ``settings.DEFAULTS``.
DEFAULTS = (
    (b"enabled", b"yes"),
    (b"database", b""),
    (b"record-pulls", b"no"),
)


@dataclasses.dataclass(frozen=True)
class PushlogSettings:
    """The section, checked.

    ``database_url`` is ``sqlite:`` for the file beside the store of the repository;
    ``repo_id`` is empty where the path of the repository is its identity,
    ``public_url`` where requests say what URL it has.
    """

    database_url: str = dataclasses.field(repr=False)
    record_pulls: bool
    repo_id: bytes
    public_url: str


def is_on(ui) -> bool:
    """Whether pushes are to be logged. What is neither yes nor no is a yes: then
    :func:`load` says what is wrong."""
    try:
        return ui.configbool(SECTION, b"enabled")
    except error.ConfigError:
        return True


def pages_encoding(ui) -> bytes:
    """The encoding of hgweb's pages."""
    return ui.config(b"web", b"encoding", untrusted=True)


def pages_style(ui) -> bytes:
    """The style of hgweb's pages where no other one is asked for."""
    return ui.config(b"web", b"style", untrusted=True)


def given(ui) -> tuple:
    """All that :func:`load` makes something of; hashable."""
    sections = (SECTION, settings.SECTION, trysettings.SECTION)
    return tuple(tuple(ui.configitems(section)) for section in sections)


def load(ui, is_try: bool) -> PushlogSettings:
    """Read and check every item; raises error.Abort naming the first bad one.

    ``is_try`` says whether pushes into the repository are kept apart from it.
    """
    settingvalues.refuse_unknown(ui, [name for name, _default in DEFAULTS], SECTION)
    settingvalues.yes_or_no(ui, b"enabled", section=SECTION)
    # What try makes of the section of the cache is for its pushes, too.
    shared = trysettings.of_store(ui) if is_try else ui
    return PushlogSettings(
        database_url=_database_url(ui, is_try),
        record_pulls=settingvalues.yes_or_no(ui, b"record-pulls", section=SECTION),
        repo_id=settings.repo_id(shared),
        public_url=shorturlsettings.public_url(shared),
    )


def _database_url(ui, is_try):
    mine = settingvalues.text(ui, b"database", SECTION)
    if not is_try:
        return mine or "sqlite:"
    of_try = settingvalues.text(ui, b"database", trysettings.SECTION) or "sqlite:"
    if mine and mine != of_try:
        # Pushes of both kinds are numbered together.
        raise error.Abort(
            _(b"pushlog.database and s3try.database are different"),
            hint=_(b"remove pushlog.database to have the log where try is"),
        )
    return of_try
