"""Hooks for servers under test: one writes down its calls, one refuses.

A line a call: the hook's name and its arguments.
"""

import os


def record(ui, repo, hooktype, **arguments):
    given = ", ".join(
        "%s=%r" % (name, value) for name, value in sorted(arguments.items())
    )
    with open(os.path.join(os.fsdecode(repo.path), "hook-calls"), "a") as calls:
        calls.write("%s(%s)\n" % (hooktype, given))


def refuse(ui, repo, hooktype, source, **_arguments):
    # `hg strip`, on the server itself, calls it as well.
    return source == b"serve"
