"""What goes with a request for the log of pushes: who asks, and in which encoding."""

import pushlogweb
import pytest
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
