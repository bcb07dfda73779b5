"""What the tools share: where things are, one lock, and quiet sub-processes.

Standard library only, for any Python from 3.8 on: these tools run before
there is an environment to install anything into.
"""

import contextlib
import fcntl
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV_DIR = ROOT / ".venv"
LOG_DIR = VENV_DIR / "logs"

_lock_depth = 0


class ToolError(Exception):
    """Something that the user can put right; shown without a traceback."""


def say(text):
    """Tell the user at once: what follows may take a minute."""
    print(text, flush=True)


@contextlib.contextmanager
def locked():
    """Keep other processes out of .venv/.

    It may be taken again inside itself, so that a function is safe alone and
    as a step of another one. The kernel drops the lock of a killed process.
    """
    global _lock_depth
    if _lock_depth:
        _lock_depth += 1
        try:
            yield
        finally:
            _lock_depth -= 1
        return
    VENV_DIR.mkdir(exist_ok=True)
    with open(str(VENV_DIR / ".lock"), "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another process to finish with %s/" % VENV_DIR.name)
            fcntl.flock(handle, fcntl.LOCK_EX)
        _lock_depth = 1
        try:
            yield
        finally:
            _lock_depth = 0


def run_logged(command, log_name):
    """Run a command with its output in a log file, shown only when it fails."""
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    log = LOG_DIR / ("%s.log" % log_name)
    command = [str(word) for word in command]
    with open(str(log), "a") as handle:
        handle.write("$ %s\n" % " ".join(command))
        handle.flush()
        # cwd: away from the tree, where folder hgext/ could be imported by
        # accident and where build tools like to leave files.
        status = subprocess.call(
            command,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            cwd=str(LOG_DIR),
        )
    if status:
        tail = log.read_text(errors="replace").splitlines()[-60:]
        sys.stderr.write("\n".join(tail) + "\n")
        raise ToolError(
            "a command failed with status %d, its whole output is in %s"
            % (status, log.relative_to(ROOT))
        )
