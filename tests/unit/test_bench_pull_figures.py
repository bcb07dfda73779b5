"""How what pulls and a fleet cost is counted and written down."""

import dataclasses
import pathlib
import sys
import time

import benchpath  # noqa: F401  (finds the modules below)
import fleetrun
import fleettrace
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import pullreport
import pullrun
import pytest
import v1_fleet
from background import Background
from fleetrun import Fleet
from pullreport import AGAIN, CLONE, FOLDER, HIT, MISS, UNCACHED, Kind
from pullrun import PullRun

from testlib import processes
from testlib.meterproxy import Exchange

RUN = PullRun(1.0, 0.0, 2.0, 1.5, 3, 0, 100, 0, 0, 2**20)


def run(**fields):
    return dataclasses.replace(RUN, **fields)


def figures(rows):
    return {name: (measured, asked) for name, measured, asked in rows}


def test_each_answer_is_compared_with_an_uncached_one_of_its_kind():
    runs = {
        Kind(1000, HIT): [run(cpu_seconds=0.05)],
        Kind(1000, UNCACHED): [run(cpu_seconds=0.5)],
        Kind(10, HIT): [run(cpu_seconds=0.02)],
        Kind(10, UNCACHED): [run(cpu_seconds=0.02)],
        Kind(CLONE, UNCACHED): [run(cpu_seconds=s) for s in (2.0, 9.0, 1.0)],
        Kind(CLONE, UNCACHED + AGAIN): [run(cpu_seconds=4.0)],
        Kind(CLONE, MISS): [run(cpu_seconds=2.2)],
        Kind(CLONE, HIT): [run(cpu_seconds=0.03)],
        Kind(CLONE, HIT + AGAIN): [run(cpu_seconds=0.02)],
        Kind(CLONE, FOLDER): [run(cpu_seconds=0.04)],
        Kind(77, HIT): [RUN],
    }
    rows = pullreport.cpu_ratios(runs)
    assert figures(rows) == {
        "clone, miss / uncached, server CPU": ("1.100", ""),
        "clone, hit / uncached, server CPU": ("1.50%", "2% at most"),
        "clone, hit, again / uncached, server CPU": ("0.50%", "2% at most"),
        "clone, folder hit / uncached, server CPU": ("2.00%", ""),
        "pull of 10, hit / uncached, server CPU": ("1.000", "1.05 at most"),
        "pull of 1,000, hit / uncached, server CPU": ("10.00%", "10% at most"),
    }
    assert [name.partition(",")[0] for name, _ratio, _asked in rows] == [
        *(["clone"] * 4),
        *("pull of 10", "pull of 1"),
    ]


def test_small_pulls_are_compared_by_their_medians():
    light = {
        Kind(10, UNCACHED): [0.010, 0.020, 0.500],
        Kind(10, HIT): [0.021, 0.300, 0.001],
        Kind(1000, UNCACHED): [0.1],
        Kind(1000, HIT): [0.02],
    }
    name = "pull of 10, hit / uncached, server CPU, 3 light clients"
    rows = figures(pullreport.light_ratios(light))
    assert rows[name] == ("1.050", "1.05 at most")
    name = "pull of 1,000, hit / uncached, server CPU, 1 light clients"
    assert rows[name] == ("20.00%", "10% at most")


def test_a_miss_is_not_asked_to_be_quick_for_its_client():
    runs = {
        Kind(CLONE, UNCACHED): [RUN],
        Kind(CLONE, MISS): [run(client_seconds=2.4, client_cpu_seconds=3.0)],
        Kind(CLONE, HIT): [run(client_seconds=1.0)],
    }
    assert figures(pullreport.client_ratios(runs)) == {
        "clone, miss / uncached, client s": ("1.200", ""),
        "clone, miss / uncached, client CPU": ("2.000", ""),
        "clone, hit / uncached, client s": ("0.500", "1.0 at most"),
        "clone, hit / uncached, client CPU": ("1.000", ""),
    }


class FakeProxy:
    def __init__(self, *exchanges):
        self._exchanges = list(exchanges)

    def exchanges(self):
        return self._exchanges

    def clear(self):
        pass


