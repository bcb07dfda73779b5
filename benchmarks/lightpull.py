"""A client that asks for what `hg clone` or `hg pull` asks for, and keeps nothing.

It is the stock peer of wire protocol version 1 in an empty repository, so that
requests are those of a stock client to the byte. Parts that name a URL are fetched
as a stock client fetches them, and so is a clone bundle; what comes is counted and
thrown away. What a client learns from its repository, this one is told: its heads.

Needs `mercurial` in the Python that runs it.
"""

from __future__ import annotations

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

    def _as_client(self, known: list[bytes], bundled: typing.Sequence[bytes]) -> Pulled:
        from mercurial import hg

        pulled = Pulled()
        peer = hg.peer(self._repository.ui, {}, self._url)
        try:
            if not known and peer.capable(b"clonebundles"):
                known = self._clone_bundle(peer, bundled, pulled)
            self._getbundle(peer, known, pulled)
        finally:
            hgmodules.close_connections(peer)
        return pulled

    def _clone_bundle(
        self, peer, bundled: typing.Sequence[bytes], pulled: Pulled
    ) -> list[bytes]:
        """Fetch the first clone bundle; the heads that the client has then."""
        with peer.commandexecutor() as executor:
            manifest = executor.callcommand(b"clonebundles", {}).result()
        lines = manifest.splitlines()
        if not lines:
            return []
        pulled.clone_bundle_bytes = self._fetch(lines[0].split()[0])
        return list(bundled)

    def _getbundle(self, peer, known: list[bytes], pulled: Pulled) -> None:
        with peer.commandexecutor() as executor:
            remote = executor.callcommand(b"heads", {})
            answers = executor.callcommand(b"known", {b"nodes": known})
            heads, are_known = remote.result(), answers.result()
        if not all(are_known):
            raise BadAnswer("the server lacks a head of the client")
        arguments = getbundle_arguments(self._capabilities(), known, heads)
        if peer.capable(b"clonebundles") and not known:
            arguments[b"cbattempted"] = True
        with peer.commandexecutor() as executor:
            bundle = executor.callcommand(b"getbundle", arguments).result()
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
