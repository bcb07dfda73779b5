"""What is recorded of a push. Plain values: nothing here knows of SQL.

Nodes and digests are hexadecimal digits in lower case; times are whole seconds
since the epoch.
"""

import dataclasses
import re
import typing

#: Characters of a bookmark's name, and of the name of a user.
MAX_NAME_LENGTH = 255

#: What a database can number.
MAX_ID = 2**63 - 1

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


#: What has become of a changeset that was pushed into a repository: it is there as
#: it was; it is hidden from clients, since it is obsolete or secret; it is gone.
AS_PUSHED, HIDDEN, GONE = STATES = (0, 1, 2)


class Details(typing.NamedTuple):
    """All that the log of pushes keeps of a changeset, beside its node.

    Text is what Mercurial has; bytes of it that are no UTF-8 are halves of surrogate
    pairs, as those of ``os.fsdecode``.
    """

    #: One node, or two; for a changeset without a parent, the null node.
    parents: typing.Tuple[str, ...]
    author: str
    #: Seconds since the epoch, and of the time zone west of UTC.
    date: int
    offset: int
    branch: str
    description: str
    files: typing.Tuple[str, ...]
    tags: typing.Tuple[str, ...]
    #: "public", "draft" or "secret".
    phase: str
    #: As Mercurial has it, with the branch.
    extra: typing.Mapping[str, str]
    #: Nodes that it takes the place of.
    precursors: typing.Tuple[str, ...]


class LoggedChangeset(typing.NamedTuple):
    """A changeset of a push. ``details`` are None where they were not asked for,
    where nothing but the node is known, and while it is secret."""

    node: str
    state: int = AS_PUSHED
    details: typing.Optional[Details] = None


@dataclasses.dataclass(frozen=True)
class LoggedPush:
    """A push that is recorded. ``changesets`` are in the order of revisions; where not
    all were asked for, ``left_out`` others come before them."""

    #: Ascending in the order of commits; never that of another push.
    id: int
    username: str
    pushed: int
    #: Of a push to try; None for one into the repository.
    bundle_id: typing.Optional[int]
    #: The last changeset of it, "" for none.
    tip: str
    changesets: typing.Tuple[LoggedChangeset, ...] = ()
    left_out: int = 0


@dataclasses.dataclass(frozen=True)
class NewLogPush:
    """A push into the repository, or an event that is to look like one.

    ``read()`` gives its changesets; it is called when they are needed, and again when
    the transaction is run again.
    """

    token: str
    username: str
    pushed: int
    read: typing.Callable[[], typing.Sequence[LoggedChangeset]]


@dataclasses.dataclass(frozen=True)
class Changes:
    """What a transaction of a repository means for its log: ``pushes``, in their
    order, and changesets that have a new state or phase by their nodes."""

    pushes: typing.Sequence[NewLogPush] = ()
    states: typing.Mapping[str, int] = dataclasses.field(default_factory=dict)
    phases: typing.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class LogQuery:
    """Which pushes; each of these that is given must hold.

    What is called start is exclusive, what is called end inclusive. Nodes are whole.
    A push is by one of ``users`` and has one of ``changesets``, if there are any.
    """

    start_id: typing.Optional[int] = None
    end_id: typing.Optional[int] = None
    start_date: typing.Optional[int] = None
    end_date: typing.Optional[int] = None
    #: The newest push of this changeset, in the place of an id.
    from_change: typing.Optional[str] = None
    to_change: typing.Optional[str] = None
    changesets: typing.Tuple[str, ...] = ()
    users: typing.Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class LogState:
    """While two of these are equal, the log of a repository is the same.

    ``identity`` is of the database, ``changes`` counts those that no push was.
    """

    identity: str
    last_push_id: int
    changes: int