class Fake:
    """An object with these attributes."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def exchange(path, response_bytes):
    return Exchange(*("GET", path, "", 200, 0, response_bytes), *(0.0, 0.5, 0.1, False))


def test_what_a_server_does_for_nobody_is_counted_apart():
    clock, threads, others = iter([10.0, 15.0]), iter([1.0, 3.0]), iter([0.0, 4.0])
    server = Fake(
        hg=Fake(cpu_seconds=lambda: next(clock), peak_rss_bytes=lambda: 7),
        background=Fake(
            thread_seconds=lambda: next(threads),
            process_seconds=lambda: next(others),
        ),
        proxy=FakeProxy(
            exchange("/", 100), exchange("/s3get/a", 20), exchange("/x/s3get/b", 3)
        ),
        store=Fake(proxy=FakeProxy(exchange("/bucket/key", 5000))),
    )
    counted = pullrun.Meter(server).run(9.0, 8.0)
    assert counted == PullRun(
        cpu_seconds=3.0,
        background_cpu_seconds=6.0,
        client_seconds=9.0,
        client_cpu_seconds=8.0,
        requests=3,
        remote_parts=2,
        server_bytes=123,
        part_bytes=23,
        store_bytes=5000,
        peak_rss_bytes=7,
    )


def test_the_share_of_the_store_is_of_all_bytes_that_clients_get():
    fleet = Fleet(
        pushes=[run(server_bytes=5000, background_cpu_seconds=1.0)],
        pulls=[run(server_bytes=10, store_bytes=90)],
        clones=[run(server_bytes=0, store_bytes=300, background_cpu_seconds=0.5)],
        bundle_cpu_seconds=0.25,
        first_cpu_seconds=100.0,
    )
    assert fleetrun.share(fleet.pulls) == 0.9
    assert fleetrun.share(fleet.answers) == 0.975
    assert fleetrun.share([]) == 0
    assert fleet.background_cpu_seconds == 1.75


def test_each_way_has_a_column_and_is_compared_with_nothing():
    fleets = {
        "nothing": Fleet(pulls=[run(cpu_seconds=8.0)]),
        "segments": Fleet(
            pulls=[run(cpu_seconds=2.0, server_bytes=1, store_bytes=99)],
            pushes=[run(background_cpu_seconds=1.0)],
        ),
    }
    assert figures(v1_fleet.ratios(fleets)) == {
        "nothing: bytes from the store": ("0.00%", ""),
        "segments: bytes from the store": ("99.00%", "99% at least"),
        "segments / nothing, server CPU": ("25.00%", ""),
        "of which with background": ("37.50%", ""),
    }
    head = v1_fleet.cost_table(fleets).splitlines()[0]
    assert head.replace(" ", "") == "||nothing|segments|"


def test_a_trace_is_the_same_each_time(monkeypatch):
    def points(source, sizes):
        return ["%040x" % number for number in range(len(sizes) + 1)]

    monkeypatch.setattr(fleettrace, "points_of_pushes", points)
    one, two = (fleettrace.Trace(pathlib.Path(), 7, 5, 20, 30) for _n in "ab")
    assert one.rounds == two.rounds
    assert [each.state for each in one.rounds] == list(range(31, 38))
    assert one.first == 30
    assert len(one.points) == 38
    for each in one.rounds:
        assert len(each.pulls) == 20
        assert all(each.state - 30 <= state <= each.state for state in each.pulls)
    assert len({state for each in one.rounds for state in each.pulls}) > 20


#: Works in the main thread, in another one, in a child that it waits for, and in
#: one that it leaves behind.
SERVER = """
import subprocess, sys, threading, time

def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

print("ready", flush=True)
thread = threading.Thread(target=lambda: (work(0.3), time.sleep(60)), daemon=True)
thread.start()
time.sleep(1)
child = [sys.executable, "-c", "sum(range(8_000_000))"]
subprocess.run(child)
subprocess.Popen(["sh", "-c", '"$@" &', "sh", *child], start_new_session=True).wait()
print("done", flush=True)
time.sleep(60)
"""


def test_threads_and_processes_of_a_server_are_found(tmp_path):
    server = processes.ServerProcess(
        [sys.executable, "-c", SERVER], tmp_path / "log", {}
    )
    try:
        server.wait_for_line("ready")
        background = Background(server.pid)
        server.wait_for_line("done")
        first = processes.children_cpu_seconds(server.pid)
        deadline = time.monotonic() + 60
        while processes.adopted() and time.monotonic() < deadline:
            background.process_seconds()
            time.sleep(0.02)
        assert not processes.adopted()
        assert background.process_seconds() > first > 0
        assert 0.25 < background.thread_seconds() < processes.cpu_seconds(server.pid)
    finally:
        server.stop()


def test_a_process_that_is_gone_has_no_threads(tmp_path):
    server = processes.ServerProcess([sys.executable, "-c", ""], tmp_path / "log", {})
    server.stop()
    with pytest.raises(ProcessLookupError):
        processes.thread_cpu_seconds(server.pid)
    with pytest.raises(ProcessLookupError):
        processes.children_cpu_seconds(server.pid)
