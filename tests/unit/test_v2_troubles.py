"""Disks, clients and servers fail in the middle of a response: whoever is
still there gets the right one, and nothing is torn or left behind."""

import os
import resource
import shutil
import signal
import subprocess
import sys

import pytest
import v2bench
from stores import PATIENCE_SECONDS
from v2bench import QUICK, SLOWLY, Asking, has, names

from testlib import faultproxy as fp
from testlib.slowproxy import SlowProxy

pytestmark = v2bench.without_version_2

#: Longer than a test runs: who waits for its end hangs.
FOR_EVER = "3600"

#: A leader whose client stands still is waited for 10 s.
IMPATIENT = (
    QUICK
    + """
import functools
service.Coalescer = functools.partial(service.Coalescer, stall_seconds=0.5)
"""
)


@pytest.fixture(scope="module")
def answers(v2_repository, moto, tmp_path_factory):
    """Of all files, and of the smallest, by a server without a cache."""
    folder = tmp_path_factory.mktemp("uncached")
    with v2bench.Server(folder, v2_repository, moto, "", "") as server:
        return {
            "all": server.ask(v2_repository.files())[0],
            "f0": server.ask(v2_repository.file("f0"))[0],
        }


def leave_no_spool_and_no_lock(server, repository):
    v2bench.wait_for(server.open_spools, lambda found: not found)
    locks = repository.path / ".hg" / "cache" / "hg-s3"
    v2bench.wait_for(lambda: list(locks.glob("*.lock")), lambda found: not found)


# The disk


@pytest.mark.parametrize("missing_bytes", [1, 5_000_000])
def test_a_disk_that_is_full_before_the_end(
    missing_bytes, make_server, v2_repository, answers
):
    """With the last byte, too, which is written when the answer is complete."""
    server = make_server(lease_time=FOR_EVER, coalesce_timeout=FOR_EVER)
    server.ask(v2_repository.files())
    (stored,) = server.new_events(None, has("stored"))[1:]
    server.forget(stored.key)
    hard = resource.prlimit(server.hg.pid, resource.RLIMIT_FSIZE)[1]
    limit = (stored.size_bytes - missing_bytes, hard)
    resource.prlimit(server.hg.pid, resource.RLIMIT_FSIZE, limit)
    assert server.ask(v2_repository.files()) == (answers["all"], False)
    miss, error = server.new_events(None, has("error"))
    assert error.reason.startswith("cannot spool: ")
    assert error.size_bytes > stored.size_bytes - missing_bytes - 1_000_000
    leave_no_spool_and_no_lock(server, v2_repository)
    resource.prlimit(server.hg.pid, resource.RLIMIT_FSIZE, (hard, hard))
    # Neither is anybody waited for who is not there any more.
    assert server.ask(v2_repository.files())[0] == answers["all"]
    assert names(server.new_events(None, has("stored"))) == ["miss", "stored"]
    assert server.ask(v2_repository.files()) == (answers["all"], True)


def test_a_folder_of_temporary_files_that_is_gone(make_server, v2_repository, answers):
    server = make_server()
    server.ask(v2_repository.files())
    (stored,) = server.new_events(None, has("stored"))[1:]
    server.forget(stored.key)
    shutil.rmtree(server.tmp)
    assert server.ask(v2_repository.files()) == (answers["all"], False)
    assert names(server.new_events(None, has("error"))) == ["miss", "error"]
    server.tmp.mkdir()
    server.ask(v2_repository.files())
    assert names(server.new_events(None, has("stored"))) == ["miss", "stored"]


def test_a_tmpdir_that_was_never_there(make_server, v2_repository, answers, tmp_path):
    """Python goes on to the next folder that may hold temporary files."""
    server = make_server(environment={"TMPDIR": str(tmp_path / "nowhere")})
    assert server.ask(v2_repository.files()) == (answers["all"], False)
    assert names(server.new_events(None, has("stored"))) == ["miss", "stored"]
    assert server.ask(v2_repository.files()) == (answers["all"], True)


def test_a_cache_folder_that_cannot_be_made(make_server, v2_repository, answers):
    folder = v2_repository.path / ".hg" / "cache" / "hg-s3"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    try:
        server = make_server(min_occurrences="1")
        for expected in (["miss", "skipped-rare"], ["miss", "stored"], ["hit"]):
            assert server.ask(v2_repository.file("f0"))[0] == answers["f0"]
            assert names(server.new_events(None, has(expected[-1]))) == expected
        said = server.hg.log()
        assert said.count("other processes may compute the same") == 1
        assert said.count("counting in each process alone") == 1
    finally:
        folder.unlink()


# The server


