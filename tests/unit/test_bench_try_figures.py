"""How what a push to try costs is counted and written down."""

import benchpath  # noqa: F401  (finds the modules below)
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import tryreport
from tryreport import Measured, Memory
from tryservers import ORDINARY, Kind, Sample

EMPTY, LONG = Kind(True, 0), Kind(True, 100_000)
RECENT = Kind(True, 100_000, recent=300)
S3 = Kind(True, 0, s3=True)
MANY_HEADS = Kind(False, 2000)


def samples(*milliseconds, **fields):
    values = {
        "database_cpu_seconds": 0.002,
        "client_seconds": 0.1,
        "commands": {},
        "requests": 6,
    }
    values.update(fields)
    return [Sample(cpu_seconds=ms / 1e3, **values) for ms in milliseconds]


def figures(rows):
    return {name: (measured, asked) for name, measured, asked in rows}


def test_each_server_is_compared_with_the_one_without_a_past():
    pushes = {
        ORDINARY: samples(20, 500, 1),
        MANY_HEADS: samples(40),
        EMPTY: samples(30),
        LONG: samples(33, 33, 90),
        RECENT: samples(36),
        S3: samples(60),
    }
    assert figures(tryreport.flatness(pushes)) == {
        "push, headless after 100,000 / after 0": ("1.100", "1.10 at most"),
        "push, headless after 100,000, 300 of them recent / after 0": ("1.200", ""),
    }
    compared = tryreport.against_ordinary("push", pushes, "1.5 at most")
    assert figures(compared) == {
        "push, ordinary, 2,000 heads / ordinary": ("2.000", ""),
        "push, headless after 0 / ordinary": ("1.500", "1.5 at most"),
        "push, headless after 100,000 / ordinary": ("1.650", "1.5 at most"),
        "push, headless after 100,000, 300 of them recent / ordinary": ("1.800", ""),
        "push, headless after 0, S3 / ordinary": ("3.000", ""),
    }


def test_without_something_to_compare_with_there_is_no_figure():
    assert tryreport.flatness({S3: samples(1), LONG: samples(1)}) == []
    assert tryreport.against_ordinary("push", {EMPTY: samples(1)}, "") == []
    assert tryreport.rows(Measured()) == []


def test_a_large_head_is_asked_for_in_milliseconds():
    rows = tryreport.large({ORDINARY: samples(80), EMPTY: samples(15), S3: samples(9)})
    assert figures(rows) == {
        "pull of a large head, ordinary": ("80.0 ms", ""),
        "pull of a large head, headless after 0": ("15.0 ms", ""),
        "pull of a large head, headless after 0, S3": ("9.0 ms", "10 ms at most"),
    }


def test_memory_is_a_ratio():
    found = Memory(500, 80 * 2**20, 5000, 96 * 2**20, 12345)
    assert figures(tryreport.memory(found)) == {
        "memory after 5,000 / 500 requests": ("1.200", "1.2 at most"),
        "of which": ("96.0 / 80.0 MiB", ""),
        "HTTP requests": ("12,345", ""),
    }


def test_each_command_has_a_column_in_the_order_of_requests():
    lines = tryreport.costs(
        {
            ORDINARY: samples(1, commands={"batch": 0.001, "unbundle": 0.02}),
            EMPTY: samples(1, commands={"batch": 0.003, "short URL": 0.004}),
        }
    ).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0][5:] == ["batch", "unbundle", "short URL"]
    assert cells[2][5:] == ["1.0", "20.0", ""]
    assert cells[3][5:] == ["3.0", "", "4.0"]
    # An ordinary server has no database.
    assert (cells[2][2], cells[3][2]) == ("", "2.0")
