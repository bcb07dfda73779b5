"""What the database room may raise.

No text of these holds a password, nor any other part of a URL but the host and
the name of the database.
"""


class DatabaseError(Exception):
    """Anything that the database room raises on purpose."""


class DatabaseUnavailable(DatabaseError):
    """The database gave no answer that can be used.

    Of what was to be written nothing is known to be there. ``reason`` is one line
    for a log or a terminal.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DatabaseSettingsError(DatabaseError):
    """The URL can never work, whatever the database answers; ``reason`` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SchemaTooOld(DatabaseError):
    """The tables are not there, or those of an older version of this program.

    ``found`` and ``wanted`` are numbers of migrations, 0 for none.
    """

    def __init__(self, found: int, wanted: int) -> None:
        what = "no tables" if not found else "tables of version %d" % found
        super().__init__(
            "the database has %s, and version %d is needed: run hg s3try migrate"
            " or hg pushlog-migrate" % (what, wanted)
        )
        self.found = found
        self.wanted = wanted


class SchemaTooNew(DatabaseError):
    """A newer version of this program has changed the tables.

    ``found`` and ``wanted`` as those of SchemaTooOld.
    """

    def __init__(self, found: int, wanted: int) -> None:
        super().__init__(
            "the database has tables of version %d, and this is a program for version %d:"
            " install a newer one" % (found, wanted)
        )
        self.found = found
        self.wanted = wanted


class ObjectDoomed(DatabaseError):
    """Nothing was recorded: the object of the bundle is about to be deleted from
    the store, or was deleted when ``finished``.

    Once it is finished, whoever uploads the object again may record it by naming
    ``doom_id``.
    """

    def __init__(self, doom_id: int, finished: bool) -> None:
        state = "was deleted" if finished else "is being deleted"
        super().__init__("the object of the bundle %s" % state)
        self.doom_id = doom_id
        self.finished = finished


class ObjectReplaced(DatabaseError):
    """Nothing was recorded: meanwhile somebody else has stored another object of the
    bundle, or the bundle was forgotten. What is in the store has to be looked at again.
    """

    def __init__(self) -> None:
        super().__init__("the object of the bundle was replaced meanwhile")


class BookmarkConflict(DatabaseError):
    """Nothing was recorded: a bookmark is not where the caller thought.

    ``found`` is the node that it is at, 40 hexadecimal digits, "" for none.
    """

    def __init__(self, name: str, found: str) -> None:
        super().__init__("bookmark %s was moved meanwhile" % name)
        self.name = name
        self.found = found


class UnknownChangeset(DatabaseError):
    """No push that is recorded has the changeset."""

    def __init__(self, node: str) -> None:
        super().__init__("no push has changeset %s" % node)
        self.node = node
