"""What servers log of cached responses, read from the blackbox log of the
repository that they serve.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re

#: A heavy command has run: logged by countruns.py, all else by s3wireprotocache.
COMPUTED = "computed"
MISS, HIT, STORED = "miss", "hit", "stored"
USUAL = (COMPUTED, MISS, HIT, STORED)

LOG_LINE = re.compile(
    r"\((?P<pid>\d+)\)> (?P<name>[a-z-]+) (?P<command>[a-z]+) "
    r"key=(?P<key>\S+) bytes=(?P<size>\d+) "
)


@dataclasses.dataclass(frozen=True)
class Event:
    """One line; `name` is the event, such as HIT."""

    pid: int
    name: str
    command: str
    key: str
    size_bytes: int


def config() -> dict[str, str]:
    """What a server has to be told to write such a log, as {'section.name': value}."""
    counter = pathlib.Path(__file__).with_name("countruns.py")
    return {
        "extensions.blackbox": "",
        "extensions.countruns": os.fspath(counter),
        "blackbox.track": "s3wireprotocache, s3bench",
        "blackbox.maxsize": "1GB",
    }


def clear(repository: pathlib.Path) -> None:
    """Forget what was logged; no server may be running."""
    _path(repository).unlink(missing_ok=True)


def read(repository: pathlib.Path) -> list[Event]:
    """All that was logged, oldest first."""
    path = _path(repository)
    if not path.exists():
        return []
    return parse(path.read_text("utf-8", "replace"))


def parse(text: str) -> list[Event]:
    """The events of a blackbox log; other lines are left out."""
    return [
        Event(
            int(match["pid"]),
            match["name"],
            match["command"],
            match["key"],
            int(match["size"]),
        )
        for match in map(LOG_LINE.search, text.splitlines())
        if match
    ]


def _path(repository: pathlib.Path) -> pathlib.Path:
    return repository / ".hg" / "blackbox.log"
