"""What a query string may ask of the log of pushes, and what is wrong with one."""

import json

import pushlogweb
import pytest
from mercurial import util
from trydata import node

from hgs3.database.records import GONE, HIDDEN, LogQuery
from hgs3.pushes import parameters

DAY = 24 * 3600
#: 2020-01-01 00:00 UTC
NEW_YEAR = 1577836800


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = pushlogweb.Site(tmp_path_factory.mktemp("site") / "repo")
    made.push("a", "b", user="alice", pushed=1000)
    made.push("c", user="bob", pushed=2000)
    made.push("d", user="J\xf6rg \udcff", pushed=NEW_YEAR)
    return made


def read(*pairs, skip_empty=False):
    params = util.sortdict()
    for name, value in pairs:
        params.setdefault(name, []).append(value)

    class Multidict(dict):
        def getall(self, key):
            return self[key]

    return parameters.read(Multidict(params), skip_empty)


DATES = [
    (b"0", 0),
    (b"-5", -5),
    (b" 12 ", 12),
    (b"1577836800", NEW_YEAR),
    (b"9" * 30, int("9" * 30)),
    (b"1577836800 0", NEW_YEAR),
    (b"2020-01-01", NEW_YEAR),
    (b"2020-01-01 00:00", NEW_YEAR),
    (b"2020-01-01 00:00:00", NEW_YEAR),
    (b"2020-01-01T00:00:00", NEW_YEAR),
    (b"2020-01-01T00:00:00Z", NEW_YEAR),
    (b"2020-01-01 02:00 +0200", NEW_YEAR),
    (b"2020-01-01T02:00:00+02:00", NEW_YEAR),
    (b"2019-12-31 19:00 -0500", NEW_YEAR),
    (b"Wed Jan 01 00:00:00 2020", NEW_YEAR),
    (b"Wed, 01 Jan 2020 00:00:00 +0000", NEW_YEAR),
    (b"Jan 1 2020", NEW_YEAR),
    (b"1/1/20", NEW_YEAR),
    (b"2020", 2020),
    # Where Mercurial's own end.
    (b"2038-01-19 03:14:07", 2**31 - 1),
    (b"2038-01-19 03:14:08", 2**31),
    (b"2096-02-29", 3981312000),
    (b"2099-12-31", 4102358400),
    (b"Dec 31 2099", 4102358400),
    (b"Thu, 31 Dec 2099 02:00:00 +0200", 4102358400),
    (b"9999-12-31", 253402214400),
    (b"9999-12-31T23:59:59Z", 253402300799),
    (b"1901-12-13 20:45:51", -(2**31) - 1),
    (b"1900-01-01", -2208988800),
    (b"0001-01-01", -62135596800),
]


@pytest.mark.parametrize("text, seconds", DATES)
def test_dates(text, seconds, monkeypatch):
    asked = read((b"startdate", text), (b"enddate", text))
    assert asked.query == LogQuery(start_date=seconds, end_date=seconds - 1)


@pytest.mark.parametrize(
    "text, is_lasting",
    [
        (b"1577836800", True),
        (b"2020-01-01", True),
        (b"Jan 1 2020", True),
        (b"today", False),
        (b"yesterday", False),
        (b"now", False),
        (b"13:00", False),
        (b"13:00 +0200", False),
        (b"Jan 1", False),
    ],
)
def test_what_depends_on_the_day_has_no_etag(site, text, is_lasting):
    assert read((b"startdate", text)).is_lasting == is_lasting
    headers = site.get("json-pushes", [("startdate", text)]).headers
    assert ("ETag" in headers) == is_lasting


def test_words_are_days_of_utc():
    today = read((b"startdate", b"today")).query.start_date
    assert today % DAY == 0
    yesterday = read((b"startdate", b"yesterday")).query.start_date
    assert yesterday in (today - DAY, today)


NOT_NUMBERS = ["x", "1x", "1.5", "0x10", "1e3", "٣", "--1", "9" * 31, "1\n2"]
NOT_DATES = ["soon", "2020-13-01", "2020-02-30", "25:00", "-", "<1", "99999999-01-01"]
NOT_DATES += [
    "2020-01-01 PST",
    "\udcff",
    "\0",
    "%Y",
    "1 to 2",
    "2099-02-29",
    "9999-13-01",
    "0000-01-01",
    "9999-12-31 PST",
    "9999-12-31 to 9999-12-31",
    "2020-01-01 to 2021-01-01",
]
BAD = [
    *[("startID", text, "%r is not a number") for text in NOT_NUMBERS],
    ("endID", "x", "%r is not a number"),
    *[("startdate", text, "%r is not a date") for text in NOT_DATES],
    ("enddate", "x", "%r is not a date"),
    *[("version", text, text + " is not 1 or 2") for text in ("0", "3", "-1")],
    ("version", "two", "%r is not a number"),
    *[("page", text, text + " is not a page") for text in ("0", "-1", "1" + 9 * "0" + "1")],
]  # fmt: skip


