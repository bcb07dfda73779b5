"""Where Mercurial's web server is hooked, for whatever is served over HTTP.

On every Mercurial: what is about one version of the wire protocol only is
hooked elsewhere.
"""

import weakref

from mercurial import extensions, hgweb

from .. import compat, eager
from .. import service as servicemod
from . import hgserve, requestscope

#: What createapp checked, for the process that then serves: WSGI application
#: to (ui, CacheService).
_services = weakref.WeakKeyDictionary()

_checks = []
_starts = []
_answers = []
_is_set_up = False


def setup():
    """Called by each extension; does it once."""
    global _is_set_up
    if _is_set_up:
        return
    _is_set_up = True
    # Loaded now, in the main thread: it is what loads the rest.
    vars(eager)
    single, several = compat.hgweb_classes()
    for application in (single, several):
        extensions.wrapfunction(application, "__call__", _application_called)
    # Within the scope of the request.
    extensions.wrapfunction(single, "run_wsgi", _run_wsgi)
    extensions.wrapfunction(single, "run_wsgi", requestscope.run_wsgi)
    extensions.wrapfunction(hgweb, "createapp", _createapp)
    extensions.wrapfunction(hgweb.httpservice, "init", _httpservice_init)


def before_serving(check):
    """Have ``check(ui, service)`` called when ``hg serve`` of one repository is
    about to listen; it may warn."""
    _checks.append(check)


def before_starting(check):
    """Have ``check(repo)`` called when ``hg serve`` of one repository starts; it may
    refuse to, by an error.Abort."""
    _starts.append(check)


def answer_first(answer):
    """Have ``answer(app, req, res)`` called for each request for one repository, before
    hgweb opens that or looks whether it has changed. It gives the chunks of the
    response, or None when hgweb is to answer."""
    _answers.append(answer)


def _run_wsgi(orig, self, req, res):
    for answer in _answers:
        chunks = answer(self, req, res)
        if chunks is not None:
            return chunks
    return orig(self, req, res)


def _application_called(orig, self, env, respond):
    """A request comes in, perhaps one of many at once, and the first ones."""
    eager.load_once()
    return orig(self, env, respond)


def _createapp(orig, baseui, repo, webconf):
    """``hg serve`` starts: refuse settings that can never work.

    Called in the process that the user looks at, before it goes into the
    background.
    """
    eager.load_once()
    app = orig(baseui, repo, webconf)
    # hgwebdir has a ui of its own, with its configuration file read.
    ui = app.ui if webconf else repo.ui
    _services[app] = ui, servicemod.start(ui)
    if not webconf:
        for check in _starts:
            check(repo)
    return app


def _httpservice_init(orig, self):
    """The process that is going to serve is about to listen."""
    if self.app in _services:
        ui, service = _services[self.app]
        _single, several = compat.hgweb_classes()
        if not isinstance(self.app, several):
            for check in _checks:
                check(ui, service)
        servicemod.probe(ui, service)
    hgserve.mend_once()
    return orig(self)
