"""Where Mercurial's own code is hooked for wire protocol version 1."""

import functools

from mercurial import exchange

from .. import settings
from . import v1

_STEP = b"changegroup"

#: By this, a transaction knows that we have something to do after it.
_POSTCLOSE = b"hg-s3-publish"


def setup():
    """Called once."""
    exchange.getbundle2partsmapping[_STEP] = functools.partial(
        v1.getbundle_changegroup, exchange.getbundle2partsmapping[_STEP]
    )


def reposetup(repo):
    """Called for each repository that is opened: segments of what is added are
    made after each transaction, where ``publish-on-push`` says so."""
    if not settings.publishes_on_push(repo.ui):
        return

    class publishingrepo(repo.__class__):
        def transaction(self, *args, **kwargs):
            tr = super().transaction(*args, **kwargs)
            tr.addpostclose(_POSTCLOSE, self._hgs3publish)
            return tr

        def _hgs3publish(self, tr):
            v1.request_after(self, tr)

    repo.__class__ = publishingrepo
