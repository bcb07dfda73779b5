"""The web commands that answer out of the log of pushes.

They come before hgweb opens the repository, or looks whether it has changed: the
database alone says it all. What hgweb has of the repository, and need not ask the
disk for, is its configuration.
"""

import contextlib
import hashlib
import typing

from mercurial import encoding, error, util
from mercurial.hgweb import common as hgwebcommon
from mercurial.utils import stringutil

import hgs3

from .. import compat, crossing, pushlogsettings
from .. import service as servicemod
from ..database.errors import DatabaseError, UnknownChangeset
from ..wireproto import requestscope, websetup
from . import atomfeed, frames, htmlpage, jsonfeed, parameters, repolog
from .links import Links

_UNAVAILABLE = 503

#: So many seconds later it is worth while to ask again.
_RETRY_AFTER = b"10"

_AWAY = "the log of pushes cannot be read now"


class _Kind(typing.NamedTuple):
    """``answer(request)`` gives the body, bytes; ``fail(request, message)`` that of an
    answer that says what is wrong. A type of content is None where hgweb's style says
    it."""

    answer: typing.Callable
    answer_type: typing.Optional[bytes]
    fail: typing.Callable
    fail_type: typing.Optional[bytes]
    is_form: bool = False


def setup():
    """Called once."""
    compat.mend_query_strings()
    websetup.answer_first(_answer)


def _answer(app, req, res):
    """The chunks of an answer; None for what is not asked of us."""
    command, rest = _command(req)
    if command not in _KINDS:
        return None
    repo = compat.hgweb_repository(app)
    if not repolog.is_on(repo):
        return None
    request = _Request(app, req, res, repo, _KINDS[command], rest)
    request.run()
    return res.sendresponse()


def _command(req):
    """The name, and what follows it in the path. Below ``/bundle/ID/`` pages have
    links to us, too."""
    parts = req.dispatchparts or []
    if len(parts) > 2 and parts[0] == b"bundle" and parts[1].isdigit():
        parts = parts[2:]
    return (parts[0], parts[1:]) if parts else (b"", [])


class _View:
    """The repository for one request: with a ``ui`` of its own, which knows who asks.
    That of ``repo`` is used for others at the same time."""

    def __init__(self, repo, req):
        self._repo = repo
        # Not ui.copy(): that of a repository leaves its own configuration out.
        self.ui = repo.ui.__class__(repo.ui)
        # As hgweb does: a permission hook may want to know.
        self.ui.environ = req.rawenv

    def __getattr__(self, name):
        return getattr(self._repo, name)