def upload_in_the_middle(server, store_proxy, request):
    """Asks, and returns when part 2 of the upload is on its way."""

    def rule(head):
        return fp.HOLD if "partNumber=2" in head.first[1] else fp.PASS

    store_proxy.rule = rule
    found = server.ask(request)
    v2bench.wait_for(
        lambda: [action for action, _method, _target in store_proxy.done],
        lambda actions: fp.HOLD in actions,
    )
    return found


def test_a_server_that_is_killed_in_an_upload(
    make_server, v2_repository, store_proxy, answers, moto, bucket
):
    server = make_server(lease_time="1")
    digest, _redirected = upload_in_the_middle(
        server, store_proxy, v2_repository.files()
    )
    assert digest == answers["all"]
    server.hg.process.kill()
    store_proxy.released.set()
    store_proxy.rule = lambda head: fp.PASS
    assert [key for key in server.stored_keys() if "/lease/" not in key] == []
    # That is what docs/operators.md has a lifecycle rule for.
    left = server.unfinished_uploads()
    assert len(left) == 1
    assert list(server.tmp.iterdir()) == []
    after = make_server(lease_time="1")
    assert after.ask(v2_repository.files()) == (answers["all"], False)
    assert names(after.new_events(None, has("stored"))) == ["miss", "stored"]
    assert after.ask(v2_repository.files()) == (answers["all"], True)
    leave_no_spool_and_no_lock(after, v2_repository)
    assert after.unfinished_uploads() == left


def test_a_server_that_is_stopped_in_an_upload_ends_it(
    make_server, v2_repository, store_proxy, answers
):
    server = make_server()
    upload_in_the_middle(server, store_proxy, v2_repository.files())
    os.kill(server.hg.pid, signal.SIGTERM)
    # From now on it only waits for what is still on its way.
    v2bench.wait_for(server.hg.log, lambda said: "killed!" in said)
    assert server.hg.process.running
    store_proxy.released.set()
    assert names(server.new_events(None, has("stored"))) == ["miss", "stored"]
    v2bench.wait_for(lambda: server.hg.process.running, lambda running: not running)
    # With it, the lease.
    assert len(server.stored_keys()) == 1
    assert server.unfinished_uploads() == []


def test_a_server_that_is_stopped_twice_says_what_became_of_an_upload(
    make_server, v2_repository, store_proxy
):
    server = make_server()
    upload_in_the_middle(server, store_proxy, v2_repository.files())
    os.kill(server.hg.pid, signal.SIGTERM)
    v2bench.wait_for(server.hg.log, lambda said: "killed!" in said)
    os.kill(server.hg.pid, signal.SIGTERM)
    v2bench.wait_for(lambda: server.hg.process.running, lambda running: not running)
    (miss, dropped) = server.new_events(None, has("dropped"))
    assert dropped.reason == "the server is stopping"
    assert [key for key in server.stored_keys() if "/lease/" not in key] == []


# Clients


def test_a_slow_client_keeps_nobody_waiting(make_server, v2_repository, answers):
    server = make_server(lease_time=FOR_EVER, coalesce_timeout=FOR_EVER)
    with SlowProxy(server.hg.port, pause_seconds=0.2) as slow:
        first = Asking(server, v2_repository.files(), url=slow.url)
        assert slow.waiting.wait(PATIENCE_SECONDS)
        others = [Asking(server, v2_repository.files()) for _each in range(2)]
        # They are sent to the store, which has it before the first client has.
        assert [each.answer() for each in others] == [(answers["all"], True)] * 2
        assert not first.is_over
        slow.released.set()
        assert first.answer() == (answers["all"], False)
    assert sorted(names(server.new_events(None, has("stored")))) == sorted(
        ["miss"] * 3 + ["stored"] + ["hit"] * 2
    )
    leave_no_spool_and_no_lock(server, v2_repository)


@pytest.mark.parametrize("redirect", [True, False])
def test_a_client_that_reads_nothing_keeps_nobody_waiting(
    redirect, make_server, v2_repository, answers
):
    server = make_server(
        lease_time=FOR_EVER, coalesce_timeout=FOR_EVER, extension=IMPATIENT
    )
    with SlowProxy(server.hg.port, pause_seconds=None) as stuck:
        first = Asking(server, v2_repository.files(), url=stuck.url)
        assert stuck.waiting.wait(PATIENCE_SECONDS)
        others = [
            Asking(server, v2_repository.files(), redirect=redirect)
            for _each in range(2)
        ]
        assert [each.answer()[0] for each in others] == [answers["all"]] * 2
        assert not first.is_over
        if redirect:
            assert [key for key in server.stored_keys() if "/lease/" not in key]
        stuck.released.set()
        assert first.answer() == (answers["all"], False)
    server.new_events(None, has("stored"))
    v2bench.wait_for(
        server.stored_keys, lambda keys: [key for key in keys if "/lease/" in key] == []
    )
    leave_no_spool_and_no_lock(server, v2_repository)


