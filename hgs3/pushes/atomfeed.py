"""The log as an Atom feed: an entry for each changeset of each push, newest first;
of a large push, for the last ones."""

import datetime
import re

from ..database.records import AS_PUSHED

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_ESCAPED = re.compile("[&<>\"']")

#: An entry of a push that changes thousands of files is no use to anybody.
MAX_FILES = 100
#: Of a push: those who read feeds are told of a change, and do not fetch a history.
MAX_CHANGESETS = 500

_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>%(id)s</id>
<title>%(title)s</title>
<updated>%(updated)s</updated>
<link rel="self" type="application/atom+xml" href="%(self)s"/>
<link rel="alternate" type="text/html" href="%(page)s"/>
%(entries)s</feed>
"""
_ENTRY = """<entry>
<id>%(id)s</id>
<title>Changeset %(node)s</title>
<updated>%(updated)s</updated>
<author><name>%(user)s</name></author>
<link rel="alternate" type="text/html" href="%(url)s"/>
<link rel="via" type="text/html" href="%(push_url)s"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
%(content)s</div></content>
</entry>
"""


def document(pushes, name, digest, links, parameters):
    """The text for ``pushes`` (LoggedPush, newest first) of the repository ``name``.

    ``digest`` stands for the repository in what names the entries for ever.
    """
    latest = max((push.pushed for push in pushes), default=0)
    return _FEED % {
        "id": _name(digest),
        "title": escape("%s: pushes" % name),
        "updated": _date(latest),
        "self": escape(links.feed(parameters)),
        "page": escape(links.pushes(parameters)),
        "entries": "".join(
            _entry(push, each, digest, links)
            for push in pushes
            for each in reversed(push.changesets)
            if each.state == AS_PUSHED
        ),
    }


def _name(digest, *parts):
    return ":".join(("urn", "hg-s3", digest) + tuple(map(str, parts)))


def _entry(push, changeset, digest, links):
    if push.bundle_id is None:
        url = links.changeset(changeset.node)
    else:
        url = links.bundled(push, changeset.node)
    return _ENTRY % {
        "id": _name(digest, push.id, changeset.node),
        "node": changeset.node,
        "updated": _date(push.pushed),
        "user": escape(push.username or "unknown"),
        "url": escape(url),
        "push_url": escape(links.push(push)),
        "content": _content(changeset.details),
    }


def _content(details):
    if details is None:
        return ""
    items = ["<p>by %s</p>\n" % escape(details.author)]
    items.extend(
        "<p>%s</p>\n" % "<br/>".join(map(escape, paragraph.splitlines()))
        for paragraph in re.split(r"\n\s*\n", details.description.strip())
    )
    if details.files:
        items.append('<ul class="filelist">\n')
        items.extend(
            '<li class="file">%s</li>\n' % escape(path)
            for path in details.files[:MAX_FILES]
        )
        if len(details.files) > MAX_FILES:
            items.append("<li>and %d more</li>\n" % (len(details.files) - MAX_FILES))
        items.append("</ul>\n")
    return "".join(items)


def _date(seconds):
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds):
    """A datetime in UTC; the nearest that there is."""
    # What is beyond them nobody has pushed, but a file may say so.
    seconds = max(-62135596800, min(seconds, 253402300799))
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)


def escape(text):
    """For XML and HTML, in text and attributes; what neither can hold is replaced."""
    text = _NOT_IN_XML.sub(_REPLACEMENT, text)
    return _ESCAPED.sub(lambda match: _ESCAPES[match.group()], text)
