"""What a server does for nobody who waits for it: in threads that live on, and in
processes that it starts and leaves behind.
"""

from __future__ import annotations

import os

import paths  # noqa: F401  (finds testlib)

from testlib import processes


class Background:
    """The CPU seconds of what server process `pid` does besides its requests, to
    be asked for when it has no client: each of its connections is a thread too.

    What it leaves behind becomes a child of this process, which waits for it. Of
    several servers at a time, only one may leave processes behind.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended_seconds = 0.0  # of what this process has waited for
        processes.adopt_orphans()
        # Those of another server.
        self._running_orphans()
        self._ended_seconds = 0.0

    def thread_seconds(self) -> float:
        """Of its threads; they are in the server's own account."""
        return processes.thread_cpu_seconds(self._pid)

    def process_seconds(self) -> float:
        """Of all processes that there were since this was made, and that run now."""
        running = self._running_orphans() + processes.children(self._pid)
        return (
            self._ended_seconds
            + processes.children_cpu_seconds(self._pid)
            + sum(map(_cpu_seconds, running))
        )

    def _running_orphans(self) -> list[int]:
        running = []
        for pid in processes.adopted():
            ended, _status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                self._ended_seconds += usage.ru_utime + usage.ru_stime
            else:
                running.append(pid)
        return running


def _cpu_seconds(pid: int) -> float:
    try:
        return processes.cpu_seconds(pid) + processes.children_cpu_seconds(pid)
    except ProcessLookupError:
        return 0.0  # it has just ended
