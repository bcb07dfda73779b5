"""Source distributions of Mercurial: they carry run-tests.py and hghave,
which the installed package lacks, and the releases that benchmarks use as
test data. They are downloaded when needed and never committed.
"""

import pathlib
import shutil
import sys
import tarfile
import tempfile

from common import VENV_DIR, ToolError, locked, run_logged, say

SDIST_DIR = VENV_DIR / "sdists"


def fetch_mercurial_sdist(version: str, python: str = "") -> pathlib.Path:
    """Return the folder with the unpacked sdist of exactly this version.

    ``python`` is the interpreter whose pip downloads it; a release that no
    longer supports the running one needs another.
    """
    target = SDIST_DIR / ("mercurial-%s" % version)
    if target.is_dir():
        return target
    with locked():
        # Another process may have fetched it while this one waited.
        if not target.is_dir():
            _fetch(version, target, str(python or sys.executable))
    return target


def _fetch(version, target, python):
    """Download to a temporary folder beside the target and rename into place,
    so that a target that exists is always whole."""
    say("fetching the sources of mercurial %s" % version)
    SDIST_DIR.mkdir(parents=True, exist_ok=True)
    for leftover in SDIST_DIR.glob("tmp-*"):
        shutil.rmtree(str(leftover), ignore_errors=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="tmp-", dir=str(SDIST_DIR)))
    try:
        run_logged(
            [python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
            + ["--dest", scratch, "mercurial==%s" % version],
            "sdist-%s" % version,
        )
        archives = list(scratch.glob("mercurial-*.tar.gz"))
        if len(archives) != 1:
            raise ToolError("pip brought no source archive of mercurial %s" % version)
        _unpack(archives[0], scratch)
        (scratch / target.name).rename(target)
    finally:
        shutil.rmtree(str(scratch), ignore_errors=True)


def _unpack(archive, folder):
    with tarfile.open(str(archive)) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(str(folder), filter="data")
        else:
            tar.extractall(str(folder))
