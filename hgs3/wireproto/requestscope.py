"""Know when a request is over, however it ends.

A response is a chain of generators. When a client goes away, they are dropped
half-way, but not closed: Mercurial's frame reactor and its generators refer
to each other, so the inner ones live until the garbage collector comes by,
which on a quiet server is much later. Until then, a spool would keep its
memory or its disk. The outermost generator is in no such circle: it ends
with the request, and takes along what was registered here.
"""

import threading

from .. import eager


class _Scope(threading.local):
    callbacks = None


_scope = _Scope()


def at_end(callback):
    """Call ``callback()`` when the request of this thread has ended.

    It must not raise, and may find that all was done already. Does nothing
    outside of a request that :func:`run_wsgi` serves.
    """
    if _scope.callbacks is not None:
        _scope.callbacks.append(callback)


def run_wsgi(orig, self, req, res):
    """Wraps ``hgweb.run_wsgi``, a generator of the chunks of a response."""
    # The first of our functions that a request comes to where hgwebdir has
    # loaded the extension for one of its repositories only now.
    eager.load_once()
    callbacks = _scope.callbacks = []
    try:
        for chunk in orig(self, req, res):
            yield chunk
    finally:
        if _scope.callbacks is callbacks:
            # The thread may idle; what it served must not live on with it.
            _scope.callbacks = None
        for callback in callbacks:
            callback()
