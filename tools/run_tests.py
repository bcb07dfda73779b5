"""Run all tests with every Mercurial, and count.

    python3 tools/run_tests.py [options] [test-x.t | tests/unit/test_y.py]...

Unit and differential tests run under pytest, tests/*.t under the run-tests.py that belongs to
the Mercurial under test. A skip that tests/expected-skips.txt does not list is
a failure, and so is a runner that broke. The last line says how many passed
and failed; results are kept in .venv/results/latest/.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import results
from common import ROOT, VENV_DIR, ToolError, say
from setup_env import mercurial_sdist

TESTS = ROOT / "tests"
RESULTS_DIR = VENV_DIR / "results"
KEPT_RUNS = 10
ENVS = ("hg-6.0.3", "hg-7.2")
PYTEST_NOTHING_RAN = 5
#: Much longer than a test of tests/*.t takes on a busy machine, where run-tests' own
#: six minutes have not been enough: only one that hangs sees its end.
T_SECONDS = 1500
#: Unit tests that do not depend on Mercurial.
RUN_ONCE = TESTS / "run-once.txt"
DIFFERENTIAL = "tests/differential"
#: Which Mercurials can run a differential test, by how its file's name begins:
#: their servers; clients may be others. With another one it is not a skip: there
#: is nothing that could be run.
DIFFERENTIAL_ENVS = {"test_try_": ENVS, "test_v1_": ENVS, "test_v2_": ("hg-6.0.3",)}


def parse_arguments(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    hgs = [env[len("hg-") :] for env in ENVS]
    parser.add_argument("--hg", choices=hgs, help="only with this Mercurial")
    parser.add_argument("--unit-only", action="store_true", help="only tests/unit")
    parser.add_argument("--t-only", action="store_true")
    parser.add_argument(
        "-k", metavar="EXPRESSION", help="passed on to pytest, and no tests/*.t"
    )
    # On two processors: a quarter of their time they wait.
    parser.add_argument("-j", "--jobs", type=int, default=3, help="tests/*.t at a time")
    parser.add_argument("tests", nargs="*", help="only these")
    options = parser.parse_intermixed_args(argv)
    # test-x.t, or test-x.t#case; all else is for pytest.
    is_t = {name: re.search(r"\.t(#|$)", name) is not None for name in options.tests}
    options.t_names = [os.path.basename(name) for name in options.tests if is_t[name]]
    options.py_names = [name for name in options.tests if not is_t[name]]
    options.complete = not (
        options.unit_only or options.t_only or options.tests or options.k
    )
    options.unit = not options.t_only and bool(options.py_names or not options.tests)
    options.t = not (options.unit_only or options.k) and bool(
        options.t_names or not options.tests
    )
    return options


def new_results_folder():
    """A folder of its own for this run, so that two runs at a time do not
    overwrite each other; only the last few runs are kept."""
    RESULTS_DIR.mkdir(parents=True, exist_ok=True)
    for old in sorted(RESULTS_DIR.glob("run-*"))[:-KEPT_RUNS]:
        shutil.rmtree(str(old), ignore_errors=True)
    folder = RESULTS_DIR / time.strftime(f"run-%Y%m%d-%H%M%S-{os.getpid()}")
    folder.mkdir()
    link = RESULTS_DIR / ("latest-%d" % os.getpid())
    link.symlink_to(folder.name)
    link.replace(RESULTS_DIR / "latest")
    return folder


def base_environment(env):
    environ = dict(os.environ, HGS3_ROOT=str(ROOT))
    # First on PATH, so that run-tests finds that `python` is the right one
    # and puts no symbolic link before it, which would miss the environment.
    environ["PATH"] = os.pathsep.join([str(VENV_DIR / env / "bin"), environ["PATH"]])
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS", "MAKEFLAGS", "MFLAGS"):
        environ.pop(name, None)
    return environ


def call(command, cwd, environ):
    """Run a test runner and return its status, as :func:`call_all`."""
    return call_all([(command, cwd, environ, None)])[0]


def call_all(calls):
    """Run test runners at the same time, each in a process group of its own, and
    return their statuses. One of ``calls`` is the command, its folder and its
    environment, and a path that its output goes to or None.

    Interrupted, by Ctrl-C or SIGTERM, it hands SIGINT to the groups: all
    runners then stop the servers that their tests started.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # As a shell starts what is to run in the background. Runners would
        # ignore it, too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    processes = []
    try:
        for command, cwd, environ, path in calls:
            with contextlib.ExitStack() as stack:
                output = stack.enter_context(open(str(path), "wb")) if path else None
                processes.append(_start(command, cwd, environ, output))
        return [process.wait() for process in processes]
    except BaseException:
        for number, patience in ((signal.SIGINT, 15), (signal.SIGKILL, 5)):
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
        raise


def _start(command, cwd, environ, output):
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=str(cwd),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )


def pytest_names(env, options):
    """What pytest is to run in an environment: files, folders, node ids."""
    if not options.py_names:
        return ["tests/unit"] + ([] if options.unit_only else differential_tests(env))
    names = []
    for name in options.py_names:
        path = os.path.relpath(ROOT / name.partition("::")[0], ROOT)
        if path == DIFFERENTIAL:
            names += differential_tests(env)
        elif not path.startswith(DIFFERENTIAL) or path in differential_tests(env):
            names.append(name)
    return names


def run_once():
    """The unit tests that run with the last one of several Mercurials only."""
    lines = RUN_ONCE.read_text().splitlines()
    return ["tests/unit/" + line for line in lines if line and line[0] != "#"]


