"""What the test runners reported, and which skips were expected."""

import fnmatch
import json
import pathlib
import re
import typing
from xml.etree import ElementTree

from common import ToolError

PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"
# The worst one counts when a test is reported twice (its body, its teardown).
SEVERITY = (PASSED, SKIPPED, FAILED)
#: First word of a line whose test is skipped on some machines only.
OPTIONAL = "optional"


class Result(typing.NamedTuple):
    """The outcome of one test in one environment."""

    env: str
    name: str
    outcome: str
    reason: str = ""  # why it was skipped, or what is wrong

    def __str__(self):
        return "%s %s%s" % (
            self.env,
            self.name,
            ": " + self.reason if self.reason else "",
        )


class ExpectedSkip(typing.NamedTuple):
    """One line of expected-skips.txt."""

    line: int
    env: str
    name: str  # glob
    reason: str  # regular expression
    optional: bool = False  # it depends on the machine whether it is skipped

    def matches(self, result):
        return (
            self.env == result.env
            and glob_matches(self.name, result.name)
            and re.search(self.reason, result.reason) is not None
        )


def glob_matches(pattern, name):
    """``*`` and ``?`` only: pytest's parameters are in square brackets, which
    would be sets of letters to fnmatch."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def read_expected_skips(path: pathlib.Path, known_envs):
    """Read the list; a line that could never match anything is an error."""
    expected = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split(None, 2)
        optional = words[0] == OPTIONAL
        if optional:
            words = line.split(None, 3)[1:]
        if len(words) != 3 or words[0] not in known_envs:
            raise ToolError(
                "%s:%d: not '[optional] <environment> <test> <reason>' with an environment of %s"
                % (path.name, number, ", ".join(known_envs))
            )
        try:
            re.compile(words[2])
        except re.error as error:
            raise ToolError("%s:%d: %s" % (path.name, number, error))
        expected.append(ExpectedSkip(number, *words, optional=optional))
    return expected


def judge_skips(results, expected, complete_envs):
    """Turn skips that nobody expected into failures.

    Lines that no skip matched fail as well, in the environments in which all
    tests were run: else the list would go on excusing what no longer skips. Lines
    that begin with "optional" do not: they are for what a machine may lack.
    """
    judged, used = [], set()
    for result in results:
        if result.outcome == SKIPPED:
            lines = [skip.line for skip in expected if skip.matches(result)]
            used.update(lines)
            if not lines:
                why = "unexpected skip: %s" % (result.reason or "no reason given")
                result = result._replace(outcome=FAILED, reason=why)
        judged.append(result)
    for skip in expected:
        stale = skip.line not in used and not skip.optional
        if skip.env in complete_envs and stale:
            why = "line %d of expected-skips.txt matched no skip" % skip.line
            judged.append(Result(skip.env, skip.name, FAILED, why))
    return judged


def summary(results):
    """The last line of output. Its form is a contract: others read it."""
    counts = {outcome: 0 for outcome in SEVERITY}
    for result in results:
        counts[result.outcome] += 1
    text = "%d passed, %d failed" % (counts[PASSED], counts[FAILED])
    return text + (", %d skipped" % counts[SKIPPED] if counts[SKIPPED] else "")


def read_pytest_report(path, env):
    """Results from pytest's junit file (junit_family=xunit1: it names files)."""
    found = {}
    for case in ElementTree.parse(str(path)).getroot().iter("testcase"):
        outcome, reason = PASSED, ""
        for child in case:
            if child.tag in ("failure", "error"):
                outcome, reason = FAILED, ""
            elif child.tag == "skipped" and outcome == PASSED:
                outcome, reason = SKIPPED, skip_reason(child)
        name = node_id(case)
        result = Result(env, name, outcome, " ".join(reason.split()))
        if name not in found or severity(result) > severity(found[name]):
            found[name] = result
    return list(found.values())


def skip_reason(skipped):
    """Why a test was skipped; for a whole module only the text tells."""
    message = skipped.get("message") or ""
    return (skipped.text or "") if message == "collection skipped" else message


def severity(result):
    return SEVERITY.index(result.outcome)


def node_id(case):
    """Rebuild pytest's node id: file::Class::test[parameters]."""
    file, classname = case.get("file"), case.get("classname") or ""
    if not file:
        return case.get("name") or classname
    module = re.sub(r"\.py$", "", file).replace("/", ".")
    if not classname and case.get("name") == module:
        return file  # the module itself was skipped or could not be loaded
    classes = (
        classname[len(module) :].strip(".") if classname.startswith(module) else ""
    )
    return "::".join([file] + [c for c in classes.split(".") if c] + [case.get("name")])


def read_runtests_report(json_path, xunit_path, env):
    """Results from run-tests.py: the JSON file has every outcome (the xunit
    file forgets failures without a diff), the xunit file why tests skip."""
    outcomes = json.loads(json_path.read_text().split("=", 1)[1])
    reasons = {}
    for case in ElementTree.parse(str(xunit_path)).getroot().iter("testcase"):
        skipped = case.find("skipped")
        if skipped is not None:
            reasons[case.get("name")] = " ".join("".join(skipped.itertext()).split())
    translate = {"success": PASSED, "failure": FAILED, "skip": SKIPPED}
    return [
        Result(env, name, translate[entry["result"]], reasons.get(name, ""))
        for name, entry in sorted(outcomes.items())
    ]


def missing(env, wanted, found):
    """A test that was to run and has no result counts as failed."""
    reported = {result.name for result in found}
    return [
        Result(env, name, FAILED, "the runner gave no result")
        for name in wanted
        if name not in reported
    ]
