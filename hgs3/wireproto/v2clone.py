"""The requests of a fresh clone over wire protocol version 2.

Arguments are part of the keys of cached responses, so they must be those that
``mercurial.exchangev2.pull`` sends, to the last field and in the same order.
"""

#: What a client takes for batches that the server recommends no size for.
DEFAULT_MANIFEST_BATCH = 10000
DEFAULT_CHANGESET_BATCH = 50000


class NoRequest:
    """Stands where a command looks for the HTTP request that it came with.

    Nobody has sent it: there is no user and no header.
    """

    headers = {}
    rawenv = {}


def protocol(server, ui, args):
    """The protocol handler of a request with ``args`` that nobody has sent.

    ``server`` is the module wireprotov2server.
    """
    return server.httpv2protocolhandler(NoRequest(), ui, args)


def capabilities(server, repo):
    """What the server would tell a client of itself; a dict."""
    return server._capabilitiesv2(repo, protocol(server, repo.ui, {}))


def served_view(server, repo):
    """The repository as commands see it."""
    return server.getdispatchrepo(repo, protocol(server, repo.ui, {}), b"changesetdata")


def requests(server, repo, commands, stream):
    """A list of (command, args), in the order in which a client sends them.

    ``commands`` is of the capabilities; ``stream`` is for ``hg clone
    --stream``. Empty for a repository that has nothing to send, which clients
    cannot clone over version 2.
    """
    view = served_view(server, repo)
    revs = list(view)
    if not revs:
        return []
    heads = sorted(view.heads())
    found = []
    if stream:
        found.append((b"rawstorefiledata", {b"files": [b"changelog", b"manifestlog"]}))
    # After a stream, the client knows all changesets, and asks for the rest.
    found.append(_changesetdata(heads if stream else [], heads))
    if not stream:
        found.extend(_manifestdata(view, revs, commands))
    found.extend(_filesdata(view, revs, commands))
    return found


def _changesetdata(roots, heads):
    return (
        b"changesetdata",
        {
            b"revisions": [
                {b"type": b"changesetdagrange", b"roots": roots, b"heads": heads}
            ],
            b"fields": {b"bookmarks", b"parents", b"phase", b"revision"},
        },
    )


def _manifestdata(view, revs, commands):
    changelog = view.changelog
    nodes = []
    # A client has the empty manifest from the start.
    seen = {view.nullid}
    for rev in revs:
        node = changelog.changelogrevision(rev).manifest
        if node not in seen:
            seen.add(node)
            nodes.append(node)
    for batch in _batches(nodes, commands, b"manifestdata", DEFAULT_MANIFEST_BATCH):
        yield (
            b"manifestdata",
            {
                b"tree": b"",
                b"nodes": batch,
                b"fields": {b"parents", b"revision"},
                b"haveparents": True,
            },
        )


def _filesdata(view, revs, commands):
    nodes = [view.changelog.node(rev) for rev in revs]
    for batch in _batches(nodes, commands, b"filesdata", DEFAULT_CHANGESET_BATCH):
        yield (
            b"filesdata",
            {
                b"revisions": [{b"type": b"changesetexplicit", b"nodes": batch}],
                b"fields": {b"parents", b"revision"},
                b"haveparents": True,
            },
        )


def _batches(nodes, commands, command, default):
    size = commands[command].get(b"recommendedbatchsize", default)
    for start in range(0, len(nodes), size):
        yield nodes[start : start + size]
