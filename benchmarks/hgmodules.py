"""Mercurial's modules in the Python that runs a program, without anybody's
configuration. Call `prepare()` before anything of `mercurial` is used.
"""

from __future__ import annotations

import os
import pathlib


def prepare() -> None:
    """From now on, no configuration of the user or the system counts."""
    os.environ["HGRCPATH"] = ""
    os.environ["HGPLAIN"] = "1"
    try:
        from mercurial import initialization  # hg >= 7.2
    except ImportError:
        pass
    else:
        initialization.init()


def make_ui(settings: dict[bytes, bytes] | None = None):
    """A ui with nothing but `settings`, as {b'section.name': value}."""
    prepare()
    from mercurial import ui

    made = ui.ui.load()
    for name, value in (settings or {}).items():
        section, _dot, item = name.partition(b".")
        made.setconfig(section, item, value, b"benchmark")
    return made


def open_repository(
    path: pathlib.Path, create: bool = False, settings: dict[bytes, bytes] | None = None
):
    """The repository at `path`, or a new one; with hidden and secret changesets."""
    made = make_ui(settings)
    from mercurial import hg

    return hg.repository(made, os.fsencode(path), create=create).unfiltered()


def close_connections(peer) -> None:
    """Of an HTTP peer; its close() keeps them, and each holds a thread of the
    server.
    """
    # Of version 2 and of version 1.
    opener = getattr(peer, "_opener", None) or peer._urlopener
    for handler in opener.handlers:
        if hasattr(handler, "close_all"):
            handler.close_all()
