"""Pages of hgweb about changesets that are in bundles.

hgweb is given an overlay in place of the repository, for one request; all that it
does is its own. What the repository has itself it shows as ever, and by the links of
hgweb without a question to the database.

``/rev/NODE`` and the other pages take the newest bundle that holds NODE. Below
``/bundle/ID/`` is a whole hgweb of its own, of the repository and that bundle.
"""

import copy
import hashlib
import re
import time

from mercurial import encoding, error, extensions, scmutil, templatefilters, util
from mercurial.hgweb import common as hgwebcommon
from mercurial.hgweb import webutil
from mercurial.i18n import _
from mercurial.node import bin, hex, nullrev
from mercurial.utils import dateutil

from .. import compat, crossing, eventlog, trysettings
from ..pushes import repolog
from ..pushes.links import Links
from . import names, overlays, trystore

BUNDLE = b"bundle"

#: Says which push a page comes from, also where there is no place for it on the page.
PUSH_HEADER = b"HG-S3-Push"

#: Pages that show the same whatever they are asked for.
_WITHOUT_NODE = frozenset((b"static", b"help"))

#: Of the hashes in hgweb's own links, which shall not cost a question to the database:
#: a bookmark that is named like the beginning of a hash is looked for below that.
_LINK_DIGITS = 12

#: Where the keys of a page are, if they are not in the path.
_PARAMETERS = (b"node", b"rev", b"graphtop")

#: No database has a larger one.
_BUNDLE_ID = re.compile(rb"[0-9]{1,18}\Z")

_UNAVAILABLE = 503

#: An ETag is one number: a digest of what was found, and below it the time of the
#: last change to the repository, in seconds.
_SECONDS_RANGE = 10**12


def setup():
    """Called once."""
    single, _several = compat.hgweb_classes()
    extensions.wrapfunction(single, "_runwsgi", _runwsgi)


def _runwsgi(orig, app, req, res, repo):
    """Wraps ``hgweb._runwsgi``: the chunks of the answer to one request."""
    if not trystore.is_on(repo):
        return orig(app, req, res, repo)
    asked = _Asked(req)
    if asked.command not in compat.web_commands() or not asked.may_be_try(repo):
        return orig(app, req, res, repo)
    if not _may_read(app, req, res, repo) or not asked.is_try(repo):
        # It says so itself.
        return orig(app, req, res, repo)
    page = _Page(repo, asked)
    chunks = None
    try:
        page.find()
        if page.push is not None and not page.is_at_client(app.mtime):
            # hgweb allows no such thing with a 304.
            res.headers[PUSH_HEADER] = b"%d" % page.push.id
        chunks = orig(_App(app, page), page.req, res, page.view)
    finally:
        if chunks is None:
            page.give_back()
    return overlays.until_end([page], chunks)


def _may_read(app, req, res, repo):
    """Whether the server's own permission checks let the user see pages. Nobody else
    has a bundle fetched, or learns of one by the time that it takes."""
    # As hgweb does before it asks: a hook may want to know who it is.
    repo.ui.environ = req.rawenv
    try:
        app.check_perm(compat.hgweb_request_context()(app, repo, req, res), req, None)
    except (hgwebcommon.ErrorResponse, error.Error):
        return False
    return True


