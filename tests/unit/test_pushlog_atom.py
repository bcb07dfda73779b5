"""The feed: well-formed XML that a reader of feeds takes, whatever is in the log."""

import re
import xml.etree.ElementTree

import feedparser
import pushlogweb
import pytest
from pushlogweb import HOSTILE, details
from trydata import node

from hgs3.database.records import GONE
from hgs3.pushes import atomfeed

ATOM = "{http://www.w3.org/2005/Atom}"
#: ``HOSTILE`` as XML can have it.
CLEAN = "</script><b a='1' c=\"2\">&amp;\ufffd\x7f\n\ufffd\ufffd]]>"


@pytest.fixture
def site(tmp_path):
    return pushlogweb.Site(tmp_path / "repo")


def parsed(site, *arguments):
    text = site.text("pushlog", *arguments)
    feed = feedparser.parse(text.encode())
    assert not feed.bozo and feed.version == "atom10"
    return feed, xml.etree.ElementTree.fromstring(text)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("<&>\"'", "&lt;&amp;&gt;&quot;&#39;"),
        ("a\tb\nc\rd", "a\tb\nc\rd"),
        ("\0\x01\x0b\x0c\x1f", 5 * "\ufffd"),
        ("\x7f\x80\x9f", "\x7f\x80\x9f"),
        ("\ud800\udcff\udfff", 3 * "\ufffd"),
        ("\ufffe\uffff", 2 * "\ufffd"),
        ("\xf6 \u2028 \U0001f600 \U0010ffff", "\xf6 \u2028 \U0001f600 \U0010ffff"),
        ("]]>", "]]&gt;"),
    ],
)
def test_escape(text, wanted):
    assert atomfeed.escape(text) == wanted


@pytest.mark.parametrize(
    "seconds, wanted",
    [
        (0, "1970-01-01T00:00:00Z"),
        (1577836800, "2020-01-01T00:00:00Z"),
        (-(10**18), "0001-01-01T00:00:00Z"),
        (10**18, "9999-12-31T23:59:59Z"),
    ],
)
def test_dates(site, seconds, wanted):
    site.push("a", pushed=seconds)
    feed, root = parsed(site, "startID=0")
    updated = [each.text for each in root.iter(ATOM + "updated")]
    assert [each.zfill(20) for each in updated] == [wanted, wanted]


def test_nothing(site):
    feed, root = parsed(site)
    assert feed.entries == [] and feed.feed.updated == "1970-01-01T00:00:00Z"
    assert feed.feed.title == "repo: pushes"


def test_entries(site):
    like = details(description="one\ntwo\n\nthree", files=("a", "b"))
    site.push("a", "b", "c", like=like)
    site.push("d", user="", state=GONE)
    site.push("e", user="bob", like=like, pushed=2000)
    feed, root = parsed(site)
    # Newest first, and the last changeset of a push is the newest.
    names = ["e", "c", "b", "a"]
    assert [each.title for each in feed.entries] == [
        "Changeset %s" % node(name) for name in names
    ]
    assert [each.author for each in feed.entries] == ["bob", "alice", "alice", "alice"]
    first = feed.entries[0]
    assert first.link == "%s/rev/%s" % (pushlogweb.BASE, node("e"))
    assert first.updated == feed.feed.updated == "1970-01-01T00:33:20Z"
    text = first.content[0].value
    assert "<p>one<br />two</p>" in text and "<p>three</p>" in text
    assert re.findall(r"<li[^>]*>(.*?)</li>", text) == ["a", "b"]
    # RFC 4287: what names them is there once, and an IRI.
    ids = [each.text for each in root.iter(ATOM + "id")]
    assert len(set(ids)) == 5 and all(re.match(r"urn:hg-s3:", each) for each in ids)
    links = {each.rel: each.href for each in feed.feed.links}
    assert links == {
        "self": pushlogweb.BASE + "/atom-pushlog",
        "alternate": pushlogweb.BASE + "/pushloghtml",
    }


def test_no_user_and_no_details(site):
    site.push("a", user="")
    feed, _root = parsed(site)
    assert feed.entries[0].author == "unknown"


def test_hostile_names(site):
    like = details(author=HOSTILE, description=HOSTILE, files=(HOSTILE,))
    site.push("a", user=HOSTILE, like=like)
    feed, root = parsed(site)
    user = CLEAN.replace("\ufffd\ufffd]", "??]")
    assert root.find(ATOM + "entry").find(ATOM + "author")[0].text == user
    content = root.find(ATOM + "entry").find(ATOM + "content")
    allowed = {"content", "div", "p", "br", "ul", "li"}
    assert {each.tag.partition("}")[2] for each in content.iter()} == allowed
    assert CLEAN in "".join(content.itertext())


@pytest.mark.parametrize("count, wanted", [(100, 100), (101, 101), (5000, 101)])
def test_many_files(site, count, wanted):
    site.push("a", like=details(files=tuple(map(str, range(count)))))
    feed, _root = parsed(site)
    items = re.findall(r"<li[^>]*>(.*?)</li>", feed.entries[0].content[0].value)
    assert len(items) == wanted
    if count > 100:
        assert items[-1] == "and %d more" % (count - 100)


def test_a_large_push(site):
    site.push(*["c%d" % number for number in range(502)])
    site.push("x")
    feed, _root = parsed(site)
    titles = [each.title for each in feed.entries]
    wanted = ["x"] + ["c%d" % number for number in range(501, 1, -1)]
    assert titles == ["Changeset %s" % node(name) for name in wanted]
    assert len(site.text("json-pushes", "startID=0").split(",")) > 502


def test_links_ask_for_the_same(site):
    site.push("a", user="J\xf6rg & <x>")
    query = [("user", "J\xf6rg & <x>"), ("style", "gitweb"), ('"><b>', "1")]
    _feed, root = parsed(site, query)
    urls = {each.get("rel"): each.get("href") for each in root.findall(ATOM + "link")}
    wanted = pushlogweb.BASE + "/atom-pushlog?user=J%C3%B6rg%20%26%20%3Cx%3E"
    assert urls["self"] == wanted
    assert len(parsed(site, urls["self"].partition("?")[2])[0].entries) == 1


def test_what_is_wrong_is_plain_text(site):
    answer = site.get("pushlog", [("startID", HOSTILE)])
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    answer.body.decode("utf-8")
