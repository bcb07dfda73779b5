"""A client that asks for what a clone or a pull asks for, and keeps nothing.

It is the stock peer of wire protocol version 2, so that requests are those of
`hg clone` to the byte, but bodies are counted and thrown away, and a redirect
counts as fetched: the client costs little, and what a server does for it can be
measured hundreds of times. What a client learns from the answers, this one is
told: the nodes of the repository, see `history.py`.

Needs `mercurial` with version 2 (6.0.3) in the Python that runs it.
"""

from __future__ import annotations

import dataclasses
import functools
import typing

import hgmodules

#: What wire protocol version 2 may cache.
HEAVY = ("rawstorefiledata", "changesetdata", "manifestdata", "filesdata")


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer: what came, or would have come from where it was redirected to."""

    command: str
    redirected: bool
    body_bytes: int  # decoded: without frames and their compression


def clone(
    url: str, changesets: typing.Sequence[bytes], manifests: typing.Sequence[bytes]
) -> list[Answer]:
    """What a clone of these nodes asks for, in the order in which it does."""
    return pull(url, [], changesets, manifests)


def pull(
    url: str,
    common: typing.Sequence[bytes],
    changesets: typing.Sequence[bytes],
    manifests: typing.Sequence[bytes],
) -> list[Answer]:
    """What a pull asks for that has the ancestors of the nodes `common` and lacks
    `changesets` and `manifests`, both in the order of the server.

    mercurial.error.RepoError when the server refuses something.
    """
    with LightClient(url) as client:
        heads = client.heads(common)
        client.call("changesetdata", changesetdata_arguments(common, heads))
        for batch in _batches(manifests, client.batch_size("manifestdata", 10000)):
            client.call("manifestdata", manifestdata_arguments(batch))
        for batch in _batches(changesets, client.batch_size("filesdata", 50000)):
            client.call("filesdata", filesdata_arguments(batch))
        return client.answers


def changesetdata_arguments(
    common: typing.Sequence[bytes], heads: typing.Sequence[bytes]
) -> dict[bytes, object]:
    """As `hg pull` sends them."""
    dag_range = {
        b"type": b"changesetdagrange",
        b"roots": sorted(common),
        b"heads": sorted(heads),
    }
    return {
        b"revisions": [dag_range],
        b"fields": {b"bookmarks", b"parents", b"phase", b"revision"},
    }


def manifestdata_arguments(nodes: typing.Sequence[bytes]) -> dict[bytes, object]:
    """As `hg pull` sends them."""
    return {
        b"tree": b"",
        b"nodes": list(nodes),
        b"fields": {b"parents", b"revision"},
        b"haveparents": True,
    }


def filesdata_arguments(nodes: typing.Sequence[bytes]) -> dict[bytes, object]:
    """As `hg pull` sends them."""
    explicit = {b"type": b"changesetexplicit", b"nodes": list(nodes)}
    return {
        b"revisions": [explicit],
        b"fields": {b"parents", b"revision"},
        b"haveparents": True,
    }


def _batches(
    nodes: typing.Sequence[bytes], size: int
) -> typing.Iterator[typing.Sequence[bytes]]:
    for start in range(0, len(nodes), size):
        yield nodes[start : start + size]


class LightClient:
    """One connection to a server; ValueError when it does not speak version 2."""

    def __init__(self, url: str) -> None:
        client_ui = _client_ui()
        from mercurial import hg, httppeer

        self.answers: list[Answer] = []
        _watch_responses()
        self._peer = hg.peer(client_ui, {}, url.encode("ascii"))
        if not isinstance(self._peer, httppeer.httpv2peer):
            raise ValueError(f"{url} does not offer wire protocol version 2")

    def __enter__(self) -> LightClient:
        return self

    def __exit__(self, *details: object) -> None:
        hgmodules.close_connections(self._peer)

    def heads(self, known: typing.Sequence[bytes]) -> list[bytes]:
        """The heads of the server, asked for as discovery does."""
        with self._peer.commandexecutor() as executor:
            heads = executor.callcommand(b"heads", {})
            executor.callcommand(b"known", {b"nodes": list(known)})
            return heads.result()

    def batch_size(self, command: str, otherwise: int) -> int:
        """What the server recommends."""
        described = self._peer.apidescriptor[b"commands"][command.encode("ascii")]
        return described.get(b"recommendedbatchsize", otherwise)

    def call(self, command: str, arguments: dict[bytes, object]) -> Answer:
        """Ask, and read the answer to its end."""
        _received.clear()
        with self._peer.commandexecutor() as executor:
            executor.callcommand(command.encode("ascii"), arguments).result()
        (response,) = _received
        if response.failure is not None:
            raise response.failure
        redirect = response._redirect
        answer = Answer(
            command,
            redirect is not None,
            response.body_bytes if redirect is None else redirect.size or 0,
        )
        self.answers.append(answer)
        return answer


#: Responses of the call that is going on; there is one client at a time.
_received: list[typing.Any] = []


@functools.lru_cache(maxsize=None)
def _client_ui():
    return hgmodules.make_ui({b"experimental.httppeer.advertise-v2": b"true"})


@functools.lru_cache(maxsize=None)
def _watch_responses() -> None:
    """Put our own classes where the stock peer looks for its own."""
    from mercurial import wireprotov2peer

    class Response(wireprotov2peer.commandresponse):
        """Counts, and decodes only as far as a client has to know."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.body_bytes = 0
            self.failure = None
            _received.append(self)

        def _onresponsedata(self, data):
            self.body_bytes += len(data)
            light = self.command.decode("ascii") not in HEAVY
            if light or not self._seeninitial:
                super()._onresponsedata(data)

        def _onerror(self, e):
            self.failure = e
            super()._onerror(e)

    class Handler(wireprotov2peer.clienthandler):
        """Does not follow redirects."""

        def _followredirect(self, requestid, redirect):
            # Called once more for a second frame.
            future = self._futures.pop(requestid, None)
            if future is not None:
                self._responses[requestid]._oninputcomplete()
                future.set_result(iter(()))

    wireprotov2peer.commandresponse = Response
    wireprotov2peer.clienthandler = Handler
