"""Which tests a command line runs, and what a broken runner counts as."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import fuzz
import results
import run_tests
from results import FAILED, PASSED, Result


@pytest.mark.parametrize(
    "line, unit, t, complete",
    [
        ("", True, True, True),
        ("--hg 7.2", True, True, True),
        ("--unit-only", True, False, False),
        ("--t-only", False, True, False),
        ("-k name", True, False, False),
        ("test-a.t", False, True, False),
        ("test-a.t#http", False, True, False),
        ("tests/unit", True, False, False),
        ("tests/unit/test_a.py::test_b", True, False, False),
        ("test-a.t tests/unit/test_a.py", True, True, False),
    ],
)
def test_what_is_run(line, unit, t, complete):
    options = run_tests.parse_arguments(line.split())
    assert (options.unit, options.t, options.complete) == (unit, t, complete)


TRY = [
    "tests/differential/test_try_pairs.py",
    "tests/differential/test_try_stories.py",
]
V1 = "tests/differential/test_v1_pulls.py"
V2 = "tests/differential/test_v2_answers.py"


@pytest.mark.parametrize(
    "line, names60, names72",
    [
        ("", ["tests/unit", *TRY, V1, V2], ["tests/unit", *TRY, V1]),
        ("--unit-only", ["tests/unit"], ["tests/unit"]),
        ("-k name", ["tests/unit", *TRY, V1, V2], ["tests/unit", *TRY, V1]),
        ("tests/unit/test_a.py::test_b", ["tests/unit/test_a.py::test_b"], None),
        ("tests/differential", [*TRY, V1, V2], [*TRY, V1]),
        ("tests/differential/", [*TRY, V1, V2], [*TRY, V1]),
        (V2 + "::test_b", [V2 + "::test_b"], []),
    ],
)
def test_what_pytest_is_given(line, names60, names72):
    """A differential test goes to the Mercurial that has its protocol, only."""
    options = run_tests.parse_arguments(line.split())
    assert run_tests.pytest_names("hg-6.0.3", options) == names60
    expected = names60 if names72 is None else names72
    assert run_tests.pytest_names("hg-7.2", options) == expected


def test_every_differential_test_has_a_mercurial():
    folder = run_tests.ROOT / run_tests.DIFFERENTIAL
    found = {"%s/%s" % (run_tests.DIFFERENTIAL, p.name) for p in folder.glob("test_*")}
    assert found == {n for e in run_tests.ENVS for n in run_tests.differential_tests(e)}


def test_nothing_to_run_is_nothing_run(tmp_path):
    """pytest without a name would run all that it finds."""
    options = run_tests.parse_arguments([V2])
    assert run_tests.run_pytest(["hg-7.2"], tmp_path, options) == []


@pytest.mark.parametrize(
    "line, repeated",
    [
        ("--seed 7", "--seed 7 --examples 100"),
        ("--seed 7 --examples 5 -k strip", "--seed 7 --examples 5 -k 'strip'"),
    ],
)
def test_a_fuzz_run_says_how_to_repeat_it(line, repeated):
    options = fuzz.parse_arguments(line.split())
    assert fuzz.how_to_repeat(options) == 'make fuzz ARGS="%s"' % repeated
    assert fuzz.parse_arguments([]).seed != fuzz.parse_arguments([]).seed


def test_t_tests_are_named_from_their_folder():
    assert run_tests.parse_arguments(["tests/test-a.t"]).t_names == ["test-a.t"]


def test_a_runner_without_a_readable_report_is_a_failure():
    def read_report():
        raise ValueError("no element found")

    (result,) = run_tests.collect("e", "pytest", 0, read_report)
    assert result.outcome == FAILED
    assert result.reason == "exit status 0 and no readable report: no element found"


def test_a_bad_exit_status_needs_a_failed_test_to_explain_it():
    passed, failed = Result("e", "a", PASSED), Result("e", "b", FAILED)
    assert run_tests.collect("e", "pytest", 1, lambda: [passed, failed]) == [
        passed,
        failed,
    ]
    crash = run_tests.collect("e", "pytest", 3, lambda: [passed])[1]
    assert str(crash) == "e pytest: exit status 3 without a failed test"
    assert results.summary([passed, crash]) == "1 passed, 1 failed"


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_interrupted_runner_can_clean_up(tmp_path):
    """SIGTERM to us reaches the runner as SIGINT, and we wait for its end."""
    child = (
        "import pathlib, time\n"
        "folder = pathlib.Path(%r)\n"
        "try:\n"
        "    (folder / 'started').touch()\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.3)\n"
        "    (folder / 'cleaned').touch()\n" % str(tmp_path)
    )
    parent = (
        "import signal, sys; sys.path.insert(0, %r); import run_tests\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "run_tests.call([sys.executable, '-c', %r], '/', {})\n"
    ) % (os.path.dirname(run_tests.__file__), child)
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stderr=subprocess.DEVNULL
    )
    wait_until((tmp_path / "started").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) != 0
    assert (tmp_path / "cleaned").exists()


def test_daemons_do_not_outlive_their_scratch_folder():
    daemon = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with run_tests.scratch_folder() as scratch:
        child = pathlib.Path(scratch, "hgtests.x", "child1")
        child.mkdir(parents=True)
        (child / "daemon.pids").write_text("%d\n" % daemon.pid)
    assert daemon.wait(20) == -signal.SIGKILL
    assert not os.path.exists(scratch)
