"""Which folder is a store; apart from file.py, as s3settings.py is from s3.py."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class FileSettings:
    """A store in the folder ``path``, an absolute one, of this machine.

    What is in it takes up ``limit_bytes`` at most; 0 for no limit. What is never
    evicted is stored beyond it, too.
    """

    path: str
    limit_bytes: int = 0

    @property
    def is_configured(self) -> bool:
        return True

    @property
    def description(self) -> str:
        """What it is called in messages."""
        return "folder %s" % self.path
