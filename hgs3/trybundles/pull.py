"""Give back what was pushed: the answer to ``getbundle`` for changesets of bundles.

An answer is put together of what the repository has, by the steps that Mercurial has
for it (and those that others have put round them), and of the bundles. A bundle
of which all heads are wanted goes out as it is, or as a URL; of another one the part
that is wanted is computed on an overlay.
"""

import functools
import time
import typing

from mercurial import bundle2, error, exchange, phases, util
from mercurial.i18n import _
from mercurial.node import hex, nullid

from .. import crossing, eventlog
from .. import service as servicemod
from ..cache import key as cachekey
from ..database.records import Bundle
from ..objectstore.base import CHUNK_BYTES, StoreUnavailable
from ..shortaborts import short_aborts
from ..wireproto import remotepart, repoproxy, s3get
from . import bundlefile, names, overlays, trystore

#: In the log.
COMMAND = b"try"

#: Of short URLs; their name is the digest of the bundle.
KIND = "t"

#: Run by us, once for all parts of an answer.
_HOOKS = frozenset((b"preoutgoing", b"outgoing"))

#: For who pulls from afar, and by a path.
_SOURCES = (b"serve", b"pull", b"incoming")


def setup():
    """Called once."""
    s3get.register(KIND, s3get.Kind(COMMAND, _key, _service))


def _key(prefix, repo_digest, name):
    return cachekey.try_key(prefix, repo_digest, name.hex())


def _service(repo):
    """Anybody can make a token that says it is of our kind."""
    if trystore.is_on(repo):
        try:
            return trystore.of(repo).service
        except error.Abort as err:
            servicemod.report_once(repo.ui, crossing.to_str(err.message))
    return servicemod.OFF


def getbundlechunks(
    orig, repo, source, heads=None, common=None, bundlecaps=None, **kwargs
):
    """Wraps ``exchange.getbundlechunks``."""

    def run_orig(repo):
        return orig(
            repo, source, heads=heads, common=common, bundlecaps=bundlecaps, **kwargs
        )

    if source not in _SOURCES or not heads or not trystore.is_on(repo):
        return run_orig(repo)
    wanted = unknown(repo, heads)
    if not wanted:
        return run_orig(repo)
    request = _Request(source, heads, common or [], bundlecaps, kwargs)
    what = _(b"cannot serve changesets of try")
    with short_aborts(), trystore.faults_abort(what):
        pieces = _pieces(repo, wanted)
        if pieces is None:
            # The server says itself what it thinks of them.
            return run_orig(repo)
        return _Answer(repo, request, pieces).chunks(run_orig)


def unknown(repo, nodes):
    """Those of ``nodes`` that are not in ``repo``, the served view, in order."""
    has_node = repo.changelog.hasnode
    return [node for node in nodes if not has_node(node)]


class _Request(typing.NamedTuple):
    """What a client asks for."""

    source: bytes
    heads: list
    common: list
    bundlecaps: typing.Optional[set]
    kwargs: dict

    @property
    def asks_for_changesets(self):
        return self.kwargs.get("cg", True)

    @property
    def asks_for_phases(self):
        return bool(self.kwargs.get("phases"))

    def capabilities(self):
        """Those of bundle2 that the client has said; a dictionary."""
        found = {}
        for cap in self.bundlecaps or ():
            if cap.startswith(b"bundle2="):
                blob = util.urlreq.unquote(cap[len(b"bundle2=") :])
                found.update(bundle2.decodecaps(blob))
        return found


class _Piece:
    """A Bundle, its changesets, and those that are ``wanted`` (nodes)."""

    def __init__(self, bundle: Bundle, changesets, wanted):
        self.bundle = bundle
        self.wanted = wanted
        self.nodes = [bytes.fromhex(each.node) for each in changesets]
        self.heads = {bytes.fromhex(each.node) for each in changesets if each.is_head}
        self._parents = [
            (bytes.fromhex(each.p1), bytes.fromhex(each.p2)) for each in changesets
        ]

    @property
    def roots(self):
        """What has no parent in the bundle; also what was public at its client is
        draft here."""
        own = set(self.nodes)
        return [
            node
            for node, parents in zip(self.nodes, self._parents)
            if own.isdisjoint(parents)
        ]

    def needed(self, has_node):
        """``(bases, nodes)``: what of the repository is below the wanted changesets,
        and they with what is below them in the bundle. ``has_node(node)`` says whether
        the repository has one, which it may have got since."""
        needed, bases = set(self.wanted), set()
        # Parents come before their children.
        for node, parents in zip(reversed(self.nodes), reversed(self._parents)):
            if node not in needed:
                continue
            if has_node(node):
                bases.add(node)
                needed.discard(node)
            else:
                needed.update(parents)
        needed.discard(nullid)
        own = needed.intersection(self.nodes)
        return bases | (needed - own), own


