"""How what the log of pushes costs is counted and written down."""

import benchpath  # noqa: F401  (finds the modules below)
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import logreport
import logrows
import pytest
from logreport import AGAIN, BY_ID, LOGGED, ORDINARY, PLAIN, POLL, TRY, Asked, Measured
from tryservers import Sample


def asked(*milliseconds, cpu=1.0):
    return Asked([ms / 1e3 for ms in milliseconds], cpu / 1e3, 0.001, 1234.0)


def pushed(cpu, client):
    return Sample(cpu / 1e3, 0.002, client / 1e3, {}, 6)


def figures(measured):
    rows = logreport.rows(measured)
    return {name: (value, wanted) for name, value, wanted in rows}


def test_the_time_is_that_of_the_longest_log_and_the_ratio_is_of_cpu():
    measured = Measured()
    # Of all requests, whatever round they are in.
    measured.add_asked(BY_ID, 100_000, asked(10, 11, 90, cpu=6.0))
    measured.add_asked(BY_ID, 100_000, asked(12, 13, cpu=6.6))
    measured.add_asked(BY_ID, 100_000, asked(5, cpu=9.0))
    measured.add_asked(BY_ID, 10_000, asked(100, cpu=100.0))
    measured.add_asked(BY_ID, 1000, asked(50, cpu=6.0))
    measured.add_asked(POLL, 1000, asked(1, cpu=2.0))
    measured.add_asked(POLL, 100_000, asked(3, cpu=1.0))
    assert figures(measured) == {
        "startID, endID, 100,000 pushes": ("11.5 ms", "15 ms at most"),
        "startID, endID, 100,000 pushes / 1,000": ("1.100", "1.10 at most"),
        "304, 100,000 pushes": ("3.0 ms", ""),
        "304, 100,000 pushes / 1,000": ("0.500", ""),
    }


def test_a_push_by_hg_is_compared_with_the_same_one():
    measured = Measured()
    for seconds in (0.3, 0.9, 0.4):
        measured.add_by_hg(PLAIN, seconds)
        measured.add_by_hg(LOGGED, seconds + 0.02)
    assert figures(measured) == {
        "hg push, with the log / without the log, time": ("1.050", "1.05 at most"),
    }


def test_a_push_is_compared_with_the_same_one():
    measured = Measured()
    for cpu, client in ((10, 30), (100, 300), (20, 60)):
        measured.add_push(3, PLAIN, pushed(cpu, client))
        measured.add_push(3, LOGGED, pushed(cpu + 1, client + 6))
        measured.add_push(3, AGAIN, pushed(cpu, client))
    assert figures(measured) == {
        "push of 3, with the log / without the log, server CPU": (
            *("1.050", "1.05 at most"),
        ),
        "push of 3, with the log / without the log, time": ("1.100", "1.05 at most"),
        "push of 3, without the log, again / without the log, server CPU": (
            *("1.000", ""),
        ),
        "push of 3, without the log, again / without the log, time": ("1.000", ""),
    }


def test_paired_is_not_moved_by_what_both_have_in_common():
    assert logreport.paired([10, 1000, 20], [11, 1001, 21]) == pytest.approx(1.05)
    assert logreport.paired([10, 10], [5, 5]) == pytest.approx(0.5)


def test_pages_of_try_are_compared_with_ordinary_ones():
    measured = Measured()
    for kind, ms, cpu in ((ORDINARY, 10, 8.0), (TRY, 14, 10.0)):
        for page in ("/rev/NODE", "/raw-rev/NODE"):
            measured.add_page(page, kind, asked(ms, cpu=cpu))
    assert figures(measured) == {
        "/rev/NODE, try / ordinary, server CPU": ("1.250", "1.5 at most"),
        "/rev/NODE, try / ordinary, time": ("1.400", "1.5 at most"),
        "/raw-rev/NODE, try / ordinary, server CPU": ("1.250", ""),
        "/raw-rev/NODE, try / ordinary, time": ("1.400", ""),
    }


def test_nothing_is_written_of_what_was_not_measured():
    assert logreport.rows(Measured()) == []


def test_each_length_of_a_log_has_a_line():
    measured = Measured()
    measured.add_asked(BY_ID, 100_000, asked(10, 12, cpu=6.0))
    measured.add_asked(BY_ID, 1000, asked(10, cpu=5.0))
    lines = logreport.tables(measured).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[2] == [BY_ID, "1,000", "10.0", "5.0 (5.0 to 5.0)", "1.0", "1,234"]
    assert cells[3][:3] == [BY_ID, "100,000", "11.0"]


def test_users_of_the_past_have_as_many_pushes_in_a_log_of_any_length():
    assert [logrows.users(pushes) for pushes in (10, 1000, 100_000)] == [1, 20, 2000]


def test_neighbours_are_not_moved_by_a_machine_that_gets_slower():
    # The medians alone would say 2.4.
    assert logreport.neighbours([12, 12, 24], [5, 10, 20]) == pytest.approx(1.2)
    assert logreport.neighbours([12, 24, 24], [10, 10, 20]) == pytest.approx(1.2)
