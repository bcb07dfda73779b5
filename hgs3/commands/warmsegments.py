"""Make all segments of a repository that the store lacks."""

import itertools

from mercurial.i18n import _

from .. import crossing, eventlog
from ..cache import blocks
from ..cache.blocks import State
from ..objectstore.base import StoreUnavailable
from ..wireproto import v1history, v1layout, v1making, v1objects, v1segment
from .warmresult import FAILED, PRESENT, SKIPPED, STORED, UNCACHED, Result

#: How many are looked for at a time.
BATCH = 256

_RESULTS = {
    eventlog.STORED: STORED,
    eventlog.HIT: PRESENT,
    eventlog.DROPPED: SKIPPED,
    eventlog.BYPASSED: FAILED,
    eventlog.ERROR: FAILED,
}


def run(ui, repo, service):
    """A warmresult.Result for each thing that became of segments, as a list."""
    command = v1objects.COMMAND
    if crossing.to_str(command) not in service.settings.commands:
        return [Result(command, UNCACHED)]
    served = repo.filtered(v1history.SERVED)
    if not v1segment.is_possible(served):
        return [Result(command, SKIPPED, reason=v1segment.IMPOSSIBLE)]
    v1layout.update(service, served)
    history = v1history.History(served)
    segments = v1objects.Segments(service, served, history)
    all_blocks = list(blocks.complete(history.layout.end))
    results = {}
    with ui.makeprogress(
        _(b"warming"), unit=_(b"segments"), total=len(all_blocks)
    ) as progress:
        maker = v1making.Maker(service, served, segments)
        for number, made in enumerate(_make_all(segments, maker, all_blocks)):
            progress.update(number)
            _add(results, made)
            if _result(made) == FAILED:
                # Each of the others would be computed for nothing.
                break
    return list(results.values())


def _make_all(segments, maker, all_blocks):
    rest = iter(all_blocks)
    while True:
        batch = list(itertools.islice(rest, BATCH))
        if not batch:
            return
        try:
            segments.look(batch, ttl_seconds=0)
        except StoreUnavailable as err:
            yield v1making.Made(eventlog.ERROR, "-", reason=err.reason)
            return
        for block in batch:
            state = segments.state(block)
            if state is State.PRESENT:
                info = segments.info(block)
                yield v1making.Made(eventlog.HIT, info.key, info.size_bytes)
            elif state is State.UNFIT:
                yield v1making.Made(
                    eventlog.DROPPED, "-", reason="cannot be made, see the log"
                )
            else:
                yield maker.make(block)


def _result(made):
    return SKIPPED if made.reason == v1making.ELSEWHERE else _RESULTS[made.event]


def _add(results, made):
    result = _result(made)
    found = results.setdefault(
        (result, made.reason), Result(v1objects.COMMAND, result, count=0)
    )
    found.count += 1
    found.size_bytes += made.size_bytes
    found.reason = "%d segments%s" % (
        found.count,
        ": " + made.reason if made.reason else "",
    )
