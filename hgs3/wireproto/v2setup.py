"""Where Mercurial's own code is hooked for wire protocol version 2."""

import weakref

from mercurial import extensions, hgweb
from mercurial.hgweb import hgweb_mod, hgwebdir_mod
from mercurial.i18n import _

from .. import eager, settings
from .. import service as servicemod
from . import redirect, removedfiles, requestscope, v2, v2commands

#: What createapp checked, for the process that then serves: WSGI application
#: to (ui, CacheService).
_services = weakref.WeakKeyDictionary()


def setup(server, types):
    """Hook the modules wireprotov2server and wireprototypes; called once."""
    # Loaded now, in the main thread: it is what loads the rest.
    vars(eager)
    removedfiles.serve_removed_files(server.COMMANDS)
    v2commands.make_cacheable(server, v2.is_ours)

    def makeresponsecacher(orig, repo, proto, command, args, *rest, **kwargs):
        return _makeresponsecacher(
            orig, server, types, repo, proto, command, args, *rest, **kwargs
        )

    extensions.wrapfunction(server, "makeresponsecacher", makeresponsecacher)
    extensions.wrapfunction(
        server, "getadvertisedredirecttargets", _getadvertisedredirecttargets
    )
    for application in (hgweb_mod.hgweb, hgwebdir_mod.hgwebdir):
        extensions.wrapfunction(application, "__call__", _application_called)
    extensions.wrapfunction(hgweb_mod.hgweb, "run_wsgi", requestscope.run_wsgi)
    extensions.wrapfunction(hgweb, "createapp", _createapp)
    extensions.wrapfunction(hgweb.httpservice, "init", _httpservice_init)


def reposetup(repo):
    """Called for each repository that is opened."""
    if settings.is_on(repo.ui):
        v2commands.recommend_batch_sizes(repo.ui)


def _makeresponsecacher(
    orig,
    server,
    types,
    repo,
    proto,
    command,
    args,
    objencoderfn,
    redirecttargets,
    redirecthashes,
):
    cacher = v2.makecacher(
        servicemod.of(repo.ui),
        server,
        types,
        repo,
        proto,
        command,
        args,
        encodefn=objencoderfn,
        redirecttargets=redirecttargets,
    )
    if cacher is not None:
        return cacher
    return orig(
        repo,
        proto,
        command,
        args,
        objencoderfn,
        redirecttargets,
        redirecthashes,
    )


def _getadvertisedredirecttargets(orig, repo, proto):
    service = servicemod.of(repo.ui)
    return redirect.advertised_targets(service.store) + orig(repo, proto)


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
    return app


def _httpservice_init(orig, self):
    """The process that is going to serve is about to listen."""
    if self.app in _services:
        ui, service = _services[self.app]
        if not isinstance(self.app, hgwebdir_mod.hgwebdir):
            _warn_if_unused(ui, service)
        servicemod.probe(ui, service)
    return orig(self)


def _warn_if_unused(ui, service):
    if not service.store.keeps_objects:
        return
    item = settings.v2_switched_off(ui)
    if item is not None:
        ui.warn(
            _(
                b"warning: s3wireprotocache: nothing will be cached: "
                b"experimental.%s is off\n"
                b"(set experimental.%s to true)\n"
            )
            % (item, item)
        )
