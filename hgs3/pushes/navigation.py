"""An entry in the navigation of hgweb's pages that leads to the page of pushes.

The styles that come with Mercurial repeat their navigation in the template of each page.
It gets the entry there, behind that of branches, when the page is made; a template
that looks otherwise stays as it is, and so does any other style.
"""

import re

from mercurial import extensions

from .. import compat
from . import repolog

#: As templates have it.
LINK = b'<a href="{url|urlescape}pushloghtml{sessionvars%urlparameter}">pushlog</a>'

_BRANCHES = (
    rb'<a href="\{url\|urlescape\}branches\{sessionvars%urlparameter\}">branches</a>'
)
_HELP = rb'<a href="\{url\|urlescape\}help\{sessionvars%urlparameter\}">help</a>'

# On the page of branches itself there is no link to it.
_ITEMS = (
    re.compile(
        rb'^( *)<li(?: class="[a-z]+")?>(?:%s|branches)</li>\n' % _BRANCHES,
        re.MULTILINE,
    ),
    rb"\g<0>\1<li>" + LINK + b"</li>\n",
)
_LINE = (
    re.compile(rb"^(?:%s|branches) \|\n" % _BRANCHES, re.MULTILINE),
    rb"\g<0>" + LINK + b" |\n",
)
# There, the page of branches leaves itself out.
_BUTTONS = (re.compile(rb"^%s\n" % _HELP, re.MULTILINE), LINK + rb"\n\g<0>")

#: By style: a pattern, and what takes the place of its first match.
_PLACES = {
    b"paper": _ITEMS,
    b"coal": _ITEMS,
    b"gitweb": _LINE,
    b"monoblue": _ITEMS,
    b"spartan": _BUTTONS,
}


def setup():
    """Called once."""
    extensions.wrapfunction(
        compat.hgweb_request_context(), "sendtemplate", _sendtemplate
    )


def with_entry(style, template):
    """The text of the template of a page, with the entry if there is a place for it."""
    if style not in _PLACES:
        return template
    pattern, replacement = _PLACES[style]
    return pattern.sub(replacement, template, count=1)


def _sendtemplate(orig, rctx, name, **kwargs):
    """Wraps ``requestcontext.sendtemplate``: a page is about to be made."""
    templates = rctx.tmpl
    style = templates.defaults.get(b"style")
    if style in _PLACES and name in templates and repolog.is_on_pages(rctx.repo):
        # Read, if it has not been yet.
        templates.load(name)
        templates.cache[name] = with_entry(style, templates.cache[name])
    return orig(rctx, name, **kwargs)
