"""What the query string of a request for the log asks for.

In two steps, since what is not about changesets needs no database: :func:`read`, and
then :func:`query`.
"""

import calendar
import dataclasses
import datetime
import re
import typing

from mercurial import error
from mercurial.hgweb import common as hgwebcommon
from mercurial.utils import dateutil

from .. import crossing
from ..database.errors import UnknownChangeset
from ..database.records import LogQuery

#: What a page, or an answer without a limit of its own, has.
PUSHES = 10

VERSIONS = (1, 2)

#: How often a parameter may be given that may be given several times: each of them
#: may be a query of its own.
TIMES = 100

#: Pushes that are looked through at once for one of which something is to be seen.
_CHUNK = 100

#: All that is about which pushes there are on a page or in a feed.
NAMES = (
    *("startID", "endID", "startdate", "enddate", "fromchange", "tochange"),
    *("changeset", "user", "tipsonly"),
)

_NUMBER = re.compile(rb"-?[0-9]{1,30}\Z")
_PREFIX = re.compile(r"[0-9a-f]{1,40}\Z")
#: A date that has one is the same tomorrow. A time zone is none.
_YEAR = re.compile(rb"(?<![-+:0-9])[0-9]{4}(?![0-9])")

_WORDS = {b"today": 0, b"yesterday": 1}


class BadParameter(Exception):
    """``name`` is that of the parameter, ``problem`` is one line; both str."""

    def __init__(self, name, problem):
        super().__init__("bad parameter %s: %s" % (name, problem))
        self.name = name
        self.problem = problem


@dataclasses.dataclass(frozen=True)
class Asked:
    """A query string, checked.

    ``query`` has none of the ``changes``, pairs of a parameter and a changeset as
    it was written. ``is_bounded`` says that anything is asked for but the last
    pushes; ``is_lasting`` that it means the same tomorrow.
    """

    query: LogQuery
    changes: typing.Tuple[typing.Tuple[str, str], ...]
    full: bool
    tips_only: bool
    version: int
    page: int
    is_bounded: bool
    is_lasting: bool


def read(params, skip_empty: bool = False) -> Asked:
    """``params`` is hgweb's multidict of bytes. Raises BadParameter.

    A form sends fields that nobody has filled in: with ``skip_empty`` they do not
    count.
    """
    reader = _Reader(params, skip_empty)
    query = LogQuery(
        start_id=reader.number("startID"),
        end_id=reader.number("endID"),
        start_date=reader.date("startdate"),
        end_date=_second_before(reader.date("enddate")),
        users=tuple(map(crossing.to_str, reader.all("user"))),
    )
    changes = [
        (name, crossing.to_str(value))
        for name in ("fromchange", "tochange", "changeset")
        for value in (reader.all(name) if name == "changeset" else reader.once(name))
    ]
    return Asked(
        query=query,
        changes=tuple(changes),
        # Whatever it is set to.
        full="full" in reader,
        tips_only=reader.is_one("tipsonly"),
        version=reader.one_of("version", VERSIONS, 1),
        page=reader.page(),
        is_bounded=bool(changes) or query != LogQuery(),
        is_lasting=reader.is_lasting,
    )


def query(asked: Asked, log) -> LogQuery:
    """What ``asked`` means to a PushLog. Raises BadParameter, UnknownChangeset,
    hgweb's ErrorResponse for what is no name of a changeset here, and DatabaseError."""
    values: typing.Dict[str, typing.Any] = {"changesets": ()}
    nodes: typing.Dict[str, str] = {}
    for name, text in asked.changes:
        if text not in nodes:
            nodes[text] = _node(log, name, text)
        if name == "changeset":
            values["changesets"] += (nodes[text],)
        else:
            key = "from_change" if name == "fromchange" else "to_change"
            values[key] = nodes[text]
    return dataclasses.replace(asked.query, **values)


def _node(log, name, text):
    if text == "tip":
        return _tip(log)
    prefix = text.lower()
    if not _PREFIX.match(prefix):
        # Other names, only the repository knows.
        raise hgwebcommon.ErrorResponse(
            hgwebcommon.HTTP_NOT_FOUND,
            b"unknown changeset: %s (only hashes and tip are understood)"
            % crossing.to_bytes(ascii(text[:60])),
        )
    if len(prefix) == 40:
        # Whether there is one, its query says.
        return prefix
    found = log.nodes_with_prefix(prefix)
    if not found:
        raise UnknownChangeset(prefix)
    if len(found) > 1:
        raise BadParameter(name, "'%s' begins several changesets" % prefix)
    return found[0]


