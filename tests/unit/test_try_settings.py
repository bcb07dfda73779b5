"""The section of try: what is taken, how a mistake is named, which store it means."""

import re

import pytest
from hgui import (
    PUSHLOG_EXTENSION,
    SECTION,
    TRY_EXTENSION,
    make_try_ui,
    set_item,
)
from mercurial import error
from mercurial import ui as uimod

from hgs3 import settings, trysettings
from hgs3.commands import s3try
from hgs3.objectstore.filesettings import FileSettings

DEFAULTS = {name.decode(): default.decode() for name, default in trysettings.DEFAULTS}
TERM = re.compile(r"^``.*``$", re.MULTILINE)


def load(**items):
    return trysettings.load(make_try_ui(**items))


def refusal(**items):
    with pytest.raises(error.Abort) as caught:
        load(**items)
    return caught.value.message.decode(), caught.value.hint.decode()


def test_defaults():
    assert load() == trysettings.TrySettings(
        database_url="sqlite:",
        bundle_bytes=256 * 1024 * 1024,
        changesets=5000,
        redirect_bytes=100 * 1024,
        bookmarks=b"re:.+",
        bundle_folder="",
        bundle_cache_bytes=1 << 30,
        overlays=8,
    )


def test_a_password_is_in_no_representation():
    url = "postgresql+psycopg://hg:hush@host/try"
    assert load(database=url).database_url == url
    assert "hush" not in repr(load(database=url))


@pytest.mark.parametrize(
    "item, value",
    [
        ("enabled", "perhaps"),
        ("max-bundle-size", "much"),
        ("max-changesets", "0"),
        ("max-changesets", "many"),
        ("redirect-minimum", "-1"),
        ("scratch-bookmarks", "re:("),
        ("scratch-bookmarks", "try/*"),
        ("bundle-cache", "relative/folder"),
        ("bundle-cache-size", "x"),
        ("overlay-cache", "-1"),
    ],
)
def test_what_is_wrong_is_named(item, value):
    message, hint = refusal(**{item.replace("-", "_"): value})
    assert message.startswith("s3try.%s " % item) and value in message
    assert "s3try.%s" % item in hint


def test_a_misspelt_item_is_named():
    message, hint = refusal(databse="sqlite:")
    assert message == "unknown setting s3try.databse"
    assert hint == "did you mean s3try.database?"


def test_a_slip_does_not_open_the_repository():
    assert trysettings.is_on(make_try_ui(enabled="yse"))
    assert not trysettings.is_on(make_try_ui(enabled="no"))
    assert not trysettings.is_on(make_try_ui())


def test_no_bookmarks_at_all():
    assert load(scratch_bookmarks="").bookmarks == b""


def test_the_store_is_that_of_the_cache():
    ui = make_try_ui()
    set_item(ui, "bucket", "hg-cache")
    assert trysettings.of_store(ui) is ui


def test_an_item_may_be_overridden():
    ui = make_try_ui(prefix="try-only/")
    set_item(ui, "bucket", "hg-cache")
    mixed = settings.load(trysettings.of_store(ui))
    assert (mixed.store.bucket, mixed.prefix) == ("hg-cache", "try-only/")
    # And the cache has its own.
    assert settings.load(ui).prefix == ""


def test_another_kind_of_store():
    ui = make_try_ui(store="file:/srv/try")
    set_item(ui, "bucket", "hg-cache")
    mixed = settings.load(trysettings.of_store(ui))
    assert isinstance(mixed.store, FileSettings) and mixed.store.path == "/srv/try"


def test_the_configuration_of_a_repository_is_not_lost(tmp_path):
    """Its ui copies as if it had none."""
    ui = make_try_ui(prefix="try-only/")
    set_item(ui, "bucket", "hg-cache")
    ui.copy = make_try_ui().copy
    assert settings.load(trysettings.of_store(ui)).store.bucket == "hg-cache"


def entries():
    """Name to text, of the manual's list of settings."""
    manual = TRY_EXTENSION.__doc__
    section = manual[manual.index("\nConfiguration\n") : manual.index("\nCommands\n")]
    starts = [match.start() for match in TERM.finditer(section)]
    found = {}
    for start, end in zip(starts, starts[1:] + [len(section)]):
        term, _newline, text = section[start:end].partition("\n")
        found[term.strip("`")] = " ".join(text.split())
    return found


def test_the_manual_has_each_item_with_its_default():
    assert sorted(entries()) == sorted(DEFAULTS)
    for name, text in entries().items():
        match = re.search(r"\(default: ([^)]*)\)", text)
        stated = match.group(1).strip("`")
        assert DEFAULTS[name] == ("" if stated == "empty" else stated)


def test_each_item_is_registered():
    registered = TRY_EXTENSION.configtable[trysettings.SECTION]
    own = {name: item.default for name, item in registered.items()}
    for name, default in trysettings.DEFAULTS:
        assert own.pop(name) == default
    assert set(own) == {name for name, _default in settings.DEFAULTS}
    assert set(own.values()) == {None}


@pytest.mark.parametrize("extension", [TRY_EXTENSION, PUSHLOG_EXTENSION])
def test_the_section_of_the_store_is_known_without_its_extension(extension):
    ui = uimod.ui()
    ui._knownconfig = {}
    extension.uisetup(ui)
    known = {name: item.default for name, item in ui._knownconfig[SECTION].items()}
    assert known == dict(settings.DEFAULTS)
    ui._knownconfig = {SECTION: known}
    extension.uisetup(ui)
    assert ui._knownconfig == {SECTION: known}


def test_every_action_and_option_is_in_the_manual():
    entry = TRY_EXTENSION.cmdtable[b"s3try"]
    manual = entry[0].__doc__
    for action, (_function, options) in s3try.ACTIONS.functions.items():
        assert "    ``%s``\n" % action.decode() in manual
        for option in options:
            assert "--%s" % option.replace("_", "-") in manual
    declared = {option[1].decode().replace("-", "_") for option in entry[1]}
    assert declared == set(s3try.ACTIONS.options) | {"template"}
