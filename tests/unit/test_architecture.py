"""The rules of docs/architecture.md that a machine can check."""

import ast
import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import run_tests

import hgs3

ROOT = pathlib.Path(__file__).resolve().parents[2]

SOURCES = [
    path
    for folder in ("hgs3", "hgext", "tools", "benchmarks", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
OURS = [path for path in SOURCES if path.parts[len(ROOT.parts)] in ("hgs3", "hgext")]
#: The rooms that know nothing of Mercurial.
PLAIN_ROOMS = ("objectstore", "cache", "database")
MERCURIAL = ("mercurial", "hgext", "hgext3rd", "hgdemandimport")

#: Of our configuration.
READERS = (
    "hgs3/pushlogsettings.py",
    "hgs3/settings.py",
    "hgs3/settingvalues.py",
    "hgs3/trysettings.py",
)

MAX_LINES = 400
MAX_FUNCTION_LINES = 60


def name_of(path):
    return str(path.relative_to(ROOT))


def tree_of(path):
    return ast.parse(path.read_text("utf-8"), str(path))


def imported_modules(path):
    """Absolute names of all that a file imports, anywhere in it."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join(above + ((node.module,) if node.module else ()))
            for alias in node.names:
                yield "%s.%s" % (base, alias.name)


def in_plain_room(path):
    parts = path.relative_to(ROOT).parts
    return parts[0] == "hgs3" and parts[1] in PLAIN_ROOMS


def test_there_is_something_to_check():
    names = [name_of(path) for path in SOURCES]
    assert "hgext/s3wireprotocache.py" in names
    assert "hgs3/objectstore/s3.py" in names and "hgs3/cache/spool.py" in names


@pytest.mark.parametrize(
    "path", [path for path in OURS if in_plain_room(path)], ids=name_of
)
def test_plain_rooms_import_no_mercurial(path):
    for module in imported_modules(path):
        assert module.split(".")[0] not in MERCURIAL, module
        # Nor by way of a room that does.
        if module.startswith("hgs3."):
            assert module.split(".")[1] in PLAIN_ROOMS, module


def local_imports(path, found):
    """Fill ``found``: all files of ours that one imports, and what they import, by the
    names of modules."""
    for module in imported_modules(path):
        if module in found:
            continue
        found[module] = path
        # The last part may be a name in a module.
        for name in (module, module.rpartition(".")[0]):
            for folder in ("tests/unit", "tests", "tools", ""):
                base = (ROOT / folder).joinpath(*name.split("."))
                for file in (base.with_suffix(".py"), base / "__init__.py"):
                    if name and file in SOURCES:
                        local_imports(file, found)


@pytest.mark.parametrize("name", run_tests.run_once())
def test_what_runs_once_imports_no_mercurial(name):
    """With the last Mercurial alone: it could not tell which one there is."""
    found = {}
    local_imports(ROOT / name, found)
    assert {"pytest"} & {module.split(".")[0] for module in found}
    for module, path in found.items():
        assert module.split(".")[0] not in MERCURIAL, "%s in %s" % (module, path)


def run_python(code, *arguments, cwd=ROOT):
    """Standard output; fails with what the program said on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code] + list(arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=str(cwd),
        env=dict(os.environ, HGRCPATH="", HGPLAIN="1"),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


BLOCKED = """
import importlib, pkgutil, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in sys.argv[1:]:
            raise ImportError('blocked: ' + name)
sys.meta_path.insert(0, Block())
import hgs3.cache, hgs3.database, hgs3.objectstore
for package in (hgs3.cache, hgs3.database, hgs3.objectstore):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_plain_rooms_work_without_mercurial():
    imported = run_python(BLOCKED, *MERCURIAL).split()
    assert "hgs3.objectstore.s3" in imported and "hgs3.cache.upload" in imported
    assert "hgs3.database.tryindex" in imported


def test_the_database_room_works_without_mercurial(tmp_path):
    code = BLOCKED + (
        "from hgs3.database.engine import open_database\n"
        "from hgs3.database.records import BookmarkMove\n"
        "from hgs3.database.tryindex import TryIndex\n"
        "index = TryIndex(open_database('sqlite:' + sys.argv[-1]), 'a')\n"
        "index.record_push(None, (), 't', 'u', 1, '', [BookmarkMove('mark', 'b')])\n"
        "print(index.bookmarks())"
    )
    out = run_python(code, *MERCURIAL, str(tmp_path / "try.db"))
    assert out.splitlines()[-1] == "{'mark': 'b'}"


def test_errors_and_records_do_not_load_sqlalchemy():
    code = (
        "import sys, hgs3.database, hgs3.database.errors, hgs3.database.records\n"
        "print([name for name in sys.modules if name.startswith('sqlalchemy')])"
    )
    assert run_python(code).strip() == "[]"


def test_sqlite_does_not_load_what_is_for_postgresql(tmp_path):
    code = (
        "import sys\n"
        "from hgs3.database.engine import open_database\n"
        "from hgs3.database.records import BookmarkMove\n"
        "from hgs3.database.tryindex import TryIndex\n"
        "index = TryIndex(open_database('sqlite:' + sys.argv[-1]), 'a')\n"
        "index.record_push(None, (), 't', 'u', 1, '', [BookmarkMove('mark', 'b')])\n"
        "print([name for name in ('sqlite', 'postgresql')\n"
        "       if 'sqlalchemy.dialects.' + name in sys.modules])"
    )
    assert run_python(code, str(tmp_path / "try.db")).strip() == "['sqlite']"


def test_the_rooms_that_everybody_opens_do_not_load_boto3():
    code = (
        "import sys, hgs3.objectstore.base, hgs3.objectstore.null\n"
        "import hgs3.objectstore.breaker, hgs3.objectstore.file\n"
        "import hgs3.objectstore.filecheck\n"
        "import hgs3.objectstore.s3settings, hgs3.cache.key, hgs3.cache.spool\n"
        "import hgs3.cache.upload, hgs3.cache.coalesce, hgs3.cache.lease\n"
        "import hgs3.cache.admission\n"
        "print([name for name in sys.modules if name.startswith('boto')])"
    )
    assert run_python(code).strip() == "[]"


LOADED = """
import sys
try:
    from mercurial import initialization
    initialization.init()
except ImportError:
    pass
from mercurial import extensions, ui as uimod
ui = uimod.ui.load()
ui.setconfig(b'extensions', b's3wireprotocache', b'')
ui.setconfig(b'extensions', b'pushlog', b'')
ui.setconfig(b's3wireprotocache', b'bucket', b'hg-cache')
extensions.loadall(ui)
print(extensions.find(b's3wireprotocache').__name__)
print(sorted({name.split('.')[0] for name in sys.modules}
             & {'boto3', 'botocore', 's3transfer', 'urllib3', 'sqlalchemy'}))
"""


def test_loading_the_extension_loads_no_large_library():
    """An `hg status` on a server pays for this, too. Without lazy modules,
    which would hide it."""
    # Not in the tree, where Mercurial finds our hgext/ before what is installed.
    lines = run_python(LOADED, cwd=os.sep).splitlines()
    assert lines == ["hgext3rd.s3wireprotocache", "[]"]


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_only_settings_reads_the_configuration(path):
    if name_of(path) in READERS:
        return
    readers = [
        "%s:%d" % (node.func.attr, node.lineno)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith(("config", "hasconfig"))
        # Declares one; reads nothing.
        and node.func.attr != "configitem"
    ]
    assert readers == []


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_only_crossing_and_settings_convert(path):
    """Elsewhere, text that comes from Mercurial never changes its type."""
    if name_of(path) in ("hgs3/crossing.py", "hgs3/settingvalues.py"):
        return
    converters = [
        "%s:%d" % (node.func.attr, node.lineno)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("encode", "decode")
        # base64 is ASCII by its nature.
        and [getattr(arg, "value", None) for arg in node.args] != ["ascii"]
    ]
    assert converters == []


def test_versions_are_told_apart_in_compat_only():
    for path in OURS:
        if name_of(path) != "hgs3/compat.py":
            text = path.read_text("utf-8")
            assert "__version__.version" not in text, path
            assert "versiontuple" not in text, path


def test_the_folder_of_extensions_is_no_package():
    """It would hide Mercurial's own extensions."""
    assert not (ROOT / "hgext" / "__init__.py").exists()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_are_short(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            # The manual of a command is its docstring, and is no code.
            length -= len((ast.get_docstring(node, clean=False) or "").splitlines())
            assert length <= MAX_FUNCTION_LINES, "%s: %d" % (node.name, length)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_file_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path))


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_no_bare_except(path):
    handlers = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert handlers == []


def test_the_version_is_in_one_place():
    assert importlib.metadata.version("hg-s3") == hgs3.__version__
    pattern = re.compile(r"(?<![\d.])%s(?![\d.])" % re.escape(hgs3.__version__))
    places = [ROOT / "setup.py", ROOT / "pyproject.toml"] + OURS
    holders = [
        name_of(path) for path in places if pattern.search(path.read_text("utf-8"))
    ]
    assert holders == ["hgs3/__init__.py"]


def test_hg_says_the_version():
    hg = pathlib.Path(sys.executable).with_name("hg")
    output = subprocess.check_output(
        [str(hg), "--config", "extensions.s3wireprotocache=", "version", "-v"],
        env=dict(os.environ, HGRCPATH="", HGPLAIN="1"),
        cwd=os.sep,
        timeout=120,
    )
    (line,) = [
        line
        for line in output.decode().splitlines()
        if line.strip().startswith("s3wireprotocache ")
    ]
    assert line.split() == ["s3wireprotocache", "external", hgs3.__version__]
