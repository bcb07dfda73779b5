"""Plans of repositories: what hypothesis draws, and what a person reads.

A plan says what a repository consists of without making it (building.py does),
so that an example that fails can be printed and shrunk. Changesets are called
by their number in the plan, which is also their first revision number.
"""

import dataclasses
import random
import typing

from hypothesis import strategies as st

#: Names that one operating system, one encoding, one layer of Mercurial's store
#: or one syntax of patterns finds hard. None is a folder of another.
PATHS = (
    b"a",
    b"b.txt",
    b"dir/a",
    b"dir/sub/with space",
    b"dir/sub/UPPER.I",
    b"dir2/\xff\xfe",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode(),
    b"data/a.i",
    b"data/a.d",
    b"dir.hg/f",
    b"aux",
    b"%7e%s~",
    b"glob*[x]?{y}",
    b"path:b",
    b"tab\there",
    b".dot/.dot",
    b"long/" + b"n" * 130,
)

CONTENTS = {
    "empty": b"",
    "line": b"line\n",
    "other": b"other\n",
    "binary": bytes(range(256)),
    # A filelog marks its own metadata like this, and must escape ours.
    "marker": b"\x01\nno: metadata\n\x01\n",
    "lines": b"".join(b"line %d\n" % n for n in range(300)),
    "edited": b"".join(b"line %d\n" % (n % 299) for n in range(300)),
    "appended": b"".join(b"line %d\n" % n for n in range(320)),
    # More than a frame of the protocol, and more than is copied in one piece.
    "large": b"".join(b"%08d" % (n * n % 99999989) for n in range(18000)),
}

BRANCHES = (
    b"default",
    b"stable",
    "b\N{LATIN SMALL LETTER U WITH DIAERESIS}".encode(),
)
#: The file of the tags; its content is "tag N", for a commit's number.
TAGS_PATH = b".hgtags"
BOOKMARKS = (b"@", b"work", "n\N{LATIN SMALL LETTER O WITH DIAERESIS}".encode())


@dataclasses.dataclass(frozen=True)
class Change:
    """What a changeset does to ``path``.

    ``content`` is a name of CONTENTS or what TAGS_PATH has, None for a removal;
    ``flags`` as in a manifest; ``source`` is the path it was copied from.
    """

    path: bytes
    content: typing.Optional[str]
    flags: str = ""
    source: typing.Optional[bytes] = None

    def __str__(self):
        if self.content is None:
            return "remove %r" % self.path
        text = "%r = %s" % (self.path, self.content)
        if self.flags:
            text += " (%s)" % self.flags
        if self.source is not None:
            text += " copied from %r" % self.source
        return text


@dataclasses.dataclass(frozen=True)
class Commit:
    """``parents`` are numbers of earlier commits: none, one or two.

    ``files`` is its whole manifest, {path: name of the content}; ``closes``
    whether it closes its head of the branch.
    """

    parents: typing.Tuple[int, ...]
    changes: typing.Tuple[Change, ...]
    branch: bytes
    files: typing.Mapping[bytes, str]
    closes: bool = False