def differential_tests(env):
    """Those of tests/differential/ that can be run in an environment."""
    return [
        "%s/%s" % (DIFFERENTIAL, path.name)
        for start, envs in DIFFERENTIAL_ENVS.items()
        if env in envs
        for path in sorted((ROOT / DIFFERENTIAL).glob(start + "*.py"))
    ]


def run_pytest(envs, folder, options):
    """Run pytest in all environments at the same time, and return the results. It is
    one process each, which waits for servers more often than not."""
    calls, names = [], {}
    for env in envs:
        names[env] = pytest_names(env, options)
        if names[env]:
            path = folder / ("%s-pytest.txt" % env) if len(envs) > 1 else None
            command = pytest_command(env, folder, options) + names[env]
            if env != envs[-1] and not options.py_names:
                command += ["--ignore=%s" % name for name in run_once()]
            calls.append((command, ROOT, base_environment(env), path))
    envs = [env for env in envs if names[env]]
    if envs:
        say("== %s: pytest" % " and ".join(envs))
    found = []
    for env, call_, status in zip(envs, calls, call_all(calls)):
        if call_[-1] is not None:
            say("== %s: pytest said" % env)
            say(call_[-1].read_text(errors="replace"))
        if status != PYTEST_NOTHING_RAN:
            found += collect(
                *(env, "pytest", status),
                lambda env=env: results.read_pytest_report(report_of(env, folder), env),
            )
    return found


def report_of(env, folder):
    return folder / ("%s-unit.xml" % env)


def pytest_command(env, folder, options):
    """Without what it is to run."""
    python = VENV_DIR / env / "bin" / "python"
    command = [python, "-m", "pytest", "-q", "--junitxml=%s" % report_of(env, folder)]
    # Two that run at the same time share no cache.
    cache = VENV_DIR / "pytest-cache" / env
    for setting in ("junit_family=xunit1", "cache_dir=%s" % cache):
        command += ["-o", setting]
    return command + (["-k", options.k] if options.k else [])


def run_t_tests(env, folder, options):
    """Run tests/*.t in one environment and return their results."""
    out = folder / env
    out.mkdir()
    xunit = folder / ("%s-t.xml" % env)
    bin_dir = VENV_DIR / env / "bin"
    # Two runs at a time must not try the same ports: each takes a range,
    # below those that the kernel hands out.
    port = 20000 + os.getpid() % 24 * 500
    command = [
        str(bin_dir / "python"),
        str(mercurial_sdist(env) / "tests" / "run-tests.py"),
    ]
    command += [
        "--with-hg=%s" % (bin_dir / "hg"),
        "-j%d" % options.jobs,
        "--port=%d" % port,
        "--timeout=%d" % T_SECONDS,
    ]
    report = ["--json", "--xunit=%s" % xunit, "--outputdir=%s" % out]
    say("== %s: tests/*.t" % env)
    with scratch_folder() as scratch:
        environ = dict(base_environment(env), TMPDIR=scratch)
        wanted = list_t_tests(command + options.t_names, environ)
        status = call(command + report + options.t_names, TESTS, environ)

    def read_report():
        found = results.read_runtests_report(out / "report.json", xunit, env)
        return found + results.missing(env, wanted, found)

    return collect(env, "run-tests.py", status, read_report)


def list_t_tests(command, environ):
    """Ask run-tests what it is about to run: 6.0.3 forgets a test that
    requires an unknown feature and then ends with success."""
    output = subprocess.check_output(
        command + ["--list-tests"], cwd=str(TESTS), env=environ
    )
    return [
        line
        for line in output.decode().splitlines()
        if re.match(r"test-.*\.t(#|$)", line)
    ]


@contextlib.contextmanager
def scratch_folder():
    """A folder for temporary files; when it goes, so does every daemon whose
    process id a test left in it (run-tests forgets some when interrupted)."""
    scratch = tempfile.mkdtemp(prefix="hgs3-")
    try:
        yield scratch
    finally:
        for pids in pathlib.Path(scratch).rglob("daemon.pids"):
            for pid in pids.read_text().split():
                with contextlib.suppress(OSError, ValueError):
                    os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(scratch, ignore_errors=True)


def collect(env, runner, status, read_report):
    """Read a runner's report; a runner that broke is one more failure."""
    try:
        found = read_report()
    except Exception as error:  # whatever is wrong with it, it is unreadable
        why = "exit status %d and no readable report: %s" % (status, error)
        return [results.Result(env, runner, results.FAILED, why)]
    if status and not any(result.outcome == results.FAILED for result in found):
        why = "exit status %d without a failed test" % status
        found.append(results.Result(env, runner, results.FAILED, why))
    return found


def run_all(options):
    envs = [env for env in ENVS if options.hg in (None, env[len("hg-") :])]
    expected = results.read_expected_skips(TESTS / "expected-skips.txt", ENVS)
    folder = new_results_folder()
    found = []
    if options.unit and (TESTS / "unit").is_dir():
        found += run_pytest(envs, folder, options)
    for env in envs:
        if options.t and any(TESTS.glob("test-*.t")):
            found += run_t_tests(env, folder, options)
    return results.judge_skips(found, expected, envs if options.complete else [])


def main(argv=None):
    options = parse_arguments(argv)
    # SIGTERM takes the same way out as Ctrl-C: by an exception.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = run_all(options)
    except ToolError as error:
        sys.exit("error: %s" % error)
    except KeyboardInterrupt:
        sys.exit("interrupted")
    failed = [result for result in found if result.outcome == results.FAILED]
    for result in failed:
        say("failed: " + str(result))
    if not found:
        say("no test ran")
    sys.stderr.flush()
    say(results.summary(found))
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
