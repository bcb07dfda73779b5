"""What became of something that was to be warmed."""

import dataclasses

STORED = "stored"
PRESENT = "present"
#: Left out on purpose: too small, for instance.
SKIPPED = "skipped"
UNCACHED = "uncached"
FAILED = "failed"


@dataclasses.dataclass
class Result:
    """Of one request, or of ``count`` segments together."""

    command: bytes
    result: str
    size_bytes: int = 0
    key: str = ""
    reason: str = ""
    count: int = 1
