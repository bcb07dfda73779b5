"""``logged.py FILE``: what the log in a file of SQLite says of each push: its number, its
user and its changesets, by the names of what they add."""

import contextlib
import json
import sqlite3
import sys

STATES = ("", "(hidden)", "(gone)")
PUSHES = "SELECT id, username, bundle_id FROM s3_pushes ORDER BY id"
CHANGESETS = "SELECT node, state, data FROM s3_log_changesets WHERE push_id = ? ORDER BY position"


def main(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for push_id, user, bundle_id in connection.execute(PUSHES).fetchall():
            words = [str(push_id), user or "-"] + (["try"] if bundle_id else [])
            for node, state, data in connection.execute(CHANGESETS, (push_id,)):
                name = node[:6]
                if data is not None:
                    details = json.loads(data)
                    name = "%s/%s" % (details["description"], details["phase"])
                words.append(name + STATES[state])
            print(*words)


if __name__ == "__main__":
    main(*sys.argv[1:])
