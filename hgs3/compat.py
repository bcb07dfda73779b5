"""Every difference between the Mercurial versions that we run on.

Features are detected, not versions; each shim says which side it is for.
"""

import typing


def wireprotov2():
    """The modules of wire protocol version 2, or None where there is none.

    Returns ``(wireprotov2server, wireprototypes)``.
    """
    # hg >= 6.1: wire protocol version 2 is gone. Asked of the import system
    # and not by importing: demandimport defers the ImportError.
    import importlib.util

    if importlib.util.find_spec("mercurial.wireprotov2server") is None:
        return None
    from mercurial import wireprototypes, wireprotov2server

    return wireprotov2server, wireprototypes


def neutral_revision_flags():
    """Of the flags of a revision, those that say nothing of its content; int."""
    from mercurial.revlogutils import constants

    # hg <= 6.0: one flag, and no name for them all.
    return getattr(constants, "REVIDX_NEUTRAL_FLAGS", constants.REVIDX_HASCOPIESINFO)


def hgweb_classes():
    """The WSGI applications of one repository and of several: two classes."""
    # hg >= 7.0: the modules that define them are called hgweb_mod_inner and
    # hgwebdir_mod_inner. The package names the right ones on either.
    from mercurial import hgweb

    return hgweb.hgweb_mod.hgweb, hgweb.hgwebdir_mod.hgwebdir


def hgweb_request_context():
    """The class of what hgweb knows of one request."""
    import sys

    single, _several = hgweb_classes()
    return sys.modules[single.__module__].requestcontext


def hgweb_repository(app):
    """The repository object that the application for one repository was the last to
    use, as old as it may be. Others use it at the same time."""
    return app._lastrepo._repo


def mend_query_strings():
    """Have hgweb read query strings that have any bytes in them. Called once."""
    from mercurial import extensions, util

    from . import crossing

    def parse(orig, query, *args, **kwargs):
        try:
            return orig(query, *args, **kwargs)
        except UnicodeError:
            # Python <= 3.12: of bytes it takes none but ASCII, and a URL with the
            # name of a user in it would end in a traceback.
            kwargs.update(encoding="utf-8", errors="surrogateescape")
            pairs = orig(crossing.to_str(query), *args, **kwargs)
            return [tuple(map(crossing.to_bytes, pair)) for pair in pairs]

    extensions.wrapfunction(util.urlreq, "parseqsl", parse)


def web_commands():
    """The names of hgweb's pages, a frozenset of bytes; "" is that of its first."""
    from mercurial import pycompat
    from mercurial.hgweb import webcommands

    # hg <= 6.0: they are bytes already.
    return frozenset(map(pycompat.sysbytes, map(_text, webcommands.__all__))) | {b""}


def _text(name):
    return name if isinstance(name, str) else name.decode("ascii")


def keep_text(revlog, rev, text):
    """Have a revlog start from ``text``, that of its revision ``rev``, when it makes
    the next one out of deltas."""
    keep = getattr(getattr(revlog, "_inner", None), "cache_revision_text", None)
    if keep is not None:
        keep(rev, text, True)
    else:
        # hg <= 6.0: what it has in memory is its own.
        revlog._revisioncache = (revlog.node(rev), rev, text)


class Delta(typing.NamedTuple):
    """One revision in a changegroup. ``link`` is the changeset that it is of."""

    node: bytes
    p1: bytes
    p2: bytes
    link: bytes
    base: bytes
    delta: bytes
    flags: int


def deltas(unpacker):
    """The revisions of the group that a changegroup unpacker is at, as Deltas."""
    for each in unpacker.deltaiter():
        if isinstance(each, tuple):
            # hg <= 6.0: a tuple, with side data and flags of the protocol behind.
            node, p1, p2, link, base, delta, flags = each[:7]
            yield Delta(node, p1, p2, link, base, delta, flags)
        else:
            yield Delta(
                each.node,
                each.p1,
                each.p2,
                each.link_node,
                each.delta_base,
                each.delta,
                each.flags,
            )
