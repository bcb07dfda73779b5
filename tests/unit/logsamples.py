"""Pushes for tests of the log."""

from trydata import node, token

from hgs3.database.records import AS_PUSHED, Details, LoggedChangeset, NewLogPush

DETAILS = Details(
    parents=(node("p1"), node("p2")),
    author="J\xf6rg \U0001f600 \udcff\0 <j@example.com>",
    date=-5,
    offset=-3600,
    branch="default",
    description="one\n'two' \u20ac \\ %s",
    files=("a b", "\udc80/x", '"'),
    tags=("1.0",),
    phase="draft",
    extra={"branch": "default", "source": "\0\udcfe"},
    precursors=(node("old"),),
)


def logged(*names, details=None, state=AS_PUSHED):
    return [LoggedChangeset(node(name), state, details) for name in names]


def new_push(*names, pushed=1000, username="alice", **values):
    return NewLogPush(
        values.get("token") or token(),
        username,
        pushed,
        lambda: logged(*names, details=values.get("details")),
    )


def names_of(pushes, names):
    """Which of ``names`` each push has."""
    by_node = {node(name): name for name in names}
    return ["".join(by_node[each.node] for each in push.changesets) for push in pushes]
