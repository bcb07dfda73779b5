"""The servers that are compared, and what a stock client gets from each.

All serve the same repositories from the same folder, over wire protocol
version 2: one has the extension but no bucket, two share a bucket.
"""

import pathlib
import sys
import tempfile
import typing

from mercurial import error, hg, wireprotov2peer
from mercurial.utils import cborutil
from serverlog import OF_A_REQUEST, Event, ServerLog
from v2_requests import COMMANDS, SURPRISE

from testlib.servers import HgwebdirServer, MotoServer

BUCKET = "hg-cache"

UNCACHED_CONFIG = {
    "extensions.blackbox": "",
    "extensions.narrow": "",
    "extensions.s3wireprotocache": "",
    "blackbox.track": "s3wireprotocache",
    "experimental.evolution": "all",
    "experimental.web.api.http-v2": "true",
    "experimental.web.apiserver": "true",
    # After each request it would take longer than the request.
    "experimental.web.full-garbage-collection-rate": "200",
    "hooks.preoutgoing.record": "python:%s:record"
    % pathlib.Path(__file__).with_name("recordhook.py"),
}


class Outcome(typing.NamedTuple):
    """What a client has seen of one request, and the hooks on the way.

    ``objects`` are in the order in which they came, each made comparable;
    ``error`` is the client's error as text or None.
    """

    objects: typing.Tuple[object, ...]
    error: typing.Optional[str]
    hooks: typing.Tuple[str, ...]


class Answer(typing.NamedTuple):
    """An Outcome and how it came about: Events, and whether the client was
    sent to the store."""

    outcome: Outcome
    events: typing.Tuple[Event, ...]
    redirected: bool


class Fleet:
    """The servers, running. ``collection`` is the folder of repositories."""

    def __init__(self, moto, hg_executable):
        self._folder = tempfile.TemporaryDirectory(prefix="hg-s3-differential-")
        self.collection = pathlib.Path(self._folder.name, "collection")
        self.collection.mkdir()
        self._moto = MotoServer(executable=moto)
        self._hg = hg_executable
        self._running = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_exception):
        for server in reversed(self._running):
            server.stop()
        self._folder.cleanup()

    def _start(self):
        self._run(self._moto)
        self._moto.create_bucket(BUCKET)
        cached_config = dict(UNCACHED_CONFIG)
        for name, value in (
            ("bucket", BUCKET),
            ("endpoint-url", self._moto.url),
            ("access-key-id", "test-key"),
            ("secret-access-key", "test-secret"),
            # A loaded machine must not look like a store that is out of order.
            ("connect-timeout", "60"),
            # Requests come one after the other here, and what is still being
            # stored is asked for again: not to be waited for, and each miss is
            # stored by itself.
            ("coalesce-timeout", "0"),
            ("lease-time", "0"),
            ("read-timeout", "60"),
        ):
            cached_config["s3wireprotocache." + name] = value
        self.uncached = self._run(self._serve(UNCACHED_CONFIG))
        self.cached = self._run(self._serve(cached_config))
        self.sibling = self._run(self._serve(cached_config))

    def _serve(self, config):
        return HgwebdirServer(self._hg, self.collection, config)

    def _run(self, server):
        self._running.append(server)
        server.start()
        return server


class Clients:
    """A client of each server for one repository; for one thread.

    ``ends`` is the last Event that ended a miss, for each key.
    """

    UNCACHED, CACHED, INLINE = "uncached", "cached", "inline"

    def __init__(self, fleet, ui, path):
        self._log = ServerLog(path)
        self.ends = self._log.ends
        self._peers = {
            self.UNCACHED: _peer(ui, fleet.uncached, path),
            self.CACHED: _peer(ui, fleet.cached, path),
            # Not the server that stored it, and a client that names no target.
            self.INLINE: _peer(ui, fleet.sibling, path),
        }
        self._peers[self.INLINE]._redirect = None

    def ask(self, who, command, arguments):
        """The Answer of one of the three clients."""
        peer = self._peers[who]
        objects, failure, redirected = _call(peer, command, arguments)
        _hang_up(peer)
        outcome = Outcome(objects, failure, self._log.new_hook_calls())
        # The others are about what an earlier request left to be stored.
        events = [
            event for event in self._log.new_events() if event.name in OF_A_REQUEST
        ]
        return Answer(outcome, tuple(events), redirected)

    def settle(self):
        """Return when nothing is being stored any more."""
        self._log.settle()


