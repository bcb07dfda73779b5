"""Read what has come to a log file since the last time, normalised."""

import os
import re

#: Keys hold two digests: of the repository's identity and of the request.
DIGESTS = re.compile(r"cache/[0-9a-f]{32}/(v[12]/[a-z]+)/[0-9a-f]{40}")
#: Those of pushes: of the repository's identity and of the bundle.
BUNDLES = re.compile(r"try/[0-9a-f]{32}/[0-9a-f]{64}")


def without_digests(text):
    text = DIGESTS.sub(r"cache/REPO/\1/REQUEST", text)
    return BUNDLES.sub("try/REPO/BUNDLE", text)


def read_new(path, seen_path):
    """The new whole lines of ``path``; does not mark them as seen."""
    lines = read_all(path)
    return lines[seen_count(seen_path) :]


def mark_seen(path, seen_path, count):
    total = seen_count(seen_path) + count
    with open(seen_path, "w") as seen:
        seen.write(str(total))


def read_all(path):
    if not os.path.exists(path):
        return []
    with open(path, errors="replace") as log:
        text = log.read()
    whole = text[: text.rfind("\n") + 1]
    return whole.splitlines()


def seen_count(seen_path):
    if not os.path.exists(seen_path):
        return 0
    with open(seen_path) as seen:
        return int(seen.read())
