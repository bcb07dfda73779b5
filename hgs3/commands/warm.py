"""``hg s3cache warm``: fill the cache as the first clone would.

For version 2 of the wire protocol the requests of a clone run through the very
dispatcher, cacher and uploader that serve clients; what becomes of each is
heard from the log of events. For version 1 all segments are made
(warmsegments.py).
"""

from mercurial import error, util
from mercurial.i18n import _
from mercurial.utils import stringutil

from .. import compat, crossing, eager, eventlog, settings
from ..objectstore.base import StoreUnavailable
from ..wireproto import v2clone
from . import common, warmsegments
from .warmresult import FAILED, PRESENT, SKIPPED, STORED, UNCACHED, Result

_IN_WORDS = (
    (STORED, b"stored"),
    (PRESENT, b"there already"),
    (SKIPPED, b"skipped"),
    (UNCACHED, b"not cached"),
    (FAILED, b"failed"),
)

_SKIPPED_PREFIX = "skipped"
_RESULTS = {eventlog.HIT: PRESENT, eventlog.STORED: STORED}

#: How often the progress bar shows that an upload is still going on. A wait,
#: not a limit.
TICK_SECONDS = 0.2


def run(ui, repo, opts):
    """1 if anything that a clone asks for could not be stored."""
    stream = bool(opts.get("stream"))
    if stream and compat.wireprotov2() is None:
        raise error.Abort(
            _(b"this mercurial serves no wire protocol version 2"),
            hint=_(b"leave --stream out; only mercurial 5.9 to 6.0 do"),
        )
    service = common.service_with_store(ui)
    with common.store_faults_abort():
        service.store.probe()
    # The uploader's threads must not race with this one for lazy modules.
    eager.load_once()
    results = _warm_v2(ui, repo, service, stream)
    if not stream and not any(each.result == FAILED for each in results):
        results += warmsegments.run(ui, repo, service)
    _report(ui, opts, results, is_empty=not len(repo))
    return 1 if any(each.result == FAILED for each in results) else 0


def _warm_v2(ui, repo, service, stream):
    v2 = compat.wireprotov2()
    if v2 is None:
        return []
    switched_off = settings.v2_switched_off(ui)
    if switched_off is not None:
        if not stream:
            return []  # nobody asks for it
        ui.warn(
            _(b"warning: clients are not served from it: experimental.%s is off\n")
            % switched_off
        )
    server, _types = v2
    return _Warmer(ui, repo, server, service, stream).run()


class _Warmer:
    """``server`` is the module wireprotov2server."""

    def __init__(self, ui, repo, server, service, stream):
        self._ui = ui
        self._repo = repo
        self._server = server
        self._service = service
        self._stream = stream
        #: (event, key, size in bytes, reason) of the request that is running.
        self._events = []

    def run(self):
        """The Result of each request of a clone."""
        capabilities = v2clone.capabilities(self._server, self._repo)
        commands = capabilities[b"commands"]
        if self._stream:
            self._check_stream(commands)
        # As clients do: an object that is there need not be fetched.
        redirect = {
            b"targets": [
                target[b"name"]
                for target in capabilities.get(b"redirect", {}).get(b"targets", ())
            ],
            b"hashes": [b"sha256", b"sha1"],
        }
        requests = v2clone.requests(self._server, self._repo, commands, self._stream)
        results = []
        with eventlog.listening(self._listen), self._ui.makeprogress(
            _(b"warming"), unit=_(b"requests"), total=len(requests)
        ) as progress:
            for command, args in requests:
                progress.update(len(results), item=command)
                results.append(self._run_request(command, args, redirect))
                if results[-1].result == FAILED and not self._store_answers():
                    # Each of the others would be computed for nothing.
                    results.extend(
                        Result(command, FAILED, reason="not tried")
                        for command, _args in requests[len(results) :]
                    )
                    break
        return results

    def _check_stream(self, commands):
        if b"rawstorefiledata" not in commands:
            raise error.Abort(
                _(b"this repository is not served as a stream"),
                hint=_(
                    b"see server.uncompressed, and server.uncompressedallowsecret "
                    b"where there are secret changesets"
                ),
            )
        if v2clone.served_view(self._server, self._repo).changelog.filteredrevs:
            # The raw files hold all changesets, and the client then asks for
            # the files of all of them, which it is not given.
            raise error.Abort(
                _(b"clones with --stream fail: there are changesets not served"),
                hint=_(b"leave --stream out"),
            )

    def _listen(self, event, _command, key, size_bytes, reason):
        self._events.append((event, key, size_bytes, reason))

    def _run_request(self, command, args, redirect):
        del self._events[:]
        fault = ""
        try:
            for _obj in self._server.dispatch(
                self._repo,
                v2clone.protocol(self._server, self._ui, args),
                command,
                redirect,
            ):
                pass
        except Exception as err:
            # As in the server, for which whatever a command raises (a hook
            # that refuses, an extension that misses a header of the request)
            # is its answer.
            self._ui.traceback()
            fault = crossing.to_str(stringutil.forcebytestr(err))
        self._wait_for_upload(command)
        if fault:
            return Result(command, FAILED, reason=fault)
        return _result(command, list(self._events))

    def _wait_for_upload(self, command):
        """However long it takes; one request at a time, so that the queue is
        never full and at most one response lies on the disk."""
        uploader = self._service.uploader
        if uploader.wait_until_idle(0):
            return
        with self._ui.makeprogress(_(b"storing")) as progress:
            while not uploader.wait_until_idle(TICK_SECONDS):
                progress.increment(item=command)

    def _store_answers(self):
        try:
            self._service.store.probe()
        except StoreUnavailable:
            return False
        return True


def _result(command, events):
    """What the events of one request add up to; the last one decides."""
    decided = [event for event in events if event[0] != eventlog.MISS]
    if not decided:
        return Result(command, UNCACHED)
    event, key, size_bytes, reason = decided[-1]
    if event.startswith(_SKIPPED_PREFIX):
        return Result(command, SKIPPED, size_bytes, key, reason or event)
    return Result(command, _RESULTS.get(event, FAILED), size_bytes, key, reason)


def _report(ui, opts, results, is_empty):
    with common.formatter(ui, b"warm", opts) as fm:
        for each in results:
            _show(fm, each)
        if not results:
            fm.plain(
                _(b"the repository is empty, there is nothing to warm\n")
                if is_empty
                else _(b"the repository is small, there is nothing to warm\n")
            )
            return
        sizes = sum(each.size_bytes for each in results if each.result == STORED)
        counts = [
            _(b"%d %s")
            % (sum(each.count for each in results if each.result == result), word)
            for result, word in _IN_WORDS
        ]
        counts[0] += _(b" (%s)") % util.bytecount(sizes)
        fm.plain(b", ".join(counts) + b"\n")


def _show(fm, each):
    word = dict(_IN_WORDS)[each.result]
    fm.startitem()
    fm.data(
        command=each.command,
        result=common.to_local(each.result),
        bytes=each.size_bytes,
        count=each.count,
        key=common.to_local(each.key),
        reason=common.to_local(each.reason),
    )
    fm.plain(
        b"%-14s %-16s %10s"
        % (
            word,
            each.command,
            util.bytecount(each.size_bytes) if each.size_bytes else b"-",
        )
    )
    fm.plain(b"  %s\n" % common.to_local(each.reason) if each.reason else b"\n")
