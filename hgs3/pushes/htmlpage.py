"""The log as a page, which needs no JavaScript."""

import dataclasses
import typing

from mercurial import encoding
from mercurial.utils import stringutil

from .. import crossing
from ..database.records import AS_PUSHED, GONE, LoggedPush
from . import frames, links
from .atomfeed import escape, moment

#: Of a page.
PUSHES = 20
#: That are counted, and some more on the pages after them: to count a long log takes
#: longer than to show a page of it.
COUNTED = 2000
#: Of a push, and where it is alone on its page.
CHANGESETS, CHANGESETS_ALONE = 20, 500

_STYLE = """
.pushes { border-collapse: collapse; width: 100%; margin: 1em 0; text-align: left;
  table-layout: fixed; overflow-wrap: anywhere; }
.pushes td, .pushes th { padding: 3px 8px 3px 4px; vertical-align: top; }
.pushes th { background: #e6eaf0; color: #222; font-weight: normal;
  border-top: 1px solid #b8c0cc; }
.pushes th a { color: #003a70; } .pushes th .user { font-weight: bold; }
.pushes th .date, .pushes .count { color: #555; white-space: nowrap; }
.pushes .node { font-family: monospace; } .pushes .author { color: #444; }
.pushes col.node { width: 10em; } .pushes col.author { width: 12em; }
.pushes tbody tr:hover td { background: #f6f8fa; }
.pushes .try { background: #7a4f01; color: #fff; border-radius: 3px; padding: 0 5px;
  font-size: 85%; } .pushes .label { background: #ddeebb; color: #222;
  border-radius: 3px; padding: 0 4px; font-size: 85%; margin-left: 4px; }
.pushes del { color: #777; } .push-filter { margin: 1em 0; font-size: 90%; }
.push-filter label { margin-right: 1em; white-space: nowrap; line-height: 2; }
.push-pages { margin: .5em 0; } .push-pages > * { margin-right: 1em; }
@media (max-width: 700px) {
  .pushes, .pushes tbody, .pushes tr, .pushes td, .pushes th { display: block; }
  .pushes tr { padding-bottom: 4px; } .pushes td { padding: 1px 4px; }
  .pushes td.node, .pushes td.author { display: inline-block; width: auto; }
}
"""

_FIELDS = (
    ("user", "user", "16", ""),
    ("startdate", "after", "12", "2020-12-31"),
    ("enddate", "before", "12", "2020-12-31"),
    ("changeset", "changeset", "14", ""),
)


@dataclasses.dataclass(frozen=True)
class Page:
    """``pushes`` are those of page ``number`` of all ``total``, newest first, as far
    as these were counted, see :func:`most_counted`;
    ``parameters`` are pairs that ask for these."""

    pushes: typing.Sequence[LoggedPush]
    total: int
    number: int
    parameters: typing.Sequence[typing.Tuple[str, str]]
    links: links.Links


def render(templates, page):
    """The bytes of the page."""
    content = [_form(page.links, page.parameters), _pages(page)]
    if page.pushes:
        alone = page.total == 1
        content.append(
            '<table class="pushes">\n<colgroup><col class="node" />'
            '<col class="author" /><col /></colgroup>\n'
        )
        content.extend(_push(page, push, alone) for push in page.pushes)
        content.append("</table>\n")
    else:
        content.append("<p>No pushes were found.</p>\n")
    content.append(_pages(page))
    return in_frame(templates, "".join(content))


def render_failure(templates, message, form=None):
    """The bytes of a page that says what is wrong. ``form`` are the Links and the
    parameters of what was asked, for whoever may ask again."""
    content = "<p>%s</p>" % escape(message)
    return in_frame(templates, content + (_form(*form) if form else ""))


def in_frame(templates, content):
    """The bytes of a page of hgweb with this ``content`` (str, HTML)."""
    # What hgweb's encoding has no character for is a question mark.
    local = encoding.tolocal(crossing.to_bytes(content))
    return frames.render(templates, crossing.to_bytes(_STYLE), local)


def _form(links, parameters):
    values = dict(parameters)
    fields = "".join(
        '<label>%s <input type="text" name="%s" size="%s" placeholder="%s" '
        'value="%s" /></label>\n'
        % (label, name, size, example, escape(values.get(name, "")))
        for name, label, size, example in _FIELDS
    )
    checked = values.get("tipsonly") == "1"
    return (
        '<form class="push-filter" method="get" action="%s">\n%s'
        '<label><input type="checkbox" name="tipsonly" value="1"%s /> last changesets'
        ' only</label>\n%s<input type="submit" value="show" />\n%s</form>\n'
    ) % (
        # A form takes the place of what is behind the question mark.
        escape(links.pushes().partition("?")[0]),
        fields,
        ' checked="checked"' if checked else "",
        '<input type="hidden" name="style" value="%s" />' % escape(links.style)
        if links.style
        else "",
        '<a href="%s">all</a>\n' % escape(links.pushes()) if parameters else "",
    )


