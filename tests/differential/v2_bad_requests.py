"""Requests of wire protocol version 2 with something wrong in them.

Each begins as a valid one. What comes of it is for the server to say: some of
them are answered.
"""

from hypothesis import strategies as st
from v2_requests import (
    CHANGESET,
    HEXADECIMAL,
    MANIFEST,
    NULL,
    SHORT,
    SURPRISE,
    UNKNOWN,
    VALID,
    WDIR,
    Node,
    Request,
)

#: No command expects any of these anywhere.
_ODD_VALUES = (
    None,
    True,
    0,
    -1,
    7,
    b"",
    b"bytes",
    [],
    [None],
    [b"x"],
    [[b"x"]],
    [{}],
    {},
    {b"a": 1},
    {b"x"},
)

_BAD_NODES = (
    [Node(UNKNOWN, 1)],
    [Node(UNKNOWN, 1), Node(UNKNOWN, 2)],
    [Node(SHORT, 4)],
    [Node(SHORT, 0)],
    [Node(SHORT, 19)],
    [Node(HEXADECIMAL, 0)],
    [Node(NULL)],
    [Node(WDIR)],
    [0],
    [-1],
    [None],
    [True],
    [[Node(CHANGESET, 0)]],
    [{b"node": Node(CHANGESET, 0)}],
)

_BAD_FILTERS = (
    {b"include": [b"glob:*"]},
    {b"include": [b"re:.*"]},
    {b"include": [b"path:a", b"a"]},
    {b"include": [b"path:../../etc"]},
    {b"include": [b"path:/etc"]},
    {b"include": [b"path:a/./b//c"]},
    {b"include": [b"path:\n"]},
    {b"exclude": [b"set:all()"]},
    {b"exclude": [b"PATH:a"]},
    {b"include": b"path:a"},
    {b"include": [5]},
    {b"include": None},
    {b"exclude": {b"path:a": 1}},
    {b"include": [b"path:a"], b"surprise": [b"path:b"]},
)


@st.composite
def bad_requests(draw, choice, command):
    """A Request of ``command`` with one thing wrong."""
    request = draw(VALID[command](choice))
    ways = [_drop_argument, _add_argument, _replace_argument]
    ways += {
        b"manifestdata": [_spoil_nodes, _spoil_nodes, _spoil_fields, _spoil_tree],
        b"filesdata": [_spoil_revisions] * 4 + [_spoil_fields, _spoil_filter],
        b"filedata": [_spoil_nodes, _spoil_nodes, _spoil_fields, _spoil_path],
        b"changesetdata": [_spoil_revisions] * 4 + [_spoil_fields],
        b"rawstorefiledata": [_spoil_files, _spoil_raw_filter],
    }[command]
    way = draw(st.sampled_from(ways))
    arguments = dict(request.arguments)
    what = way(draw, choice, arguments)
    return Request(command, arguments, what)


@st.composite
def variants(draw, choice, request):
    """A list of Requests that differ from ``request`` in one thing each: in one
    argument, which is that of another request, or in the order of nodes. None
    may be given the answer to another one.
    """
    other = draw(VALID[request.command](choice)).arguments
    found = []
    for name in sorted(set(request.arguments) | set(other)):
        arguments = dict(request.arguments)
        arguments.pop(name, None)
        if name in other:
            arguments[name] = other[name]
        found.append(Request(request.command, arguments, "%s changed" % name.decode()))
    backwards = _backwards(dict(request.arguments))
    found.append(Request(request.command, backwards, "nodes backwards"))
    return found


def _backwards(arguments):
    for name in (b"nodes", b"roots", b"heads"):
        if name in arguments:
            arguments[name] = arguments[name][::-1]
    if b"revisions" in arguments:
        specifiers = arguments[b"revisions"][::-1]
        arguments[b"revisions"] = [_backwards(dict(each)) for each in specifiers]
    return arguments


def _drop_argument(draw, _choice, arguments):
    name = draw(st.sampled_from(sorted(arguments)))
    del arguments[name]
    return "without %s" % name.decode()


