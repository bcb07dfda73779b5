"""What a cached response depends on, and whether it may be given at all.

When a response comes out of the cache its command does not run, so nothing
that the command looks at is looked at. What decides about the content goes
into the key; what decides about the permission is checked here, now.
"""

from mercurial import error, requirements


def resolve(wireprotov2server, repo, command, args):
    """Give ``args`` as what they mean in ``repo`` now.

    The revisions of ``filesdata`` may be described by ranges, whose meaning
    changes with the repository: as nodes, two requests that mean the same
    are the same. Raises what the command raises for revisions that are wrong.
    """
    if command != b"filesdata":
        return args
    nodes = wireprotov2server.resolvenodes(repo, args[b"revisions"])
    args = dict(args)
    args[b"revisions"] = [{b"type": b"changesetexplicit", b"nodes": nodes}]
    return args


def local_state(repo):
    """What of this repository, besides its identity, shapes its answers.

    A narrow repository filters paths on top of what the client asks for.
    """
    if requirements.NARROW_REQUIREMENT not in repo.requirements:
        return {}
    include, exclude = repo.narrowpats
    return {b"include": sorted(include), b"exclude": sorted(exclude)}


def may_be_served(wireprotov2server, repo, proto, command, args):
    """Whether the user who asks would be given the response uncached.

    False stands for "run the command and see": it gives the very error, or
    the part that its own checks allow.
    """
    try:
        return _CHECKS[command](wireprotov2server, repo, proto, args)
    except (
        error.LookupError,
        error.RepoError,
        wireprotov2server.FileAccessError,
    ):
        return False


def _manifests_visible(_server, repo, _proto, args):
    storage = repo.manifestlog.getstorage(args[b"tree"])
    return _revisions_visible(repo, storage, args[b"nodes"])


def _file_visible(server, repo, proto, args):
    if b"linknode" in args[b"fields"]:
        # The changeset that brought a file revision here, which a strip, or
        # another server's order of revisions, makes another one.
        return False
    # Asked each time: extensions wrap it to add access control.
    storage = server.getfilestore(repo, proto, args[b"path"])
    return _revisions_visible(repo, storage, args[b"nodes"])


def _changesets_visible(server, repo, _proto, args):
    if _has_access_control(server):
        # Which paths it would be asked for is known only by running.
        return False
    rev = repo.changelog.rev
    for spec in args[b"revisions"]:
        for node in spec[b"nodes"]:
            # Raises for a changeset that this view filters, too.
            rev(node)
    return True


def _has_access_control(server):
    # Not asked of __module__, which extensions.wrapfunction copies.
    function_globals = getattr(server.getfilestore, "__globals__", None)
    return function_globals is not vars(server)


def _revisions_visible(repo, storage, nodes):
    """Whether ``storage`` has ``nodes``, all from changesets in view."""
    hidden = repo.changelog.filteredrevs
    rev, linkrev = storage.rev, storage.linkrev
    for node in nodes:
        if linkrev(rev(node)) in hidden:
            return False
    return True


_CHECKS = {
    b"manifestdata": _manifests_visible,
    b"filesdata": _changesets_visible,
    b"filedata": _file_visible,
}

#: The commands whose responses are cached.
COMMANDS = frozenset(_CHECKS)
