"""Where Mercurial's own code is hooked for wire protocol version 2."""

from mercurial import extensions
from mercurial.i18n import _

from .. import service as servicemod
from .. import settings
from . import redirect, removedfiles, v2, v2commands, websetup


def setup(server, types):
    """Hook the modules wireprotov2server and wireprototypes; called once."""
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
    websetup.before_serving(_warn_if_unused)


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


def _warn_if_unused(ui, service):
    if not service.store.keeps_objects or "getbundle" in service.settings.commands:
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
