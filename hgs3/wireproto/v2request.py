"""What a cached response depends on, and whether it may be given at all.

When a response comes out of the cache its command does not run, so nothing
that the command looks at is looked at. What decides about the content goes
into the key; what decides about the permission is checked here, now.

There is a class for each command that can be cached. All may raise anything
for arguments that are wrong in some way: the command then runs as if there
were no cache, and says itself what is wrong.
"""

import abc
import hashlib

from mercurial import error, requirements

from .. import generation


class Request(abc.ABC):
    """One request: ``args`` as the command gets them, ``repo`` the served view.

    ``server`` is the module wireprotov2server.
    """

    #: Whether the command, run again, says the same to the last byte.
    is_repeatable = True

    def __init__(self, server, repo, proto, args):
        self._server = server
        self._repo = repo
        self._proto = proto
        self._args = args

    def state(self):
        """All that decides about the content, as a dict that CBOR can hold."""
        return {
            b"args": self._meaning(),
            b"local": _local_state(self._repo),
            b"generation": generation.read(self._repo),
        }

    def may_be_served(self):
        """Whether the user who asks would be given the response uncached.

        False stands for "run the command and see": it gives the very error, or
        the part that its own checks allow.
        """
        try:
            return self._is_visible()
        except (
            error.LookupError,
            error.RepoError,
            self._server.FileAccessError,
        ):
            return False

    def before_hit(self):
        """Do what the command does besides answering; may refuse by raising."""
        return None

    def is_still_true(self):
        """Whether what the command has just said is what :meth:`state` said."""
        return True

    @abc.abstractmethod
    def _meaning(self):
        """The arguments in a form that is the same for the same meaning."""

    @abc.abstractmethod
    def _is_visible(self):
        """As :meth:`may_be_served`; an error of the look-up is a no, too."""


class ManifestData(Request):
    def _meaning(self):
        return _with_digest(self._repo, self._args, b"nodes")

    def _is_visible(self):
        storage = self._repo.manifestlog.getstorage(self._args[b"tree"])
        return _revisions_visible(self._repo, storage, self._args[b"nodes"])


class FileData(Request):
    def _meaning(self):
        return _with_digest(self._repo, self._args, b"nodes")

    def _is_visible(self):
        if b"linknode" in self._args[b"fields"]:
            # The changeset that brought a file revision here, which a strip, or
            # another server's order of revisions, makes another one.
            return False
        # Asked each time: extensions wrap it to add access control.
        storage = self._server.getfilestore(
            self._repo, self._proto, self._args[b"path"]
        )
        return _revisions_visible(self._repo, storage, self._args[b"nodes"])


class _ChangesetsRequest(Request):
    """About changesets; ``revisions`` may describe them by ranges, whose meaning
    changes with the repository. As nodes, what means the same is the same."""

    def __init__(self, server, repo, proto, args):
        super().__init__(server, repo, proto, args)
        self._nodes = _resolve(server, repo, args[b"revisions"])

    def _meaning(self):
        args = dict(self._args)
        del args[b"revisions"]
        args[b"nodes"] = self._nodes
        return _with_digest(self._repo, args, b"nodes")

    def _is_visible(self):
        # Plain look-ups in the index: a clone names tens of thousands.
        revs = map(self._repo.unfiltered().changelog.index.get_rev, self._nodes)
        hidden = self._repo.changelog.filteredrevs
        if not hidden:
            return None not in revs
        return all(rev is not None and rev not in hidden for rev in revs)


class FilesData(_ChangesetsRequest):
    def _is_visible(self):
        if _has_access_control(self._server):
            # Which paths it would be asked for is known only by running.
            return False
        return super()._is_visible()


class ChangesetData(_ChangesetsRequest):
    def state(self):
        state = super().state()
        fields = self._args[b"fields"]
        if b"phase" in fields:
            state[b"phases"] = self._phases()
        if b"bookmarks" in fields:
            state[b"bookmarks"] = sorted(map(list, self._repo._bookmarks.items()))
        return state

    def before_hit(self):
        if self._nodes:
            self._repo.hook(b"preoutgoing", throw=True, source=b"serve")

    def _phases(self):
        repo = self._repo
        if repo.publishing():
            return b"public"
        phase = repo._phasecache.phase
        rev = repo.changelog.rev
        return hashlib.sha256(
            bytes(phase(repo, rev(node)) for node in self._nodes)
        ).digest()


def _resolve(server, repo, revisions):
    """The nodes of ``revisions``; raises what the command raises."""
    if len(revisions) == 1:
        spec = revisions[0]
        if (
            spec.get(b"type") == b"changesetdagrange"
            and spec.get(b"roots") == []
            and set(spec[b"heads"]) == set(repo.heads())
        ):
            # A clone. No walk is needed to find that it wants all there is.
            changelog = repo.changelog
            return [changelog.node(rev) for rev in changelog.revs()]
    return server.resolvenodes(repo, revisions)


def _with_digest(repo, args, name):
    """``args`` with one long list of nodes as a digest.

    It goes into a key, and the CBOR of tens of thousands of nodes takes longer
    than all else that a hit costs.
    """
    nodes = args[name]
    if not set(map(len, nodes)) <= {repo.nodeconstants.nodelen}:
        raise ValueError("not a list of nodes")
    args = dict(args)
    args[name] = [len(nodes), hashlib.sha256(b"".join(nodes)).digest()]
    return args


def _local_state(repo):
    """What of this repository, besides its identity, shapes its answers.

    A narrow repository filters paths on top of what the client asks for.
    """
    if requirements.NARROW_REQUIREMENT not in repo.requirements:
        return {}
    include, exclude = repo.narrowpats
    return {b"include": sorted(include), b"exclude": sorted(exclude)}


def _has_access_control(server):
    # Not asked of __module__, which extensions.wrapfunction copies.
    function_globals = getattr(server.getfilestore, "__globals__", None)
    return function_globals is not vars(server)


def _revisions_visible(repo, storage, nodes):
    """Whether ``storage`` has ``nodes``, all from changesets in view."""
    hidden = repo.changelog.filteredrevs
    index = getattr(storage, "index", None)
    if index is not None and not hidden:
        # The common case, for tens of thousands of manifests at a time.
        return None not in map(index.get_rev, nodes)
    rev, linkrev = storage.rev, storage.linkrev
    for node in nodes:
        if linkrev(rev(node)) in hidden:
            return False
    return True
