"""``patches.py FIRST END``: patches for ``hg import``, one a number, that each add a
file, in one of two folders."""

import sys

PATCH = """# HG changeset patch
# User test
# Date 0 0
{number}

diff --git a/d{folder}/f{number} b/d{folder}/f{number}
new file mode 100644
--- /dev/null
+++ b/d{folder}/f{number}
@@ -0,0 +1,1 @@
+{number}
"""


def main(first, end):
    for number in range(int(first), int(end)):
        sys.stdout.write(PATCH.format(number=number, folder=number % 2))


if __name__ == "__main__":
    main(*sys.argv[1:])
