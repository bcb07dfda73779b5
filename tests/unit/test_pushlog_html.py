"""The page: what is on it, which page it is, where its links lead."""

import html.parser
import urllib.parse

import pushlogweb
import pytest
from pushlogweb import HOSTILE, details
from trydata import node

from hgs3.database import logdata
from hgs3.database.records import GONE, HIDDEN

VOID = {"link", "meta", "img", "input", "br", "col"}
STYLES = ("paper", "coal", "gitweb", "monoblue", "spartan")


class Page(html.parser.HTMLParser):
    """``tags`` are pairs of a name and attributes, ``text`` is all that is shown;
    an end without a beginning fails."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self._open = [], "", []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def links(self, text):
        """Of the links of a class, where they lead."""
        return [
            attrs["href"]
            for tag, attrs in self.tags
            if tag == "a" and attrs.get("class") == text
        ]

    def pushes(self):
        return [
            int(attrs["id"][len("push") :])
            for tag, attrs in self.tags
            if tag == "tbody"
        ]

    def fields(self):
        return {
            attrs["name"]: attrs.get("value")
            for tag, attrs in self.tags
            if tag == "input" and "name" in attrs
        }


@pytest.fixture
def site(tmp_path):
    return pushlogweb.Site(tmp_path / "repo")


def page(site, query="", path="pushloghtml"):
    return Page(site.text(path, query))


def follow(site, url):
    path, _mark, query = url.partition("?")
    assert path.startswith("/repo/")
    return page(site, query, path[len("/repo/") :])


@pytest.mark.parametrize("style", STYLES)
def test_styles(site, style):
    site.push("a", "b", user="J\xf6rg & <x>", like=details())
    shown = page(site, "style=" + style)
    assert shown.pushes() == [1]
    assert "push 1 by J\xf6rg & <x>" in shown.text and "a change" in shown.text
    # The style is kept, whatever is followed.
    (by_user,) = shown.links("user")
    assert by_user == "/repo/pushloghtml?user=J%C3%B6rg%20%26%20%3Cx%3E&style=" + style
    urls = [attrs["href"] for tag, attrs in shown.tags if tag == "a"]
    ours = [url for url in urls if "/pushloghtml" in url or "/rev/" in url]
    assert len(ours) == 4 and all(url.endswith("style=" + style) for url in ours)
    assert shown.fields()["style"] == style
    assert follow(site, by_user).pushes() == [1]


@pytest.mark.parametrize("style", ["", "nonsense", "../paper", HOSTILE])
def test_no_such_style(site, style):
    site.push("a")
    shown = page(site, [("style", style)])
    assert shown.pushes() == [1] and "style" not in shown.fields()
    assert shown.links("user") == ["/repo/pushloghtml?user=alice"]


@pytest.mark.parametrize("style", STYLES)
def test_hostile_names(site, style):
    like = details(author=HOSTILE, description=HOSTILE, branch=HOSTILE, tags=(HOSTILE,))
    plain = page(site, [("style", style), ("user", "x")])
    known = {tag for tag, _attrs in plain.tags} | {"table", "tbody"}
    known |= {"tr", "th", "td", "colgroup", "col"}
    site.push("a", user=HOSTILE, like=like)
    shown = page(site, [("style", style), ("user", HOSTILE), ("changeset", node("a"))])
    assert shown.pushes() == [1]
    assert {tag for tag, _attrs in shown.tags} <= known
    assert not any(
        name.startswith("on") for _tag, attrs in shown.tags for name in attrs
    )
    asked = urllib.parse.parse_qs(shown.links("feed")[0].partition("?")[2])
    assert set(asked) == {"user", "changeset"}


@pytest.mark.parametrize("name", ["user", "startdate", "changeset"])
def test_what_is_wrong_is_escaped(site, name):
    answer = site.get("pushloghtml", [(name, HOSTILE)])
    assert answer.status == {"user": 200, "startdate": 400, "changeset": 404}[name]
    shown = Page(answer.body.decode("utf-8", "replace"))
    assert not [attrs for tag, attrs in shown.tags if tag == "b"]


def test_details(site):
    like = details(
        author='"Ada" <ada@example.com>',
        description="\n first line \nanother line",
        branch="stable",
        tags=("1.0", "<2>"),
    )
    site.push("a", like=like)
    site.push("b", like=details(author="bob@example.com", description=" \n"))
    site.push("c", like=details(author="", description=""), state=HIDDEN)
    site.push("d", state=GONE, user="")
    shown = page(site)
    assert shown.pushes() == [4, 3, 2, 1]
    for text in ("Ada", "first line", "stable", "1.0", "<2>", "bob", "(hidden)"):
        assert text in shown.text
    assert "(gone)" in shown.text and "unknown" in shown.text
    assert "another line" not in shown.text and "example.com" not in shown.text
    assert "no description" in shown.text
    changesets = [
        attrs["href"]
        for tag, attrs in shown.tags
        if tag == "a" and "/rev/" in attrs["href"]
    ]
    # What is hidden or gone has no page.
    assert changesets == ["/repo/rev/" + node("b"), "/repo/rev/" + node("a")]


@pytest.mark.parametrize("state, wanted", [(HIDDEN, "(hidden)"), (GONE, "(gone)")])
def test_a_changeset_of_which_nothing_is_told(site, state, wanted):
    site.push("a", state=state)
    site.push("b", state=state, like=details(phase="secret"))
    text = site.text("pushloghtml")
    assert text.count("<td>%s</td>" % wanted) == 2
    assert "obsolete" not in text and "<del></del>" not in text


def test_pages(site):
    for number in range(45):
        site.push("c%d" % number, user="alice" if number % 9 else "bob")
    first = page(site)
    assert first.pushes() == list(range(45, 25, -1))
    assert "page 1 of 3, 45 pushes" in first.text and first.links("newer") == []
    second = follow(site, first.links("older")[0])
    assert second.pushes() == list(range(25, 5, -1))
    third = follow(site, second.links("older")[0])
    assert third.pushes() == list(range(5, 0, -1)) and third.links("older") == []
    assert follow(site, third.links("newer")[0]).pushes() == second.pushes()
    # As links to the page have long been written.
    assert page(site, path="pushloghtml/2").pushes() == second.pushes()
    beyond = page(site, "page=1000000000")
    assert beyond.pushes() == [] and "No pushes were found" in beyond.text
    assert follow(site, beyond.links("newer")[0]).pushes() == third.pushes()
    of_one = page(site, "user=alice&page=2")
    assert of_one.fields()["user"] == "alice"
    assert follow(site, of_one.links("newer")[0]).pushes()[0] == 45
    assert "user=alice" in of_one.links("newer")[0]


@pytest.mark.parametrize(
    "path", ["0", "00", "999999999999", "x", "-1", "\u0663", "2/x"]
)
def test_odd_paths(site, path):
    site.push("a")
    assert site.get("pushloghtml/" + path).status == 200


def test_a_large_push(site):
    site.push(*["c%d" % number for number in range(50)], like=details())
    site.push("x")
    shown = page(site)
    assert "50 changesets" in shown.text and "and 30 more" in shown.text
    alone = page(site, "startID=0&endID=1")
    assert "more" not in alone.text and alone.text.count("a change") == 50


def test_a_push_that_is_too_large_for_a_page(site):
    site.push(*["c%d" % number for number in range(502)], like=details())
    shown = page(site)
    assert "502 changesets" in shown.text and shown.text.count("a change") == 500
    assert "and 2 more" in shown.text
    last = node("c501")
    assert [url for url in urls(shown) if "/rev/" in url][0] == "/repo/rev/" + last
    # It leads nowhere else.
    assert not [url for url in urls(shown) if "startID=0" in url][1:]
    one = page(site, "tipsonly=1")
    assert one.text.count("a change") == 1 and "more" not in one.text


def test_what_is_not_shown_is_not_read(site, monkeypatch):
    """Of a push of many changesets, their details are most of the database."""
    site.push(*["c%d" % number for number in range(600)], like=details())
    read = []
    from_text = logdata.from_text
    monkeypatch.setattr(
        logdata, "from_text", lambda text: read.append(text) or from_text(text)
    )
    for path, wanted in (("pushloghtml", 500), ("pushlog", 500), ("json-pushes", 0)):
        assert site.get(path).status == 200
        assert len(read) == wanted
        del read[:]
    site.push("x", like=details())
    page(site)
    assert len(read) == 21


def urls(shown):
    return [attrs["href"] for tag, attrs in shown.tags if tag == "a"]


def test_what_is_in_the_form_is_what_was_asked(site):
    site.push("a")
    query = [("user", "al\"ice<'"), ("startdate", "2020-01-01"), ("enddate", ""), ("tipsonly", "1")]  # fmt: skip
    shown = page(site, query)
    fields = shown.fields()
    assert fields["user"] == "al\"ice<'" and fields["startdate"] == "2020-01-01"
    assert fields["enddate"] == "" == fields["changeset"]
    boxes = [attrs for tag, attrs in shown.tags if attrs.get("type") == "checkbox"]
    assert [("checked" in attrs) for attrs in boxes] == [True]


def test_no_script(site):
    site.push("a", like=details())
    text = site.text("pushloghtml", "style=spartan")
    # hgweb's own, which is on all of its pages.
    assert text.count("<script") == 1 == text.count('static/mercurial.js"></script>')
    assert "javascript:" not in text
