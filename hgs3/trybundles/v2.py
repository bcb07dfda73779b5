"""Changesets of try for version 2 of the wire protocol, as 5.9 to 6.0 serve it.

A command gets the repository that Mercurial picks for it. For one that names what is
in bundles that is an overlay, so that the command, its cache and what checks whether
it may be given are the same as for any other.
"""

from mercurial import extensions
from mercurial.i18n import _
from mercurial.node import hex

from .. import crossing
from ..wireproto import requestscope
from . import overlays, trystore

#: Command to the names of its arguments that hold nodes of manifests.
_MANIFESTS = {b"manifestdata": b"nodes"}


def setup(server):
    """Hook the module wireprotov2server; called once."""
    extensions.wrapfunction(server, "getdispatchrepo", _getdispatchrepo)


def _getdispatchrepo(orig, repo, proto, command):
    repo = orig(repo, proto, command)
    if not trystore.is_on(repo):
        return repo
    bundles = _bundles(repo, command, proto._args or {})
    if not bundles:
        return repo
    with trystore.faults_abort(_(b"cannot serve changesets of try")):
        lease = overlays.take(repo, bundles)
    requestscope.at_end(lease.give_back)
    return overlays.view(lease.repo, repo)


def _bundles(repo, command, arguments):
    """The Bundles of all that the ``arguments`` name and the repository lacks."""
    name = _MANIFESTS.get(command)
    if name is not None:
        storage = repo.manifestlog.getstorage(b"")
        named = [n for n in _nodes(arguments.get(name)) if not _has(storage, n)]
    else:
        has_node = repo.changelog.hasnode
        named = [n for n in _nodes_of_revisions(arguments) if not has_node(n)]
    if not named:
        return []
    texts = [crossing.to_str(hex(node)) for node in named]
    with trystore.faults_abort(_(b"cannot look for changesets of try")):
        index = trystore.of(repo).index
        if name is not None:
            found = index.bundles_of_manifests(texts)
        else:
            found = index.bundles_of(texts)
    return sorted(set(found.values()), key=lambda bundle: bundle.id)


def _nodes_of_revisions(arguments):
    """The heads and nodes in a list of revision specifiers; see ``hg help
    internals.wireprotocolv2``, "Revision Specifiers"."""
    revisions = arguments.get(b"revisions")
    for each in revisions if isinstance(revisions, list) else ():
        if isinstance(each, dict):
            # What a client has, the roots, may be unknown here.
            for key in (b"nodes", b"heads"):
                for node in _nodes(each.get(key)):
                    yield node


def _has(storage, node):
    # Storage of manifests has no hasnode in hg <= 6.0.
    try:
        storage.rev(node)
    except LookupError:
        return False
    return True


def _nodes(values):
    return [
        value
        for value in (values if isinstance(values, (list, tuple, set)) else ())
        if isinstance(value, bytes) and len(value) == 20
    ]
