"""An extension of Mercurial for servers under test: small segments, each made when
it is missed for the first time, and answers that are not kept back by Nagle's
algorithm.

``smallest``, ``largest`` and ``worthwhile`` of ``[differential]`` are numbers
of revisions. With ``forget-phases``, a server that has a cache makes a mistake
that must not go unnoticed.
"""

from mercurial import exchange, extensions, registrar
from mercurial.hgweb import server

from hgs3.cache import blocks
from hgs3.wireproto import v1

configtable = {}
configitem = registrar.configitem(configtable)
NAMES = (b"smallest", b"largest", b"worthwhile")
for _name in NAMES:
    configitem(b"differential", _name, default=0)
configitem(b"differential", b"forget-phases", default=False)


def extsetup(ui):
    # Else each answer after a connection's first waits for 40 ms, until the
    # kernel of the client acknowledges the beginning of it.
    server._httprequesthandler.disable_nagle_algorithm = True
    # A new process for each client, as over SSH, never remembers the last one.
    add_phases = exchange.getbundle2partsmapping[b"phases"]

    def add_phases_or_not(bundler, repo, *args, **kwargs):
        forgets = repo.ui.configbool(b"differential", b"forget-phases")
        names = {name for name, _module in extensions.extensions(repo.ui)}
        if not (forgets and b"s3wireprotocache" in names):
            add_phases(bundler, repo, *args, **kwargs)

    exchange.getbundle2partsmapping[b"phases"] = add_phases_or_not
    _replace(v1, "_was_missed_before", lambda _key: True)
    for name in NAMES:
        revisions = ui.configint(b"differential", name)
        if revisions:
            _replace(blocks, name.decode("ascii").upper(), revisions)


def _replace(module, name, value):
    getattr(module, name)  # one that is not there would be set in vain
    setattr(module, name, value)
