"""What is recorded of a push. Plain values: nothing here knows of SQL.

Nodes and digests are hexadecimal digits in lower case; times are whole seconds
since the epoch.
"""

import dataclasses
import re
import typing

#: Characters of a bookmark's name, and of the name of a user.
MAX_NAME_LENGTH = 255

#: PostgreSQL keeps no NUL, and no database half of a surrogate pair.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


#: The parent of what has none.
NULL_NODE = 40 * "0"


@dataclasses.dataclass(frozen=True)
class NewBundle:
    """A bundle whose object was just put into the store."""

    #: Of the uncompressed bundle file; 64 digits.
    sha256: str
    #: "HG10" or "HG20".
    format: str
    #: The uncompressed bundle file.
    size_bytes: int
    #: The object as the store has it, and its digests.
    object_bytes: int
    sha1: str
    sha512: str


@dataclasses.dataclass(frozen=True)
class Changeset:
    """One changeset of a bundle."""

    node: str
    manifest: str
    is_root: bool
    is_head: bool
    #: The client that pushed it called it public.
    claimed_public: bool
    #: Its parents.
    p1: str = NULL_NODE
    p2: str = NULL_NODE


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle that is recorded."""

    #: Never that of another bundle, not even of one that was deleted.
    id: int
    sha256: str
    format: str
    size_bytes: int
    object_bytes: int
    sha1: str
    sha512: str
    #: How many it holds.
    changesets: int
    created: int


@dataclasses.dataclass(frozen=True)
class Push:
    """A push that is recorded. Several may share a bundle."""

    #: Ascending in the order of commits; never that of another push.
    id: int
    bundle: Bundle
    username: str
    pushed: int
    tip: str


@dataclasses.dataclass(frozen=True)
class BookmarkMove:
    """Put a bookmark on ``node``, or delete it when that is "".

    ``expected`` is where the caller thinks it is, "" for nowhere; None takes it from
    wherever it is. Raises ValueError, with one line, for a name that not every
    database can tell from all others.
    """

    name: str
    node: str
    expected: typing.Optional[str] = None

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > MAX_NAME_LENGTH:
            raise ValueError(
                "the name of a bookmark has 1 to %d characters" % MAX_NAME_LENGTH
            )
        # MySQL compares without blanks at the end.
        if UNSTORABLE.search(self.name) or self.name != self.name.rstrip():
            raise ValueError("a bookmark cannot be named %r" % self.name)


@dataclasses.dataclass(frozen=True)
class Expired:
    """How many rows an expiry has deleted."""

    pushes: int
    bundles: int
    bookmarks: int
