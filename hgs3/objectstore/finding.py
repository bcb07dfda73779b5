"""What a check of a store has found, in words for the operator."""

import dataclasses

OK = "ok"
#: It works, but not all of it, or not for long.
WARNING = "warning"
FAILED = "failed"
#: It could not be found out, and nothing depends on it.
UNKNOWN = "unknown"
#: Not tried, since something before it has failed.
SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of a check: no newline and no query string in it.

    ``check`` is what was looked at, a word such as ``put``; ``status`` one of
    the constants above; ``hint`` what to do about it, "" where nothing is to
    be done.
    """

    check: str
    status: str
    detail: str = ""
    hint: str = ""
