"""A push, from the first part of it to the reply.

What is pushed is looked at as a whole, on top of the repository and never in it; then
comes the object, then one transaction of the database, then the reply. A push that
its client has seen succeed is in both; one that failed has left no more than an
object that nothing refers to.
"""

import contextlib
import os
import struct
import tempfile
import threading

from mercurial import bundle2, encoding, error, hook
from mercurial.i18n import _
from mercurial.node import hex, short

from .. import crossing
from ..pushes import details, repolog
from ..shortaborts import short_aborts
from ..wireproto import requestscope
from . import (
    basetexts,
    bundlefile,
    completeness,
    overlay,
    recording,
    scratchbookmarks,
    trystore,
)
from .bundlefile import Damaged, Unfit
from .pushed import Pushed

#: What Mercurial raises of data that are not what they should be, beside its
#: own error.Error.
_DAMAGED = (LookupError, ValueError, TypeError, struct.error, AssertionError, EOFError)

_call = threading.local()


def unbundle(orig, repo, bundle, heads, source, url):
    """Wraps ``exchange.unbundle``: all pushes come this way."""
    if not trystore.is_on(repo):
        return orig(repo, bundle, heads, source, url)
    if not isinstance(bundle, bundle2.unbundle20):
        raise error.Abort(
            _(b"incompatible Mercurial client; bundle2 required to push to try"),
            hint=_(b"use Mercurial 3.5 or later"),
        )
    before = vars(_call).copy()
    _call.source, _call.url = source, url
    try:
        return orig(repo, bundle, heads, source, url)
    finally:
        vars(_call).clear()
        vars(_call).update(before)


def processparts(orig, repo, op, unbundler):
    """Wraps ``bundle2.processparts``."""
    if op.source != b"push" or not trystore.is_on(repo):
        return orig(repo, op, unbundler)
    with short_aborts(), trystore.faults_abort(_(b"cannot store the push")):
        try:
            with tempfile.TemporaryDirectory(prefix="hg-s3-try-") as folder:
                _Push(repo, op, folder).run(unbundler)
        except OSError as err:
            raise error.Abort(
                _(b"cannot store the push: %s") % encoding.strtolocal(str(err)),
                hint=_(b"the server needs room for temporary files"),
            )


