"""Environments: which Python makes them, and when they are made again.

Nothing is built here: `make test` itself builds the real ones.
"""

import pathlib
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import common
import sdists
import setup_env

RECIPE = setup_env.RECIPES["hg-6.0.3"]


@pytest.fixture
def venv_dir(tmp_path, monkeypatch):
    for module in (common, setup_env):
        monkeypatch.setattr(module, "VENV_DIR", tmp_path)
        monkeypatch.setattr(module, "LOG_DIR", tmp_path / "logs")
    monkeypatch.setattr(common, "ROOT", tmp_path)
    monkeypatch.setattr(sdists, "SDIST_DIR", tmp_path / "sdists")
    return tmp_path


@pytest.fixture
def pip_calls(venv_dir, monkeypatch):
    """The calls of pip that install_project makes, instead of making them."""
    calls = []
    monkeypatch.setattr(
        setup_env, "pip_install", lambda env, args: calls.append(args[:-1])
    )
    (venv_dir / "hgext").mkdir()
    (venv_dir / "hgs3").mkdir()
    (venv_dir / "setup.py").write_text("1")
    (venv_dir / "hgs3" / "a.py").write_text("1")
    (venv_dir / "env").mkdir()
    monkeypatch.setattr(setup_env, "ROOT", venv_dir)
    return calls


def install(root):
    env = root / "env"
    setup_env.install_project(env, RECIPE, setup_env.read_stamp(env))


WITH_DEPENDENCIES = ["--no-build-isolation"] + list(RECIPE.requirements)
ITSELF = ["--no-build-isolation", "--no-deps", "--force-reinstall"]


def test_the_project_is_installed_again_only_when_it_changed(venv_dir, pip_calls):
    install(venv_dir)
    assert pip_calls == [WITH_DEPENDENCIES, ITSELF]
    install(venv_dir)
    assert len(pip_calls) == 2
    (venv_dir / "hgs3" / "a.py").write_text("2")
    install(venv_dir)
    assert pip_calls[2:] == [ITSELF]
    (venv_dir / "setup.py").write_text("2")
    install(venv_dir)
    assert pip_calls[3:] == [WITH_DEPENDENCIES, ITSELF]


def test_a_failed_install_is_not_taken_for_a_good_one(venv_dir, pip_calls, monkeypatch):
    install(venv_dir)
    (venv_dir / "hgs3" / "a.py").write_text("2")

    def fail(env, arguments):
        raise common.ToolError("no disk space")

    with monkeypatch.context() as patch, pytest.raises(common.ToolError):
        patch.setattr(setup_env, "pip_install", fail)
        install(venv_dir)
    # Back to the first content: what is installed is still not known.
    (venv_dir / "hgs3" / "a.py").write_text("1")
    install(venv_dir)
    assert pip_calls[2:] == [ITSELF]


def test_digest_sees_new_names_and_no_bytecode(tmp_path):
    (tmp_path / "hgs3" / "__pycache__").mkdir(parents=True)
    (tmp_path / "hgs3" / "a.py").write_text("")
    first = setup_env.tree_digest(tmp_path, ["hgs3", "setup.py"])
    (tmp_path / "hgs3" / "__pycache__" / "a.pyc").write_text("x")
    assert setup_env.tree_digest(tmp_path, ["hgs3", "setup.py"]) == first
    (tmp_path / "hgs3" / "a.py").rename(tmp_path / "hgs3" / "b.py")
    assert setup_env.tree_digest(tmp_path, ["hgs3", "setup.py"]) != first


def test_a_shim_that_runs_nothing_is_not_a_python(tmp_path):
    shim = tmp_path / "python3.11"
    shim.write_text("#!/bin/sh\necho not installed; exit 127\n")
    shim.chmod(0o755)
    assert setup_env.probe_python(shim) is None
    assert setup_env.probe_python(tmp_path / "missing") is None
    assert setup_env.probe_python(sys.executable)[0] == sys.version_info[:2]


def test_no_suitable_python_is_an_error_that_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_HG60", str(tmp_path / "missing"))
    with pytest.raises(common.ToolError, match="3.8 to 3.11 .*\n.*set PYTHON_HG60"):
        setup_env.find_python("hg-6.0.3", RECIPE)


def test_a_failing_command_shows_its_output(venv_dir, capfd):
    with pytest.raises(common.ToolError, match="status 3, .* in logs/x.log"):
        common.run_logged(
            [sys.executable, "-c", "print('why'); raise SystemExit(3)"], "x"
        )
    assert "why" in capfd.readouterr().err


def test_the_lock_may_be_taken_again_inside_itself(venv_dir):
    with common.locked(), common.locked():
        pass
    with common.locked():
        pass


def test_the_lock_keeps_another_process_out(venv_dir):
    code = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[1]); import common\n"
        "common.VENV_DIR = pathlib.Path(sys.argv[2])\n"
        "with common.locked(): print('in')\n"
    )
    command = [
        sys.executable,
        "-c",
        code,
        str(pathlib.Path(common.__file__).parent),
        str(venv_dir),
    ]
    with common.locked():
        other = subprocess.Popen(
            command, stdout=subprocess.PIPE, universal_newlines=True
        )
        assert other.stdout.readline().startswith("waiting for another process")
        finished = threading.Event()
        reader = threading.Thread(
            target=lambda: (other.stdout.readline(), finished.set())
        )
        reader.start()
        assert not finished.wait(0.3)
    reader.join(20)
    assert finished.is_set() and other.wait(20) == 0
    other.stdout.close()


def test_an_interrupted_download_leaves_no_sdist(venv_dir, monkeypatch):
    def interrupted(command, log_name):
        raise KeyboardInterrupt

    monkeypatch.setattr(sdists, "run_logged", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sdists.fetch_mercurial_sdist("1.2.3")
    assert list((venv_dir / "sdists").iterdir()) == []


def test_a_fetched_sdist_is_not_fetched_again(venv_dir):
    there = venv_dir / "sdists" / "mercurial-1.2.3"
    there.mkdir(parents=True)
    assert sdists.fetch_mercurial_sdist("1.2.3") == there