@pytest.mark.parametrize("name, text, problem", BAD)
def test_a_bad_value_is_a_400_that_names_it(site, name, text, problem):
    answer = site.get("json-pushes", [(name, text)])
    assert (answer.status, answer.reason) == (400, "Bad Request")
    assert answer.headers["Content-Type"] == "application/json"
    said = json.loads(answer.body)["error"]
    assert said.startswith("bad parameter %s: " % name)
    if text.isprintable():
        wanted = problem % text[:60] if "%" in problem else problem
        assert said == "bad parameter %s: %s" % (name, wanted)


NAMES = ("startID", "endID", "startdate", "enddate", "fromchange", "tochange")


@pytest.mark.parametrize("name", NAMES + ("version", "tipsonly", "page"))
def test_twice(site, name):
    value = node("a") if "change" in name else "1"
    assert site.get("json-pushes", [(name, value)]).status == 200
    for command in ("json-pushes", "pushlog", "pushloghtml"):
        answer = site.get(command, [(name, value), (name, value)])
        said = "bad parameter %s: it is given twice" % name
        assert answer.status == 400 and said.encode() in answer.body


@pytest.mark.parametrize("name", NAMES + ("version", "page"))
def test_empty(site, name):
    for empty in ("", " ", "\t"):
        for command in ("json-pushes", "pushlog"):
            answer = site.get(command, [(name, empty)])
            said = "bad parameter %s: it is empty" % name
            assert answer.status == 400 and said.encode() in answer.body
        # A form sends what nobody has filled in.
        assert site.get("pushloghtml", [(name, empty)]).status == 200


@pytest.mark.parametrize("name", ["user", "changeset"])
def test_several_times(site, name):
    value = node("a") if name == "changeset" else "alice"
    assert site.get("json-pushes", [(name, value)] * 100).status == 200
    answer = site.get("json-pushes", [(name, value)] * 101)
    assert answer.status == 400
    assert b"%s: it is given more than 100 times" % name.encode() in answer.body
    assert site.get("json-pushes", [(name, "")]).status == 400


def numbers(site, *pairs):
    answer = json.loads(site.text("json-pushes", list(pairs)))
    return [int(number) for number in answer]


