"""Memory that overlays have taken goes back to the system."""

import ctypes
import gc
import time

#: To give freed memory back takes some 15 ms, so it is not done for each overlay.
_SECONDS_BETWEEN = 5

_given_back_at = 0.0


def collect():
    """Collect garbage; and from time to time give freed memory back, too.

    Large and small things, in many threads, leave holes between what is still in use.
    The C library keeps them for what may come, and they grow for hours.
    """
    global _given_back_at
    gc.collect()
    now = time.monotonic()
    if now - _given_back_at >= _SECONDS_BETWEEN:
        _given_back_at = now
        if _malloc_trim is not None:
            _malloc_trim(0)


def _find_malloc_trim():
    """``malloc_trim`` of glibc; None where there is another C library."""
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_size_t]
    function.restype = ctypes.c_int
    return function


_malloc_trim = _find_malloc_trim()