def changesets_shown(total):
    """How many changesets there are at most of each of ``total`` pushes."""
    return CHANGESETS_ALONE if total == 1 else CHANGESETS


def most_counted(number):
    """How many pushes are counted at most for page ``number``."""
    return max(COUNTED, number * PUSHES) + 1


def _pages(page):
    last = max(1, -(-page.total // PUSHES))
    items = []
    if page.number > 1:
        items.append(_page_link(page, min(page.number - 1, last), "newer"))
    if page.total < most_counted(page.number):
        text = "page %d of %d, %d pushes" % (page.number, last, page.total)
    else:
        text = "page %d, more than %d pushes" % (page.number, page.total - 1)
    items.append("<span>%s</span>" % text)
    if page.number < last:
        items.append(_page_link(page, page.number + 1, "older"))
    items.append(
        '<a class="feed" href="%s">Atom</a>' % escape(page.links.feed(page.parameters))
    )
    return '<div class="push-pages">%s</div>\n' % "\n".join(items)


def _page_link(page, number, text):
    parameters = list(page.parameters) + [("page", number)]
    return '<a class="%s" href="%s">%s</a>' % (
        text,
        escape(page.links.pushes(parameters)),
        text,
    )


def _push(page, push, alone):
    when = moment(push.pushed)
    user = '<span class="user">unknown</span>'
    if push.username.strip():
        url = page.links.pushes((("user", push.username),))
        user = '<a class="user" href="%s">%s</a>' % (escape(url), escape(push.username))
    head = (
        '<tbody id="push%d">\n<tr><th colspan="3" scope="rowgroup">'
        '<a href="%s">push %d</a> by %s '
        '<span class="date">%s UTC</span>%s <span class="count">%s</span></th></tr>\n'
    ) % (
        push.id,
        escape(page.links.push(push)),
        push.id,
        user,
        when.strftime("%Y-%m-%d %H:%M:%S"),
        _bundle(page, push),
        _count(len(push.changesets) + push.left_out),
    )
    rows = [_changeset(page, push, each) for each in reversed(push.changesets)]
    if push.left_out:
        more = "and %d more" % push.left_out
        if not alone:
            more = '<a href="%s">%s</a>' % (escape(page.links.push(push)), more)
        rows.append('<tr><td colspan="3">%s</td></tr>\n' % more)
    return head + "".join(rows) + "</tbody>\n"


def _count(changesets):
    return "%d changeset%s" % (changesets, "" if changesets == 1 else "s")


def _bundle(page, push):
    if push.bundle_id is None:
        return ""
    text = "bundle %d" % push.bundle_id
    if push.tip:
        url = page.links.bundled(push, push.tip)
        text = '<a class="bundle" href="%s">%s</a>' % (escape(url), text)
    return ' <span class="try">try</span> %s' % text


def _changeset(page, push, changeset):
    short = changeset.node[:12]
    details = changeset.details
    author = description = ""
    if details is not None:
        author = escape(_person(details.author))
        lines = details.description.strip().splitlines()
        description = escape(lines[0]) if lines else "<em>no description</em>"
    if changeset.state != AS_PUSHED:
        # It may be obsolete, or secret.
        why = "gone" if changeset.state == GONE else "hidden"
        cells = ['<del title="%s">%s</del>' % (why, short), author]
        deleted = "<del>%s</del> " % description if description else ""
        cells.append("%s(%s)" % (deleted, why))
    else:
        url = page.links.changeset(changeset.node)
        if push.bundle_id is not None:
            url = page.links.bundled(push, changeset.node)
        cells = ['<a href="%s">%s</a>' % (escape(url), short), author]
        cells.append(description + _labels(details))
    return (
        '<tr><td class="node">%s</td><td class="author">%s</td><td>%s</td></tr>\n'
        % tuple(cells)
    )


def _labels(details):
    if details is None:
        return ""
    names = list(details.tags)
    if details.branch != "default":
        names.insert(0, details.branch)
    return "".join('<span class="label">%s</span>' % escape(name) for name in names)


def _person(author):
    """A name without its address, as on other pages."""
    name = crossing.to_str(stringutil.person(crossing.to_bytes(author)))
    return name or author.strip("<> ").partition("@")[0]