class _Push:
    def __init__(self, repo, op, folder):
        self._repo = repo
        self._op = op
        self._try = trystore.of(repo)
        self._folder = folder
        self._pushed = Pushed(
            os.path.join(folder, "pushed"), self._try.settings.bundle_bytes
        )

    def run(self, unbundler):
        """Take it all in, then decide."""
        with bundle2.partiterator(self._repo, self._op, unbundler) as parts:
            for part in parts:
                with _unfit_aborts(), _malformed_is_unfit():
                    self._pushed.take(self._op, part)
        with self._output():
            self._finish()

    @contextlib.contextmanager
    def _output(self):
        """Within: what is said to the user goes out as a part. Over HTTP, all else
        would be lost."""
        op = self._op
        if not op.captureoutput or op.reply is None:
            yield
            return
        op.ui.pushbuffer(error=True, subproc=True)
        try:
            yield
        finally:
            said = op.ui.popbuffer()
            if said:
                op.reply.newpart(b"output", data=said, mandatory=False)

    def _finish(self):
        pushed = self._pushed
        if pushed.changegroup is not None:
            with _unfit_aborts():
                new = self._looked_at()
            self._store(new)
            self._reply(b"reply:changegroup", pushed.changegroup)
        else:
            recording.record_bookmarks(self._try, self._moves(None))
        for part_id in pushed.pushkeys:
            self._reply(b"reply:pushkey", part_id)
        if pushed.has_markers:
            self._op.ui.status(_(b"obsolescence markers are not kept by try\n"))

    def _moves(self, new):
        nodes = frozenset() if new is None else new.nodes()
        return scratchbookmarks.moves(self._repo, self._try, self._pushed, nodes)

    def _reply(self, kind, part_id):
        if self._op.reply is not None:
            part = self._op.reply.newpart(kind)
            part.addparam(b"in-reply-to", b"%d" % part_id, mandatory=False)
            part.addparam(b"return", b"1", mandatory=False)

    def _store(self, new):
        """The changegroup, and the bookmarks with it."""
        moves = self._moves(new)
        if new is None:
            self._op.ui.status(_(b"the repository has these changesets already\n"))
            recording.record_bookmarks(self._try, moves)
            return
        push_id = recording.record(self._try, new, moves, requestscope.user())
        self._try.bundles.add(new.sha256_hex, new.size_bytes, new.path)
        self._tell(new, push_id)

    def _looked_at(self):
        """The recording.New that the file with the changegroup has become; None
        when there is nothing in it that the repository lacks.

        Raises Unfit and error.Abort.
        """
        with self._on_top(self._pushed.path) as top:
            with _damage_is_unfit():
                basetexts.remember(top)
                new = self._converted(top, self._pushed.path)
                is_whole = completeness.check(top, new.content)
            if not self._select(new):
                return None
            self._require_bases(completeness.bases(top, new.content))
            if is_whole:
                self._run_hooks(top, new)
                self._describe(top, new)
                return new
            whole = os.path.join(self._folder, "whole")
            with _damage_is_unfit():
                completeness.write_whole(top, new.content, whole)
        with self._on_top(whole) as top:
            with _damage_is_unfit():
                new = self._converted(top, whole)
                completeness.check(top, new.content)
            self._run_hooks(top, new)
            self._describe(top, new)
            return new

    def _describe(self, top, new):
        """Take what the log of pushes is to keep, as long as there is an overlay."""
        if repolog.is_on(self._repo):
            # Refuses settings that are wrong.
            repolog.of(self._repo)
            rev_of = top.unfiltered().changelog.rev
            revs = sorted(rev_of(node) for node in new.nodes())
            new.log = details.of_revisions(top, revs)

    @contextlib.contextmanager
    def _on_top(self, path):
        """Within: an overlay of the bundle file at ``path`` (str)."""
        with _damage_is_unfit():
            top = overlay.make(self._repo, os.fsencode(path))
        try:
            yield top
        finally:
            overlay.close(top)

    def _converted(self, top, source_path):
        path = os.path.join(self._folder, "bundle")
        unpacker = bundlefile.unpacker_of(self._repo.ui, source_path)
        with open(path, "wb") as stream:
            converter = bundlefile.Converter(
                top, unpacker, stream, self._try.settings.changesets
            )
            content = converter.convert()
        return recording.New(
            path, converter.size_bytes, converter.sha256_hex, content, self._pushed
        )

    def _select(self, new):
        """Whether there is something to keep. Raises Unfit for what must not be."""
        if not new.content.changesets:
            # The client would take all that it has for public.
            raise Unfit(b"it has no changesets")
        has_node = self._repo.changelog.hasnode
        if all(has_node(node) for node, _p1, _p2, _m in new.content.changesets):
            return False
        null = self._repo.nullid
        if any(p1 == p2 == null for _n, p1, p2, _m in new.content.changesets):
            raise Unfit(
                b"it begins with a root, so it is of another repository, or this one "
                b"is empty"
            )
        public = new.public()
        if len(public) == len(new.content.changesets):
            raise error.Abort(
                _(b"all %d changesets of the push are public") % len(public),
                hint=_(b"they belong into the repository that try is a copy of"),
            )
        if public:
            self._op.ui.warn(
                _(b"warning: %d of the changesets are public here\n") % len(public)
            )
        return True

    def _require_bases(self, bases):
        """Raise Unfit for what is on top of what only an overlay would show."""
        has_node = self._repo.changelog.hasnode
        for node in bases:
            if not has_node(node):
                raise Unfit(
                    _(b"it is based on %s, which the repository does not show")
                    % hex(node)
                )

    def _run_hooks(self, top, new):
        """Those of the site that may refuse, as for a push into the repository."""
        changesets = new.content.changesets
        args = dict(self._op.hookargs or {})
        # With this ui, so that what they say is heard by who pushes.
        hook.hook(
            self._op.ui,
            top,
            b"pretxnchangegroup",
            throw=True,
            node=hex(changesets[0][0]),
            node_last=hex(changesets[-1][0]),
            source=getattr(_call, "source", b"push"),
            url=getattr(_call, "url", b""),
            bundle2=b"1",
            bundle=os.fsencode(new.path),
            **{crossing.to_str(name): value for name, value in args.items()},
        )

    def _tell(self, new, push_id):
        ui = self._op.ui
        count = len(new.content.changesets)
        ui.status(
            (_(b"stored %d changesets as push %d\n") if count != 1 else _ONE)
            % (count, push_id)
        )
        public_url = self._try.service.settings.short_urls.public_url
        if public_url:
            tip = new.content.changesets[-1][0]
            ui.status(b"%s/rev/%s\n" % (crossing.to_bytes(public_url), short(tip)))


_ONE = _(b"stored %d changeset as push %d\n")


@contextlib.contextmanager
def _unfit_aborts():
    try:
        yield
    except Unfit as err:
        raise error.Abort(
            _(b"try cannot keep the push: %s") % err.args[0], hint=err.hint
        )


@contextlib.contextmanager
def _malformed_is_unfit():
    """Within: parts that are not what their type says."""
    try:
        yield
    except error.BundleValueError:
        raise
    except _DAMAGED as err:
        raise Unfit(
            _(b"it is malformed (%s)")
            % encoding.strtolocal("%s: %s" % (type(err).__name__, err))
        )


@contextlib.contextmanager
def _damage_is_unfit():
    """Within: what Mercurial finds wrong with the data of a push."""
    try:
        yield
    except (error.Error,) + _DAMAGED as err:
        raise Damaged(
            _(b"it is damaged, or not based on this repository (%s)")
            % encoding.strtolocal("%s: %s" % (type(err).__name__, err))
        )
