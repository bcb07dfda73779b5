"""The lines of the log, whose format is a contract."""

import re
import threading

import pytest
from hgui import EXTENSION, make_ui
from stores import PATIENCE_SECONDS

from hgs3 import eventlog

FORMAT = re.compile(
    rb"(hit|miss|stored|skipped-small|dropped|error) [a-z]+ key=\S+ bytes=\d+"
    rb" ms=\d+\.\d( via=(redirect|inline))?( reason=\S.*)?\n\Z"
)


class Logger:
    """One of Mercurial's loggers, as blackbox is."""

    def __init__(self):
        self.lines = []

    def tracked(self, event):
        return event == b"s3wireprotocache"

    def log(self, ui, event, msg, opts):
        self.lines.append(msg)


@pytest.fixture
def logged_ui():
    ui = make_ui()
    ui.setlogger(b"test", Logger())
    return ui


def lines_of(ui):
    return ui.getlogger(b"test").lines


@pytest.mark.parametrize(
    "arguments, line",
    [
        (
            (eventlog.MISS, b"filesdata", "cache/k", 0, 0.0123),
            b"miss filesdata key=cache/k bytes=0 ms=12.3\n",
        ),
        (
            (eventlog.HIT, b"filedata", "k", 123456, 1.5, "redirect"),
            b"hit filedata key=k bytes=123456 ms=1500.0 via=redirect\n",
        ),
        (
            (eventlog.HIT, b"filedata", "k", 1, 0.00004, "inline", "why not"),
            b"hit filedata key=k bytes=1 ms=0.0 via=inline reason=why not\n",
        ),
        (
            (eventlog.STORED, b"manifestdata", "k", 1, 2.0),
            b"stored manifestdata key=k bytes=1 ms=2000.0\n",
        ),
        (
            (eventlog.SKIPPED_SMALL, b"manifestdata", "k", 1),
            b"skipped-small manifestdata key=k bytes=1 ms=0.0\n",
        ),
        (
            (eventlog.DROPPED, b"manifestdata", "-", 1, 0.0, "", "queue full"),
            b"dropped manifestdata key=- bytes=1 ms=0.0 reason=queue full\n",
        ),
        (
            (eventlog.ERROR, b"manifestdata", "k\xe9", 0, 0.0, "", "caf\xe9"),
            b"error manifestdata key=k\xc3\xa9 bytes=0 ms=0.0 reason=caf\xc3\xa9\n",
        ),
    ],
)
def test_a_line(arguments, line, logged_ui):
    eventlog.log(logged_ui, *arguments)
    assert lines_of(logged_ui) == [line]
    assert FORMAT.match(line)


@pytest.mark.parametrize(
    "reason", ["a\nb", "a\r\n\tb\n", "\na b", "a\x0bb", "a\x1eb", "a\u2028b", "a\x85b"]
)
def test_a_reason_stays_on_its_line(reason, logged_ui):
    eventlog.log(logged_ui, eventlog.ERROR, b"filesdata", "k", reason=reason)
    assert lines_of(logged_ui) == [b"error filesdata key=k bytes=0 ms=0.0 reason=a b\n"]


def test_a_percent_sign_is_only_that(logged_ui):
    eventlog.log(logged_ui, eventlog.ERROR, b"filesdata", "a%20b", reason="100%s")
    assert lines_of(logged_ui) == [
        b"error filesdata key=a%20b bytes=0 ms=0.0 reason=100%s\n"
    ]


def test_every_event_is_in_the_manual():
    manual = EXTENSION.__doc__
    manual = manual[manual.index("\nLog\n") :]
    for event in ("hit", "miss", "stored", "skipped", "dropped", "error"):
        assert event in manual
    assert "EVENT COMMAND key=KEY bytes=N ms=N.N" in manual


@pytest.mark.parametrize("fault", [OSError(28, "No space left"), ValueError("bug")])
@pytest.mark.parametrize("debug", [False, True])
def test_a_logger_that_fails_takes_nothing_with_it(fault, debug, logged_ui):
    def fail(*_args):
        raise fault

    logged_ui.getlogger(b"test").log = fail
    logged_ui.debugflag = debug
    logged_ui.pushbuffer()
    eventlog.log(logged_ui, eventlog.MISS, b"filesdata", "k")
    assert logged_ui.popbuffer() == b""


def test_nobody_listens():
    eventlog.log(make_ui(), eventlog.MISS, b"filesdata", "k")


class HandOverLogger(Logger):
    """While one thread logs, lets another one try to."""

    def __init__(self):
        super().__init__()
        self.inside = threading.Event()
        self.proceed = threading.Event()

    def log(self, ui, event, msg, opts):
        first = not self.inside.is_set()
        self.inside.set()
        if first:
            assert self.proceed.wait(PATIENCE_SECONDS)
        super().log(ui, event, msg, opts)


def test_a_line_that_comes_while_another_is_written_is_kept():
    """Mercurial itself drops it: the loggers of a ui are put away meanwhile."""
    ui = make_ui()
    logger = HandOverLogger()
    ui.setlogger(b"test", logger)

    def say(key):
        eventlog.log(ui, eventlog.MISS, b"filesdata", key)

    first = threading.Thread(target=say, args=("first",), daemon=True)
    second = threading.Thread(target=say, args=("second",), daemon=True)
    first.start()
    assert logger.inside.wait(PATIENCE_SECONDS)
    second.start()
    # It ends at once where its line is lost, and waits where it is kept.
    second.join(0.3)
    logger.proceed.set()
    for thread in (first, second):
        thread.join(PATIENCE_SECONDS)
    assert [line.split()[2] for line in logger.lines] == [b"key=first", b"key=second"]


def test_many_threads_lose_no_line(logged_ui):
    start = threading.Barrier(8, timeout=PATIENCE_SECONDS)

    def say(number):
        start.wait()
        for turn in range(200):
            eventlog.log(
                logged_ui, eventlog.HIT, b"filesdata", "%d-%d" % (number, turn)
            )

    threads = [threading.Thread(target=say, args=(n,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    lines = lines_of(logged_ui)
    assert len(lines) == len(set(lines)) == 8 * 200
    assert all(FORMAT.match(line) for line in lines)
