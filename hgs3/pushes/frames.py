"""Pages of ours within the styles of hgweb.

Each style has templates for what is above and below all of its pages. What is
between them, the navigation, is in each template of a page; for those styles that
come with Mercurial it is made here. Any other style gets a plain one.
"""

import re

from mercurial import encoding, error
from mercurial.hgweb import webutil

#: What a style may raise: whoever asks may name any file, and whoever has made one may
#: have written anything.
_BROKEN = (error.Error, OSError, ValueError, LookupError, TypeError, RuntimeError)

#: Of a style that has no links with parameters.
_URL_PARAMETER = b"{separator}{name}={value|urlescape}"

_HEAD = b"""{header}
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{repo|escape}: pushlog</title>
<link rel="alternate" type="application/atom+xml" href="{url|urlescape}atom-pushlog"
   title="Atom feed for {repo|escape}: pushes" />
<style type="text/css"{if(nonce, ' nonce="{nonce}"')}>{hgs3_style}</style>
</head>
<body>
"""
_CRUMBS = b'<a href="/">Mercurial</a> {pathdef%breadcrumb}'

#: What a style has in its navigation, up to the page of pushes itself, and behind it.
_PAPER_PAGES = (b"shortlog", b"graph", b"tags", b"bookmarks", b"branches"), (b"help",)
_GITWEB_PAGES = (
    (
        *(b"summary", b"shortlog", b"log", b"graph", b"tags"),
        *(b"bookmarks", b"branches"),
    ),
    (b"file", b"help"),
)
_SPARTAN_PAGES = (b"log", b"graph", b"tags", b"branches", b"file"), (b"help",)

_PLAIN_LINK = b'<a href="{url|urlescape}%s{sessionvars%%urlparameter}">%s</a>'
_ITEM = b"<li>" + _PLAIN_LINK + b"</li>"
_NAMES = {b"log": b"changelog", b"file": b"files"}


def _links(pages, link, between, here=b"pushlog", names=_NAMES):
    before, behind = (
        [link % (page, names.get(page, page)) for page in each] for each in pages
    )
    return between.join(before + [here] + behind)


_PAPER = (
    b'<div class="container"><div class="menu"><div class="logo"><a href="{logourl}">'
    b'<img src="{staticurl|urlescape}{logoimg}" alt="mercurial" /></a></div>\n<ul>\n'
    + _links(
        _PAPER_PAGES,
        _ITEM,
        b"\n",
        b'<li class="active">pushlog</li>',
        {b"shortlog": b"log"},
    )
    + b'\n</ul></div>\n<div class="main">\n<h2 class="breadcrumb">'
    + _CRUMBS
    + b"</h2>\n<h3>pushlog</h3>\n{searchform}\n"
    b"{hgs3_content}</div></div>\n"
)
_GITWEB = (
    b'<div class="page_header"><a href="{logourl}" title="Mercurial" '
    b'style="float: right;">Mercurial</a>' + _CRUMBS + b" / pushlog</div>\n"
    b'<div class="page_nav"><div>'
    + _links(_GITWEB_PAGES, _PLAIN_LINK, b" |\n")
    + b"<br/></div>{searchform}</div>\n"
    b'<div class="title">pushlog</div>\n<div class="page_body">{hgs3_content}</div>\n'
)
_MONOBLUE = (
    b'<div id="container"><div class="page-header"><h1 class="breadcrumb">'
    + _CRUMBS
    + b' / pushlog</h1>{searchform}<ul class="page-nav">\n'
    + _links(_GITWEB_PAGES, _ITEM, b"\n", b'<li class="current">pushlog</li>')
    + b"</ul></div>\n"
    b'<h2 class="no-link no-border">pushlog</h2>\n<div class="push-page">{hgs3_content}</div>\n'
)
_SPARTAN = (
    b'<div class="buttons">'
    + _links(_SPARTAN_PAGES, _PLAIN_LINK, b"\n")
    + b"</div>\n<h2>" + _CRUMBS + b" / pushlog</h2>\n{hgs3_content}\n"
)  # fmt: skip

_BODIES = {
    b"paper": _PAPER,
    b"coal": _PAPER,
    b"gitweb": _GITWEB,
    b"monoblue": _MONOBLUE,
}

#: In narrow windows, what is beside the page goes above it, or goes: the styles know
#: only wide ones.
_LAYOUT = b"""
.push-page { padding: 0 20px; }
@media (max-width: 700px) {
  body { margin: 0; } .push-page { padding: 0 8px; } div#powered-by { display: none; }
  .container { padding: 0; } .main { padding: 8px; border: 0; }
  .menu { position: static; width: auto; padding: 8px; } .menu .logo { display: none; }
  .menu ul { border: 0; margin: 0; } .menu li, .menu li a { display: inline-block; }
  form.search, .search input { max-width: 100%; position: static; float: none; }
  div.page_header { height: auto; overflow: hidden; }
  div.page_nav { flex-wrap: wrap; }
  div#container { margin: 0; } div.page-header { padding: 8px; }
  div.page-header h1 { margin: 0 0 8px; } div.page-header form { float: none; }
}
"""

#: Needed of a style, whatever it is.
_SEARCH = re.compile(rb"\{searchform\}")


def templates(rctx, req):
    """hgweb's templates for a page: in the style that is asked for; where that is
    broken, or is for no such pages, in that of the server; or in Mercurial's own.

    ``rctx`` and ``req`` are of one request. A style that was not taken is not asked
    for any more.
    """
    for give_up in (_forget_style, _take_own):
        try:
            found = rctx.templater(req)
            _try_out(found)
            return found
        except _BROKEN:
            give_up(rctx, req)
    found = rctx.templater(req)
    _forget_style(rctx, req)
    found.defaults[b"sessionvars"] = webutil.sessionvars({}, b"?")
    return found


def _forget_style(_rctx, req):
    if b"style" in req.qsparams:
        del req.qsparams[b"style"]


def _take_own(rctx, req):
    rctx.templatepath = None
    req.qsparams[b"style"] = b"paper"


def _try_out(found):
    kind = found.render(b"mimetype", {b"encoding": encoding.encoding})
    if b"html" not in kind:
        # As that of feeds, or of what programs read.
        raise ValueError(kind)
    for name in (b"header", b"footer"):
        # A page would be shown without it, whatever is missing.
        found.render(name, {})
    render(found, b"", b"")


def render(templates, style_text, content):
    """The bytes of a page; ``content`` is HTML in hgweb's encoding."""
    style = templates.defaults.get(b"style", b"")
    body = _BODIES.get(style, _SPARTAN)
    if b"searchform" not in templates:
        body = _SEARCH.sub(b"", body)
    if b"breadcrumb" not in templates:
        body = body.replace(_CRUMBS, b"{repo|escape}")
    if b"urlparameter" not in templates:
        templates.cache[b"urlparameter"] = _URL_PARAMETER
    templates.cache[b"hgs3_page"] = _HEAD + body + b"{footer}\n"
    return templates.render(
        b"hgs3_page",
        {
            b"hgs3_style": (style_text + _LAYOUT).replace(b"\n", b" "),
            b"hgs3_content": content,
        },
    )
