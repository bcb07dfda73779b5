"""One line of the log for each thing that happens to a cached response.

The format is a contract; docs/operators.md describes it and a test reads it::

    EVENT COMMAND key=KEY bytes=N ms=N.N[ VIA][ reason=TEXT]

It goes out with ``ui.log(b's3wireprotocache', ...)``: the blackbox extension
writes it to a file, and any other logger of Mercurial may.
"""

import contextlib

from . import crossing
from .forksafe import ForkSafeLock
from .settings import SECTION

HIT = "hit"
MISS = "miss"
STORED = "stored"
SKIPPED_SMALL = "skipped-small"
SKIPPED_RARE = "skipped-rare"
DROPPED = "dropped"
DAMAGED = "damaged"
BYPASSED = "bypassed"
ERROR = "error"

# Mercurial's loggers throw away what a second thread says while they write,
# to guard against recursion. One at a time, our lines are all kept.
_one_at_a_time = ForkSafeLock()

_listeners = []


@contextlib.contextmanager
def listening(listener):
    """Within: call ``listener(event, command, key, size_bytes, reason)`` for
    each line, in whatever thread it is logged.

    The arguments are those of :func:`log`. The listener must not raise.
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def log(ui, event, command, key, size_bytes=0, seconds=0.0, via="", reason=""):
    """Write one line; never raises.

    ``event`` is one of the constants above; ``command`` bytes, as on the
    wire; ``key`` an object's name or "-"; ``via`` how a hit is answered
    ("redirect", "inline" or "spool"); ``reason`` one line without secrets.
    """
    for listener in tuple(_listeners):
        listener(event, command, key, size_bytes, reason)
    line = "%s %s key=%s bytes=%d ms=%.1f" % (
        event,
        crossing.to_str(command),
        key,
        size_bytes,
        seconds * 1000,
    )
    if via:
        line += " via=" + via
    if reason:
        line += " reason=" + " ".join(reason.split())
    try:
        with _one_at_a_time:
            ui.log(SECTION, b"%s\n", crossing.to_bytes(line))
    except Exception:
        # A logger that fails (a full disk under blackbox.log) must not take an
        # answer or an uploader thread with it; nor can it be told to anybody.
        return
