"""``waitfor.py FILE TEXT N``: wait until N lines of FILE hold TEXT.

Exits 1 when they do not come.
"""

import sys
import time


def main(name, text, number):
    deadline = time.monotonic() + 60
    while True:
        found = count(name, text)
        if found >= int(number):
            return
        if time.monotonic() > deadline:
            sys.exit("only %d of %s lines came" % (found, number))
        time.sleep(0.02)


def count(name, text):
    try:
        with open(name, errors="replace") as lines:
            return sum(text in line for line in lines)
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
