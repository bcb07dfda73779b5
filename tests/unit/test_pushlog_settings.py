"""The section of the log of pushes, and what its manual says of it."""

import os
import re

import pytest
from hgui import PUSHLOG_EXTENSION, SECTION, TRY_SECTION, make_ui
from mercurial import error, hg

from hgs3 import pushlogsettings
from hgs3.pushes import repolog
from hgs3.pushlogsettings import PushlogSettings

DEFAULTS = {
    name.decode(): default.decode() for name, default in pushlogsettings.DEFAULTS
}


def make(of_try=None, **items):
    """A ui with ``items`` in the section, and the database of try."""
    ui = make_ui()
    for name, value in items.items():
        ui.setconfig(b"pushlog", name.replace("_", "-").encode(), value.encode())
    if of_try is not None:
        ui.setconfig(TRY_SECTION, b"database", of_try.encode())
    return ui


def test_defaults():
    assert pushlogsettings.is_on(make())
    for is_try in (False, True):
        wanted = PushlogSettings(
            "sqlite:", record_pulls=False, repo_id=b"", public_url=""
        )
        assert pushlogsettings.load(make(), is_try) == wanted


@pytest.mark.parametrize(
    "is_try, mine, of_try, wanted",
    [
        (False, "", "sqlite:/b", "sqlite:"),
        (False, "sqlite:/a", "sqlite:/b", "sqlite:/a"),
        (True, "", "sqlite:/b", "sqlite:/b"),
        (True, "sqlite:/b", "sqlite:/b", "sqlite:/b"),
        (True, "sqlite:", None, "sqlite:"),
    ],
)
def test_which_database(is_try, mine, of_try, wanted):
    ui = make(of_try, database=mine)
    assert pushlogsettings.load(ui, is_try).database_url == wanted


@pytest.mark.parametrize("of_try", [None, "sqlite:/b"])
def test_try_cannot_have_another_database(of_try):
    ui = make(of_try, database="postgresql://hg:hush@host/log")
    with pytest.raises(error.Abort) as caught:
        pushlogsettings.load(ui, True)
    assert b"s3try.database" in caught.value.message
    assert b"hush" not in caught.value.message + caught.value.hint
    assert "hush" not in repr(pushlogsettings.load(ui, False))


def test_what_a_repository_is_called():
    ui = make()
    ui.setconfig(SECTION, b"repo-id", b"shared")
    assert pushlogsettings.load(ui, False).repo_id == b"shared"
    ui.setconfig(TRY_SECTION, b"repo-id", b"try")
    assert pushlogsettings.load(ui, False).repo_id == b"shared"
    assert pushlogsettings.load(ui, True).repo_id == b"try"


@pytest.mark.parametrize(
    "items", [{"enabled": "yse"}, {"record_pulls": "x"}, {"databse": "sqlite:"}]
)
def test_a_slip_is_named_and_switches_nothing_off(items):
    ui = make(**items)
    assert pushlogsettings.is_on(ui)
    with pytest.raises(error.Abort) as caught:
        pushlogsettings.load(ui, False)
    assert next(iter(items)).replace("_", "-").encode() in caught.value.message


@pytest.mark.parametrize(
    "section, name, value",
    [
        (b"pushlog", b"record-pulls", b"yes"),
        (b"pushlog", b"database", b"sqlite:/other"),
        (SECTION, b"repo-id", b"other"),
        (SECTION, b"public-url", b"https://hg.example.com/other"),
    ],
)
def test_what_is_kept_of_one_repository_object_is_as_the_next_is_configured(
    tmp_path, section, name, value
):
    path = os.fsencode(tmp_path / "repo")
    first = repolog.of(hg.repository(make(), path, create=True))
    assert repolog.of(hg.repository(make(), path)) is first
    ui = make()
    ui.setconfig(section, name, value)
    second = repolog.of(hg.repository(ui, path))
    assert (second.settings, second.digest) != (first.settings, first.digest)
    assert repolog.of(hg.repository(make(), path + b"2", create=True)) is not first


def test_the_manual_has_each_item_with_its_default():
    manual = PUSHLOG_EXTENSION.__doc__
    section = manual[
        manual.index("\nConfiguration\n") : manual.index("\nRevsets and keywords\n")
    ]
    terms = re.findall(r"^``([a-z-]+)``\n((?:    .*\n)+)", section, re.MULTILINE)
    found = {}
    for name, text in terms:
        default = re.search(r"\(default: ([^)]*)\)", " ".join(text.split())).group(1)
        found[name] = "" if default == "empty" else default.strip("`")
    assert found == DEFAULTS
    registered = PUSHLOG_EXTENSION.configtable[pushlogsettings.SECTION]
    assert {name: item.default for name, item in registered.items()} == dict(
        pushlogsettings.DEFAULTS
    )