class _Asked:
    """What is asked for: the ``command`` of hgweb, the ``keys`` that name changesets,
    and the id of the ``bundle`` (int), None for the newest ones. ``root`` is the path of
    the URL of the repository."""

    def __init__(self, req):
        self.bundle = None
        self.root = req.apppath
        self.req = req
        self.command, self._rest = self._parse()
        self._is_key_in_path = bool(self._rest and self._rest[0])
        self.keys = self._keys()

    def _parse(self):
        """By path, or by query string as long ago."""
        req = self.req
        if b"cmd" in req.qsparams:
            return req.qsparams[b"cmd"], []
        if req.dispatchpath is None:
            path = req.querystring.partition(b"&")[0].partition(b";")[0]
        else:
            path = req.dispatchpath
        parts = path.split(b"/")
        if parts[0] == BUNDLE and len(parts) > 1 and _BUNDLE_ID.match(parts[1]):
            self.bundle = int(parts[1])
            self.req = _below(req, parts[:2], parts[2:])
            parts = parts[2:]
        command = parts[0].rpartition(b"-")[2] if parts else b""
        return command, parts[1:]

    def _keys(self):
        """Those of ``/rev/KEY``, ``/rev/BASE:KEY``, ``/log?rev=KEY``."""
        params = self.req.qsparams
        if self.command in _WITHOUT_NODE:
            return []
        if self._is_key_in_path:
            text = self._rest[0].replace(b"%2F", b"/")
            if self.command == b"archive":
                text = _without_extension(text)
        else:
            text = params.get(b"node") or params.get(b"rev") or b""
        keys = text.split(b":", 1)
        if self.command == b"graph":
            # Where the page began that is being scrolled.
            keys.append(params.get(b"graphtop") or b"")
        # hgweb finds nothing by the name of what has another colon.
        return [key for key in keys if key and b":" not in key]

    def may_be_try(self, repo):
        """Whether the repository alone does not say it all; without a question to the
        database."""
        if self.bundle is None:
            self.keys = [
                k for k in self.keys if not _has(repo, k) or _is_short(repo, k)
            ]
        return self.bundle is not None or bool(self.keys)

    def is_try(self, repo):
        """As ``may_be_try``, for who may know: a bookmark comes before the beginning of
        a hash."""
        if self.bundle is None:
            self.keys = [
                key
                for key in self.keys
                if not _has(repo, key) or names.bookmark(repo, key) is not None
            ]
        return self.bundle is not None or bool(self.keys)

    def by_nodes(self, nodes):
        """The request for the same page by hashes: ``nodes`` are hexadecimal, by the keys
        that they take the place of."""

        def changed(text):
            keys = text.split(b":", 1)
            return b":".join(nodes.get(k.replace(b"%2F", b"/"), k) for k in keys)

        params = copy.deepcopy(self.req.qsparams)
        for name in _PARAMETERS:
            if name in params:
                params[name] = changed(params[name])
        req = _changed(self.req, qsparams=params)
        if not self._is_key_in_path:
            return req
        style = (req.dispatchpath or b"").split(b"/")[0]
        name = self._rest[0]
        text = _without_extension(name) if self.command == b"archive" else name
        path = [style, changed(text) + name[len(text) :]] + self._rest[1:]
        return _changed(req, dispatchpath=b"/".join(path), dispatchparts=path)


def _has(repo, key):
    try:
        scmutil.revsymbol(repo, key)
    except (error.RepoLookupError, error.LookupError):
        return False
    return True


def _is_short(repo, key):
    """Whether ``key``, by which the repository has something, is the beginning of a
    hash that may be a bookmark, too."""
    if len(key) >= _LINK_DIGITS:
        return False
    node = scmutil.revsymbol(repo, key).node()
    # All digits f are the working directory, which has no hash.
    return node is not None and names.prefix_of(node, key) is not None


def _below(req, first, rest):
    """``req`` as if all were served from below the ``first`` parts of its path; so
    links on pages stay there."""
    return _changed(
        req,
        apppath=b"/".join([req.apppath.rstrip(b"/")] + first),
        dispatchpath=b"/".join(rest),
        dispatchparts=rest,
    )


def _changed(req, **values):
    # Frozen, so that nobody changes it for others.
    changed = copy.copy(req)
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed


def _without_extension(name):
    for _type, spec in webutil.archivespecs.items():
        if name.endswith(spec[2]):
            return name[: -len(spec[2])]
    return name