class _Request:
    """One request, with all that it takes to answer it."""

    def __init__(self, app, req, res, repo, kind, rest):
        self.app = app
        self.req = req
        self.res = res
        self.repo = repo
        self.kind = kind
        self.rest = rest
        self.rctx = compat.hgweb_request_context()(app, repo, req, res)
        self.rctx.repo = _View(self.rctx.repo, req)
        self.asked = self.log = self.digest = self.state = self.links = None
        self.may_ask = False
        self._templates = None

    def run(self):
        """Make the response; never raises for what is wrong with a request, with the
        database or with a setting."""
        # For all threads, as hgweb does.
        encoding.encoding = pushlogsettings.pages_encoding(self.rctx.repo.ui)
        if self.rctx.csp:
            self.res.headers[b"Content-Security-Policy"] = self.rctx.csp
        self.res.headers[b"Cache-Control"] = b"no-cache"
        if self.kind.answer_type is not None:
            # What somebody has written is in it, and must not pass for a page.
            self.res.headers[b"X-Content-Type-Options"] = b"nosniff"
        with self._faults_answered():
            self._run()

    def _run(self):
        if self.req.method not in (b"GET", b"HEAD"):
            raise hgwebcommon.ErrorResponse(
                hgwebcommon.HTTP_METHOD_NOT_ALLOWED, headers=[(b"Allow", b"GET, HEAD")]
            )
        # Whoever may not read learns nothing.
        self.app.check_perm(self.rctx, self.req, None)
        self.may_ask = True
        self.asked = parameters.read(self.req.qsparams, self.kind.is_form)
        repo_log = repolog.of(self.repo)
        self.digest = repo_log.digest
        self.links = Links(base_url(repo_log.settings, self.req))
        self.log = repo_log.log
        self.state = self.log.state()
        tag = self._tag()
        if tag is not None:
            self.res.headers[b"ETag"] = tag
            if _has_tag(self.req, tag):
                self._not_modified()
                return
        self._send(b"200 OK", self.kind.answer(self), self.kind.answer_type)

    def _tag(self):
        """While it is the same, so is the answer; None where nothing says so."""
        # A nonce is for one answer.
        if not self.asked.is_lasting or self.rctx.nonce:
            return None
        what = (hgs3.__version__, util.version(), self.state, self.links.base)
        # Another style is in the URL. To load one takes longer than to ask the database.
        style = pushlogsettings.pages_style(self.rctx.repo.ui)
        what += (self.req.url, encoding.encoding, style, self.rctx.templatepath)
        digest = hashlib.sha256(crossing.to_bytes(repr(what))).hexdigest()
        return b'W/"%s"' % crossing.to_bytes(digest[:32])

    def _not_modified(self):
        self.res.status = b"304 Not Modified"
        # hgweb allows no such thing with it.
        for name in list(self.res.headers.keys()):
            if name.lower() in (b"content-type", b"x-content-type-options"):
                del self.res.headers[name]
        self.res.setbodybytes(b"")

    def _send(self, status, body, content_type):
        self.res.status = status
        self.res.headers[b"Content-Type"] = content_type or self._page_type()
        is_head = self.req.method == b"HEAD"
        # hg <= 6.0 insists on a body, as empty as it may be.
        self.res.setbodybytes(b"" if is_head else body)
        self.res.headers[b"Content-Length"] = b"%d" % len(body)

    def name(self):
        """What hgweb calls the repository; str."""
        # Known once there are templates.
        self.templates()
        return crossing.to_str(self.rctx.reponame)

    def templates(self):
        """hgweb's own, in the style that is asked for if it is fit for a page."""
        if self._templates is None:
            self._templates = frames.templates(self.rctx, self.req)
        return self._templates

    def style(self):
        """The name of the style that is asked for, if it is another one than usual;
        str."""
        templates = self.templates()
        asked = self.req.qsparams.get(b"style", b"")
        usual = asked != templates.defaults.get(b"style")
        return "" if usual else crossing.to_str(asked)

    def _page_type(self):
        return self.templates().render(b"mimetype", {b"encoding": encoding.encoding})

    @contextlib.contextmanager
    def _faults_answered(self):
        try:
            yield
        except parameters.BadParameter as err:
            self._fail(hgwebcommon.HTTP_BAD_REQUEST, str(err))
        except UnknownChangeset as err:
            self._fail(
                hgwebcommon.HTTP_NOT_FOUND, "unknown changeset: %s" % err.node[:60]
            )
        except DatabaseError as err:
            self._unavailable("pushlog: cannot read the log of pushes: %s" % err)
        except error.Abort as err:
            self._unavailable("pushlog: %s" % crossing.to_str(err.message))
        except hgwebcommon.ErrorResponse as err:
            for name, value in err.headers:
                self.res.headers[name] = value
            self._fail(err.code, crossing.to_str(stringutil.forcebytestr(err)))

    def _unavailable(self, line):
        # Visitors need not know what database there is, and where.
        servicemod.report_once(self.repo.ui, line)
        self.res.headers[b"Retry-After"] = _RETRY_AFTER
        self._fail(_UNAVAILABLE, _AWAY)

    def _fail(self, code, message):
        del self.res.headers[b"ETag"]
        # The message may be what somebody has typed, and the status is one line.
        status = hgwebcommon.statusmessage(code, None)
        try:
            self._send(status, self.kind.fail(self, message), self.kind.fail_type)
        except error.Abort:
            # There is no such encoding, for instance.
            self._send(status, _text_failure(self, message), _TEXT)


