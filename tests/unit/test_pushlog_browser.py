"""The page of pushes as a browser shows it, in all styles that come with Mercurial, on
a desk and on a phone; and what somebody clicks on there."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from testlib.servers import HgServer

HG = pathlib.Path(sys.executable).with_name("hg")
STYLES = ("paper", "coal", "gitweb", "monoblue", "spartan")
#: Pixels of CSS, and whether it is a phone.
WINDOWS = {"desk": (1280, 800, False), "phone": (390, 844, True)}
#: Of the repository; one more was pushed to try.
PUSHES = 24

COMMITS = [
    ("Ada Lovelace <ada@example.com>", "bug 1: a short description", "default"),
    ("J\xf6rg M\xfcller <joerg@example.com>", "bug 2: \xfcber <b>alles</b> & more", "default"),
    ("Nobody <n@example.com>", "one word of " + 150 * "m" + " without a blank", "default"),
    ("a" * 60 + "@example.com", "several\n\nparagraphs\nof text", "stable-" + 40 * "x"),
    ("Bob", "rather a long description that has to be broken into lines " * 3, "default"),
]  # fmt: skip


def hg(*arguments, **environment):
    command = [str(HG), *map(str, arguments)]
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        env=dict(os.environ, HGENCODING="utf-8", **environment),
    )


def make_repository(path):
    hg("init", path)
    for number, (user, text, branch) in enumerate(COMMITS):
        (path / ("f%d" % number)).write_text("%d\n" % number)
        hg("branch", "-qf", branch, "-R", path)
        hg("commit", "-qAm", text, "-u", user, "-R", path)
    hg("phase", "-qp", "-r", "all()", "-R", path)


def log_pushes(path, folder):
    pushes = []
    for number in range(PUSHES):
        user = (
            "bob@example.com"
            if number % 12 == 5
            else "a" + 60 * "l" + "ice@example.com"
        )
        changesets = [str(rev) for rev in range(number % 5 + 1)]
        date = 1577836800 + number * 3600
        pushes.append({"user": user, "date": date, "changesets": changesets})
    file = folder / "pushes.json"
    file.write_text(json.dumps(pushes))
    hg(
        "pushlog-add",
        "--from-json",
        file,
        "-R",
        path,
        "--config",
        "extensions.pushlog=",
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory, chromium):
    folder = tmp_path_factory.mktemp("pushlog")
    repository = folder / "repository"
    make_repository(repository)
    log_pushes(repository, folder)
    (folder / "store").mkdir()
    config = {
        "web.allow-push": "*",
        "web.push_ssl": "false",
        "web.name": "a repository",
        "extensions.pushlog": "",
        "extensions.s3try": "",
        "s3try.enabled": "yes",
        "s3try.store": "file:%s" % (folder / "store"),
    }
    with HgServer(HG, repository, config) as running:
        client = folder / "client"
        hg("clone", "-q", running.url, client)
        (client / "new").write_text("new\n")
        hg("commit", "-qAm", "try: this", "-u", "Ada", "-R", client)
        hg("push", "-q", "-f", "-R", client)
        running.repository = repository
        yield running


#: What only our own style says.
LAYOUT = "return getComputedStyle(document.querySelector('.pushes')).tableLayout"


def messages(browser):
    """What has come to the console, but for files of hgweb's that were still on their
    way when the page was left."""
    return [text for text in browser.messages() if "/static/" not in text]


@pytest.fixture
def browser(chromium):
    chromium.resize(*WINDOWS["desk"])
    chromium.messages()
    yield chromium
    assert messages(chromium) == []


def pushes(browser):
    return [int(text.split()[1]) for text in browser.texts(".pushes th a:first-child")]


def overflowing(browser):
    """What reaches beyond the right edge of the page, or of its table; names of
    changesets that are broken into lines."""
    return browser.run(
        """
        const width = document.documentElement.clientWidth;
        const table = document.querySelector(".pushes");
        const right = Math.min(width, table.parentElement.getBoundingClientRect().right);
        const found = [];
        for (const each of document.querySelectorAll("body *")) {
            const limit = table.contains(each) ? right : width;
            if (each.getBoundingClientRect().right > limit + 1)
                found.push(each.tagName + "." + each.className);
        }
        if (document.documentElement.scrollWidth > width) found.push("all");
        for (const each of document.querySelectorAll(".pushes td.node > *"))
            if (each.getClientRects().length != 1) found.push("broken");
        return found;
        """
    )


@pytest.mark.parametrize("window", sorted(WINDOWS))
@pytest.mark.parametrize("style", STYLES)
def test_a_page_fits(server, browser, style, window, tmp_path):
    browser.resize(*WINDOWS[window])
    browser.open("%s/pushloghtml?style=%s" % (server.url, style))
    assert pushes(browser) == list(range(25, 5, -1))
    (tmp_path / "page.png").write_bytes(browser.screenshot())
    assert overflowing(browser) == []
    # A phone shows it as large as it is, and not a page for a desk made small.
    assert browser.run("return window.innerWidth") == WINDOWS[window][0]


@pytest.mark.parametrize("style", STYLES)
def test_what_is_clicked_on(server, browser, style):
    browser.open("%s/branches?style=%s" % (server.url, style))
    browser.follow("a[href*=pushloghtml]")
    assert pushes(browser) == list(range(25, 5, -1))
    browser.follow("a.older")
    assert pushes(browser) == [5, 4, 3, 2, 1]
    browser.follow("a.newer")
    assert pushes(browser) == list(range(25, 5, -1))
    browser.type(".push-filter input[name=user]", "bob@example.com")
    browser.follow(".push-filter input[type=submit]")
    assert pushes(browser) == [18, 6]
    assert (
        browser.run("return document.querySelector('[name=user]').value")
        == "bob@example.com"
    )
    browser.follow("#push18 td.node a")
    assert "/rev/" in browser.location() and "one word of" in browser.texts("body")[0]
    # All of it was in the same style.
    assert browser.location().endswith("style=" + style)


def test_filters(server, browser):
    browser.open(server.url + "/pushloghtml")
    browser.type("input[name=startdate]", "2020-01-01 03:00")
    browser.type("input[name=enddate]", "2020-01-01 06:00")
    browser.click("input[name=tipsonly]")
    browser.follow(".push-filter input[type=submit]")
    assert pushes(browser) == [6, 5]
    assert len(browser.texts(".pushes td.node")) == 2
    browser.type("input[name=enddate]", "soon")
    browser.follow(".push-filter input[type=submit]")
    assert "bad parameter enddate: 'soon' is not a date" in browser.texts("body")[0]
    # The answer is a 400, which a browser says on its console.
    (message,) = messages(browser)
    assert "400" in message
    # What was wrong can be corrected there.
    assert (
        browser.run("return document.querySelector('[name=enddate]').value") == "soon"
    )
    browser.type("input[name=enddate]", "2020-01-01 05:00")
    browser.follow(".push-filter input[type=submit]")
    assert pushes(browser) == [5]


def test_a_policy_that_allows_no_style_but_its_own(server, browser):
    """It must be on the page itself, and have the nonce of the answer."""
    browser.open(server.url + "/pushloghtml")
    layout = browser.run(LAYOUT)
    policy = "default-src 'none'; img-src 'self'; %s"
    sources = "style-src 'self' 'nonce-%nonce%'; script-src 'self' 'nonce-%nonce%'"
    config = {"extensions.pushlog": "", "web.csp": policy % sources}
    with HgServer(HG, server.repository, config) as strict:
        browser.open(strict.url + "/pushloghtml")
        assert browser.run(LAYOUT) == layout == "fixed"


def test_a_push_to_try(server, browser):
    browser.open(server.url + "/pushloghtml")
    browser.follow("#push25 a.bundle")
    assert "/bundle/1/rev/" in browser.location()
    assert "try: this" in browser.texts("body")[0]
