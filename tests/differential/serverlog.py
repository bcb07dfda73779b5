"""What servers under test have written about one repository since last: the log
of our extension, and the calls of their hooks.
"""

import collections
import dataclasses
import pathlib
import re
import time

#: What only a hang sees.
PATIENCE_SECONDS = 120

EVENT = re.compile(
    r"> (?P<name>[a-z-]+) (?P<command>[a-z]+) key=(?P<key>\S+) bytes=(?P<bytes>\d+)"
    r" ms=\S+(?: via=(?P<via>\w+))?(?: reason=(?P<reason>.*))?$"
)

#: What ends a miss that was logged.
ENDS_OF_A_MISS = ("stored", "skipped-small", "dropped", "error")

#: What is logged before the client has its answer.
OF_A_REQUEST = ("hit", "miss", "error")


@dataclasses.dataclass(frozen=True)
class Event:
    """A line that the extension has logged."""

    name: str
    command: str
    key: str
    size_bytes: int
    via: str
    reason: str


class ServerLog:
    """``path`` is the repository's. ``ends`` is the last Event that ended a
    miss, for each key; with ``shared`` one of them ends all of its key."""

    def __init__(self, path, shared=False):
        self._shared = shared
        self._hg_folder = pathlib.Path(path, ".hg")
        self._calls_seen = 0
        self._log_offset = 0
        self._pending = collections.Counter()
        self.ends = {}

    def settle(self):
        """Return when nothing is being stored any more, with the new events."""
        events = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while +self._pending:
            assert time.monotonic() < deadline, "never stored: %r" % self._pending
            time.sleep(0.002)
            events += self.new_events()
        return events

    def new_hook_calls(self):
        """Lines of recordhook.py."""
        path = self._hg_folder / "hook-calls"
        if not path.exists():
            return ()
        calls = path.read_text().splitlines()
        new, self._calls_seen = calls[self._calls_seen :], len(calls)
        return tuple(new)

    def new_events(self):
        path = self._hg_folder / "blackbox.log"
        if not path.exists():
            return []
        with open(path, "rb") as log:
            log.seek(self._log_offset)
            data = log.read()
        data = data[: data.rfind(b"\n") + 1]
        self._log_offset += len(data)
        events = []
        for line in data.decode("utf-8", "surrogateescape").splitlines():
            match = EVENT.search(line)
            assert match, "not a line of ours: %s" % line
            events.append(
                Event(
                    match["name"],
                    match["command"],
                    match["key"],
                    int(match["bytes"]),
                    match["via"] or "",
                    match["reason"] or "",
                )
            )
        for event in events:
            if event.name == "miss":
                self._pending[event.key] += 1
            elif event.name in ENDS_OF_A_MISS and self._pending[event.key]:
                left = 0 if self._shared else self._pending[event.key] - 1
                self._pending[event.key] = left
                self.ends[event.key] = event
        return events
