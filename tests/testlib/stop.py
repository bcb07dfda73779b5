"""``stop.py PIDFILE``: end a process by SIGTERM, and wait until it is gone."""

import os
import signal
import sys
import time


def stop(pid, seconds=30):
    """Return when ``pid`` is gone; SIGKILL when it takes longer."""
    deadline = time.monotonic() + seconds
    os.kill(pid, signal.SIGTERM)
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if is_zombie(pid):
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    sys.exit("process %d did not end by SIGTERM in %d s" % (pid, seconds))


def is_zombie(pid):
    """A child of the test's own shell stays in the table until it is waited
    for."""
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


if __name__ == "__main__":
    with open(sys.argv[1]) as pidfile:
        stop(int(pidfile.read()))