def _peer(ui, server, path):
    """Mercurial's own client, without the checks by which it would keep bad
    requests to itself."""
    peer = hg.peer(ui, {}, b"%s/%s" % (server.url.encode(), path.name.encode()))
    commands = peer.apidescriptor[b"commands"]
    for command in COMMANDS:
        described = commands.setdefault(
            command, {b"args": {}, b"permissions": [b"pull"]}
        )
        for name in _ARGUMENTS.get(command, set()) | {SURPRISE}:
            described[b"args"].setdefault(name, {})
    _hang_up(peer)
    return peer


#: Of commands that a server offers to nobody while it has secret changesets.
_ARGUMENTS = {b"rawstorefiledata": {b"files", b"pathfilter"}}


def _hang_up(peer):
    """Close the connections of a client.

    The second answer on a connection would be 40 ms late each time: the server
    sends it in pieces and waits for the first one's acknowledgement, which the
    kernel delays.
    """
    for handler in peer._opener.handlers:
        if hasattr(handler, "close_all"):
            handler.close_all()


class _Redirects:
    """Counts the redirects that clients of this process follow."""

    followed = 0

    @classmethod
    def watch(cls):
        follow = wireprotov2peer.clienthandler._followredirect

        def counted(self, requestid, target):
            cls.followed += 1
            return follow(self, requestid, target)

        wireprotov2peer.clienthandler._followredirect = counted


_Redirects.watch()


def _call(peer, command, arguments):
    """(objects, error or None, whether the client followed a redirect)"""
    followed = _Redirects.followed
    # What the client itself refuses to send would be a test of the client.
    assert list(cborutil.streamencode(arguments))
    objects, failures = [], []
    executor = peer.commandexecutor()
    future = executor.callcommand(command, arguments)
    try:
        executor.sendcommands()
        # Once it is closed, all has been read: nothing below can hang.
        executor.close()
    except Exception as err:
        # Whatever a client makes of an answer is part of what is compared.
        failures.append(_told(err))
    if future.done():
        try:
            response = future.result().gi_frame.f_locals["self"]
            if response._inputcomplete or response._pendingerror:
                objects.extend(map(_comparable, future.result()))
            else:
                failures.append("the answer was cut off")
        except Exception as err:
            # As above.
            failures.append(_told(err))
    failures = list(dict.fromkeys(failures))
    return (
        tuple(_joined(objects)),
        "; ".join(failures) or None,
        _Redirects.followed > followed,
    )


def _told(err):
    if isinstance(err, error.Error) or not str(err):
        return "%s: %r" % (type(err).__name__, err.args)
    return "%s: %s" % (type(err).__name__, err)


def _comparable(obj):
    """``obj`` with what Python takes for equal, such as 1 and True, apart."""
    if isinstance(obj, cborutil.bytestringchunk):
        return ("chunk", bytes(obj), obj.isfirst, obj.islast)
    if isinstance(obj, dict):
        pairs = [(_comparable(key), _comparable(obj[key])) for key in obj]
        return ("map", tuple(sorted(pairs, key=repr)))
    if isinstance(obj, (list, tuple)):
        return ("array", tuple(map(_comparable, obj)))
    if isinstance(obj, (set, frozenset)):
        return ("set", tuple(sorted(map(_comparable, obj), key=repr)))
    return (type(obj).__name__, obj)


def _joined(objects):
    """A byte string that came in pieces is the same however it was cut."""
    pieces = None
    for obj in objects:
        if obj[0] != "chunk":
            yield obj
            continue
        _chunk, data, first, last = obj
        pieces = [] if first or pieces is None else pieces
        pieces.append(data)
        if last:
            yield ("pieces", b"".join(pieces))
            pieces = None
    if pieces is not None:
        yield ("pieces, unfinished", b"".join(pieces))