@dataclasses.dataclass(frozen=True)
class RepositoryPlan:
    """``public``, ``secret`` and ``obsolete`` are numbers of commits: what is
    below a public one is public, what is above a secret one is secret, and the
    rest are drafts. ``narrow`` is (includes, excludes) of a narrow repository,
    or None.
    """

    commits: typing.Tuple[Commit, ...]
    public: typing.FrozenSet[int]
    secret: typing.FrozenSet[int]
    obsolete: typing.FrozenSet[int]
    bookmarks: typing.Mapping[bytes, int]
    publishing: bool
    refusing_hook: bool
    treemanifest: bool
    minimum_object_bytes: int
    narrow: typing.Optional[typing.Tuple[typing.FrozenSet[bytes], ...]] = None

    def visible(self):
        """Numbers of commits that clients may see, or nearly: what is obsolete
        counts as hidden even where a commit above it keeps it in view."""
        secret = set(self.secret)
        for number, commit in enumerate(self.commits):
            if secret.intersection(commit.parents):
                secret.add(number)
        public = set(self.public)
        for number in range(len(self.commits) - 1, -1, -1):
            if number in public:
                public.update(self.commits[number].parents)
        hidden = (secret | self.obsolete) - public
        return tuple(n for n in range(len(self.commits)) if n not in hidden)

    def describe(self):
        """The graph, a changeset a line, then all that is not in it."""
        lines = []
        for number, commit in enumerate(self.commits):
            parents = ", ".join(map(str, commit.parents)) or "none"
            changes = "; ".join(map(str, commit.changes)) or "no change"
            marks = [
                mark
                for mark in ("public", "secret", "obsolete")
                if number in getattr(self, mark)
            ]
            marks += [repr(name) for name, at in self.bookmarks.items() if at == number]
            if commit.branch != b"default":
                marks.append("branch %r" % commit.branch)
            marks += ["closes"] if commit.closes else []
            lines.append(
                "  %d (parents: %s) %s: %s"
                % (number, parents, ", ".join(marks) or "draft", changes)
            )
        lines.append(
            "  publishing: %s, hook refuses: %s, tree manifests: %s, narrow: %s, "
            "minimum-object-size: %d"
            % (
                self.publishing,
                self.refusing_hook,
                self.treemanifest,
                self.narrow,
                self.minimum_object_bytes,
            )
        )
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a family of repositories may have. ``lengths`` are the fewest and
    the most commits, ``shapes`` what they begin with; ``tags`` stands for closed
    heads, too."""

    lengths: typing.Tuple[int, int] = (1, 7)
    # Mostly the newest commit, which makes histories deep enough for deltas.
    shapes: typing.Tuple[str, ...] = ("line",) * 3 + ("merge", "root")
    tags: bool = False
    hidden: bool = False
    publishing: st.SearchStrategy = dataclasses.field(default_factory=st.booleans)
    refusing_hook: st.SearchStrategy = dataclasses.field(
        default_factory=lambda: st.just(False)
    )
    treemanifest: bool = False
    narrow: bool = False


KINDS = {
    "plain": Kind(),
    "hidden": Kind(hidden=True),
    "refusing-hook": Kind(refusing_hook=st.just(True)),
    "treemanifest": Kind(hidden=True, treemanifest=True),
    "narrow": Kind(narrow=True),
}

LONG_SHAPES = ("line",) * 8 + ("merge",) * 2 + ("root",)

#: Histories that are cut into several pieces.
LONG_KINDS = {
    "plain": Kind(lengths=(8, 24), shapes=LONG_SHAPES, tags=True),
    "hidden": Kind(lengths=(8, 24), shapes=LONG_SHAPES, tags=True, hidden=True),
    "refusing-hook": Kind(lengths=(4, 8), refusing_hook=st.just(True)),
    "treemanifest": Kind(lengths=(4, 12), hidden=True, treemanifest=True),
}


@st.composite
def repository_plans(draw, kind):
    """``kind`` is one of KINDS or LONG_KINDS."""
    paths = draw(
        st.lists(st.sampled_from(PATHS), min_size=2, max_size=6, unique=True),
    )
    # So few that the same file revision comes with several changesets.
    contents = draw(
        st.lists(st.sampled_from(sorted(CONTENTS)), min_size=1, max_size=3, unique=True)
    )
    commits = []
    for _number in range(draw(st.integers(*kind.lengths))):
        commits.append(draw(_commits(commits, paths, contents, kind)))
    numbers = st.integers(0, len(commits) - 1)
    some = st.frozensets(numbers, max_size=2)
    none = st.just(frozenset())
    return RepositoryPlan(
        commits=tuple(commits),
        public=draw(st.frozensets(numbers, max_size=1)),
        secret=draw(some if kind.hidden else none),
        obsolete=draw(some if kind.hidden else none),
        bookmarks=draw(
            st.dictionaries(st.sampled_from(BOOKMARKS), numbers, max_size=2)
        ),
        publishing=draw(kind.publishing),
        refusing_hook=draw(kind.refusing_hook),
        treemanifest=kind.treemanifest,
        minimum_object_bytes=draw(st.sampled_from((1,) * 7 + (600,))),
        narrow=draw(_narrow_specs(paths)) if kind.narrow else None,
    )


@st.composite
def grown_plans(draw, kind, count):
    """Like :func:`repository_plans`, and then goes on to ``count`` commits, which
    one number decides: to draw each by itself would take long."""
    plan = draw(repository_plans(kind))
    rng = random.Random(draw(st.integers(0, 2**32)))
    commits = list(plan.commits)
    while len(commits) < count:
        commits.append(_grown(rng, commits))
    late = st.frozensets(st.integers(count - 40, count - 1), max_size=2)
    return dataclasses.replace(
        plan,
        commits=tuple(commits),
        secret=draw(late),
        obsolete=plan.obsolete | draw(late),
        public=plan.public | draw(late),
    )


def _grown(rng, earlier):
    parents = [len(earlier) - 1]
    shape = rng.random()
    if shape < 0.2:
        parents = sorted({*parents, rng.randrange(len(earlier))}, reverse=True)
        parents = parents[-1:] if shape < 0.1 else parents
    files = dict(earlier[parents[0]].files)
    changes = {}
    if parents[1:]:
        other = earlier[parents[1]].files
        changes = {p: Change(p, c) for p, c in other.items() if p not in files}
    path = rng.choice(PATHS)
    changes[path] = Change(path, rng.choice(("line", "other", "lines", "edited")))
    files.update((change.path, change.content) for change in changes.values())
    return Commit(
        parents=tuple(parents),
        changes=tuple(changes[path] for path in sorted(changes)),
        branch=earlier[parents[0]].branch,
        files=files,
    )


@st.composite
def _commits(draw, earlier, paths, contents, kind):
    parents = draw(_parents(len(earlier), kind.shapes))
    files = dict(earlier[parents[0]].files) if parents else {}
    changes = {}
    if parents[1:]:
        # What the other side added; where both have a file, the first one's.
        for path, content in earlier[parents[1]].files.items():
            if path not in files:
                changes[path] = Change(path, content)
    # One without any file has few requests to answer.
    at_least = 0 if earlier else 1
    drawings = _changes(sorted(files), paths, contents)
    for drawn in draw(st.lists(drawings, min_size=at_least, max_size=3)):
        changes.update({change.path: change for change in drawn})
    closes = False
    if kind.tags and earlier:
        special = draw(st.sampled_from((None,) * 5 + ("tag", "close")))
        closes = special == "close"
        if special == "tag":
            tagged = draw(st.integers(0, len(earlier) - 1))
            changes[TAGS_PATH] = Change(TAGS_PATH, "tag %d" % tagged)
    for change in changes.values():
        if change.content is None:
            files.pop(change.path, None)
        else:
            files[change.path] = change.content
    return Commit(
        parents=parents,
        changes=tuple(changes[path] for path in sorted(changes)),
        branch=draw(st.sampled_from(BRANCHES)),
        files=files,
        closes=closes,
    )


@st.composite
def _parents(draw, count, shapes):
    if not count:
        return ()
    first = draw(st.one_of(st.just(count - 1), st.integers(0, count - 1)))
    shape = draw(st.sampled_from(shapes))
    if shape == "root":
        return ()
    if shape == "merge":
        second = draw(st.integers(0, count - 1))
        if second != first:
            return (first, second)
    return (first,)


@st.composite
def _changes(draw, present, paths, contents):
    """A tuple of Changes: two for a rename, else one."""
    action = draw(
        st.sampled_from(("write", "write", "write", "remove", "copy", "move"))
    )
    path = draw(st.sampled_from(paths))
    if action == "write" or not present:
        return (
            Change(
                path,
                draw(st.sampled_from(contents)),
                draw(st.sampled_from(("", "", "", "x", "l"))),
            ),
        )
    source = draw(st.sampled_from(present))
    if action == "remove" or source == path:
        return (Change(source, None),)
    # Copied and edited at once is as common as copied.
    content = draw(st.sampled_from(contents))
    copied = Change(path, content, source=source)
    return (copied, Change(source, None)) if action == "move" else (copied,)


@st.composite
def _narrow_specs(draw, paths):
    """(includes, excludes) of a narrow repository."""
    patterns = [b"path:" + path for path in paths] + [b"path:dir", b"rootfilesin:dir"]
    includes = draw(st.frozensets(st.sampled_from(patterns), min_size=1, max_size=3))
    excludes = draw(st.frozensets(st.sampled_from(patterns), max_size=1))
    # Mercurial cannot read a repository of which nothing is left.
    return includes, excludes - includes
