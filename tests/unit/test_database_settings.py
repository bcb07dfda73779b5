"""URLs of databases: which can never work, and what is said of them."""

import sys

import pytest

from hgs3.database import engine
from hgs3.database.backends import backend_of
from hgs3.database.engine import open_database
from hgs3.database.errors import DatabaseSettingsError


@pytest.mark.parametrize(
    "url, says",
    [
        ("", "not a database URL"),
        ("secret", "not a database URL"),
        ("Secret@x:secret", "not a database URL"),
        ("sqlite:", "absolute path"),
        ("sqlite:relative/secret.db", "absolute path"),
        ("sqlite:///relative.db", "absolute path"),
        ("sqlite://host/secret.db", "absolute path"),
        ("sqlite://", "absolute path"),
        ("oracle://u:secret@host/db", "'oracle'"),
        ("postgresql+psycopg2://u:secret@host/db", "'postgresql\\+psycopg2'"),
        ("postgresql://u:secret@host", "names no database"),
        ("mysql://u:secret@host/", "names no database"),
        ("postgresql://u:p/secret@host:x/db", "cannot be read"),
        ("mysql://u:se:cret@host:secret/db", "cannot be read"),
        ("postgresql:secret", "cannot be read"),
    ],
)
def test_a_url_that_cannot_work(url, says):
    with pytest.raises(DatabaseSettingsError, match=says) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)
    assert (
        caught.value.__cause__ is None
        and caught.value.__suppress_context__
        or (caught.value.__context__ is None)
    )


@pytest.mark.parametrize(
    "url, dialect",
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
        ("mysql://u:p@h/d", "mysql+pymysql"),
        ("mysql+pymysql://u:p@h/d", "mysql+pymysql"),
        ("mariadb://u:p@h/d", "mysql+pymysql"),
        ("mariadb+pymysql://u:p@h/d", "mysql+pymysql"),
    ],
)
def test_schemes_of_servers(url, dialect):
    assert backend_of(url).url.drivername == dialect


@pytest.mark.parametrize("url", ["sqlite:/a/b c.db", "sqlite:////a/b c.db"])
def test_schemes_of_files(url):
    assert backend_of(url).path == "/a/b c.db"


def test_descriptions_hold_no_secret():
    backend = backend_of("postgresql://user:secret@host:99/db?sslpassword=hidden")
    assert backend.description == "postgresql database db at host:99"
    text = "no secret, no hidden\nbut a second line"
    assert backend.hide(text) == "no ***, no ***"
    backend = backend_of("mysql://user:p%2Fw%20d@/db")
    assert backend.description == "mysql database db at this host"
    assert backend.hide("p/w d, p/w%20d, p%2Fw+d") == "***, ***, ***"


@pytest.mark.parametrize(
    "url, module, package",
    [
        ("postgresql://h/d", "psycopg", "psycopg\\[binary\\]"),
        ("mysql://h/d", "pymysql", "PyMySQL"),
        ("sqlite:/d", "sqlite3", "sqlite3"),
    ],
)
def test_a_driver_that_is_not_installed(url, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DatabaseSettingsError, match="needs .*" + package):
        backend_of(url)


def test_one_database_a_url(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_by_url", {})
    url = "sqlite:%s" % (tmp_path / "a.db")
    assert open_database(url) is open_database(url)
    assert open_database(url) is not open_database(url + "2")
    # To open it is not to touch it.
    assert list(tmp_path.iterdir()) == []
