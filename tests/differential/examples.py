"""How many examples are tried, and which.

`make test` tries the same few each time. `make fuzz` (tools/fuzz.py) says how
many by FUZZ_VARIABLE, and gives hypothesis a seed.
"""

import os
import zlib

from hypothesis import HealthCheck, Phase, seed, settings

FUZZ_VARIABLE = "HGS3_FUZZ_EXAMPLES"

_fuzz_examples = int(os.environ.get(FUZZ_VARIABLE, "0"))

SETTINGS = settings(
    derandomize=not _fuzz_examples,
    # Few, but of many requests each.
    max_examples=_fuzz_examples or 4,
    # To shrink an example takes minutes. What is printed can be read as it is,
    # and `make fuzz` has the time.
    phases=(Phase.generate, Phase.shrink) if _fuzz_examples else (Phase.generate,),
    database=None,
    print_blob=False,
    # Nothing may depend on how fast the machine is.
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


def run(test, name):
    """Call what hypothesis.given has decorated, with our settings.

    ``name`` makes the examples of `make test` others than those of other names.
    """
    if not _fuzz_examples:
        test = seed(zlib.crc32(name.encode()))(test)
    SETTINGS(test)()