PUSHES = [
    ((), [1, 2, 3]),
    ((("startID", 1),), [2, 3]),
    ((("startID", -1), ("endID", 2)), [1, 2]),
    ((("startID", "9" * 30),), []),
    ((("startID", "-" + "9" * 30),), [1, 2, 3]),
    ((("endID", "9" * 30),), [1, 2, 3]),
    ((("startdate", "1000"),), [2, 3]),
    ((("startdate", "999"), ("enddate", "2000")), [1]),
    ((("startdate", "9" * 30),), []),
    ((("enddate", "9" * 30),), [1, 2, 3]),
    ((("enddate", "2020-01-01"),), [1, 2]),
    ((("startdate", "1900-01-01"), ("enddate", "9999-12-31")), [1, 2, 3]),
    ((("startdate", "2099-12-31"),), []),
    ((("fromchange", node("b")),), [2, 3]),
    ((("tochange", node("a").upper()),), [1]),
    ((("fromchange", node("a")[:12]), ("tochange", node("c")[:12])), [2]),
    ((("changeset", node("b")[:12]), ("changeset", node("d"))), [1, 3]),
    ((("user", "bob"), ("user", "alice")), [1, 2]),
    ((("user", "bob"), ("changeset", node("a"))), []),
    ((("user", "J\xf6rg \udcff"),), [3]),
    ((("user", "nobody' OR 1=1 --"),), []),
    ((("user", "a" * 5000),), []),
    ((("nonsense", "1"), ("startid", "x"), ("nonsense", ""), ("\udcff", "")), [1, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize("pairs, wanted", PUSHES)
def test_which_pushes(site, pairs, wanted):
    assert numbers(site, *pairs) == wanted


@pytest.mark.parametrize("name", ["fromchange", "tochange", "changeset"])
@pytest.mark.parametrize("text", ["f" * 40, "f" * 12, "F" * 12])
def test_unknown_changesets(site, name, text):  # fmt: skip
    answer = site.get("json-pushes", [(name, text)])
    assert (answer.status, answer.reason) == (404, "Not Found")
    said = json.loads(answer.body)["error"]
    assert said.startswith("unknown changeset: ") and len(said) < 100


@pytest.mark.parametrize("name", ["fromchange", "tochange", "changeset"])
@pytest.mark.parametrize(
    "text",
    [
        "0" * 41,
        "default",
        "TIP",
        "tip^",
        " tip",
        "-1",
        ".",
        "\udcff\0",
        "J\xf6rg",
        "x" * 300,
    ],
)
def test_other_names_of_changesets(site, name, text):
    answer = site.get("json-pushes", [(name, text)])
    assert (answer.status, answer.reason) == (404, "Not Found")
    said = "unknown changeset: %s (only hashes and tip are understood)"
    assert json.loads(answer.body) == {"error": said % ascii(text[:60])}
    for command in ("pushlog", "pushloghtml"):
        answer = site.get(command, [(name, text)])
        assert answer.status == 404
        assert b"(only hashes and tip are understood)" in answer.body


def test_tip_is_of_the_newest_push_that_is_to_be_seen(tmp_path):
    site = pushlogweb.Site(tmp_path / "repo")

    def found(*pairs):
        return numbers(site, *pairs)

    assert site.get("json-pushes", "tochange=tip").status == 404
    site.push("x", state=GONE)
    answer = site.get("json-pushes", "tochange=tip")
    assert answer.status == 404
    assert json.loads(answer.body) == {"error": "unknown changeset: tip"}
    site.push("a", "b")
    assert found(("changeset", "tip")) == [2]
    site.push("c", "d")
    tag = site.get("json-pushes", "changeset=tip").headers["ETag"]
    for number in range(250):
        site.push("h%d" % number, state=HIDDEN if number % 2 else GONE)
    for name in ("changeset", "tochange", "fromchange"):
        by_name = found((name, "tip"), ("endID", 9))
        assert by_name == found((name, node("d")), ("endID", 9))
    assert found(("tochange", "tip")) == [1, 2, 3]
    assert found(("fromchange", node("a")), ("tochange", "tip")) == [3]
    assert found(("changeset", "tip"), ("changeset", node("a"))) == [2, 3]
    assert len(found(("fromchange", "tip"))) == 250
    # What was pushed before, and is not hidden, is there again.
    last = site.push("h1", "a")
    assert found(("changeset", "tip")) == [2, last]
    again = site.get("json-pushes", "changeset=tip", if_none_match=tag)
    assert again.status == 200


def test_an_ambiguous_changeset(site):
    prefix = next(
        each for each in "0123456789abcdef" if len(site.log.nodes_with_prefix(each)) > 1
    )
    answer = site.get("json-pushes", [("changeset", prefix)])
    assert answer.status == 400
    said = "bad parameter changeset: '%s' begins several changesets" % prefix
    assert json.loads(answer.body) == {"error": said}


@pytest.mark.parametrize("text", ["", "1", "0", "no", "\udcff"])
def test_full_is_on_whatever_it_is_set_to(text):
    value = text.encode("utf-8", "surrogateescape")
    assert read((b"full", value)).full and not read().full


@pytest.mark.parametrize(
    "text, is_on",
    [("1", True), (" 1 ", True)]
    + [
        (text, False)
        for text in ("0", "2", "-1", "01", "1.0", "yes", "", " ", "\udcff")
    ],
)
def test_only_tips_are_asked_for_by_1_alone(site, text, is_on):
    assert (
        read((b"tipsonly", text.encode("utf-8", "surrogateescape"))).tips_only == is_on
    )
    answer = json.loads(site.text("json-pushes", [("tipsonly", text), ("endID", 1)]))
    wanted = [node("b")] if is_on else [node("a"), node("b")]
    assert answer["1"]["changesets"] == wanted
    for command in ("pushlog", "pushloghtml"):
        assert site.get(command, [("tipsonly", text)]).status == 200


def test_methods(site):
    for method, wanted in (("GET", 200), ("HEAD", 200), ("POST", 405), ("PUT", 405)):
        answer = site.get("json-pushes", method=method)
        assert answer.status == wanted
        assert answer.headers.get("Allow") == ("GET, HEAD" if wanted == 405 else None)


@pytest.mark.parametrize("path", ["json-pushes", "pushlog", "pushloghtml"])
@pytest.mark.parametrize("query", ["", "startID=x"])
def test_head_is_get_without_a_body(site, path, query):
    get, head = site.get(path, query), site.get(path, query, method="HEAD")
    assert head.status == get.status and head.body == b"" != get.body
    assert head.headers == get.headers
    assert int(head.headers["Content-Length"]) == len(get.body)


@pytest.mark.parametrize(
    "path", ["json-pushes", "pushlog", "atom-pushlog", "pushloghtml"]
)
def test_etags(site, path):  # fmt: skip
    answer = site.get(path, "startID=0")
    assert answer.headers["Cache-Control"] == "no-cache"
    tag = answer.headers["ETag"]
    assert tag.startswith('W/"')
    for given in (tag, '"x", %s' % tag, tag[2:], 'W/"x",%s ,"y"' % tag[2:]):
        again = site.get(path, "startID=0", if_none_match=given)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "no-cache"
    assert site.get(path, "startID=1", if_none_match=tag).status == 200
    bad = site.get(path, "startID=x", if_none_match=tag)
    assert bad.status == 400 and "ETag" not in bad.headers
    gone = site.get(path, "changeset=" + "f" * 40, if_none_match=tag)
    assert gone.status == 404 and "ETag" not in gone.headers
