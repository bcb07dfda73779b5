"""A client that asks for what `hg clone`, `hg pull` or `hg incoming` asks for, and
keeps nothing.

It is the stock peer of wire protocol version 1 in an empty repository, so that
requests are those of a stock client to the byte. Parts that name a URL are fetched
as a stock client fetches them, and so is a clone bundle; what comes is counted and
thrown away. What a client learns from its repository, this one is told: its heads.

Needs `mercurial` in the Python that runs it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import shutil
import tempfile
import typing
import urllib.error

import hgmodules

BLOCK_BYTES = 64 * 1024
INLINE, REMOTE = "changegroup", "remote-changegroup"
NULL_NODE = b"\0" * 20


class BadAnswer(ValueError):
    """A stock client would have failed."""


@dataclasses.dataclass
class Pulled:
    """What came, decompressed only where the client of a stock server would."""

    inline_parts: int = 0
    inline_bytes: int = 0
    remote_parts: int = 0
    remote_bytes: int = 0
    clone_bundle_bytes: int = 0


class LightPuller:
    """Clients of one server, one after the other."""

    def __init__(self, url: str) -> None:
        self._url = url.encode("ascii")
        self._folder = tempfile.mkdtemp(prefix="hg-s3-light-")
        self._repository = hgmodules.open_repository(
            pathlib.Path(self._folder) / "empty", create=True
        )

    def __enter__(self) -> LightPuller:
        return self

    def __exit__(self, *details: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def clone(self, bundled: typing.Sequence[bytes] = ()) -> Pulled:
        """What `hg clone` gets; `bundled` are the heads of the clone bundle that the
        server names, if it names one.
        """
        return self._as_client([], bundled)

    def pull(self, known: typing.Sequence[bytes]) -> Pulled:
        """What `hg pull` gets in a repository with these heads, all of which the
        server has.
        """
        return self._as_client(list(known), ())

    def pull_revision(self, known: typing.Sequence[bytes], revision: bytes) -> Pulled:
        """What `hg pull -r` of a node gets in a repository with these heads, all of
        which the server has.
        """
        pulled = Pulled()
        key = revision.hex().encode("ascii")
        with self._connected() as peer:
            with peer.commandexecutor() as executor:
                executor.callcommand(b"listkeys", {b"namespace": b"bookmarks"})
                lookup = executor.callcommand(b"lookup", {b"key": key})
                node = lookup.result()
            self._discover(peer, list(known))
            arguments = getbundle_arguments(self._capabilities(), known, [node])
            # They were asked for already.
            del arguments[b"bookmarks"], arguments[b"listkeys"]
            self._take_bundle(self._ask(peer, b"getbundle", arguments), pulled)
        return pulled

    def incoming(self, known: typing.Sequence[bytes], revision: bytes) -> Pulled:
        """As `pull_revision`, what `hg incoming -r` gets."""
        pulled = Pulled()
        with self._connected() as peer:
            node = self._ask(peer, b"lookup", {b"key": revision.hex().encode("ascii")})
            self._discover(peer, list(known))
            arguments = {
                b"source": b"incoming",
                b"common": list(known),
                b"heads": [node],
                b"bundlecaps": self._capabilities(),
                b"cg": True,
            }
            self._take_bundle(self._ask(peer, b"getbundle", arguments), pulled)
            self._ask(peer, b"listkeys", {b"namespace": b"phases"})
        return pulled

    def lookup(self, key: str) -> bytes:
        """The node that `hg identify -r` gets to know first."""
        with self._connected() as peer:
            return self._ask(peer, b"lookup", {b"key": key.encode("ascii")})

    def _as_client(self, known: list[bytes], bundled: typing.Sequence[bytes]) -> Pulled:
        pulled = Pulled()
        with self._connected() as peer:
            if not known and peer.capable(b"clonebundles"):
                known = self._clone_bundle(peer, bundled, pulled)
            self._getbundle(peer, known, pulled)
        return pulled

    @contextlib.contextmanager
    def _connected(self):
        from mercurial import hg

        peer = hg.peer(self._repository.ui, {}, self._url)
        try:
            yield peer
        finally:
            hgmodules.close_connections(peer)

    def _ask(self, peer, command: bytes, arguments: dict[bytes, object]):
        with peer.commandexecutor() as executor:
            return executor.callcommand(command, arguments).result()

    def _clone_bundle(
        self, peer, bundled: typing.Sequence[bytes], pulled: Pulled
    ) -> list[bytes]:
        """Fetch the first clone bundle; the heads that the client has then."""
        manifest = self._ask(peer, b"clonebundles", {})
        lines = manifest.splitlines()
        if not lines:
            return []
        pulled.clone_bundle_bytes = self._fetch(lines[0].split()[0])
        return list(bundled)

    def _getbundle(self, peer, known: list[bytes], pulled: Pulled) -> None:
        heads = self._discover(peer, known)
        arguments = getbundle_arguments(self._capabilities(), known, heads)
        if peer.capable(b"clonebundles") and not known:
            arguments[b"cbattempted"] = True
        self._take_bundle(self._ask(peer, b"getbundle", arguments), pulled)

    def _discover(self, peer, known: list[bytes]) -> list[bytes]:
        """The heads of the server."""
        with peer.commandexecutor() as executor:
            remote = executor.callcommand(b"heads", {})
            answers = executor.callcommand(b"known", {b"nodes": known})
            heads, are_known = remote.result(), answers.result()
        if not all(are_known):
            raise BadAnswer("the server lacks a head of the client")
        return heads

    def _take_bundle(self, bundle, pulled: Pulled) -> None:
        for part in bundle.iterparts():
            self._take(part, pulled)

    def _capabilities(self) -> set[bytes]:
        from mercurial import exchange

        return exchange.caps20to10(self._repository, role=b"client")

    def _take(self, part, pulled: Pulled) -> None:
        if part.type.lower() == INLINE.encode("ascii"):
            pulled.inline_parts += 1
            pulled.inline_bytes += _length(part)
        elif part.type.lower() == REMOTE.encode("ascii"):
            size = self._fetch(part.params[b"url"])
            if size != int(part.params[b"size"]):
                raise BadAnswer(f"a remote part of {size} bytes, not as announced")
            pulled.remote_parts += 1
            pulled.remote_bytes += size

    def _fetch(self, url: bytes) -> int:
        """Bytes of what is there."""
        from mercurial import url as urlmod

        try:
            response = urlmod.open(self._repository.ui, url)
        except urllib.error.HTTPError as error:
            place = url.partition(b"?")[0].decode("ascii", "replace")
            raise BadAnswer(f"{place}: HTTP {error.code}") from error
        try:
            return _length(response)
        finally:
            response.close()


def _length(stream) -> int:
    length = 0
    while True:
        block = stream.read(BLOCK_BYTES)
        if not block:
            return length
        length += len(block)


def getbundle_arguments(
    capabilities: set[bytes],
    known: typing.Sequence[bytes],
    heads: typing.Sequence[bytes],
) -> dict[bytes, object]:
    """As `hg pull` sends them that has the ancestors of `known`; `heads` are the
    server's.
    """
    return {
        b"source": b"pull",
        b"bundlecaps": capabilities,
        b"common": list(known) or [NULL_NODE],
        b"heads": list(heads),
        b"cg": not set(heads) <= set(known),
        b"phases": True,
        b"bookmarks": True,
        b"listkeys": [b"bookmarks"],
    }
