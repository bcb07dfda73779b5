"""What the log keeps of a changeset, as text and back."""

import json
import typing

from .records import Details

# Made once: to make an encoder costs as much as to use it.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_text(details: typing.Optional[Details]) -> typing.Optional[str]:
    """ASCII, so that every database gives back what it was given: halves of
    surrogate pairs and NUL, too."""
    if details is None:
        return None
    return _encode(
        {
            "parents": details.parents,
            "author": details.author,
            "date": [details.date, details.offset],
            "branch": details.branch,
            "description": details.description,
            "files": details.files,
            "tags": details.tags,
            "phase": details.phase,
            "extra": dict(details.extra),
            "precursors": details.precursors,
        }
    )


def from_text(text: typing.Optional[str]) -> typing.Optional[Details]:
    """The inverse of :func:`to_text`."""
    if text is None:
        return None
    data = json.loads(text)
    date, offset = data["date"]
    return Details(
        parents=tuple(data["parents"]),
        author=data["author"],
        date=date,
        offset=offset,
        branch=data["branch"],
        description=data["description"],
        files=tuple(data["files"]),
        tags=tuple(data["tags"]),
        phase=data["phase"],
        extra=data["extra"],
        precursors=tuple(data["precursors"]),
    )
