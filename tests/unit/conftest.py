"""What every unit test has around it: no credentials but its own, no network
but 127.0.0.1, and servers that are stopped however the tests end.
"""

import contextlib
import functools
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import shorturls
import stores
import v2bench

from hgs3.objectstore import s3clients
from testlib import browser as browsers
from testlib import databases
from testlib.faultproxy import FaultProxy
from testlib.ministack import Ministack
from testlib.servers import UNWANTED_PREFIXES, MotoServer

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Their assertions are those of the tests that use them.
pytest.register_assert_rewrite(
    "store_contract",
    "breakers",
    "index_contract",
    "database_contract",
    "server_contract",
    "trydata",
)

MOTO = ROOT / ".venv" / "services" / "bin" / "moto_server"
MINISTACK = ROOT / ".venv" / "ministack" / "bin" / "ministack"
POSTGRESQL = ROOT / ".venv" / "postgresql"
#: Now: ``isolated`` takes away all that begins with HG.
REQUIRES_MARIADB = bool(os.environ.get("HGS3_REQUIRE_MARIADB"))
REQUIRES_CHROMIUM = bool(os.environ.get("HGS3_REQUIRE_CHROMIUM"))


@pytest.fixture(scope="session", autouse=True)
def isolated():
    """boto3 finds no credentials and asks nobody for them; no proxy stands
    between a test and its server."""
    folder = tempfile.mkdtemp(prefix="hg-s3-unit-")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(UNWANTED_PREFIXES):
                patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        # A server reads what boto3 knows of S3 once. So do the stores of all tests,
        # of which it would be half of the time.
        loader = functools.lru_cache(maxsize=None)(s3clients.LeanLoader)
        patch.setattr(s3clients, "LeanLoader", loader)
        # What a test asks by Mercurial's own client is nobody's business.
        patch.setenv("HGRCPATH", os.devnull)
        patch.setenv("AWS_CONFIG_FILE", os.path.join(folder, "no-config"))
        patch.setenv(
            "AWS_SHARED_CREDENTIALS_FILE", os.path.join(folder, "no-credentials")
        )
        yield
    shutil.rmtree(folder, ignore_errors=True)


def _installed(path, environment):
    if not path.exists():
        # Not a skip: it would go unnoticed for ever.
        pytest.fail(
            "no %s: run python3 tools/setup_env.py %s" % (path, environment),
            pytrace=False,
        )
    return path


@pytest.fixture(scope="session")
def moto(isolated):
    """moto's standalone server; checks no signature."""
    with MotoServer(executable=_installed(MOTO, "services")) as server:
        yield server


@pytest.fixture(scope="session")
def ministack(isolated):
    """A server that checks signatures, and ``.keys`` of a user of it."""
    with Ministack(_installed(MINISTACK, "ministack")) as server:
        server.create_user_keys()
        yield server


@pytest.fixture(scope="session")
def postgresql(isolated):
    """A testlib.databases.PostgreSQLServer."""
    with databases.PostgreSQLServer(_installed(POSTGRESQL, "postgresql")) as server:
        yield server


def _found_or_skipped(found, name, packages, is_required):
    """``found``; without it the test is skipped, or fails where it must not be."""
    if found is None:
        reason = "no %s on this machine (install %s)" % (name, packages)
        if is_required:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def mariadb(isolated):
    """A testlib.databases.MariaDBServer."""
    program = _found_or_skipped(
        databases.find_mariadb(), "MariaDB", "mariadb-server", REQUIRES_MARIADB
    )
    with databases.MariaDBServer(program) as server:
        yield server


@pytest.fixture(scope="session")
def chromium(isolated):
    """A testlib.browser.Browser."""
    programs = _found_or_skipped(
        browsers.find_chromium(),
        "Chromium",
        "chromium and chromium-driver",
        REQUIRES_CHROMIUM,
    )
    with browsers.Browser(*programs) as browser:
        yield browser


@pytest.fixture(scope="session")
def v2_repository(isolated, tmp_path_factory):
    """A v2bench.Repository."""
    return v2bench.Repository(tmp_path_factory.mktemp("v2") / "repository")


@pytest.fixture
def bucket(moto):
    """The name of an empty bucket of moto's."""
    name = stores.new_bucket_name()
    moto.create_bucket(name)
    return name


@pytest.fixture
def moto_store(moto, bucket):
    return stores.s3_store(moto.url, bucket)


@pytest.fixture
def store_proxy(moto):
    with FaultProxy(moto.port) as proxy:
        yield proxy


@pytest.fixture
def make_server(v2_repository, moto, store_proxy, bucket, tmp_path):
    """Servers that are stopped; ``make_server(**settings)``."""
    with contextlib.ExitStack() as stack:
        made = []

        def make(**settings):
            folder = tmp_path / ("server%d" % len(made))
            settings.setdefault("repo_id", tmp_path.name)
            made.append(folder)
            return stack.enter_context(
                v2bench.Server(
                    folder, v2_repository, moto, store_proxy.url, bucket, **settings
                )
            )

        yield make


@pytest.fixture
def make_site(tmp_path, monkeypatch):
    """A shorturls.Site, which the web command then finds."""

    def make(instead=None, **items):
        site = shorturls.Site(tmp_path, instead, **items)
        monkeypatch.setattr(shorturls.service, "of", lambda ui: site.service)
        return site

    return make
