"""Predicates that tests/*.t may ask for with ``#require`` and ``#if``.

tests/hghaveaddon.py brings them to Mercurial's hghave. They must be quick:
hghave is started anew for every test that asks.
"""

import os
import pathlib
import subprocess
import sys

import hghave

VENV_DIR = pathlib.Path(__file__).resolve().parent / ".venv"


def environment_offers(name, command):
    """tools/setup_env.py writes the stamp after it has seen the command run,
    so nothing has to be started here. The second look catches a Python that
    was removed since: then the environment's link to it dangles."""
    env = VENV_DIR / name
    return (env / "stamp.json").exists() and all(
        os.access(str(env / "bin" / program), os.X_OK)
        for program in ("python", command)
    )


@hghave.check("wireprotov2", "Mercurial with wire protocol version 2")
def has_wireprotov2():
    # $PYTHON, not the running Python: run-tests starts hghave through a
    # symbolic link, which does not always find the environment's modules.
    python = os.environ.get("PYTHON", "").strip("'") or sys.executable
    code = (
        "import importlib.util as u, mercurial, sys;"
        "sys.stdout.write(str(u.find_spec('mercurial.wireprotov2server') is not None))"
    )
    # A Python without Mercurial is an error to report, not a reason to skip.
    answer = subprocess.check_output([python, "-c", code])
    return answer == b"True"


@hghave.check("hgs3-moto", "S3 server moto (python3 tools/setup_env.py services)")
def has_moto():
    return environment_offers("services", "moto_server")


@hghave.check(
    "hgs3-ministack", "S3 server ministack (python3 tools/setup_env.py ministack)"
)
def has_ministack():
    return environment_offers("ministack", "ministack")
