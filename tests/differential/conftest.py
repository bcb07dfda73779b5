"""What the differential tests have around them, and which Mercurial runs them."""

import importlib.util
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from testlib.servers import UNWANTED_PREFIXES

ROOT = pathlib.Path(__file__).resolve().parents[2]

if importlib.util.find_spec("mercurial.wireprotov2server") is None:
    collect_ignore_glob = ["test_v2_*.py"]


@pytest.fixture(scope="session", autouse=True)
def isolated():
    """No configuration and no proxy of the user's reaches Mercurial."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(UNWANTED_PREFIXES):
                patch.delenv(name)
        patch.setenv("HGRCPATH", os.devnull)
        patch.setenv("HGPLAIN", "1")
        patch.setenv("HGUSER", "someone <someone@example.com>")
        yield


@pytest.fixture(scope="session")
def moto_executable():
    path = ROOT / ".venv" / "services" / "bin" / "moto_server"
    if not path.exists():
        # Not a skip: it would go unnoticed for ever.
        pytest.fail(
            "no %s: run python3 tools/setup_env.py services" % path, pytrace=False
        )
    return path


@pytest.fixture(scope="session")
def hg_executable():
    return pathlib.Path(sys.executable).with_name("hg")
