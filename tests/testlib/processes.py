"""Child processes that are always stopped, and what the operating system says
about them (Linux).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import typing

STOP_SECONDS = 20.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>

#: What this module has started, and will wait for or has waited for.
_started: set[int] = set()


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, that process `pid` has used in all its
    threads, ended ones too.

    Nanosecond resolution from the process's CPU-time clock; clock ticks
    (usually 10 ms) where there is none. Raises ProcessLookupError when the
    process is gone.
    """
    try:
        # The id of another process's CPU clock as clock_getcpuclockid(3) makes
        # it; Python does not wrap that call.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        pass
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def peak_rss_bytes(pid: int) -> int:
    """The most resident memory process `pid` ever had, in bytes;
    ProcessLookupError when it is gone.
    """
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    if match is None:
        raise ProcessLookupError(f"process {pid} has ended")
    return int(match.group(1)) * 1024


def children(pid: int) -> list[int]:
    """The processes whose parent is process `pid`, ended ones that it has not
    waited for too.
    """
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found.append(int(path.parent.name))
    return sorted(found)


def children_cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of the children that process `pid` has waited
    for, and of theirs; in clock ticks. ProcessLookupError when it is gone.
    """
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
    fields = stat.rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / CLOCK_TICKS


def thread_cpu_seconds(pid: int) -> float:
    """CPU time of the threads of process `pid` that live now, but for its first
    one, whose work does not count; ProcessLookupError when the process is gone.
    """
    nanoseconds = 0
    tasks = pathlib.Path(f"/proc/{pid}/task")
    if not tasks.exists():
        raise ProcessLookupError(f"no process {pid}")
    for task in tasks.glob("[0-9]*"):
        if task.name == str(pid):
            continue
        try:
            nanoseconds += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return nanoseconds / 1e9


def adopt_orphans() -> None:
    """From now on, what a descendant of this process leaves behind is a child of
    this process, not of the system's first one. OSError where that is not possible.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def adopted() -> list[int]:
    """The children of this process that nothing in this module has started,
    ended ones that were not waited for too.
    """
    return [pid for pid in children(os.getpid()) if pid not in _started]


class ServerFailed(Exception):
    """A server did not start; the text holds what it printed."""


class ServerProcess:
    """A server as a child process: its output goes to a log file, which is also
    watched for its start.

    The child has a session of its own, so that Ctrl-C in a terminal reaches the
    parent alone, which then stops its children in order.
    """

    def __init__(
        self, command: list[str], log_path: pathlib.Path, environment: dict[str, str]
    ) -> None:
        self.command = command
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        _started.add(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def log(self) -> str:
        """What this process has printed so far."""
        with open(self.log_path, "rb") as stream:
            stream.seek(self._log_start)
            return stream.read().decode("utf-8", "replace")

    def wait_for_line(self, pattern: str, seconds: float = 30.0) -> re.Match[str]:
        """The first match of `pattern` in the log; stops the process and raises
        ServerFailed when none comes.
        """
        limit = time.monotonic() + seconds
        while True:
            running = (
                self.running
            )  # before reading: the last words of a process that ends are read too
            match = re.search(pattern, self.log(), re.MULTILINE)
            if match:
                return match
            if not running or time.monotonic() > limit:
                self.stop()
                reason = (
                    "said nothing of its address"
                    if running
                    else f"ended with {self._process.returncode}"
                )
                raise ServerFailed(f"{self.command[0]} {reason}:\n{self.log()}")
            time.sleep(0.02)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM, and SIGKILL when that did not end it in `seconds`; the
        return code. Harmless when it has ended.
        """
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
            finally:
                if self._process.poll() is None:
                    self._process.kill()
                    self._process.wait()
        return self._process.returncode

    def kill(self) -> int:
        """SIGKILL: the process gets no chance to put anything in order."""
        self._process.kill()
        return self._process.wait()


def run(
    command: list[str], environment: dict[str, str], seconds: float = 3600.0
) -> str:
    """Standard output of a command; CalledProcessError (with both outputs) when
    it fails.

    The child is stopped and waited for whatever interrupts this call.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        _started.add(process.pid)
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(
            process.returncode, command, out.decode(), err.decode("utf-8", "replace")
        )
    return out.decode("utf-8", "replace")


@contextlib.contextmanager
def stop_on_signals() -> typing.Iterator[None]:
    """Within: SIGTERM and SIGHUP end the program as Ctrl-C does, by an
    exception that runs every `finally`.

    Only the first signal counts: a second one would interrupt the stopping of
    the servers.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("signals are handled in the main thread only")
    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, _frame: object) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