def _tip(log):
    """The last changeset of the newest push of which anything is to be seen."""
    end_id = None
    while True:
        pushes = log.pushes(
            LogQuery(end_id=end_id), tips_only=True, newest_first=True, limit=_CHUNK
        )
        for push in pushes:
            if push.changesets:
                return push.changesets[-1].node
        if len(pushes) < _CHUNK:
            raise UnknownChangeset("tip")
        end_id = pushes[-1].id - 1


def _second_before(date):
    # What the log calls an end is inclusive; what the parameter calls one is not.
    return None if date is None else date - 1


class _Reader:
    """``is_lasting`` as that of Asked, of what was read."""

    def __init__(self, params, skip_empty):
        self._params = params
        self._skip_empty = skip_empty
        self.is_lasting = True

    def __contains__(self, name):
        return crossing.to_bytes(name) in self._params

    def _values(self, name):
        key = crossing.to_bytes(name)
        values = self._params.getall(key) if key in self._params else []
        if self._skip_empty:
            values = [value for value in values if value.strip()]
        return values

    def all(self, name):
        """The values of a parameter; a list of bytes."""
        values = self._values(name)
        if not all(value.strip() for value in values):
            raise BadParameter(name, "it is empty")
        if len(values) > TIMES:
            raise BadParameter(name, "it is given more than %d times" % TIMES)
        return values

    def once(self, name):
        """As ``all``, at most one."""
        values = self.all(name)
        if len(values) > 1:
            raise BadParameter(name, "it is given twice")
        return values

    def number(self, name):
        """An int, or None."""
        for value in self.once(name):
            value = value.strip()
            if not _NUMBER.match(value):
                raise BadParameter(name, "%s is not a number" % _quoted(value))
            return int(value)
        return None

    def one_of(self, name, allowed, default):
        """One of these numbers."""
        value = self.number(name)
        if value is None:
            return default
        if value not in allowed:
            names = " or ".join(map(str, allowed))
            raise BadParameter(name, "%d is not %s" % (value, names))
        return value

    def is_one(self, name):
        """Whether it is 1; whatever else it is, is a no."""
        values = self._values(name)
        if len(values) > 1:
            raise BadParameter(name, "it is given twice")
        return [value.strip() for value in values] == [b"1"]

    def page(self):
        """From 1 on."""
        value = self.number("page")
        if value is None:
            return 1
        if not 1 <= value <= 10**9:
            raise BadParameter("page", "%d is not a page" % value)
        return value

    def date(self, name):
        """Seconds since the epoch, or None."""
        for value in self.once(name):
            value = value.strip()
            if _NUMBER.match(value):
                return int(value)
            if not _YEAR.search(value):
                self.is_lasting = False
            try:
                return _written_date(value)
            except (error.Error, ValueError, OverflowError):
                raise BadParameter(name, "%s is not a date" % _quoted(value))
        return None


def _written_date(value):
    """UTC, unless it says otherwise: what the time zone of a server is, nobody
    knows who asks it."""
    if value in _WORDS:
        today = datetime.datetime.now(datetime.timezone.utc).date()
        value = (
            b"%d-%d-%d" % (today - datetime.timedelta(_WORDS[value])).timetuple()[:3]
        )
    try:
        return _date_of_mercurial(value)
    except error.Error:
        return _far_date(value)


def _date_of_mercurial(value):
    try:
        return dateutil.parsedate(value + b" UTC")[0]
    except error.Error:
        return dateutil.parsedate(value)[0]


def _far_date(value):
    """One beyond the 32 bits that Mercurial has for it: before 1902, after 2037."""
    found = _YEAR.search(value)
    if not found:
        raise ValueError(value)
    year = int(found.group())
    near = 2000 if calendar.isleap(year) else 2001
    apart = datetime.date(year, 1, 1) - datetime.date(near, 1, 1)
    start, end = found.span()
    seconds = _date_of_mercurial(b"%s%d%s" % (value[:start], near, value[end:]))
    return seconds + apart.days * 24 * 3600


def _quoted(value):
    # Long ones are of no use to anybody.
    return "'%s'" % crossing.to_str(value[:60])
