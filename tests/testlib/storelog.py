"""``storelog.py LOG SEEN``: the requests a moto server has logged since last.

One line a request, ``METHOD STATUS KEY[ presigned]``, sorted, digests
replaced.
"""

import re
import sys

import logtail

REQUEST = re.compile(r'"(?:\x1b\[\d+m)*([A-Z]+) /([^ ?]*)(\?\S*)? HTTP/[^"]*" (\d+)')


def main(log, seen):
    lines = logtail.read_new(log, seen)
    found = []
    for line in lines:
        match = REQUEST.search(line)
        if match is None or "/" not in match[2]:
            continue  # not about an object
        key = logtail.without_digests(match[2])
        entry = "%s %s %s" % (match[1], match[4], key)
        if match[3] and "X-Amz-Signature" in match[3]:
            entry += " presigned"
        found.append(entry)
    logtail.mark_seen(log, seen, len(lines))
    for entry in sorted(found):
        print(entry)


if __name__ == "__main__":
    main(*sys.argv[1:])
