"""The local files of bundles, as many processes use them, some of which are killed."""

import contextlib
import os
import pathlib
import subprocess
import sys
import threading

import pytest
from bundleworker import SIZE, Bundle, bundles_in, never
from filestores import in_child, killed_at
from stores import PATIENCE_SECONDS

from hgs3.cache import hostlock
from hgs3.trybundles.bundlecache import BundleCache

WORKER = pathlib.Path(__file__).with_name("bundleworker.py")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "bundles"


@contextlib.contextmanager
def workers(folder, limit_bytes, argument_lists):
    """Processes that begin together, and are gone at the end."""
    started = []
    try:
        for arguments in argument_lists:
            command = [sys.executable, str(WORKER), str(folder), str(limit_bytes)]
            started.append(
                subprocess.Popen(
                    command + [str(each) for each in arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        for each in started:
            assert each.stdout.readline() == b"ready\n"
        for each in started:
            each.stdin.write(b"go\n")
            each.stdin.flush()
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def last_lines(started):
    found = [each.communicate(timeout=PATIENCE_SECONDS)[0] for each in started]
    assert [each.returncode for each in started] == [0] * len(started)
    return [each.splitlines()[-1] for each in found]


def test_a_herd_fetches_once(folder, tmp_path):
    log = tmp_path / "fetches"
    with workers(folder, 0, [("herd", 1, 8, log)] * 8) as started:
        assert last_lines(started) == [b"8"] * 8
    assert log.read_text() == "fetched\n"
    assert bundles_in(folder) == [Bundle(1).sha256]


def test_of_one_who_is_killed_nothing_is_used_and_the_next_one_fetches(
    folder, tmp_path
):
    log = tmp_path / "fetches"
    with workers(folder, 0, [("hang", 1)]) as killed:
        assert killed[0].stdout.readline() == b"half\n"
        # They wait for the one who hangs.
        with workers(folder, 0, [("herd", 1, 3, log)] * 3) as started:
            killed[0].kill()
            assert last_lines(started) == [b"3"] * 3
    assert log.read_text() == "fetched\n"
    half, whole = sorted(bundles_in(folder), key=len, reverse=True)
    assert half.endswith(".tmp") and whole == Bundle(1).sha256


@pytest.mark.parametrize("kills", [False, True])
def test_what_processes_share_is_always_right(folder, kills):
    limit = 8 * SIZE
    with workers(folder, limit, [("churn", seed, 150) for seed in range(4)]) as started:
        survivors = started
        if kills:
            survivors = started[2:]
            for each in started[:2]:
                for _turn in range(20):
                    assert each.stdout.readline() == b"turn\n"
                each.kill()
        assert last_lines(survivors) == [b"wrong 0"] * len(survivors)
    cache = BundleCache(str(folder), limit, print)
    for number in range(20):
        assert Bundle(number).read(cache) == Bundle(number).data
    sizes = [each.stat().st_size for each in folder.iterdir() if len(each.name) == 64]
    assert sum(sizes) <= limit
    with cache._room._space.locked() as count:
        assert count.bytes >= sum(sizes)


def test_killed_at_any_system_call(folder):
    calls, limit, said = 0, 3 * SIZE, []
    full = BundleCache(str(folder), limit, said.append)

    def use():
        Bundle(4).path(full)

    while True:
        cache = BundleCache(str(folder), limit, said.append)
        for number in (1, 2, 3):
            Bundle(number).path(cache)
        if not killed_at(calls, use):
            break
        calls += 1
        other = BundleCache(str(folder), limit, said.append)
        assert Bundle(4).read(other) == Bundle(4).data and said == []
        # The next addition makes room where that one could not.
        Bundle(5).path(other)
        sizes = [
            each.stat().st_size for each in folder.iterdir() if len(each.name) == 64
        ]
        assert sum(sizes) <= limit
        for number in (4, 5):
            os.unlink(Bundle(number).path(other, never))
    assert calls >= 15


def test_a_child_that_was_forked_keeps_no_lock_and_can_use_it(folder):
    """As a WSGI server forks a worker while a thread fetches."""
    cache, bundle = BundleCache(str(folder), 0, print), Bundle(1)
    fetching, done = threading.Event(), threading.Event()

    def fetch(stream):
        fetching.set()
        done.wait(PATIENCE_SECONDS)
        bundle.fetch(stream)

    thread = threading.Thread(target=bundle.path, args=(cache, fetch))
    thread.start()
    try:
        assert fetching.wait(PATIENCE_SECONDS)
        assert in_child(lambda: len(hostlock._open_files)) == 0
        other = Bundle(2)
        assert in_child(lambda: other.read(cache)) == other.data
    finally:
        done.set()
        thread.join()
    assert bundle.read(cache, never) == bundle.data
