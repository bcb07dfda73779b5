"""Requests of wire protocol version 2 such as an honest client sends.

Arguments name nodes by what they are (``Node``), since those are known only
when the repository of the plan was made. ``resolved`` puts the bytes in.
"""

import dataclasses
import hashlib
import typing

from hypothesis import strategies as st
from plans import RepositoryPlan

#: Kinds of Node, with what ``number`` means.
CHANGESET = "changeset"  # of a commit
MANIFEST = "manifest"  # the root manifest of a commit
FILE = "file"  # the revision of ``path`` in a commit
UNKNOWN = "unknown"  # nothing has it; any number
SHORT = "short"  # how many bytes of a changeset's node
HEXADECIMAL = "hexadecimal"  # of a commit
NULL = "null"
WDIR = "wdir"


@dataclasses.dataclass(frozen=True)
class Node:
    """A node, or what a bad client takes for one."""

    kind: str
    number: int = 0
    path: typing.Optional[bytes] = None

    def __repr__(self):
        where = "" if self.path is None else ", %r" % self.path
        return "<%s %d%s>" % (self.kind, self.number, where)

    def resolve(self, repository):
        """20 bytes, or what stands for them; ``repository`` of building.py."""
        if self.kind == CHANGESET:
            return repository.changesets[self.number]
        if self.kind == MANIFEST:
            return repository.manifest(self.number)
        if self.kind == FILE:
            return repository.filenode(self.number, self.path) or self._digest()
        if self.kind == SHORT:
            return repository.changesets[0][: self.number]
        if self.kind == HEXADECIMAL:
            return repository.changesets[self.number].hex().encode()
        return {NULL: b"\0" * 20, WDIR: b"\xff" * 20}.get(self.kind) or self._digest()

    def _digest(self):
        return hashlib.sha1(repr(self).encode()).digest()


@dataclasses.dataclass(frozen=True)
class Request:
    """``arguments`` of the wire with Nodes for nodes.

    ``spoilt`` says what is wrong with it, in words; empty for a request such as
    an honest client sends.
    """

    command: bytes
    arguments: typing.Mapping[bytes, object]
    spoilt: str = ""

    def __str__(self):
        text = "%s %r" % (self.command.decode(), self.arguments)
        return "%s (spoilt: %s)" % (text, self.spoilt) if self.spoilt else text

    def resolved(self, repository):
        """The arguments as they go out."""
        return resolved(self.arguments, repository)


def resolved(value, repository):
    """``value`` with bytes for each Node in it, at any depth."""
    if isinstance(value, Node):
        return value.resolve(repository)
    if isinstance(value, dict):
        return {
            resolved(key, repository): resolved(item, repository)
            for key, item in value.items()
        }
    if isinstance(value, (list, set, frozenset)):
        return type(value)(resolved(item, repository) for item in value)
    return value


class Choice(typing.NamedTuple):
    """The numbers of the commits that a request may be about."""

    plan: RepositoryPlan
    numbers: typing.Tuple[int, ...]

    def draw_number(self):
        return st.sampled_from(self.numbers)


def _nodes(choice, kind, **sizes):
    return st.lists(
        st.builds(Node, st.just(kind), choice.draw_number()), unique=True, **sizes
    )


def _fields(*names):
    return st.sets(st.sampled_from(names))


def _request(command, required, optional=()):
    return st.fixed_dictionaries(required, optional=dict(optional)).map(
        lambda arguments: Request(command, arguments)
    )


def _manifestdata(choice):
    return _request(
        b"manifestdata",
        {
            b"tree": st.just(b""),
            b"nodes": _nodes(choice, MANIFEST, max_size=6),
        },
        {
            b"fields": _fields(b"parents", b"revision"),
            b"haveparents": st.booleans(),
        },
    )


def _specifiers(choice):
    return st.one_of(
        st.fixed_dictionaries(
            {
                b"type": st.just(b"changesetexplicit"),
                b"nodes": _nodes(choice, CHANGESET, max_size=6),
            }
        ),
        st.fixed_dictionaries(
            {
                b"type": st.just(b"changesetexplicitdepth"),
                b"nodes": _nodes(choice, CHANGESET, min_size=1, max_size=3),
                b"depth": st.sampled_from((1, 2, 3, 1000)),
            }
        ),
        st.fixed_dictionaries(
            {
                b"type": st.just(b"changesetdagrange"),
                b"roots": _nodes(choice, CHANGESET, max_size=2),
                b"heads": _nodes(choice, CHANGESET, min_size=1, max_size=3),
            }
        ),
    )


def _revisions(choice):
    return st.lists(_specifiers(choice), min_size=1, max_size=2)


def _patterns(choice):
    """Of files that are there, of folders of theirs, and of neither."""
    paths = {path for commit in choice.plan.commits for path in commit.files}
    folders = {path.rpartition(b"/")[0] for path in paths}
    names = st.sampled_from(sorted(paths | folders | {b"", b"nowhere"}))
    prefixes = st.sampled_from((b"path:", b"rootfilesin:"))
    return st.lists(st.builds(lambda a, b: a + b, prefixes, names), max_size=3)


def _pathfilters(choice):
    return st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {}, optional={b"include": _patterns(choice), b"exclude": _patterns(choice)}
        ),
    )


def _filesdata(choice):
    return _request(
        b"filesdata",
        {b"revisions": _revisions(choice)},
        {
            b"fields": _fields(b"firstchangeset", b"linknode", b"parents", b"revision"),
            b"haveparents": st.booleans(),
            b"pathfilter": _pathfilters(choice),
        },
    )


def _filedata(choice):
    places = sorted(
        (path, number)
        for number in choice.numbers
        for path in choice.plan.commits[number].files
    )
    if not places:
        # A repository without any file has no valid request.
        return _request(b"filedata", {b"path": st.just(b"a"), b"nodes": st.just([])})

    def of_path(path):
        revisions = [
            Node(FILE, number, path) for name, number in places if name == path
        ]
        return _request(
            b"filedata",
            {
                b"path": st.just(path),
                b"nodes": st.lists(st.sampled_from(revisions), unique=True, max_size=5),
            },
            {
                b"fields": st.one_of(
                    _fields(b"parents", b"revision"),
                    _fields(b"linknode", b"parents", b"revision"),
                ),
                b"haveparents": st.booleans(),
            },
        )

    return st.sampled_from(sorted({path for path, _number in places})).flatmap(of_path)


def _changesetdata(choice):
    return _request(
        b"changesetdata",
        {b"revisions": _revisions(choice)},
        {b"fields": _fields(b"bookmarks", b"parents", b"phase", b"revision")},
    )


def _rawstorefiledata(_choice):
    sets = st.lists(
        st.sampled_from((b"changelog", b"manifestlog")), unique=True, max_size=2
    )
    return _request(b"rawstorefiledata", {b"files": sets})


#: For each command a function of a Choice that gives a strategy for Requests.
VALID = {
    b"manifestdata": _manifestdata,
    b"filesdata": _filesdata,
    b"filedata": _filedata,
    b"changesetdata": _changesetdata,
    b"rawstorefiledata": _rawstorefiledata,
}

#: Every command that is or will be cached.
COMMANDS = tuple(VALID)

#: An argument that no command has.
SURPRISE = b"surprise"
