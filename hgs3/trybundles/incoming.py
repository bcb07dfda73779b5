"""``hg incoming`` from a try repository by its path.

Mercurial then looks for what is incoming in the other repository itself, which has
nothing of try. As from a server, it has to come as a bundle.
"""

from . import pull, trystore


class _AsIfRemote:
    """A peer that lets nobody look into its repository."""

    def __init__(self, peer):
        self._peer = peer

    def __getattr__(self, name):
        return getattr(self._peer, name)

    def local(self):
        return None


def getremotechanges(orig, ui, repo, peer, onlyheads=None, *args, **kwargs):
    """Wraps ``bundlerepo.getremotechanges``."""
    other = peer.local()
    if other and onlyheads and trystore.is_on(other):
        if pull.unknown(other.filtered(b"served"), onlyheads):
            peer = _AsIfRemote(peer)
    return orig(ui, repo, peer, onlyheads, *args, **kwargs)