class _Page:
    """``view`` is what hgweb is to show, ``req`` what it is to be told was asked,
    ``push`` the Push that it comes from, ``refusal`` an ErrorResponse; ``mtime`` stands
    for the state that it shows, None for that of the repository alone."""

    def __init__(self, repo, asked):
        self._repo = repo
        self._asked = asked
        self._lease = self._ui = None
        self.view, self.req = repo, asked.req
        self.push = self.refusal = None
        # Never the same while it is not known what there is.
        self._state = time.time_ns()

    def find(self):
        """Never raises: hgweb has a page that says what is wrong."""
        try:
            with trystore.faults_abort(b"a page"):
                self._find()
        except error.Abort as err:
            # Anybody may read a page, and the reason may name hosts and paths.
            reason = crossing.to_str(err.message)
            eventlog.log(self._repo.ui, eventlog.ERROR, b"try", "-", reason=reason)
            text = _(b"changesets of try cannot be shown now, try again later")
            self.refusal = hgwebcommon.ErrorResponse(_UNAVAILABLE, text)
        except (error.Error, LookupError):
            text = _(b"what it is based on is not in the repository any more")
            self.refusal = hgwebcommon.ErrorResponse(hgwebcommon.HTTP_NOT_FOUND, text)
        except hgwebcommon.ErrorResponse as err:
            self.refusal = err

    def _find(self):
        index = trystore.of(self._repo).index
        nodes, bundles = self._bundles(index)
        is_shown = bool(bundles) and self._asked.command not in _WITHOUT_NODE
        push = index.push_of_bundle(bundles[-1].id) if is_shown else None
        # Bookmarks move, the same is pushed again, pushes are forgotten.
        ids = [each.id for each in bundles]
        state = (push and push.id, nodes, self.req.dispatchpath, ids)
        self._state = int(
            hashlib.sha256(crossing.to_bytes(repr(state))).hexdigest()[:16], 16
        )
        if not is_shown:
            return
        self._lease = overlays.take(self._repo, bundles)
        overlay = self._lease.repo
        # What is configured is what the repository says, whoever made the overlay.
        self._ui, overlay.ui = overlay.ui, self._repo.ui.__class__(self._repo.ui)
        self._require_bases(overlay.changelog)
        repolog.show_on_pages(overlay, self._repo)
        self.push, self.view = push, overlays.view(overlay, self._repo)
        if push is not None:
            self._label(overlay.ui)

    def _require_bases(self, changelog):
        """Raise LookupError when what the bundle is on top of is not shown by the
        repository, which may have hidden it since. On top of it there are drafts, and
        so an overlay would show it."""
        first = changelog.repotiprev + 1
        parents = {
            parent
            for rev in range(first, len(changelog))
            for parent in changelog.parentrevs(rev)
            if nullrev < parent < first
        }
        has_node = self._repo.changelog.hasnode
        if not all(has_node(changelog.node(parent)) for parent in parents):
            raise LookupError

    def _bundles(self, index):
        """Nodes (str) of what is asked for, and a list of Bundles; raises
        ErrorResponse."""
        asked = self._asked
        if asked.bundle is not None:
            found = index.bundles(asked.bundle - 1, 1)
            if not found or found[0].id != asked.bundle:
                text = _(b"bundle not found: %d") % asked.bundle
                raise hgwebcommon.ErrorResponse(hgwebcommon.HTTP_NOT_FOUND, text)
            return [], found
        nodes, bookmarks = [], {}
        for key in asked.keys:
            node, is_bookmark = self._node(key)
            if node is not None:
                nodes.append(node.hex())
                if is_bookmark:
                    bookmarks[key] = hex(node)
        found = index.bundles_of(nodes)
        if bookmarks:
            # hgweb does not know of them.
            self.req = asked.by_nodes(bookmarks)
        by_id = {bundle.id: bundle for bundle in found.values()}
        return nodes, [by_id[bundle_id] for bundle_id in sorted(by_id)]

    def _node(self, key):
        if names.is_whole(key):
            # Whether it is in a bundle, and not only a name, is asked for all at once.
            return bin(key), False
        try:
            return names.find_kind(self._repo, key)
        except error.AmbiguousPrefixLookupError:
            # hgweb finds none, either.
            return None, False

    def _label(self, ui):
        """Where styles have a place for a word of the day, at the end of a page."""
        when = dateutil.datestr((self.push.pushed, 0), b"%Y-%m-%d %H:%M UTC")
        user = encoding.tolocal(crossing.to_bytes(self.push.username)) or _(b"unknown")
        text = _(b"%s by %s, %s (bundle %d): it is kept apart from the repository") % (
            self._name_of_push(),
            templatefilters.escape(user),
            when,
            self.push.bundle.id,
        )
        trysettings.say_on_pages(ui, b'<p class="hg-s3-push">%s</p>' % text)

    def _name_of_push(self):
        """HTML; where there is a page about it, with a link."""
        name = _(b"push %d") % self.push.id
        if not repolog.is_on(self._repo):
            return name
        root = util.urlreq.quote(self._asked.root.rstrip(b"/"))
        style = self.req.qsparams.get(b"style", b"")
        url = Links(crossing.to_str(root), crossing.to_str(style)).push(self.push)
        return b'<a href="%s">%s</a>' % (
            templatefilters.escape(crossing.to_bytes(url)),
            name,
        )

    def mtime(self, mtime):
        """What stands for the state of the repository, and of what was pushed."""
        return self._state * _SECONDS_RANGE + int(mtime)

    def is_at_client(self, mtime):
        """Whether hgweb is going to say that nothing has changed."""
        return self.req.headers.get(b"If-None-Match") == b'W/"%d"' % self.mtime(mtime)

    def give_back(self):
        """As Lease.give_back."""
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.repo.ui = self._ui
            lease.give_back()


class _App:
    """hgweb, for the request for one page. It may be at others in other threads."""

    def __init__(self, app, page):
        self._app = app
        self._page = page

    def __getattr__(self, name):
        return getattr(self._app, name)

    @property
    def mtime(self):
        """An int, which hgweb makes an ETag of. A page that is not found may be
        there after the next push."""
        return self._page.mtime(self._app.mtime)

    def check_perm(self, rctx, req, op):
        """Raises ErrorResponse."""
        self._app.check_perm(rctx, req, op)
        if self._page.refusal is not None:
            raise self._page.refusal