CLIENT = """
import sys
sys.path[:0] = sys.argv[3].split(":")
import pathlib, v2bench
from testlib import v2client
url, redirect = sys.argv[1:3]
revisions = [{b"type": b"changesetexplicit", b"nodes": [bytes.fromhex(sys.argv[4])]}]
args = {
    b"revisions": revisions,
    b"fields": {b"parents", b"revision"},
    b"haveparents": True,
    b"pathfilter": {b"include": [b"path:m"]},
}
v2client.call(url, "filesdata", args, redirect == "yes")
"""


def start_client(url, node, redirect):
    paths = [entry for entry in sys.path if "tests" in entry]
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, url, redirect, ":".join(paths), node],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_clients_that_are_killed_leave_nothing_behind(
    make_server, v2_repository, answers
):
    """The leader, a follower that waits, one that reads along, and one that
    reads what the store has."""
    server = make_server(extension=IMPATIENT)
    node = v2_repository.node
    with SlowProxy(server.hg.port, pause_seconds=None) as stuck:
        victims = [start_client(stuck.url, node, "yes")]
        try:
            assert stuck.waiting.wait(PATIENCE_SECONDS)
            stuck.waiting.clear()
            victims.append(start_client(stuck.url, node, "no"))
            assert stuck.waiting.wait(PATIENCE_SECONDS)
            victims.append(start_client(server.hg.url, node, "yes"))
            server.new_events(None, has("miss", "miss", "miss"))
            for victim in victims:
                victim.kill()
        finally:
            for victim in victims:
                victim.kill()
                victim.wait()
    assert server.ask(v2_repository.files())[0] == answers["all"]
    v2bench.wait_for(
        server.stored_keys, lambda keys: len(keys) == 1 and "/lease/" not in keys[0]
    )
    leave_no_spool_and_no_lock(server, v2_repository)
    with SlowProxy(server.hg.port, pause_seconds=None) as stuck:
        victim = start_client(stuck.url, node, "no")
        try:
            assert stuck.waiting.wait(PATIENCE_SECONDS)
            assert server.open_spools()
        finally:
            victim.kill()
            victim.wait()
    leave_no_spool_and_no_lock(server, v2_repository)


def test_a_client_that_is_killed_gives_lock_and_lease_back(make_server, v2_repository):
    """At once: others would wait for both."""
    server = make_server(lease_time=FOR_EVER)
    with SlowProxy(server.hg.port, pause_seconds=None) as stuck:
        victim = start_client(stuck.url, v2_repository.node, "yes")
        try:
            assert stuck.waiting.wait(PATIENCE_SECONDS)
            assert ["/lease/" in key for key in server.stored_keys()] == [True]
        finally:
            victim.kill()
            victim.wait()
    assert names(server.new_events(None, has("dropped"))) == ["miss", "dropped"]
    v2bench.wait_for(server.stored_keys, lambda keys: not keys)
    leave_no_spool_and_no_lock(server, v2_repository)


# The lease


def test_a_lease_that_may_not_be_deleted_holds_up_nobody(
    make_server, v2_repository, store_proxy, answers
):
    """A policy without s3:DeleteObject, and responses that are not stored."""
    store_proxy.rule = lambda head: "403" if "?delete" in head.first[1] else fp.PASS
    server = make_server(
        lease_time=FOR_EVER, coalesce_timeout=FOR_EVER, minimum_object_size="1GB"
    )
    for _round in range(4):
        asking = Asking(server, v2_repository.file("f0"))
        assert asking.answer() == (answers["f0"], False)
        assert names(server.new_events(None, v2bench.is_over)) == [
            "miss",
            "skipped-small",
        ]


def test_a_lease_is_kept_as_long_as_the_command_runs(
    make_server, v2_repository, store_proxy, tmp_path
):
    gate = tmp_path / "gate"
    server = make_server(lease_time="3", extension=SLOWLY % str(gate))
    asking = Asking(server, v2_repository.file("f0"))

    def lease_puts():
        return [
            target
            for _action, method, target in store_proxy.done
            if method == "PUT" and "/lease/" in target
        ]

    try:
        v2bench.wait_for(lease_puts, lambda found: len(found) >= 3)
        assert not asking.is_over
    finally:
        gate.touch()
    asking.answer()
    server.new_events(None, has("stored"))
