"""The extension's docstring is the manual of its settings: each item is in it,
with its right default, and nothing that does not exist.
"""

import re

import pytest
from hgui import EXTENSION

from hgs3 import settings

DEFAULTS = {name.decode(): default.decode() for name, default in settings.DEFAULTS}
TERM = re.compile(r"^``.*``$", re.MULTILINE)
#: A default that is a rule, for an item that is empty.
RULES = {"repo-id": "the path of the repository on this server"}


def entries():
    """[([names], text)] of each term in the manual's list of settings."""
    manual = EXTENSION.__doc__
    section = manual[manual.index("\nConfiguration\n") : manual.index("\nLog\n")]
    starts = [match.start() for match in TERM.finditer(section)]
    found = []
    for start, end in zip(starts, starts[1:] + [len(section)]):
        term, _newline, text = section[start:end].partition("\n")
        found.append((re.findall(r"``([^`]+)``", term), " ".join(text.split())))
    return found


def stated_defaults(names, text):
    """{name: default} as the text has them in ``(default: ...)``."""
    match = re.search(r"\(default: ([^)]*)\)", text)
    if match is None:
        return dict.fromkeys(names, "")
    values = [match.group(1)]
    if len(names) > 1:
        values = values[0].split(" and ")
        assert len(values) == len(names)
    values = [value.strip("`") for value in values]
    return {
        name: "" if value in ("empty", RULES.get(name)) else value
        for name, value in zip(names, values)
    }


def test_each_item_is_described_once_and_no_other():
    described = [name for names, _text in entries() for name in names]
    assert sorted(described) == sorted(DEFAULTS)


@pytest.mark.parametrize("names, text", entries(), ids=lambda value: str(value)[:30])
def test_its_default_is_right(names, text):
    assert text
    assert stated_defaults(names, text) == {name: DEFAULTS[name] for name in names}


def test_items_are_declared_once():
    names = [name for name, _default in settings.DEFAULTS]
    assert len(set(names)) == len(names)
    registered = EXTENSION.configtable[settings.SECTION]
    assert {name: item.default for name, item in registered.items()} == dict(
        settings.DEFAULTS
    )
    assert list(EXTENSION.configtable) == [settings.SECTION]


def test_choices_and_limits_are_those_of_the_code():
    texts = {name: text for names, text in entries() for name in names}
    for style in settings.ADDRESSING_STYLES:
        assert "``%s``" % style in texts["addressing-style"]
    assert re.findall(r"``([a-z-]+)``", texts["acl"])[:3] == list(settings.PRIVATE_ACLS)
    assert str(settings.MAX_URL_LIFETIME_SECONDS) in texts["url-lifetime"]


def test_examples_name_real_items():
    manual = EXTENSION.__doc__
    block = re.search(
        r"\[s3wireprotocache\]\n((?:  \S.*\n)+)",
        manual[: manual.index("All that a clone")],
    )
    named = re.findall(r"^  ([a-z-]+) =", block.group(1), re.MULTILINE)
    assert named and set(named) <= set(DEFAULTS)


def test_log_events_are_named_like_the_log():
    assert settings.SECTION.decode() in EXTENSION.__doc__.split("\nLog\n")[1]
