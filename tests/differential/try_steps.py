"""What happens to clients and servers of try, as hypothesis draws it.

A step names changesets by numbers: the n-th of those that there are when it is done,
counted round and round.
"""

import dataclasses
import typing

from hypothesis import strategies as st
from plans import BRANCHES, CONTENTS, PATHS

BOOKMARKS = ("work", "n\N{LATIN SMALL LETTER O WITH DIAERESIS}/1")

#: So few that changesets share revisions of files.
FEW_PATHS = PATHS[:5]
FEW_CONTENTS = ("empty", "line", "other", "lines", "edited", "large")


@dataclasses.dataclass(frozen=True)
class Step:
    """``name`` is that of a method of try_running.World's, ``client`` the number of
    one, ``values`` what that method takes."""

    name: str
    client: int
    values: typing.Tuple[object, ...] = ()

    def __str__(self):
        return "client %d: %s%r" % (self.client, self.name, self.values)


@dataclasses.dataclass(frozen=True)
class Story:
    """``base`` is a RepositoryPlan."""

    base: object
    steps: typing.Tuple[Step, ...]

    def _repr_pretty_(self, printer, _cycle):
        # What hypothesis would print is as long, and is not for people.
        printer.text("<the story below>")

    def describe(self):
        lines = ["base:", self.base.describe(), "steps:"]
        return "\n".join(lines + ["  %s" % step for step in self.steps])


def write(path, content, flags=""):
    """An action of try_helper.commit's, but for a name of CONTENTS in it."""
    return ("write", path.decode("latin-1"), content, flags)


def copy(name, source, path, content=None):
    """Another one; ``name`` is copy or move, ``source`` a number."""
    return (name, source, path.decode("latin-1"), content)


def contents_in(action, nodes):
    """The action as try_helper.commit takes it; ``nodes`` are those to choose from."""
    if action[0] == "like":
        return ("like", nodes[action[1] % len(nodes)])
    if action[0] in ("write", "copy", "move"):
        place = 2 if action[0] == "write" else 3
        content = action[place]
        data = None if content is None else CONTENTS[content].decode("latin-1")
        return action[:place] + (data,) + action[place + 1 :]
    return action


_numbers = st.integers(0, 60)
_paths = st.sampled_from(FEW_PATHS)
_contents = st.sampled_from(FEW_CONTENTS)
_actions = st.one_of(
    st.builds(write, _paths, _contents, st.sampled_from(("", "", "", "x", "l"))),
    st.builds(write, _paths, _contents),
    st.tuples(st.just("remove"), _numbers),
    st.tuples(st.just("like"), _numbers),
    st.builds(
        copy,
        st.sampled_from(("copy", "move")),
        _numbers,
        _paths,
        st.one_of(st.none(), _contents),
    ),
)
_branches = st.sampled_from((None,) * 4 + tuple(b.decode() for b in BRANCHES))

#: On the newest changeset, on any, or on two.
_parents = st.one_of(
    st.just((-1,)),
    st.just((-1,)),
    st.tuples(_numbers),
    st.tuples(_numbers, _numbers),
)
_some = st.lists(_numbers, min_size=1, max_size=3).map(tuple)
_names = st.sampled_from(BOOKMARKS)
_lengths = st.sampled_from((40, 40, 12, 7))

#: Of each step that can be drawn, its values.
_VALUES = {
    "commit": (_parents, st.lists(_actions, max_size=3).map(tuple), _branches),
    "resemble": (_numbers, st.booleans()),
    "amend": (_numbers, st.booleans()),
    "push": (st.one_of(st.just(()), st.just((-1,)), _some),),
    "pull": (_some, _lengths),
    "pull_base": (),
    "clone": (_some, _lengths),
    "begin": (st.one_of(st.just(()), _some),),
    "clone_base": (),
    "incoming": (_numbers, _lengths),
    "identify": (_numbers, _lengths),
    "push_bookmark": (_names, _numbers),
    "pull_bookmark": (_names, st.sampled_from(("-r", "-r", "-B"))),
    "delete_bookmark": (_names,),
    "grow": (_parents, st.lists(_actions, min_size=1, max_size=2).map(tuple)),
    "promote": (_numbers,),
}

#: How often each is drawn, if not once.
WEIGHTS = {
    **dict.fromkeys(("commit", "push", "pull"), 6),
    **dict.fromkeys(("resemble", "pull_base", "clone", "begin"), 2),
    **dict.fromkeys(("push_bookmark", "pull_bookmark", "promote"), 2),
}

#: For what brings much of a base.
LONG_WEIGHTS = {**WEIGHTS, "clone": 6, "begin": 4, "clone_base": 3}


@st.composite
def stories(draw, bases, clients=2, most=14, weights=WEIGHTS):
    """``bases`` are plans, ``most`` how many steps there are at most."""
    names = [name for name in _VALUES for _number in range(weights.get(name, 1))]
    # With nothing pushed there is little to be wrong.
    steps = [
        Step("commit", 0, draw(st.tuples(*_VALUES["commit"]))),
        Step("push", 0, ((-1,),)),
    ]
    for _number in range(draw(st.integers(most // 2, most))):
        name = draw(st.sampled_from(names))
        values = draw(st.tuples(*_VALUES[name]))
        steps.append(Step(name, draw(st.integers(0, clients - 1)), values))
    # What was pushed last, for somebody who has nothing.
    steps.append(Step("clone", clients - 1, ((-1,), 40)))
    return Story(draw(bases), tuple(steps))
