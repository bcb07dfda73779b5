"""Whether what the store has may be given to a client."""

import pytest

from hgs3.cache import fitness, key
from hgs3.objectstore.base import ObjectInfo

REPO = "0123456789abcdef" * 2
SHA = "ab" * 32
DAY = 24 * 3600


def info(without=(), metadata=None, **fields):
    stored = dict(key.metadata("filesdata", REPO, 12, SHA), **(metadata or {}))
    for name in without:
        del stored[name]
    return ObjectInfo(
        **dict({"key": "any", "size_bytes": 12, "metadata": stored}, **fields)
    )


def verdict(found, needed_seconds=900, lifetime_seconds=0):
    given, reason = fitness.examine(
        found, "filesdata", REPO, needed_seconds, lifetime_seconds
    )
    assert bool(reason) == (given != fitness.FIT)
    return given


def test_what_we_stored_is_fit():
    assert verdict(info()) == fitness.FIT
    assert verdict(info(sha256_hex=SHA)) == fitness.FIT


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"command": "filedata"}},
        {"metadata": {"repo-id": "f" * 32}},
        {"metadata": {"format-version": "1"}},
        {"metadata": {"format-version": ""}},
        {"metadata": {"sha256": SHA[:-1]}},
        {"metadata": {"sha256": ""}},
        {"metadata": {"size": ""}},
        {"metadata": {"size": "-1"}},
        {"metadata": {"size": "1e1"}},
        {"metadata": {"size": "012"}},
        {"metadata": {"another": "of a later release"}},
        {"without": ["sha256"]},
        {"without": ["size"]},
        {"without": ["command"]},
        {"without": ["repo-id"]},
        {"without": ["format-version"]},
        {"without": list(key.metadata("", "", 0, ""))},
    ],
)
def test_what_another_wrote_is_foreign(changes):
    assert verdict(info(**changes)) == fitness.FOREIGN


def test_another_release_takes_nothing_of_ours(monkeypatch):
    before = info()
    monkeypatch.setattr(key, "FORMAT_VERSION", key.FORMAT_VERSION + 1)
    assert verdict(before) == fitness.FOREIGN


@pytest.mark.parametrize("size_bytes", [0, 11, 13])
def test_a_length_that_is_not_the_stored_one_is_damage(size_bytes):
    assert verdict(info(size_bytes=size_bytes)) == fitness.DAMAGED


def test_a_checksum_of_the_store_that_is_not_ours_is_damage():
    assert verdict(info(sha256_hex="cd" * 32)) == fitness.DAMAGED


@pytest.mark.parametrize(
    "left, needed, given",
    [
        (901, 900, fitness.FIT),
        (900, 900, fitness.FIT),
        (899, 900, fitness.EXPIRING),
        (0, 1, fitness.EXPIRING),
        (-5 * DAY, 1, fitness.EXPIRING),
    ],
)
def test_an_object_that_a_rule_is_about_to_delete(left, needed, given):
    assert verdict(info(expires_in_seconds=left), needed) == given


@pytest.mark.parametrize(
    "age, given",
    [
        (0, fitness.FIT),
        (7 * DAY - 900, fitness.FIT),
        (7 * DAY - 899, fitness.EXPIRING),
        (8 * DAY, fitness.EXPIRING),
    ],
)
def test_a_lifetime_that_only_the_operator_knows(age, given):
    found = info(age_seconds=age)
    assert verdict(found, lifetime_seconds=7 * DAY) == given
    assert verdict(found) == fitness.FIT


def test_the_earlier_of_both_counts():
    found = info(age_seconds=6 * DAY, expires_in_seconds=60)
    assert verdict(found, lifetime_seconds=7 * DAY) == fitness.EXPIRING
    found = info(age_seconds=7 * DAY, expires_in_seconds=30 * DAY)
    assert verdict(found, lifetime_seconds=7 * DAY) == fitness.EXPIRING
