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


class StoreSettingsError(StoreError):
    """A setting can never work, whatever the store answers.

    ``setting`` is its name in the config section, ``reason`` one line.
    """

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__("%s: %s" % (setting, reason))
        self.setting = setting
        self.reason = reason


@dataclasses.dataclass(frozen=True)
class ObjectInfo:
    """What a store says of an object without giving its body."""

    key: str
    size_bytes: int
    #: Lower-case names without the ``x-amz-meta-`` of HTTP, to values.
    metadata: typing.Mapping[str, str]


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
    def presign_get(self, key: str, lifetime_seconds: int) -> str:
        """Make a URL with which anybody can GET ``key`` for that long.

        Makes no request: the URL of an object that is not there is a 404.
        """

    @abc.abstractmethod
    def public_base_url(self) -> typing.Optional[str]:
        """``scheme://host[:port]/`` of every URL that presign_get makes.

        None when it makes none.
        """

    @abc.abstractmethod
    def probe(self) -> None:
        """Raise StoreUnavailable unless the store can be used now."""
