"""The page in styles that are not made for it: whoever asks can name any."""

import pushlogweb
import pytest

PAPER = 'class="container"'
COMMANDS = ("pushloghtml", "pushlog", "json-pushes")

#: Of all that a page of hgweb may have, these are enough.
SMALL = {
    "mimetype": "text/html; charset={encoding}",
    "header": "<html><head><meta name='house'>",
    "footer": "</body></html>",
}


def site_in_style(tmp_path, **templates):
    """A Site whose own style has these templates."""
    folder = tmp_path / "styles" / "house"
    folder.mkdir(parents=True)
    lines = ['%s = "%s"\n' % item for item in templates.items()]
    (folder / "map").write_text("".join(lines))
    site = pushlogweb.Site(
        tmp_path / "repo", web_templates=str(folder.parent), web_style="house"
    )
    site.push("a")
    return site


@pytest.mark.parametrize(
    "style",
    (
        *(
            "json",
            "raw",
            "atom",
            "rss",
            "\0",
            "a\0b",
            ".",
            "..",
            "../static",
            "paper/map",
        ),
        *("map-cmdline.default", "map", "static", "x" * 5000),
    ),
)
def test_a_style_that_is_for_no_pages(tmp_path, style):
    site = pushlogweb.Site(tmp_path)
    site.push("a")
    answer = site.get("pushloghtml", [("style", style)])
    text = answer.body.decode()
    assert answer.status == 200 and answer.headers["Content-Type"][:9] == "text/html"
    assert PAPER in text and 'id="push1"' in text and "style=" not in _links(text)
    bad = site.get("pushloghtml", [("style", style), ("startID", "x")])
    assert bad.status == 400 and PAPER in bad.body.decode()
    for command in COMMANDS:
        assert site.get(command, [("style", style)]).status == 200


def _links(text):
    return "".join(each.partition('"')[0] for each in text.split('href="')[1:])


def test_a_small_style(tmp_path):
    site = site_in_style(tmp_path, **SMALL)
    text = site.text("pushloghtml", "style=house")
    assert "name='house'" in text and 'id="push1"' in text and PAPER not in text
    assert "/repo/log?style=house" in _links(text)
    assert "style=" not in _links(site.text("pushloghtml"))


@pytest.mark.parametrize("name", sorted(SMALL))
@pytest.mark.parametrize("text", [None, "{", "{1|nothing}", "{pathdef%nothing}"])
def test_a_broken_style(tmp_path, name, text):
    values = {key: each for key, each in SMALL.items() if key != name}
    if text is not None:
        values[name] = text
    site = site_in_style(tmp_path, **values)
    for query in ("", "style=house", "style=paper", "style=json"):
        shown = site.text("pushloghtml", query)
        assert PAPER in shown and 'id="push1"' in shown
        assert "style=" not in _links(shown)
    assert site.get("pushlog").status == 200
