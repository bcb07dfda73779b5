"""What goes with a request for the log of pushes: who asks, and in which encoding."""

import pushlogweb
import pytest
from mercurial import encoding, util
from mercurial.hgweb import common

COMMANDS = ("json-pushes", "pushlog", "pushloghtml")


@pytest.fixture
def asked():
    """What a permission hook sees of each request: a list of (user, user of the
    environment)."""
    found = []

    def hook(hgweb, req, _operation):
        environment = hgweb.repo.ui.environ
        found.append((req.remoteuser, environment.get(b"REMOTE_USER")))

    common.permhooks.append(hook)
    yield found
    common.permhooks.remove(hook)


def from_user(site, name, path):
    """The answer to what somebody of this ``name`` asks."""
    app = site.app

    def named(environment, start):
        return app(dict(environment, REMOTE_USER=name), start)

    site.app = named
    try:
        return site.get(path)
    finally:
        site.app = app


@pytest.mark.parametrize("view", ["served", "all"])
def test_permission_hooks_see_who_asks(tmp_path, asked, view):
    site = pushlogweb.Site(tmp_path, web_view=view)
    site.push("a")
    for command in COMMANDS:
        assert from_user(site, "admin", "log").status == 200
        shared = site.app._lastrepo._repo.ui
        before = shared.environ
        assert from_user(site, "eve", command).status == 200
        # It may be in use for somebody else.
        assert shared.environ is before and before[b"REMOTE_USER"] == b"admin"
        assert asked == [(b"admin",) * 2, (b"eve",) * 2]
        del asked[:]


def test_the_own_configuration_of_the_repository_is_heeded(tmp_path):
    site = pushlogweb.Site(tmp_path)
    (tmp_path / ".hg" / "hgrc").write_text("[web]\ndeny_read = eve\n")
    site.serve()
    for command in COMMANDS:
        assert from_user(site, "eve", command).status == 401
        assert from_user(site, "bob", command).status == 200


@pytest.fixture
def of_server(monkeypatch):
    """The encoding of the server is that of LANG=C."""
    monkeypatch.setattr(encoding, "encoding", b"ascii")


@pytest.mark.parametrize("wanted", ["utf-8", "latin-1"])
def test_the_page_is_in_the_encoding_of_pages(tmp_path, of_server, wanted):
    site = pushlogweb.Site(tmp_path, web_encoding=wanted)
    site.push("a", user="J\xf6rg")
    answer = site.get("pushloghtml")
    assert answer.headers["Content-Type"] == "text/html; charset=" + wanted
    assert ">J\xf6rg<" in answer.body.decode(wanted)
    assert site.get("pushloghtml", "startID=x").status == 400


def test_no_such_encoding(tmp_path, of_server):
    site = pushlogweb.Site(tmp_path, web_encoding="nonsense")
    site.push("a", user="J\xf6rg")
    answer = site.get("pushloghtml")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    bad = site.get("pushloghtml", [("startID", "\xf6")])
    assert bad.status == 400 and "\xf6" in bad.body.decode()
    assert bad.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert site.get("json-pushes").status == 200


def test_another_tag_is_for_another_answer(tmp_path, of_server, monkeypatch):
    def tag(**config):
        for name, value in config.items():
            site._ui.setconfig(b"web", name.encode(), value)
        site.serve()
        return site.get("pushloghtml").headers["ETag"]

    site = pushlogweb.Site(tmp_path)
    tags = [tag(), tag(encoding=b"utf-8"), tag(encoding=b"latin-1")]
    tags += [tag(style=b"coal"), tag(templates=bytes(tmp_path))]
    monkeypatch.setattr(util, "version", lambda: b"0.0")
    assert len({*tags, tag()}) == 6


@pytest.mark.parametrize("command", COMMANDS)
def test_headers_of_each_answer(tmp_path, command):
    site = pushlogweb.Site(tmp_path / "repo")
    tag = site.get(command).headers["ETag"]
    answers = [
        (200, site.get(command)),
        (304, site.get(command, if_none_match=tag)),
        (400, site.get(command, "startID=x")),
        (404, site.get(command, "changeset=" + 40 * "f")),
        (405, site.get(command, method="PUT")),
    ]
    site = pushlogweb.Site(tmp_path / "secret", web_deny_read="*")
    answers.append((401, site.get(command)))
    site = pushlogweb.Site(tmp_path / "away")
    (tmp_path / "away" / ".hg" / "hg-s3-try.db").mkdir()
    answers.append((503, site.get(command)))
    for status, answer in answers:
        assert answer.status == status
        assert answer.headers["Cache-Control"] == "no-cache"
        kind = answer.headers.get("X-Content-Type-Options")
        # hgweb refuses to send it with a 304.
        has_kind = command != "pushloghtml" and status != 304
        assert kind == ("nosniff" if has_kind else None)
