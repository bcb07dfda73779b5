"""Every difference between the Mercurial versions that we run on.

Features are detected, not versions; each shim says which side it is for.
"""


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
