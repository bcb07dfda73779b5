"""What the log of pushes costs a server: to be asked, to record a push, and to show a
changeset of try.

    .venv/hg-7.2/bin/python benchmarks/pushlog.py [--changesets N] [--rows N ...] \\
        [--rounds N] [--requests N] [--sets N] [--pushes N] [--large-pushes N] \\
        [--pages N] [--quick] [--set SECTION.NAME=VALUE]

Prints markdown for docs/benchmarks.md on standard output, progress on standard
error. The database is PostgreSQL. What is compared takes turns in the same run: the
servers with logs of different lengths, pushes into the same server that it logs and that
it does not, the pages of both kinds of changesets. Pushes are real ones, by the code of a
stock client inside this process; the pushes of the past are rows that are made
directly. Nothing is asserted but that what was to be logged is logged.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
import random
import sys
import tempfile
import time
import typing

import cli
import logreport
import logrows
import logservers
import report
import tryrows
from lightpush import LightPusher
from logreport import Asked, Measured
from logservers import LogServer, LogServers, Push
from tryservers import Kind, TryServer

DEFAULT_ROWS = (1000, 10_000, 100_000)
QUICK = {
    **{"changesets": 1000, "rows": [100, 1000], "rounds": 2, "requests": 10},
    **{"sets": 1, "pushes": 4, "large_pushes": 2, "pages": 5, "warm": 1},
}
SEED = 20191101  # any number: the same is asked whenever it is run
#: That are asked for at once.
PUSHES = 50
LARGE = 100  # changesets of a large push


def main() -> int:
    options = _options()
    return cli.run("pushlog", lambda: _program(options))


def _options() -> argparse.Namespace:
    parser = cli.parser("Server CPU and time of the log of pushes.", 8000)
    numbers = {
        "--rounds": (10, "in which the servers are asked"),
        "--requests": (40, "of each kind in a round, to each server"),
        "--sets": (4, "of servers, made anew, that pushes go to"),
        "--pushes": (40, "of a few changesets, to each set"),
        "--large-pushes": (24, f"of {LARGE} changesets, to each set"),
        "--pages": (150, "of each kind"),
        "--warm": (5, "pushes, pages and requests before those that count"),
    }
    cli.add_database_options(
        parser, numbers, DEFAULT_ROWS, "pushes in a log, of a server each"
    )
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    if min(options.rows) < 2 * PUSHES:
        parser.error(f"--rows: at least {2 * PUSHES}")
    return options


def _program(options: argparse.Namespace) -> None:
    source = cli.repository(options)
    measured = Measured()
    with tempfile.TemporaryDirectory(prefix="hg-s3-log-") as name:
        pushes = [functools.partial(_push, number) for number in range(options.sets)]
        for part in (_ask, *pushes, _show):
            with LogServers(options, source, pathlib.Path(name)) as servers:
                part(options, servers, measured)
    rest = (
        f"{options.rounds} rounds of {options.requests} requests, "
        f"{options.sets} sets of servers with {options.pushes} pushes of "
        f"{tryrows.CHANGESETS} changesets and {options.large_pushes} of {LARGE} each, "
        f"{options.pages} pages; all by turns. "
        f"Times are medians. A push of the past has {logrows.CHANGESETS} changesets. "
        "PostgreSQL without fsync."
    )
    print(report.heading(options.hg, source, rest))
    print(logreport.tables(measured))


# The log is read


def _requests(chance: random.Random, rows: int) -> dict[str, str]:
    """Of each kind one, about pushes anywhere in a log of so many; a path each."""
    first = chance.randint(1, rows - PUSHES)
    last = first + PUSHES - 1
    user = f"user{chance.randrange(logrows.users(rows))}@example.org"
    node, later = logrows.node(first), logrows.node(last)
    # By ids, the push of `first` at this time: see logrows.fill.
    since = int(time.time()) - (rows - first) * tryrows.STEP_SECONDS
    until = since + PUSHES * tryrows.STEP_SECONDS
    queries = {
        logreport.BY_ID: f"startID={first - 1}&endID={last}",
        "startdate, enddate": f"startdate={since}&enddate={until}",
        "user": f"user={user}",
        "changeset": f"changeset={node}",
        "changeset, 12 digits": f"changeset={node[:12]}",
        "fromchange, tochange": f"fromchange={node}&tochange={later}",
        "the last ones": "",
    }
    found = {name: f"/json-pushes?{text}&full=1" for name, text in queries.items()}
    found["pushloghtml"] = "/pushloghtml"
    return found


def _ask(options: argparse.Namespace, servers: LogServers, measured: Measured) -> None:
    running = {}
    for rows in sorted(set(options.rows)):
        cli.say(f"starting: a log of {rows:,} pushes...")
        running[rows] = servers.log_server(rows=rows)
    chance = random.Random(SEED)
    for number in range(-1, options.rounds):
        cli.say(f"round {number + 1} of {options.rounds}...")
        count = options.requests if number >= 0 else options.warm
        for name in _requests(chance, options.rows[0]):
            for rows, server in running.items():
                asked = _ask_server(servers, server, name, rows, count, chance)
                if number >= 0:
                    measured.add_asked(name, rows, asked)
        for rows, server in running.items():
            asked = _poll_server(servers, server, count)
            if number >= 0:
                measured.add_asked(logreport.POLL, rows, asked)


def _ask_server(
    servers: LogServers,
    server: LogServer,
    name: str,
    rows: int,
    count: int,
    chance: random.Random,
) -> Asked:
    wanted = [_requests(chance, rows)[name] for _n in range(count)]
    return _asked(servers, server, [(path, {}, 200) for path in wanted])


def _poll_server(servers: LogServers, server: LogServer, count: int) -> Asked:
    path = "/json-pushes?full=1"
    etag = logservers.get(server.hg, path).etag
    return _asked(servers, server, [(path, {"If-None-Match": etag}, 304)] * count)


def _asked(
    servers: LogServers,
    server: LogServer,
    requests: typing.Sequence[tuple[str, dict[str, str], int]],
) -> Asked:
    """What all of them cost; ValueError for another status than is expected."""
    seconds, size = [], 0

    def action() -> None:
        nonlocal size
        for path, headers, status in requests:
            answer = logservers.get(server.hg, path, **headers)
            if answer.status != status:
                raise ValueError(f"{path}: {answer.status}")
            seconds.append(answer.seconds)
            size += len(answer.body)

    sample = servers.sample(server, action)
    return Asked(
        seconds,
        sample.cpu_seconds / len(requests),
        sample.database_cpu_seconds / len(requests),
        size / len(requests),
    )


# Pushes are recorded


class _Kinds:
    """Of pushes, which differ in what the server does; they take turns.

    Most go to one process, which is told before each push whether to log it. One
    process is faster than another that does the same, by more than the log costs.
    """

    def __init__(self, servers: LogServers, number: int) -> None:
        """Of the ``number``-th set of servers: others are in another order, since what is
        pushed is the same, and costs more or less."""
        logging = servers.log_server(), servers.client()
        alone = servers.log_server(logged=False), servers.client()
        self._running: dict[str, tuple[LogServer, LightPusher]] = {
            **dict.fromkeys(
                (logreport.PLAIN, logreport.AGAIN, logreport.LOGGED), logging
            ),
            logreport.OTHER: alone,
        }
        self._chance = random.Random(SEED + number)
        self._logged = 0

    def prepare(self, pushes: int, changesets: int) -> list[Push]:
        """So many pushes of each kind, in the order in which they are to be done."""
        found = []
        for number in range(pushes):
            kinds = list(self._running)
            self._chance.shuffle(kinds)
            for kind in kinds:
                server, client = self._running[kind]
                (nodes,) = client.prepare_stack(1, changesets)
                found.append(Push(number, kind, server, client, nodes[-1]))
        self._logged += pushes
        return found

    def check(self) -> None:
        """ValueError if not exactly those were logged that should be."""
        server, _client = self._running[logreport.LOGGED]
        count = server.count_logged()
        if count != self._logged:
            raise ValueError(f"{count} pushes were logged, not {self._logged}")


def _push(
    number: int, options: argparse.Namespace, servers: LogServers, measured: Measured
) -> None:
    cli.say("starting: a server that logs pushes, and one that cannot...")
    kinds = _Kinds(servers, number)
    small, large = tryrows.CHANGESETS, LARGE
    for changesets, count, warm in (
        (small, options.pushes, options.warm),
        (large, options.large_pushes, 1),
    ):
        cli.say(f"making {warm + count} pushes of {changesets} changesets...")
        pushes = kinds.prepare(warm + count, changesets)
        cli.say("pushing...")
        for each in pushes:
            sample = servers.sample(each.server, each.prepared())
            if each.number >= warm:
                measured.add_push(changesets, each.kind, sample)
    cli.say("pushing by hg...")
    for each in kinds.prepare(options.warm + options.pushes, small):
        seconds = each.by_hg(options.hg)
        if each.number >= options.warm:
            measured.add_by_hg(each.kind, seconds)
    kinds.check()


# Pages


def _show(options: argparse.Namespace, servers: LogServers, measured: Measured) -> None:
    cli.say("starting: a try repository...")
    copy = servers.copy()
    # Both kinds of changesets are the same edits.
    ordinary = LightPusher(copy, first=10**6).prepare(1)[0][-1].hex()
    client = servers.client()
    pushed = client.prepare(1)[0][-1]
    kind = Kind(True, 0)
    server = servers.start(kind, client, copy)
    client.push(server.proxy.url, [pushed])
    path = client.changed_files(pushed)[0]
    nodes = {logreport.ORDINARY: ordinary, logreport.TRY: pushed.hex()}
    pages = {
        "/rev/NODE": "/rev/{}",
        "/file/NODE/PATH": "/file/{}/" + path,
        "/annotate/NODE/PATH": "/annotate/{}/" + path,
        "/raw-rev/NODE": "/raw-rev/{}",
    }
    for name, page in pages.items():
        cli.say(f"{name}...")
        for number in range(-options.warm, options.pages):
            order = list(nodes) if number % 2 else list(nodes)[::-1]
            for which in order:
                asked = _page(servers, server, page.format(nodes[which]))
                if number >= 0:
                    measured.add_page(name, which, asked)


def _page(servers: LogServers, server: TryServer, path: str) -> Asked:
    return _asked(servers, server, [(path, {}, 200)])


if __name__ == "__main__":
    sys.exit(main())
