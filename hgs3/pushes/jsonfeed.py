"""The log as JSON: the documents that `hg help pushlog` describes."""

import json
import re

from ..database.records import AS_PUSHED

#: JSON can name halves of surrogate pairs, and many programs refuse them.
_HALVES = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def document(asked, pushes, last_push_id, links):
    """The text for ``pushes`` (LoggedPush) in the order of ids; ASCII.

    ``asked`` is an Asked, ``links`` are Links.
    """
    by_id = {str(push.id): _push(asked, push, links) for push in pushes}
    if asked.version == 1:
        return _text(by_id)
    return _text({"lastpushid": last_push_id, "pushes": by_id})


def failure(message):
    """The text that says what is wrong."""
    return _text({"error": message})


def _text(document):
    return json.dumps(document, separators=(",", ":")) + "\n"


def _push(asked, push, links):
    shown = [each for each in push.changesets if each.state == AS_PUSHED]
    found = {
        "changesets": [_changeset(asked, push, each, links) for each in shown],
        "date": push.pushed,
        "user": clean(push.username),
        "url": links.push(push),
    }
    if push.bundle_id is not None:
        found["bundle"] = push.bundle_id
        if push.tip:
            found["bundle_url"] = links.bundled(push, push.tip)
    obsolete = [each for each in push.changesets if each.state != AS_PUSHED]
    if obsolete and asked.version > 1:
        found["obsoletechangesets"] = [
            _changeset(asked, push, each, links) for each in obsolete
        ]
    return found


def _changeset(asked, push, changeset, links):
    if not asked.full:
        return changeset.node
    found = {"node": changeset.node, "rev_url": None}
    if changeset.state == AS_PUSHED:
        found["rev_url"] = links.changeset(changeset.node)
        if push.bundle_id is not None:
            found["bundle_rev_url"] = links.bundled(push, changeset.node)
    details = changeset.details
    if details is not None:
        found.update(
            author=clean(details.author),
            branch=clean(details.branch),
            date=[details.date, details.offset],
            desc=clean(details.description),
            extra={clean(k): clean(v) for k, v in details.extra.items()},
            files=[clean(each) for each in details.files],
            parents=list(details.parents),
            phase=details.phase,
            tags=[clean(each) for each in details.tags],
        )
        if asked.version > 1:
            found["precursors"] = list(details.precursors)
    return found


def clean(text):
    """``text`` without what is no character: bytes that are no UTF-8."""
    # Most is, and costs nothing.
    return text if text.isascii() else _HALVES.sub(_REPLACEMENT, text)
