"""How many examples are tried, and which.

`make test` tries the same few each time. `make fuzz` (tools/fuzz.py) says by
environment variables how many, and with which seed.
"""

import os

from hypothesis import HealthCheck, Phase, seed, settings

_fuzz_examples = int(os.environ.get("HGS3_FUZZ_EXAMPLES", "0"))
SEED = int(os.environ.get("HGS3_FUZZ_SEED", "0"))
_shrinks = _fuzz_examples and not os.environ.get("HGS3_FUZZ_UNSHRUNK")

SETTINGS = settings(
    # Few, but of many requests each.
    max_examples=_fuzz_examples or 4,
    # To shrink an example takes minutes. What is printed can be read as it is,
    # and `make fuzz` has the time.
    phases=(Phase.generate, Phase.shrink) if _shrinks else (Phase.generate,),
    database=None,
    print_blob=False,
    # Nothing may depend on how fast the machine is.
    deadline=None,
    report_multiple_bugs=bool(_shrinks),
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


def run(test, name, share=1.0):
    """Call what hypothesis.given has decorated, with our settings.

    ``name`` is that of the test: each has other examples. ``share`` is less than
    1 for a test whose examples take long.
    """
    seeded = seed("%d %s" % (SEED, name))(test)
    count = max(1, round(SETTINGS.max_examples * share))
    settings(SETTINGS, max_examples=count)(seeded)()
