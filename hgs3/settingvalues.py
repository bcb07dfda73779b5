"""Read one item of a section of ours, checked: what is wrong is said with its name.

Each function takes the ``ui`` and the name of the item, and raises error.Abort
with a hint. The section is that of the cache, unless it is given.
"""

import difflib
import re
import urllib.parse

from mercurial import error
from mercurial.i18n import _

from . import crossing

SECTION = b"s3wireprotocache"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def bad(item, problem, hint, section=SECTION):
    return error.Abort(_(b"%s.%s %s") % (section, item, problem), hint=hint)


def refuse_unknown(ui, known, section=SECTION):
    """Raise for the first item of the section that is not one of ``known``."""
    for name, _value in ui.configitems(section):
        if name in known:
            continue
        close = difflib.get_close_matches(
            crossing.to_str(name), [crossing.to_str(k) for k in known], n=1
        )
        if close:
            hint = _(b"did you mean %s.%s?") % (section, crossing.to_bytes(close[0]))
        else:
            hint = _(b"see 'hg help %s' for the settings") % section
        raise error.Abort(_(b"unknown setting %s.%s") % (section, name), hint=hint)


def raw(ui, item, section=SECTION):
    """The item's value without surrounding space; never None."""
    return (ui.config(section, item) or b"").strip()


def text(ui, item, section=SECTION):
    given = raw(ui, item, section)
    value = crossing.to_str(given)
    if not _is_utf8(given):
        raise bad(
            item,
            _(b"is not UTF-8"),
            _(b"write %s.%s in UTF-8") % (section, item),
            section,
        )
    if _CONTROL.search(value):
        raise bad(
            item,
            _(b"holds a control character"),
            _(b"write %s.%s on one line") % (section, item),
            section,
        )
    return value


def _is_utf8(given):
    try:
        given.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def url(ui, item, example=b"https://s3.example.com:9000", section=SECTION):
    value = text(ui, item, section)
    if not value:
        return ""
    problem = _url_problem(value)
    if problem:
        # The value stays out of the message: a user name and password in a
        # URL are one of the mistakes.
        raise bad(
            item,
            problem,
            _(b"set %s.%s to a URL such as %s") % (section, item, example),
            section,
        )
    return value


def _url_problem(value):
    try:
        parts = urllib.parse.urlsplit(value)
        # .port raises ValueError where it is no number.
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return _(b"is not a URL")
    if parts.scheme not in ("http", "https"):
        return _(b"is not an http or https URL")
    if not has_host:
        return _(b"names no host")
    if parts.username is not None or parts.password is not None:
        return _(b"holds a user name or password")
    if parts.query or parts.fragment:
        return _(b"holds a query string or fragment")
    return None


def choice(ui, item, choices, section=SECTION):
    value = text(ui, item, section)
    if value not in choices:
        raise bad(
            item,
            _(b"is not one that is known: '%s'") % crossing.to_bytes(value),
            _(b"set %s.%s to %s") % (section, item, crossing.to_bytes(either(choices))),
            section,
        )
    return value


def either(choices):
    return ", ".join(choices[:-1]) + " or " + choices[-1]


def size(ui, item, section=SECTION):
    try:
        value = ui.configbytes(section, item)
    except (error.ConfigError, OverflowError):
        value = -1
    if value < 0:
        raise bad(
            item,
            _(b"is not a size: '%s'") % raw(ui, item, section),
            _(b"set %s.%s to a number of bytes, or to one such as 64KB or 1MB")
            % (section, item),
            section,
        )
    return value


def seconds(ui, item, lowest=None, most=3600, section=SECTION):
    """A number of seconds above 0, or at least ``lowest``."""
    try:
        value = float(raw(ui, item, section))
    except ValueError:
        value = -1.0
    high_enough = value > 0 if lowest is None else value >= lowest
    # A longer one is not meant, and overflows in the system's calls.
    if not (high_enough and value <= most):
        raise bad(
            item,
            _(b"is not a number of seconds: '%s'") % raw(ui, item, section),
            _(b"set %s.%s to a number %s, and %d at most")
            % (
                section,
                item,
                _(b"above 0") if lowest is None else _(b"from %d on") % lowest,
                most,
            ),
            section,
        )
    return value


def yes_or_no(ui, item, section=SECTION):
    try:
        return ui.configbool(section, item)
    except error.ConfigError:
        raise bad(
            item,
            _(b"is neither yes nor no: '%s'") % raw(ui, item, section),
            _(b"set %s.%s to yes or no") % (section, item),
            section,
        )


def whole_number(ui, item, lowest, most, problem, remark=b"", section=SECTION):
    """An int of ``lowest`` to ``most``; ``problem`` says what it is not."""
    try:
        value = int(raw(ui, item, section))
    except ValueError:
        value = lowest - 1
    if not lowest <= value <= most:
        raise bad(
            item,
            _(b"%s: '%s'") % (problem, raw(ui, item, section)),
            _(b"set %s.%s to %d to %d%s") % (section, item, lowest, most, remark),
            section,
        )
    return value


def words(ui, item, choices, section=SECTION):
    """A frozenset of the words in a list, each one of ``choices`` (str)."""
    named = [crossing.to_str(word) for word in ui.configlist(section, item)]
    for word in named:
        if word not in choices:
            raise bad(
                item,
                _(b"names what is not known: '%s'") % crossing.to_bytes(word),
                _(b"set %s.%s to any of %s")
                % (section, item, crossing.to_bytes(", ".join(choices))),
                section,
            )
    return frozenset(named)