def _pieces(repo, wanted):
    """A list of _Piece; None when one of ``wanted`` is in no bundle."""
    index = trystore.of(repo).index
    found = index.bundles_of([node.hex() for node in wanted])
    by_bundle = {}
    for node in wanted:
        bundle = found.get(node.hex())
        if bundle is None:
            return None
        by_bundle.setdefault(bundle.id, (bundle, []))[1].append(node)
    return [
        _Piece(bundle, index.changesets_of(bundle.id), nodes)
        for _id, (bundle, nodes) in sorted(by_bundle.items())
    ]


def _require(repo, bases):
    """Raise for what was hidden or stripped since something was pushed on top."""
    gone = unknown(repo, sorted(bases))
    if gone:
        raise error.Abort(
            _(b"cannot serve changesets of try: %s, which they are based on, is gone")
            % hex(gone[0]),
            hint=_(b"push them again, on top of what is there"),
        )


class _Answer:
    """What a client gets of a repository and of ``pieces`` of bundles."""

    def __init__(self, repo, request, pieces):
        self._repo = repo
        self._request = request
        self._pieces = pieces
        self._try = trystore.of(repo)
        has_node = repo.changelog.hasnode
        own = [head for head in request.heads if has_node(head)]
        bases = set()
        for piece in pieces:
            bases |= piece.needed(has_node)[0]
        _require(repo, bases)
        #: Of the repository, what the bundles need and what the client wants.
        self._base_heads = own + sorted(bases.difference(own))
        self._leases = []
        self._started = time.perf_counter()

    def chunks(self, run_orig):
        """As ``exchange.getbundlechunks``: a dictionary, and the chunks.

        ``run_orig(repo)`` is Mercurial's own answer.
        """
        try:
            if self._is_made_of_parts():
                info, chunks = self._in_parts()
            else:
                info, chunks = run_orig(self._overlay(self._pieces))
        except BaseException:
            for lease in self._leases:
                lease.give_back()
            raise
        return info, overlays.until_end(self._leases, chunks)

    def _overlay(self, pieces):
        lease = overlays.take(self._repo, [piece.bundle for piece in pieces])
        self._leases.append(lease)
        self._log("inline", pieces)
        return overlays.view(lease.repo, self._repo)

    def _is_made_of_parts(self):
        """Whether the client can read an answer of several parts. Who asks for no
        phases (``hg incoming``) reads one changegroup, and no other part."""
        request = self._request
        if not exchange.bundle2requested(request.bundlecaps):
            return False
        if not remotepart.is_plain(request.bundlecaps, request.kwargs):
            return False
        if request.asks_for_phases or not request.asks_for_changesets:
            return True
        return (
            len(self._pieces) == 1
            and self._can_go_out_whole(self._pieces[0], request.capabilities())
            # Then nothing of the repository is sent.
            and set(self._base_heads) <= set(request.common)
        )

    def _can_go_out_whole(self, piece, b2caps):
        has_node = self._repo.changelog.hasnode
        return (
            piece.heads.issubset(piece.wanted)
            and not any(has_node(node) for node in piece.nodes)
            and bundlefile.VERSION in b2caps.get(b"changegroup", ())
        )

    def _in_parts(self):
        request = self._request
        b2caps = request.capabilities()
        bundler = bundle2.bundle20(self._repo.ui, b2caps)

        def run(name, repo, heads, common, **changed):
            # As Mercurial calls them: others that wrap them count on it.
            exchange.getbundle2partsmapping[name](
                bundler,
                repo,
                request.source,
                bundlecaps=request.bundlecaps,
                b2caps=b2caps,
                heads=heads,
                common=common,
                **dict(request.kwargs, **changed),
            )

        repo = _WithRoots(
            self._repo, [r for piece in self._pieces for r in piece.roots]
        )
        for name in exchange.getbundle2partsorder:
            if name != b"changegroup":
                run(name, repo, self._base_heads, request.common)
            elif request.asks_for_changesets:
                self._add_changegroups(bundler, functools.partial(run, name), b2caps)
        if request.asks_for_phases:
            self._add_phases(bundler)
        info = {"bundleversion": 2, "prefercompressed": bundler.prefercompressed}
        return {crossing.to_bytes(n): value for n, value in info.items()}, (
            bundler.getchunks()
        )

    def _add_changegroups(self, bundler, run, b2caps):
        repo, request = self._repo, self._request
        repo.hook(b"preoutgoing", throw=True, source=request.source)
        run(repoproxy.WithoutHooks(repo, _HOOKS), self._base_heads, request.common)
        for piece in self._pieces:
            if not self._can_go_out_whole(piece, b2caps):
                part = repoproxy.WithoutHooks(self._overlay([piece]), _HOOKS)
                # Without phases, no answer of the cache: it is of one bundle only.
                run(part, piece.wanted, request.common + self._base_heads, phases=False)
            elif not self._add_redirect(bundler, b2caps, piece):
                self._add_whole(bundler, piece)
        first = self._pieces[0].nodes[0]
        repo.hook(b"outgoing", node=hex(first), source=request.source)

    def _add_redirect(self, bundler, b2caps, piece):
        """Whether the client is sent to the object of the bundle."""
        bundle, request = piece.bundle, self._request
        if bundle.object_bytes < self._try.settings.redirect_bytes:
            return False
        if not remotepart.is_readable(
            request.bundlecaps, b2caps, request.kwargs, bundlefile.DIGEST_TYPES
        ):
            return False
        url = self._url(bundle, b2caps)
        if url is None:
            return False
        digests = {"sha1": bundle.sha1, "sha512": bundle.sha512}
        remotepart.add(bundler, url, bundle.object_bytes, digests)
        self._log("redirect", [piece])
        return True

    def _url(self, bundle, b2caps):
        """A short URL (bytes) of the object, if it is there; or None."""
        service, repo = self._try.service, self._repo
        base_url = s3get.base_url(service, repo)
        if base_url is None or not remotepart.allows(b2caps, base_url):
            return None
        if not s3get.can_be_asked() or not self._is_there(bundle):
            return None
        name = bytes.fromhex(bundle.sha256)
        return s3get.url_for(service, repo, base_url, KIND, name)

    def _is_there(self, bundle):
        """A client has no way back from a redirect that fails."""
        service, key = self._try.service, self._try.key(bundle.sha256)
        try:
            found = service.existence.look([key], service.settings.exists_ttl_seconds)
        except StoreUnavailable as err:
            # There may be a copy here.
            eventlog.log(self._repo.ui, eventlog.ERROR, COMMAND, key, reason=err.reason)
            return False
        return found[key] is not None and found[key].size_bytes == bundle.object_bytes

    def _add_whole(self, bundler, piece):
        stream = self._try.with_file(piece.bundle, lambda path: open(path, "rb"))
        part = bundler.newpart(b"changegroup", data=_changegroup(stream))
        part.addparam(b"version", bundlefile.VERSION)
        part.addparam(b"nbchanges", b"%d" % len(piece.nodes), mandatory=False)
        self._log("inline", [piece])

    def _add_phases(self, bundler):
        """All of a bundle is draft, whatever its client has called it. After all
        changegroups, and after what the repository says of its own."""
        by_phase = {phase: [] for phase in phases.allphases}
        by_phase[phases.draft] = sorted(
            node for piece in self._pieces for node in piece.wanted
        )
        bundler.newpart(b"phase-heads", data=phases.binaryencode(by_phase))

    def _log(self, via, pieces):
        for piece in pieces:
            eventlog.log(
                self._repo.ui,
                eventlog.HIT,
                COMMAND,
                self._try.key(piece.bundle.sha256),
                piece.bundle.object_bytes,
                time.perf_counter() - self._started,
                via,
            )


class _WithRoots(repoproxy.RepoProxy):
    """The phases of who asks for ``roots`` by ``listkeys``, as clients before 4.4."""

    def __init__(self, repo, roots):
        super().__init__(repo)
        self._roots = roots

    def listkeys(self, namespace):
        keys = self._repo.listkeys(namespace)
        if namespace == b"phases":
            keys = names.phases(self._repo, keys, self._roots)
        return keys


def _changegroup(stream):
    """The changegroup in the bundle file that is open as ``stream``."""
    with stream:
        stream.seek(len(bundlefile.FILE_MAGIC))
        for data in iter(lambda: stream.read(CHUNK_BYTES), b""):
            yield data
