"""What a client has before it asks, and what it asks: as hypothesis draws it.

Changesets of the server are called by their number in the plan of the
repository; a client that has not got one leaves out what refers to it.
"""

import dataclasses
import typing

from hypothesis import strategies as st
from mercurial import node as nodemod
from plans import BOOKMARKS, BRANCHES


@dataclasses.dataclass(frozen=True)
class ClientPlan:
    """``pulled`` are the numbers that it has pulled earlier, with their
    ancestors. ``commits`` are its own, each with a parent: a number of the
    server's, None, or ("own", index). ``secret`` and ``obsolete`` are numbers
    of the server's or such tuples, and so are the values of ``bookmarks``.
    ``markers`` says whether it exchanges obsolescence markers.
    """

    pulled: typing.FrozenSet[int]
    commits: typing.Tuple[object, ...]
    secret: typing.FrozenSet[object]
    obsolete: typing.FrozenSet[object]
    bookmarks: typing.Mapping[bytes, object]
    markers: bool

    def __str__(self):
        return "pulled %s, own commits on %s, secret %s, obsolete %s, %s, %s" % (
            sorted(self.pulled),
            list(self.commits),
            sorted(self.secret, key=str),
            sorted(self.obsolete, key=str),
            dict(self.bookmarks),
            "markers" if self.markers else "no markers",
        )

    def state(self, changesets):
        """As v1_helper.arrange wants it; ``changesets`` are nodes by number."""

        def name(which):
            if isinstance(which, tuple):
                return which[1]
            return nodemod.hex(changesets[which]).decode("ascii")

        return {
            "commits": [[name(on)] if on is not None else [] for on in self.commits],
            "secret": [name(which) for which in sorted(self.secret, key=str)],
            "obsolete": [name(which) for which in sorted(self.obsolete, key=str)],
            "bookmarks": {key.decode(): name(at) for key, at in self.bookmarks.items()},
        }


@dataclasses.dataclass(frozen=True)
class Command:
    """``name`` is "pull", "clone" or "incoming"; ``targets`` are (option,
    value): "-r" with a commit's number, "-B" or "-b" with a name; ``options``
    are words."""

    name: str
    targets: typing.Tuple[typing.Tuple[str, object], ...] = ()
    options: typing.Tuple[str, ...] = ()

    def __str__(self):
        words = [self.name]
        words += ["%s %r" % target for target in self.targets]
        return " ".join(words + list(self.options))

    def words(self, changesets):
        """Without source and destination; bytes."""
        words = [self.name.encode()]
        for option, value in self.targets:
            if isinstance(value, int):
                value = nodemod.hex(changesets[value])
            words += [option.encode(), value]
        return words + [option.encode() for option in self.options]


#: Rare ways to ask, some of which cannot have remote parts.
OPTIONS = (
    ("--config", "devel.legacy.exchange=phases"),
    ("--config", "devel.legacy.exchange=bundle1"),
    ("--config", "devel.legacy.exchange=bookmarks"),
    ("--config", "hooks.pretxnchangegroup=false"),
    ("--config", "hooks.pretxnclose=false"),
    ("--config", "phases.publish=false"),
    ("--force",),
)


@st.composite
def client_plans(draw, plan):
    """``plan`` is that of the server's repository."""
    numbers = st.integers(0, len(plan.commits) - 1)
    in_view = st.sampled_from(plan.visible() or (0,))
    pulled = draw(st.frozensets(in_view, max_size=3))
    commits = []
    for index in range(draw(st.sampled_from((0, 0, 1, 2)))):
        on = [st.sampled_from(sorted(pulled))] * 3 if pulled else []
        on += [st.just(("own", index - 1))] if index else [st.just(None)]
        commits.append(draw(st.one_of(*on)))
    own = [st.sampled_from([("own", index) for index in range(len(commits))])]
    whichever = st.one_of(numbers, *(own if commits else []))
    few = st.one_of(st.just(frozenset()), st.frozensets(whichever, max_size=2))
    return ClientPlan(
        pulled=pulled,
        commits=tuple(commits),
        secret=draw(few),
        obsolete=draw(few),
        bookmarks=draw(
            st.dictionaries(st.sampled_from(BOOKMARKS), whichever, max_size=1)
        ),
        markers=draw(st.booleans()),
    )


#: How often each command is drawn.
ALL = ("pull",) * 5 + ("clone",) * 2 + ("incoming",)
BRINGING = ("pull", "pull", "clone")


@st.composite
def commands(draw, plan, names=ALL):
    """One of five is rare in some way, and some ask for what is not there."""
    name = draw(st.sampled_from(names))
    in_view = st.sampled_from(plan.visible() or (0,))
    numbers = st.integers(0, len(plan.commits) - 1)
    revision = st.tuples(st.just("-r"), st.one_of(in_view, in_view, in_view, numbers))
    branch = st.tuples(st.just("-b"), st.sampled_from(BRANCHES))
    targets = [st.just(())] * 3 + [st.lists(revision, min_size=1, max_size=2)] * 2
    targets += [st.lists(branch, min_size=1, max_size=1)]
    if name != "clone":
        named = sorted(plan.bookmarks) * 5 + [b"missing"]
        bookmark = st.tuples(st.just("-B"), st.sampled_from(named))
        targets += [st.lists(bookmark, min_size=1, max_size=1)]
    options = ()
    if draw(st.integers(0, 4)) == 4:
        options = draw(st.sampled_from(OPTIONS))
        if name == "clone" and options == ("--force",):
            options = draw(st.sampled_from((("--stream",), ("--pull",))))
    return Command(name, tuple(draw(st.one_of(*targets))), options)
