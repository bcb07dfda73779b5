"""The command ``pushlog`` of the wire protocol, as Mozilla's client asks and reads."""

import os
import urllib.parse

import pushlogweb
import pytest
from trydata import node

from hgs3.database.records import GONE, HIDDEN

AWAY = b"0\nthe log of pushes cannot be read now\n"


@pytest.fixture
def site(tmp_path):
    return pushlogweb.Site(tmp_path / "repo")


def ask(site, first):
    answer = site.get("", [("cmd", "pushlog"), ("firstpush", first)])
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/mercurial-0.1"
    return answer.body


def read(site, first=1):
    """(number, user, seconds, nodes) of each push, the user as it was sent."""
    status, *lines = ask(site, first).splitlines()
    assert status == b"1"
    found = []
    for line in lines:
        number, user, seconds, nodes = line.split(b" ", 3)
        found.append((int(number), user, int(seconds), nodes.decode().split()))
    return found


def test_pushes_from_the_first_on(site):
    assert ask(site, 1) == b"1\n"
    site.push("a", "b", pushed=5)
    site.push("c", user="bob", pushed=6)
    first = (1, b"alice", 5, [node("a"), node("b")])
    second = (2, b"bob", 6, [node("c")])
    for asked in (0, 1, -(10**30)):
        assert read(site, asked) == [first, second]
    assert read(site, 2) == [second]
    for asked in (3, 10**30):
        assert read(site, asked) == []


@pytest.mark.parametrize("state", [HIDDEN, GONE])
def test_a_push_of_which_nothing_is_to_be_seen_has_all_fields(site, state):
    site.push("a", state=state)
    assert ask(site, 1) == b"1\n1 alice 1000 \n"
    assert read(site) == [(1, b"alice", 1000, [])]


@pytest.mark.parametrize(
    "user, sent",
    [
        ("", b""),
        ("a.b+c@example.com", b"a.b+c@example.com"),
        ("d\\e/f:~<g>&,'\"", b"d\\e/f:~<g>&,'\""),
        ("J\xf6rg\u2028\x85", "J\xf6rg\u2028\x85".encode()),
        ("J. Doe <j@x>", b"J.%20Doe%20<j@x>"),
        ("a\tb\nc\rd\x7f\x1f\x0b\x0c", b"a%09b%0Ac%0Dd%7F%1F%0B%0C"),
        ("50%20", b"50%2520"),
    ],
)
def test_users(site, user, sent):
    site.push("a", user=user)
    assert read(site) == [(1, sent, 1000, [node("a")])]
    assert urllib.parse.unquote(sent.decode()) == user


@pytest.mark.parametrize("first", ["", "x", "1.5", "1\n1 eve 5 ", "9" * 200 + "x"])
def test_what_is_no_number(site, first):
    status, reason = ask(site, first).splitlines()
    assert status == b"0" and len(reason) < 100
    assert reason.startswith(b"not the number of a push: '")


def test_readers_are_not_told_where_the_database_is(site, tmp_path):
    site.push("a")
    site.log.database.close()
    path = tmp_path / "repo" / ".hg" / "hg-s3-try.db"
    os.rename(path, str(path) + ".away")
    path.mkdir()
    assert ask(site, 1) == AWAY


def test_nor_what_is_wrong_with_a_setting(site, tmp_path):
    site.push("a")
    folder = tmp_path / "repo" / ".hg"
    (folder / "hgrc").write_text("[pushlog]\nrecord-pulls = maybe\n")
    # hgweb reads it when something has changed.
    (folder / "store" / "00changelog.i").write_bytes(b"")
    assert ask(site, 1) == AWAY
