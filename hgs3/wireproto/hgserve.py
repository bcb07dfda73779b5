"""What the server of ``hg serve`` must do otherwise.

The tokens of short URLs stay out of its logs: whoever has one and may pull can
fetch the object. Its access log holds the first line of each request, its error
log the path of one that failed. And a response that fails ends.
"""

import re

from mercurial import extensions
from mercurial.hgweb import server

from ..forksafe import ForkSafeLock

#: None is shorter. A traceback may be of files in a folder of that name.
_TOKEN = re.compile(r"(?<=/s3get/)[A-Za-z0-9_%-]{24,}")
_HIDDEN = "[token]"

_lock = ForkSafeLock()
_is_mended = False


def mend_once():
    """From now on. Not before something is served: it loads the web server."""
    global _is_mended
    if _is_mended:
        return
    with _lock:
        if not _is_mended:
            handler = server._httprequesthandler
            extensions.wrapfunction(handler, "_log_any", _log_any)
            extensions.wrapfunction(handler, "do_hgweb", _do_hgweb)
            _is_mended = True


def _log_any(orig, self, fp, format, *args):
    return orig(self, fp, "%s", _TOKEN.sub(_HIDDEN, format % args))


def _do_hgweb(orig, self):
    """Let a response that fails half-way end with its connection.

    Otherwise the connection is kept, and the client waits for the rest for ever.
    """
    try:
        return orig(self)
    except Exception:
        self.close_connection = True
        raise
