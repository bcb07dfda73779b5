"""Fetch pages, and compare those of two servers.

    python webpages.py get URL [HEADER=VALUE]...    status, chosen headers, body
    python webpages.py compare URL1 URL2 < PATHS    a line for each path

What must differ is replaced first: the address of the server, and what is said of a
push at the end of a page. A page of the second server may have one line more, which
leads to its log of pushes; then it is called an entry, and not the same.
"""

import contextlib
import gzip
import re
import sys
import urllib.error
import urllib.request

SHOWN = ("HG-S3-Push",)
PUSH = re.compile(rb'<p class="hg-s3-push">.*?</p>')
ENTRY = re.compile(
    rb'^ *(?:<li>)?<a href="[^"]*/pushloghtml(?:\?[^"]*)?">pushlog</a>(?:</li>| \|)?\n',
    re.MULTILINE,
)


def fetch(url, headers=()):
    """(status, headers, body) of a page, whatever the status."""
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read()


def comparable(url, path):
    """What of a page has to be the same."""
    status, headers, body = fetch(url + path)
    if body[:2] == b"\x1f\x8b":
        # The time at which it was compressed is in it.
        body = gzip.decompress(body)
    body = PUSH.sub(b"", body)
    host = url.split("/")[2].encode()
    port = host.rpartition(b":")[2]
    body = body.replace(host, b"HOST").replace(b":" + port, b":PORT")
    return status, headers["Content-Type"], body


def compare(first, second, paths):
    different = 0
    for path in paths:
        one, other = comparable(first, path), comparable(second, path)
        if one == other:
            print("same %d %s" % (one[0], path))
            continue
        if one == (*other[:2], ENTRY.sub(b"", other[2], count=1)):
            print("entry %d %s" % (one[0], path))
            continue
        different += 1
        print("DIFFERENT %s: %s %s" % (path, one[:2], other[:2]))
        for left, right in zip(one[2].split(b"\n"), other[2].split(b"\n")):
            if left != right:
                print("  -%r\n  +%r" % (left[:200], right[:200]))
    return 1 if different else 0


def get(url, headers):
    status, found, body = fetch(url, [each.split("=", 1) for each in headers])
    lines = [str(status)]
    lines += ["%s: %s" % (name, found[name]) for name in SHOWN if found[name]]
    # Whoever reads may have seen enough.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write("\n".join([*lines, ""]).encode() + body)
        sys.stdout.buffer.flush()


def main():
    if sys.argv[1] == "compare":
        paths = [line.strip() for line in sys.stdin]
        sys.exit(compare(sys.argv[2], sys.argv[3], paths))
    get(sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    main()
