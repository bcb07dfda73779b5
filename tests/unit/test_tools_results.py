"""The judge of the test runs: no skip passes in silence."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import common
import results
from results import FAILED, PASSED, SKIPPED, ExpectedSkip, Result

ENVS = ("hg-6.0.3", "hg-7.2")


def skipped(name="test-v2.t", reason="missing feature: v2", env="hg-7.2"):
    return Result(env, name, SKIPPED, reason)


LISTED = ExpectedSkip(1, "hg-7.2", "test-v2*.t", "missing feature")


def test_an_unlisted_skip_is_a_failure_that_says_why():
    (judged,) = results.judge_skips([skipped()], [], ENVS)
    assert judged.outcome == FAILED
    assert str(judged) == "hg-7.2 test-v2.t: unexpected skip: missing feature: v2"


def test_a_listed_skip_counts_as_skipped():
    assert results.judge_skips([skipped()], [LISTED], ENVS) == [skipped()]


@pytest.mark.parametrize(
    "other",
    [skipped(env="hg-6.0.3"), skipped(name="test-v1.t"), skipped(reason="no network")],
)
def test_every_column_of_a_line_must_match(other):
    judged = results.judge_skips([other], [LISTED], [])
    assert [result.outcome for result in judged] == [FAILED]


def test_a_line_that_matched_nothing_fails_a_complete_run_only():
    ran = Result("hg-7.2", "test-v2.t", PASSED)
    assert results.judge_skips([ran], [LISTED], []) == [ran]
    assert results.judge_skips([ran], [LISTED], ["hg-6.0.3"]) == [ran]
    stale = results.judge_skips([ran], [LISTED], ["hg-7.2"])[1]
    assert (stale.outcome, stale.reason) == (
        FAILED,
        "line 1 of expected-skips.txt matched no skip",
    )


def test_an_optional_line_may_match_or_not_and_excuses_nothing_else():
    optional = LISTED._replace(optional=True)
    ran = Result("hg-7.2", "test-v2.t", PASSED)
    assert results.judge_skips([ran], [optional], ENVS) == [ran]
    assert results.judge_skips([skipped()], [optional], ENVS) == [skipped()]
    (other,) = results.judge_skips([skipped(reason="no network")], [optional], ENVS)
    assert other.outcome == FAILED


def test_a_required_line_after_an_optional_one_is_still_required():
    optional = LISTED._replace(line=2, optional=True)
    ran = Result("hg-7.2", "test-v2.t", PASSED)
    stale = results.judge_skips([ran], [optional, LISTED], ENVS)[1]
    assert stale.reason == "line 1 of expected-skips.txt matched no skip"


def test_square_brackets_of_parameters_are_not_a_set_of_letters():
    assert results.glob_matches("t.py::test_a[gzip]", "t.py::test_a[gzip]")
    assert results.glob_matches("t.py::test_a[*]", "t.py::test_a[zstd]")
    assert not results.glob_matches("t.py::test_[ab]", "t.py::test_a")


def test_the_list_is_read(tmp_path):
    path = tmp_path / "expected-skips.txt"
    path.write_text(
        "# comment\n\nhg-7.2  test-v2*.t  missing feature: .* version 2\n"
        "optional  hg-7.2 test-db.t  no database here\n"
    )
    assert results.read_expected_skips(path, ENVS) == [
        ExpectedSkip(3, "hg-7.2", "test-v2*.t", "missing feature: .* version 2"),
        ExpectedSkip(4, "hg-7.2", "test-db.t", "no database here", optional=True),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "hg-7.2 test-v2.t",
        "hg-9.9 test-v2.t why",
        "hg-7.2 test-v2.t (",
        "optional hg-7.2 test-v2.t",
        "optional",
    ],
)
def test_a_line_that_could_never_match_is_refused(tmp_path, line):
    path = tmp_path / "expected-skips.txt"
    path.write_text(line)
    with pytest.raises(common.ToolError, match="expected-skips.txt:1: "):
        results.read_expected_skips(path, ENVS)


@pytest.mark.parametrize(
    "outcomes, line",
    [
        ([], "0 passed, 0 failed"),
        ([PASSED, PASSED, FAILED], "2 passed, 1 failed"),
        ([PASSED, SKIPPED], "1 passed, 0 failed, 1 skipped"),
    ],
)
def test_summary(outcomes, line):
    assert results.summary([Result("e", "t", outcome) for outcome in outcomes]) == line


def test_pytest_report(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.unit.test_a.TestB" file="tests/unit/test_a.py" name="test_o[1]"/>
        <testcase classname="tests.unit.test_a" file="tests/unit/test_a.py" name="test_torn"/>
        <testcase classname="tests.unit.test_a" file="tests/unit/test_a.py" name="test_torn">
          <error message="failed on teardown"/></testcase>
        <testcase classname="tests.unit.test_a" file="tests/unit/test_a.py" name="test_skip">
          <skipped type="pytest.skip" message="no
          network"/></testcase>
        <testcase classname="" file="tests/unit/test_c.py" name="tests.unit.test_c">
          <skipped type="pytest.skip" message="collection skipped">no c</skipped></testcase>
        </testsuite></testsuites>"""
    )
    assert results.read_pytest_report(path, "e") == [
        Result("e", "tests/unit/test_a.py::TestB::test_o[1]", PASSED),
        Result("e", "tests/unit/test_a.py::test_torn", FAILED),
        Result("e", "tests/unit/test_a.py::test_skip", SKIPPED, "no network"),
        Result("e", "tests/unit/test_c.py", SKIPPED, "no c"),
    ]


def test_runtests_report(tmp_path):
    (tmp_path / "report.json").write_text(
        'testreport ={"test-a.t": {"result": "success"}, "test-b.t#http": {"result": "failure"},'
        ' "test-c.t": {"result": "skip"}}'
    )
    (tmp_path / "x.xml").write_text(
        "<testsuite><testcase name='test-a.t'/>"
        "<testcase name='test-c.t'><skipped><![CDATA[missing feature: x]]></skipped></testcase>"
        "</testsuite>"
    )
    found = results.read_runtests_report(
        tmp_path / "report.json", tmp_path / "x.xml", "e"
    )
    assert found == [
        Result("e", "test-a.t", PASSED),
        Result("e", "test-b.t#http", FAILED),
        Result("e", "test-c.t", SKIPPED, "missing feature: x"),
    ]


def test_a_test_without_a_result_is_a_failure():
    found = [Result("e", "test-a.t", PASSED)]
    (lost,) = results.missing("e", ["test-a.t", "test-b.t#http"], found)
    assert str(lost) == "e test-b.t#http: the runner gave no result"
