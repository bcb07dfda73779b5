"""The record beside a body: what is known of it, and which file it is.

Two lines of ASCII: a JSON object, and the SHA-256 of the first line. After a
crash of the machine a file may be there with nothing, or something else, in it;
such a record is none.
"""

import dataclasses
import hashlib
import json
import typing

from .filenames import new_token

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Record:
    """What a store in a folder remembers of one object."""

    key: str
    size_bytes: int
    sha256_hex: str
    content_type: str
    metadata: typing.Mapping[str, str]
    token: str = dataclasses.field(default_factory=new_token)

    def encoded(self) -> bytes:
        line = json.dumps(dict(dataclasses.asdict(self), format=_FORMAT))
        data = line.encode("ascii")
        return b"%s\n%s\n" % (data, _checksum(data))


def decoded(data: bytes) -> typing.Optional[Record]:
    """The Record in ``data``; None if that is not, or no longer, one."""
    line, _newline, checksum = data.partition(b"\n")
    if checksum.rstrip(b"\n") != _checksum(line):
        return None
    values = json.loads(line)
    if values.pop("format") != _FORMAT:
        return None  # of a later release
    return Record(**values)


def _checksum(line):
    return hashlib.sha256(line).hexdigest().encode("ascii")
