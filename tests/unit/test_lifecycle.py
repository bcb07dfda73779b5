"""What lifecycle rules are said to do to cached objects."""

import pytest

from hgs3.objectstore import lifecycle
from hgs3.objectstore.finding import OK, WARNING

FOLDER = "some/cache/"


def rule(**fields):
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": FOLDER}, **fields}


EXPIRES = {"Expiration": {"Days": 30}}
ABORTS = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}


def judge(*entries):
    return lifecycle.judge(lifecycle.rules({"Rules": list(entries)}), FOLDER)


@pytest.mark.parametrize(
    "covering",
    [
        {"Filter": {"Prefix": FOLDER}},
        {"Filter": {"Prefix": "some/"}},
        {"Filter": {"Prefix": ""}},
        {"Filter": {}},
        {"Filter": {"And": {"Prefix": FOLDER}}},
        # As it was written before there were filters.
        {"Filter": None, "Prefix": "some/"},
    ],
    ids=str,
)
def test_a_rule_that_covers_the_folder(covering):
    finding = judge(rule(**EXPIRES, **ABORTS, **covering))
    assert finding.status == OK
    assert "expires after 30 days" in finding.detail
    assert "aborted after 2" in finding.detail


def test_two_rules_may_share_the_work():
    finding = judge(rule(**EXPIRES), rule(**ABORTS), rule(Expiration={"Days": 7}))
    assert finding.status == OK
    assert "expires after 7 days" in finding.detail


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"Status": "Disabled"},
        {"Filter": {"Prefix": "other/"}},
        # Only a part of it.
        {"Filter": {"Prefix": FOLDER + "0"}},
        {"Filter": {"Tag": {"Key": "k", "Value": "v"}}},
        {"Filter": {"And": {"Prefix": FOLDER, "Tags": [{"Key": "k", "Value": "v"}]}}},
        {"Filter": {"And": {"Prefix": FOLDER, "ObjectSizeGreaterThan": 1}}},
    ],
    ids=str,
)
def test_a_rule_that_does_not_cover_the_folder(elsewhere):
    finding = judge(rule(**EXPIRES, **ABORTS, **elsewhere))
    assert finding.status == WARNING
    assert "no rule expires what is below %s" % FOLDER in finding.detail
    assert FOLDER in finding.hint


def test_each_half_that_is_missing_is_said():
    assert "no rule aborts" in judge(rule(**EXPIRES)).detail
    assert judge(rule(**EXPIRES)).status == WARNING
    assert "no rule expires" in judge(rule(**ABORTS)).detail
    assert judge(rule(**ABORTS)).status == WARNING
    assert "aborted after 2" in judge(rule(**ABORTS)).detail
    assert "nor aborts" in judge().detail


@pytest.mark.parametrize(
    "danger, words",
    [
        ({"Expiration": {"Days": 1}}, "within a day"),
        ({"Expiration": {"Date": "2026-01-01"}}, "on a fixed day"),
        ({"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}, "archive"),
        ({"Transitions": [{"Days": 9, "StorageClass": "DEEP_ARCHIVE"}]}, "archive"),
        (
            # Also where it concerns some of them only.
            {"Filter": {"Prefix": FOLDER + "0"}, "Expiration": {"Days": 1}},
            "within a day",
        ),
    ],
    ids=str,
)
def test_what_takes_objects_away_from_clients(danger, words):
    finding = judge(rule(**EXPIRES, **ABORTS), rule(**dict(danger, ID="hasty")))
    assert finding.status == WARNING
    assert "'hasty'" in finding.detail and words in finding.detail


@pytest.mark.parametrize(
    "harmless",
    [
        {"Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}]},
        {"Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}]},
        {"Expiration": {"Days": 2}},
        {"Filter": {"Prefix": "other/"}, "Expiration": {"Days": 1}},
        {"Status": "Disabled", "Expiration": {"Days": 1}},
    ],
    ids=str,
)
def test_what_does_not(harmless):
    assert judge(rule(**EXPIRES, **ABORTS), rule(**harmless)).status == OK


@pytest.mark.parametrize("days, status", [(3, WARNING), (4, OK)])
def test_a_rule_that_is_faster_than_a_url(days, status):
    """Of such objects none would ever be given to anybody."""
    found = [rule(**ABORTS, Expiration={"Days": days})]
    three_days = 3 * 24 * 3600
    parsed = lifecycle.rules({"Rules": found})
    finding = lifecycle.judge(parsed, FOLDER, three_days)
    assert finding.status == status
    assert ("a URL may be good for longer" in finding.detail) == (status == WARNING)
