"""Messages that fit into the answer to a push."""

import contextlib

from mercurial import error

#: Of a message or hint that goes out in a part of a bundle2. A longer one ends the
#: server in the middle of its answer.
_MAX_MESSAGE_BYTES = 255


@contextlib.contextmanager
def short_aborts():
    """Within: what error.Abort and error.PushRaced say fits into an answer."""
    try:
        yield
    except error.Abort as err:
        err.message = _short(err.message)
        err.hint = _short(err.hint) if err.hint is not None else None
        raise
    except error.PushRaced as err:
        err.args = tuple(_short(each) for each in err.args)
        raise


def _short(text):
    if len(text) <= _MAX_MESSAGE_BYTES:
        return text
    return text[: _MAX_MESSAGE_BYTES - 3] + b"..."