def _add_argument(draw, _choice, arguments):
    arguments[SURPRISE] = draw(st.sampled_from((1, b"x")))
    return "an argument that no command has"


def _replace_argument(draw, _choice, arguments):
    name = draw(st.sampled_from(sorted(arguments)))
    arguments[name] = draw(st.sampled_from(_ODD_VALUES))
    return "%s of a wrong type" % name.decode()


def _bad_list(draw, choice, nodes):
    """``nodes`` with something wrong among them."""
    bad = draw(
        st.one_of(
            st.sampled_from(_BAD_NODES),
            # One that is there, but is something else, or is there twice.
            st.builds(
                Node, st.sampled_from((CHANGESET, MANIFEST)), choice.draw_number()
            ).map(lambda node: [node]),
            st.just(list(nodes)),
        )
    )
    return draw(st.sampled_from((list(nodes) + bad, bad + list(nodes), bad)))


def _spoil_nodes(draw, choice, arguments):
    arguments[b"nodes"] = _bad_list(draw, choice, arguments[b"nodes"])
    return "nodes"


def _spoil_fields(draw, _choice, arguments):
    given = arguments.get(b"fields", set())
    arguments[b"fields"] = draw(
        st.sampled_from(
            (
                given | {b"bogus"},
                sorted(given) + sorted(given),
                sorted(given | {b"revision"}),
                {b"revision": 1},
                sorted(given) + [5, None],
                b"revision",
            )
        )
    )
    return "fields"


def _spoil_tree(draw, _choice, arguments):
    arguments[b"tree"] = draw(st.sampled_from((b"dir", b"dir/", b"nowhere/", b"../")))
    return "tree"


def _spoil_path(draw, _choice, arguments):
    arguments[b"path"] = draw(
        st.sampled_from((b"nowhere", b"", b"../x", b"/a", b"dir", b"a\n", b"\0"))
    )
    return "path"


def _spoil_filter(draw, _choice, arguments):
    arguments[b"pathfilter"] = draw(st.sampled_from(_BAD_FILTERS))
    return "pathfilter"


def _spoil_files(draw, _choice, arguments):
    arguments[b"files"] = draw(
        st.sampled_from(
            (
                [b"bogus"],
                [b"changelog", b"bogus"],
                [b"changelog", b"changelog"],
                {b"changelog"},
                [5],
                b"changelog",
                [b"00changelog.i"],
            )
        )
    )
    return "files"


def _spoil_raw_filter(draw, _choice, arguments):
    arguments[b"pathfilter"] = draw(
        st.sampled_from(([], [b"path:a"], {b"include": [b"path:a"]}, b"path:a"))
    )
    return "a pathfilter, which nothing looks at"


def _spoil_revisions(draw, choice, arguments):
    specifiers = [dict(each) for each in arguments[b"revisions"]]
    arguments[b"revisions"] = specifiers
    spoilt = draw(st.sampled_from(specifiers))
    way = draw(st.sampled_from(("type", "key", "nodes", "nodes", "depth", "none")))
    if way == "type":
        spoilt[b"type"] = draw(
            st.sampled_from((b"bogus", b"", None, 5, b"changesetexplicit"))
        )
    elif way == "key":
        del spoilt[draw(st.sampled_from(sorted(spoilt)))]
    elif way == "nodes":
        name = draw(st.sampled_from(sorted(set(spoilt) - {b"type", b"depth"})))
        spoilt[name] = draw(
            st.one_of(
                st.builds(lambda: _bad_list(draw, choice, spoilt[name])),
                st.sampled_from(([], None, b"x" * 20, 5, {Node(CHANGESET): 1})),
            )
        )
    elif way == "depth":
        spoilt[b"depth"] = draw(
            st.sampled_from((0, -1, -1000, 2**40, None, b"2", True, [1]))
        )
    else:
        del specifiers[:]
    return "revisions: %s" % way
