"""``events.py BLACKBOX SEEN [N]``: our lines of a blackbox log since last.

Waits until there are at least N (uploads end in the background), then prints
them sorted, with digests and times replaced. Exits 1 when they do not come.
"""

import re
import sys
import time

import logtail

#: Mercurial 7.2 writes a date in another way.
PREFIX = re.compile(r"^\d{4}[/-]\d\d[/-]\d\d \d\d:\d\d:\d\d(\.\d+)? .*?> ")
MILLISECONDS = re.compile(r" ms=\d+\.\d\b")


def main(log, seen, wanted="0"):
    deadline = time.monotonic() + 60
    while True:
        lines = logtail.read_new(log, seen)
        if len(lines) >= int(wanted) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for line in sorted(map(normalised, lines)):
        print(line)
    logtail.mark_seen(log, seen, len(lines))
    if len(lines) < int(wanted):
        sys.exit("only %d of %s lines came" % (len(lines), wanted))


def normalised(line):
    line = PREFIX.sub("", logtail.without_digests(line))
    return MILLISECONDS.sub(" ms=*", line)


if __name__ == "__main__":
    main(*[arg for arg in sys.argv[1:] if arg])
