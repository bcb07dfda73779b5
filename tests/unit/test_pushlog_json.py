"""The documents of json-pushes."""

import json

import pytest
from pushlogweb import BASE, HOSTILE, details
from trydata import node

from hgs3.database.records import AS_PUSHED, GONE, HIDDEN, LoggedChangeset, LoggedPush
from hgs3.pushes import jsonfeed
from hgs3.pushes.links import Links
from hgs3.pushes.parameters import Asked, LogQuery

#: ``HOSTILE`` without what is no character.
CLEAN = HOSTILE.replace("\udc80", "\ufffd").replace("\udcff", "\ufffd")
LINKS = Links(BASE)


def asked(full=False, version=1):
    return Asked(
        query=LogQuery(),
        changes=(),
        full=full,
        tips_only=False,
        version=version,
        page=1,
        is_bounded=False,
        is_lasting=True,
    )


def push(*changesets, id=7, bundle_id=None, user="alice"):
    tip = changesets[-1].node if changesets else ""
    return LoggedPush(id, user, 1000, bundle_id, tip, changesets)


def document(pushes, **values):
    text = jsonfeed.document(asked(**values), pushes, 9, LINKS)
    assert text.isascii() and text.endswith("\n")
    # What JSON has no word for, such as NaN, is refused here.
    return json.loads(text, parse_constant=pytest.fail)


ONE = LoggedChangeset(node("a"))
URL = BASE + "/pushloghtml?startID=6&endID=7"
PLAIN = {"changesets": [node("a")], "date": 1000, "user": "alice", "url": URL}


@pytest.mark.parametrize(
    "version, wanted",
    [(1, {"7": PLAIN}), (2, {"lastpushid": 9, "pushes": {"7": PLAIN}})],
)
def test_versions(version, wanted):
    assert document([push(ONE)], version=version) == wanted


@pytest.mark.parametrize(
    "version, wanted", [(1, {}), (2, {"lastpushid": 9, "pushes": {}})]
)
def test_nothing(version, wanted):  # fmt: skip
    assert document([], version=version) == wanted


@pytest.mark.parametrize("state", [HIDDEN, GONE])
def test_obsolete_changesets(state):
    made = push(LoggedChangeset(node("x"), state), ONE)
    assert document([made])["7"] == PLAIN
    found = document([made], version=2)["pushes"]["7"]
    assert found == dict(PLAIN, obsoletechangesets=[node("x")])
    found = document([made], version=2, full=True)["pushes"]["7"]
    assert found["obsoletechangesets"] == [{"node": node("x"), "rev_url": None}]


def test_a_push_of_which_nothing_is_left():
    found = document([push(LoggedChangeset(node("x"), GONE))])["7"]
    assert found["changesets"] == []


def test_a_push_to_try():
    found = document([push(ONE, bundle_id=3)], full=True)["7"]
    assert found["bundle"] == 3
    bundled = "%s/bundle/3/rev/%s" % (BASE, node("a"))
    assert found["bundle_url"] == bundled
    (changeset,) = found["changesets"]
    assert changeset["bundle_rev_url"] == bundled
    assert changeset["rev_url"] == "%s/rev/%s" % (BASE, node("a"))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("state", [AS_PUSHED, HIDDEN])
def test_all_of_a_changeset(version, state):
    made = details(
        author=HOSTILE,
        description=HOSTILE,
        branch=HOSTILE,
        files=(HOSTILE,),
        tags=(HOSTILE,),
        extra={HOSTILE: HOSTILE},
        precursors=(node("old"),),
    )
    changeset = LoggedChangeset(node("a"), state, made)
    found = document([push(changeset, user=HOSTILE)], full=True, version=version)
    found = (found if version == 1 else found["pushes"])["7"]
    assert found["user"] == CLEAN
    name = "changesets" if state == AS_PUSHED else "obsoletechangesets"
    if name not in found:
        assert version == 1
        return
    is_there = state == AS_PUSHED
    wanted = {
        "node": node("a"),
        "rev_url": "%s/rev/%s" % (BASE, node("a")) if is_there else None,
        "author": CLEAN,
        "branch": CLEAN,
        "date": [5, -3600],
        "desc": CLEAN,
        "extra": {CLEAN: CLEAN},
        "files": [CLEAN],
        "parents": [node("parent")],
        "phase": "draft",
        "tags": [CLEAN],
    }
    if version == 2:
        wanted["precursors"] = [node("old")]
    assert found[name] == [wanted]


def test_characters_beyond_the_first_plane_are_kept():
    name = "J\xf6rg \U0001f600"
    assert document([push(ONE, user=name)])["7"]["user"] == name


def test_a_failure():
    text = jsonfeed.failure(jsonfeed.clean(HOSTILE))
    assert text.isascii() and json.loads(text) == {"error": CLEAN}