def _has_tag(req, tag):
    """Whether the client has what ``tag`` stands for: RFC 9110, a weak comparison."""
    given = req.headers.get(b"If-None-Match", b"").split(b",")
    return _opaque(tag) in map(_opaque, given)


def _opaque(tag):
    tag = tag.strip()
    return tag[2:] if tag.startswith(b"W/") else tag


def base_url(settings, req):
    """The URL of the repository without a slash at its end, str, as well as it can be
    told."""
    if settings.public_url:
        return settings.public_url
    # A URL that may lead elsewhere is better than none.
    return crossing.to_str(requestscope.likely_url(req))


def _pushes(request, with_details, newest_first, changesets=None):
    """What is asked for; without any bound, the last ones. Of each the last
    ``changesets``, or all."""
    asked = request.asked
    is_last = not asked.is_bounded
    pushes = request.log.pushes(
        parameters.query(asked, request.log),
        with_details=with_details,
        tips_only=asked.tips_only,
        newest_first=newest_first or is_last,
        limit=parameters.PUSHES if is_last else None,
        changesets=changesets,
    )
    return pushes if newest_first or not is_last else pushes[::-1]


def _json(request):
    pushes = _pushes(request, request.asked.full, newest_first=False)
    # One may have come since.
    last = max([request.state.last_push_id] + [push.id for push in pushes])
    return crossing.to_bytes(
        jsonfeed.document(request.asked, pushes, last, request.links)
    )


def _json_failure(_request, message):
    return crossing.to_bytes(jsonfeed.failure(jsonfeed.clean(message)))


def _atom(request):
    text = atomfeed.document(
        _pushes(request, True, True, atomfeed.MAX_CHANGESETS),
        request.name(),
        request.digest,
        request.links,
        _given(request),
    )
    return crossing.to_bytes(text)


def _text_failure(_request, message):
    return crossing.to_bytes(jsonfeed.clean(message) + "\n")


def _html(request):
    return htmlpage.render(request.templates(), _page(request))


def _page(request):
    asked, log = request.asked, request.log
    query = parameters.query(asked, log)
    number = asked.page
    if request.rest and request.rest[0].isdigit():
        # As it has long been written.
        number = max(1, int(request.rest[0][:9]))
    total = log.count(query, htmlpage.most_counted(number))
    return htmlpage.Page(
        pushes=log.pushes(
            query,
            with_details=True,
            tips_only=asked.tips_only,
            newest_first=True,
            limit=htmlpage.PUSHES,
            offset=(number - 1) * htmlpage.PUSHES,
            changesets=htmlpage.changesets_shown(total),
        ),
        total=total,
        number=number,
        parameters=_given(request),
        links=_page_links(request),
    )


def _page_links(request):
    # The path as it was in the URL.
    path = util.urlreq.quote(request.req.apppath.rstrip(b"/"))
    return Links(crossing.to_str(path), request.style())


def _html_failure(request, message):
    form = (_page_links(request), _given(request)) if request.may_ask else None
    return htmlpage.render_failure(request.templates(), message, form)


def _given(request):
    """Pairs of str: the parameters that say which pushes."""
    params = request.req.qsparams
    return [
        (name, crossing.to_str(value))
        for name in parameters.NAMES
        if crossing.to_bytes(name) in params
        for value in params.getall(crossing.to_bytes(name))
        if value.strip()
    ]


_JSON = b"application/json"
_ATOM = b"application/atom+xml; charset=UTF-8"
_TEXT = b"text/plain; charset=UTF-8"
_FEED = _Kind(_atom, _ATOM, _text_failure, _TEXT)

_KINDS = {
    b"json-pushes": _Kind(_json, _JSON, _json_failure, _JSON),
    b"pushlog": _FEED,
    b"atom-pushlog": _FEED,
    b"pushloghtml": _Kind(_html, None, _html_failure, None, is_form=True),
}
