"""A lock for module globals of a process that may fork while it is held.

A WSGI server may fork a worker while another thread holds a lock; in the
child nobody would ever release it.
"""

import os
import threading


class ForkSafeLock:
    """A context manager like threading.Lock; free in a forked child.

    For module globals: an instance is never given back.
    """

    def __init__(self):
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self):
        self._lock = threading.Lock()

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, exctype, excvalue, exctb):
        self._lock.release()
