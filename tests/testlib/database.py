"""``database.py STATE URL``: a PostgreSQL server with one database, whose URL is
written into the file URL, until this process is stopped.

The server goes and comes as a test writes ``down`` and ``up`` into the file STATE;
what it is now is in ``STATE.is``.
"""

import os
import pathlib
import sys
import time

from .databases import PostgreSQLServer
from .processes import stop_on_signals

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(state, url):
    with stop_on_signals():
        with PostgreSQLServer(ROOT / ".venv" / "postgresql") as server:
            write(url, server.create_database())
            now = "up"
            while True:
                write(state + ".is", now)
                now = wait_for_change(state, now)
                if now == "down":
                    server.stop()
                else:
                    server.start()


def wait_for_change(state, now):
    while True:
        try:
            with open(state) as file:
                wanted = file.read().strip()
        except FileNotFoundError:
            wanted = now
        if wanted in ("up", "down") and wanted != now:
            return wanted
        time.sleep(0.05)


def write(path, text):
    # At once, since it may be read at any time.
    with open(path + ".new", "w") as file:
        file.write(text + "\n")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
