"""How long a server takes to answer a hit, and how much of it is the HEAD.

The request has small arguments (one manifest), so that what is measured is what
any hit costs. Two metering proxies see each hit twice: as the request of the
client, and as the HEAD request to the store that the server makes meanwhile.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

import cli
import lightclient
from clonerun import Server, Store
from history import ServedHistory

from testlib.meterproxy import Exchange, MeterProxy

WARM_UP = 5  # requests that are not counted; the first is a miss


@dataclasses.dataclass(frozen=True)
class HitLatencies:
    """Seconds, one of each for a hit, in the order of the requests."""

    answers: list[float]  # from the request to the end of the answer
    heads: list[float]  # from the HEAD request to the end of its answer
    nothing: list[float]  # of a command that does next to nothing

    @property
    def added(self) -> list[float]:
        """What a hit takes beyond its HEAD."""
        return [answer - head for answer, head in zip(self.answers, self.heads)]


def measure(
    options: argparse.Namespace, repository: pathlib.Path, hits: int
) -> HitLatencies:
    """So many hits of one response; ValueError when they are not hits."""
    manifest = ServedHistory(repository).manifests[-1:]
    arguments = lightclient.manifestdata_arguments(manifest)
    with Store(options.moto_server) as store, MeterProxy(
        "127.0.0.1", store.moto.port
    ) as inner:
        extra = {
            **dict(options.set),
            "s3wireprotocache.endpoint-url": inner.url,
            # Whatever the repository, this response is stored.
            "s3wireprotocache.minimum-object-size": "0",
        }
        # Mercurial's server waits for acknowledgements in the middle of an answer,
        # of hits and of all else: what a network does is not measured here.
        with Server(
            options.hg, repository, store, extra, acknowledge_at_once=True
        ) as server:
            for number in range(-WARM_UP, hits):
                if number == 0:
                    server.wait_until_idle()
                    server.proxy.clear()
                    inner.clear()
                # A connection for each, as every clone has its own.
                with lightclient.LightClient(server.proxy.url) as client:
                    client.heads([])
                    answer = client.call("manifestdata", arguments)
                if number >= 0 and not answer.redirected:
                    raise ValueError("the server answered itself: no hit")
            return _paired(server.proxy.exchanges(), inner.exchanges(), hits)


def _paired(served: list[Exchange], asked: list[Exchange], hits: int) -> HitLatencies:
    answers = [each for each in served if each.command == "manifestdata"]
    nothing = [each for each in served if each.command == "multirequest"]
    heads = []
    for answer in answers:
        end = answer.started + answer.seconds
        within = [each for each in asked if answer.started <= each.started < end]
        heads.append(sum(each.seconds for each in within))
    cli.say(f"{len(asked)} requests to the store for {hits} hits")
    return HitLatencies(
        [each.seconds for each in answers], heads, [each.seconds for each in nothing]
    )
