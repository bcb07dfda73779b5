"""The entry that leads to the page of pushes, in the templates of this Mercurial."""

import os

import mercurial
import pytest

from hgs3.pushes import navigation

TEMPLATES = os.path.join(os.path.dirname(mercurial.__file__), "templates")


def templates(style):
    """(name, text) of each page of a style that has a navigation."""
    folder = os.path.join(TEMPLATES, style)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tmpl"):
            with open(os.path.join(folder, name), "rb") as stream:
                text = stream.read()
            # That is in each of them, but on its own page.
            if b'{sessionvars%urlparameter}">graph</a>' in text or name == "graph.tmpl":
                yield name, text


@pytest.mark.parametrize("style", ["paper", "gitweb", "monoblue", "spartan"])
def test_each_page_gets_it_once(style):
    found = list(templates(style))
    assert len(found) > 10
    for name, text in found:
        made = navigation.with_entry(style.encode(), text)
        lines = made.splitlines(keepends=True)
        (entry,) = [line for line in lines if navigation.LINK in line]
        # All else is as it was.
        assert made.replace(entry, b"", 1) == text, name


@pytest.mark.parametrize("style", [b"raw", b"json", b"house", b""])
def test_other_styles_stay_as_they_are(style):
    for _name, text in templates("paper"):
        assert navigation.with_entry(style, text) == text
