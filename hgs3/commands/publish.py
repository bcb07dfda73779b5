"""``hg s3cache publish``: make segments, for who does not want to wait.

Processes that end soon start it in the background, with what they found missing.
"""

import os

from mercurial import error
from mercurial.i18n import _

from .. import crossing, eager, eventlog
from ..wireproto import v1history, v1queue, v1segment
from . import common


def run(ui, repo, opts):
    """1 if a segment could not be stored."""
    try:
        blocks = [v1queue.block_of(argument) for argument in opts["arguments"]]
    except ValueError:
        raise error.InputError(
            _(b"s3cache publish takes blocks of revisions such as 128+64"),
            hint=_(b"run 'hg s3cache warm' to make all segments"),
        )
    common.service_with_store(ui)
    if not v1segment.is_possible(repo.filtered(v1history.SERVED)):
        reason = crossing.to_bytes(v1segment.IMPOSSIBLE)
        ui.status(_(b"no segments are made: %s\n") % reason)
        return 0
    try:
        lock = v1queue.publishing_lock(repo)
    except error.LockError:
        ui.note(_(b"another process publishes segments of this repository\n"))
        return 0
    with lock:
        return _publish(ui, repo, blocks)


def _publish(ui, repo, blocks):
    # For those that clients wait for, this one stands aside.
    os.nice(10)
    eager.load_once()
    failed = False
    with ui.makeprogress(
        _(b"publishing"), unit=_(b"segments"), total=len(blocks)
    ) as progress:
        progress.update(0)
        for made in v1queue.make_all(repo, blocks):
            progress.increment()
            failed = failed or made.event == eventlog.ERROR
    return 1 if failed else 0
