"""How the benchmarks count and write down what they measured."""

import argparse

import benchpath  # noqa: F401  (finds the modules below)
import cli
import clonerun
import lightclient
import pushtrace
import pytest
import report
import serverevents
import v2_growth
from herd import HerdRun
from lightclient import Answer
from serverevents import Event

from testlib.meterproxy import Exchange

LOG = """\
2026/01/02 03:04:05 hg @b1a2c3 (101)> computed filesdata key=aa bytes=0 ms=0.0
2026/01/02 03:04:05 hg @b1a2c3 (101)> miss filesdata key=cache/x bytes=0 ms=2.5
2026/01/02 03:04:06 hg @b1a2c3+ (102)> hit filesdata key=cache/x bytes=70 ms=2.5 via=r
2026/01/02 03:04:06 hg @b1a2c3 (102)> serve exited 0 after 3.00 seconds
"""


def test_events_are_read_from_a_log():
    assert serverevents.parse(LOG) == [
        Event(101, "computed", "filesdata", "aa", 0),
        Event(101, "miss", "filesdata", "cache/x", 0),
        Event(102, "hit", "filesdata", "cache/x", 70),
    ]


def herd_run(*events):
    return HerdRun([1.0, 2.0], [3.0], list(events), [101, 102], 0, 0)


def test_computations_of_all_servers_count_together():
    run = herd_run(
        Event(101, "computed", "filesdata", "aa", 0),
        Event(102, "computed", "filesdata", "aa", 0),
        Event(102, "computed", "filesdata", "bb", 0),
        Event(102, "computed", "manifestdata", "aa", 0),
        Event(101, "miss", "filesdata", "aa", 0),
        Event(101, "skipped-small", "filesdata", "aa", 9),
    )
    assert run.computations("filesdata") == {"aa": 2, "bb": 1}
    assert run.count("computed", "filesdata") == [1, 2]
    assert run.others("filesdata") == "skipped-small 1"
    assert run.total_cpu_seconds == 3.0


def exchange(command, started, response_bytes, cpu_seconds=None):
    return Exchange(
        *("POST", "/", command, 200, 10, response_bytes),
        *(started, 0.5, cpu_seconds, False),
    )


def test_what_the_store_sends_belongs_to_the_request_before_it():
    served = [
        exchange("", 0.0, 5, 0.1),
        exchange("manifestdata", 1.0, 20, 0.2),
        exchange("filesdata", 3.0, 30, 0.3),
        exchange("filesdata", 4.0, 3000, 0.4),
    ]
    fetched = [exchange("", 1.6, 700), exchange("", 3.6, 800)]
    costs = clonerun._costs(served, fetched, ended=6.0)
    assert list(costs) == ["manifestdata", "filesdata", "other"]
    files = costs["filesdata"]
    assert (files.requests, files.redirects) == (2, 1)
    assert (files.server_bytes, files.store_bytes) == (3030, 800)
    assert files.client_seconds == 3.0
    assert files.cpu_seconds == pytest.approx(0.7)
    assert costs["manifestdata"].redirects == 1
    assert costs["other"].redirects == 0


def test_a_trace_adds_up_what_clients_asked_for():
    answers = [
        Answer("changesetdata", False, 100),
        Answer("filesdata", True, 900),
    ]
    one = pushtrace.of_answers(answers, 0.5)
    both = pushtrace.total([one, one])
    assert (both.requests, both.hits) == (4, 2)
    assert (both.body_bytes, both.hit_bytes) == (2000, 1800)
    assert both.cpu_seconds == 1.0


@pytest.mark.parametrize(
    "text, sizes",
    [("500", (500, 500)), ("20000/500", (20000, 500)), ("core", (100000, 50000))],
)
def test_sizes_of_a_batch(text, sizes):
    assert v2_growth.batch_sizes(text) == (text, *sizes)


@pytest.mark.parametrize("text", ["", "0", "many", "1/0"])
def test_no_size_of_a_batch(text):
    with pytest.raises(ValueError):
        v2_growth.batch_sizes(text)


def test_settings_are_named_in_full():
    assert cli.setting("web.name=a=b") == ("web.name", "a=b")
    for text in ("web.name", "name=1"):
        with pytest.raises(ValueError):
            cli.setting(text)


def test_a_repository_that_is_none_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        cli.repository(argparse.Namespace(repo=tmp_path))


def test_a_table_is_aligned():
    assert report.table(("kind", "n"), [("a", "10"), ("bcdef", "1")]).splitlines() == [
        "| kind  |  n |",
        "| ----- | -: |",
        "| a     | 10 |",
        "| bcdef |  1 |",
    ]


def test_the_heavy_commands_are_the_same_everywhere():
    assert set(lightclient.HEAVY) | {"filedata"} == set(clonerun.V2_COMMANDS)
