"""The promises that every object store keeps.

A miss is a value and an outage is an exception: ``None`` means "not there",
:class:`StoreUnavailable` means "I could not tell". Whoever serves a user
treats the second like the first, but never logs it as one.
"""

import abc
import dataclasses
import typing

#: How much of a body is read at a time, in bytes.
CHUNK_BYTES = 64 * 1024


class StoreError(Exception):
    """Anything that a store may raise."""


class StoreUnavailable(StoreError):
    """The store did not give an answer that can be used.

    ``reason`` is one line for a log or a terminal. It names what failed and,
    where that is known, what to change; it never holds a query string.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StoreFull(StoreUnavailable):
    """There is no room for this object, nor will be by itself.

    Of what else the store is asked nothing follows.
    """


class StoreResting(StoreUnavailable):
    """The store was not asked: it has failed so often that it is left alone.

    Not one more fault of the store, so not worth another line in a log.
    """


class StoreSettingsError(StoreError):
    """A setting can never work, whatever the store answers.

    ``setting`` is its name in the config section, ``reason`` one line.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__("%s: %s" % (setting, reason))
        self.setting = setting
        self.reason = reason


class StoreUnsupported(StoreError):
    """The store does not know this kind of request, and never will.

    ``reason`` is one line, as that of StoreUnavailable.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class ObjectInfo:
    """What a store says of an object without giving its body."""

    key: str
    size_bytes: int
    #: Lower-case names without the ``x-amz-meta-`` of HTTP, to values.
    metadata: typing.Mapping[str, str]
    #: Since the object was written, both times by the clock of the store; 0
    #: where it does not tell them.
    age_seconds: float = 0.0
    #: Until a lifecycle rule may delete the object, by the clock of the store;
    #: negative when it should be gone already. None: no rule that is known.
    expires_in_seconds: typing.Optional[float] = None
    #: What the store itself has computed of the body, in hexadecimal digits;
    #: None where it computes nothing, or of the parts only.
    sha256_hex: typing.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class ListedObject:
    """What a listing says of an object."""

    key: str
    size_bytes: int
    #: Seconds since the epoch.
    modified: float


class ObjectStore(abc.ABC):
    """A flat map from keys to immutable bodies.

    Every method may be called from any thread. Except where it says
    otherwise, each raises :class:`StoreUnavailable`, and nothing else, for
    any fault of the store or of the network.
    """

    #: False when a ``put`` keeps nothing, so that a caller can save itself
    #: the making of a body.
    keeps_objects = True

    @abc.abstractmethod
    def head(self, key: str) -> typing.Optional[ObjectInfo]:
        """Describe the object at ``key``; None when there is none."""

    @abc.abstractmethod
    def read(self, key: str) -> typing.Optional[typing.Iterator[bytes]]:
        """Give the body at ``key`` in chunks; None when there is none.

        The iterator, too, raises StoreUnavailable: when the body ends before
        its announced length, or the connection is lost.
        """

    @abc.abstractmethod
    def put(
        self,
        key: str,
        body: typing.BinaryIO,
        size_bytes: int,
        content_type: str,
        metadata: typing.Mapping[str, str],
        sha256_hex: str,
    ) -> None:
        """Store ``body`` at ``key``, replacing what is there.

        The object appears at once and whole, or not at all. ``body`` is a
        seekable binary file, read from its start; it may be closed by the
        store. ``metadata`` is ASCII, names in lower case.
        """

    @abc.abstractmethod
    def put_if_absent(
        self, key: str, body: bytes, metadata: typing.Mapping[str, str]
    ) -> bool:
        """Store a small body at ``key`` unless there is an object already.

        Of any number of callers at once, exactly one gets True. ``body``
        should be unlike that of any other caller: by it a store knows its own
        object again when the answer to a first try was lost. Raises
        StoreUnsupported, too, when the store refuses the condition as such.
        A server that ignores the condition gives True to everybody.
        """

    @abc.abstractmethod
    def delete(self, keys: typing.Iterable[str]) -> int:
        """Delete the objects at ``keys``, in batches; those that are not
        there do no harm. Returns the number of keys.

        When it raises, some may be deleted.
        """

    @abc.abstractmethod
    def list(self, prefix: str) -> typing.Iterator[ListedObject]:
        """All objects whose key begins with ``prefix``, in the order of keys.

        Pages are fetched as they are needed; the iterator, too, raises
        StoreUnavailable.
        """

    @abc.abstractmethod
    def presign_get(self, key: str, lifetime_seconds: int) -> str:
        """Make a URL with which anybody can GET ``key`` for that long, or a
        little less: one that was just made may be given again.

        Makes no request: the URL of an object that is not there is a 404.
        """

    @abc.abstractmethod
    def public_base_url(self) -> typing.Optional[str]:
        """``scheme://host[:port]/`` of every URL that presign_get makes.

        None when it makes none.
        """

    def body_path(self, key: str) -> typing.Optional[str]:
        """The path of a plain file of this machine that is the body at ``key``,
        for a web server that sends it by itself.

        None when there is no such object, and where bodies are no files. The
        file never changes, but may be gone by the time that it is opened.
        """
        return None

    @abc.abstractmethod
    def probe(self) -> None:
        """Raise StoreUnavailable unless the store can be used now."""
