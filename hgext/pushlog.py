# Copyright 2026 the hg-s3 authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
"""log who pushed what, and when, in a database (EXPERIMENTAL)

Each push into a repository is recorded: who has pushed (``REMOTE_USER`` of the web
server; by SSH and on the machine itself, ``USER``), when, and all that is to be known
of each changeset. What is recorded can be asked for without the repository.

Server
======

In the configuration of the repository that is pushed to::

  [extensions]
  pushlog =

A push is in the log as soon as its changesets are in the repository, and not before. It
is refused when the log cannot be written. When the database fails, or the server is
killed, just after Mercurial has taken the push, the push is logged as soon as
somebody comes by: with the next push, when :hg:`serve` starts, or when the log is read.

With the extension :hg:`s3try`, pushes to try are in the same log, numbered
together with those into the repository.

What is recorded
================

- Pushes by HTTP and SSH, pushes to a path and :hg:`unbundle`. Not :hg:`pull`, unless
  ``record-pulls`` is set, and not :hg:`commit`.
- A changeset that becomes obsolete and hidden stays in the log and is marked; so is
  one that is stripped, or rolled back. When it is pushed again, both pushes have it.
  Of one that is secret, nothing but its hash is shown.
- The phase of a changeset in the log follows that in the repository.
- Tags are those that a push has given to its own changesets.

Configuration
=============

All settings are in the section ``[pushlog]``. A push is refused while one of them
is bad.

``enabled``
    Whether pushes are logged. What is no boolean is taken for a yes.
    (default: ``yes``)

``database``
    ``sqlite:`` for a file beside the store of the repository, ``.hg/hg-s3-try.db``, or
    ``sqlite:`` and the path of a file. ``postgresql+psycopg://user:password@host/name``
    and ``mysql+pymysql://user:password@host/name`` (MariaDB, too) need
    :hg:`pushlog-migrate` once. Empty means ``sqlite:``, and in a try repository
    ``s3try.database``, from which it may not differ. (default: empty)

``record-pulls``
    Whether :hg:`pull` into the repository is recorded like a push.
    (default: ``no``)

Several repositories may share a database. A repository is known by its path (after
:hg:`share`, that of its source), or by
``s3wireprotocache.repo-id``, which servers of the same repository must share.

Over HTTP
=========

hgweb answers these out of the database, without opening the repository. Who may read
the repository (``web.allow_read``, ``web.deny_read``) may read its log. An answer has an ETag:
who asks again, and nothing has changed, gets a 304. A bad parameter is a 400 that names
it, an unknown changeset a 404, a database that is away a 503.

- ``json-pushes``: Pushes as JSON.
- ``pushlog``, ``atom-pushlog``: An Atom feed, an entry for each changeset; of a
  push, for the last 500.
- ``pushloghtml``: A page, newest first, ``page=N`` at a time, with the last 20
  changesets of each push, or the last 500 of one alone. In the styles that come with
  Mercurial, all pages have a link to it.

All take these parameters. Without any of those up to ``user``, it is the last 10
pushes.

- ``startID``, ``endID``: Pushes after the first number, up to and with the
  second one.
- ``startdate``, ``enddate``: Pushes after the first date, and before the second
  one: seconds since the epoch, or a date as in :hg:`help dates`, in UTC unless
  it says otherwise.
- ``fromchange``, ``tochange``: Pushes after the newest one of the first
  changeset, up to and with that of the second one.
- ``changeset``, ``user``: Pushes with this changeset, by this user; up to 100
  of each may be given. A changeset is a full or an unambiguous short hash, or
  ``tip``: the last one of the newest push that has any to be seen. Other names
  are unknown.
- ``tipsonly=1``: Only the last changeset of each push. Any other value is a no.
- ``full=1``: ``json-pushes`` only: all of each changeset, and not only its
  node.
- ``version``: ``json-pushes`` only: 1 (the default) or 2.

Version 1 is an object of pushes by their numbers, as text. Version 2 is an object with
``lastpushid`` and such ``pushes``. A push has ``user``, ``date`` (seconds), ``url``, its page,
and ``changesets`` in the order of revisions; a push to try also ``bundle`` and ``bundle_url``.
Changesets that are obsolete or gone are in ``obsoletechangesets``, which version 1 has not. With
``full`` a changeset is an object with ``node``, ``rev_url``, ``parents``, ``author``, ``date``
(seconds, offset), ``desc``, ``branch``, ``files``, ``tags``, ``phase`` and ``extra``, in version 2
``precursors``, in a push to try ``bundle_rev_url``.

Revsets and keywords
====================

``pushdate(interval)``, ``pushuser(string)``, ``pushid(number)`` and ``pushhead()`` find
changesets by their pushes; see :hg:`help revsets`. ``{pushid}``, ``{pushuser}`` and
``{pushdate}`` are of the newest push of a changeset, and empty where there is none::

  hg log -r "pushuser('alice') and pushdate('-7')" \
      -T "{pushid} {pushdate|isodate} {node|short}\n"

Log
===

Clients that know it, as those with Mozilla's extension of this name, get the log by
the command ``pushlog`` of the wire protocol, with the argument ``firstpush``; see the
file ``hgs3/pushes/wirecommand.py``. It needs the permission to pull, and leaves pushes
to try out.
"""

from mercurial import cmdutil, registrar, templateutil
from mercurial.i18n import _

import hgs3
from hgs3 import crossing, pushlogsettings, settings
from hgs3.pushes import setup

testedwith = b"6.0.3 7.2.4"
minimumhgversion = b"5.9"

cmdtable = {}
command = registrar.command(cmdtable)

revsetpredicate = registrar.revsetpredicate()
templatekeyword = registrar.templatekeyword()

configtable = {}
configitem = registrar.configitem(configtable)
for _name, _default in pushlogsettings.DEFAULTS:
    configitem(pushlogsettings.SECTION, _name, default=_default)


def getversion():
    """What ``hg version -v`` says; bytes."""
    return crossing.to_bytes(hgs3.__version__)


def uisetup(ui):
    settings.register_items(ui, b"pushlog")


def extsetup(ui):
    setup.setup()


def reposetup(ui, repo):
    setup.reposetup(repo)


@revsetpredicate(b"pushdate(interval)")
def pushdate(repo, subset, x):
    """Changesets of pushes within the interval, see :hg:`help dates`."""
    # Imported here, as all that follows: most commands need none of it.
    from hgs3.pushes import queries

    return queries.pushdate(repo, subset, x)


@revsetpredicate(b"pushuser(string)")
def pushuser(repo, subset, x):
    """Changesets of pushes by users whose name contains the string. The match is
    case-insensitive.

    Pattern matching is supported for ``string``. See
    :hg:`help revisions.patterns`.
    """
    from hgs3.pushes import queries

    return queries.pushuser(repo, subset, x)


@revsetpredicate(b"pushid(number)")
def pushid(repo, subset, x):
    """Changesets of the push with the number."""
    from hgs3.pushes import queries

    return queries.pushid(repo, subset, x)


@revsetpredicate(b"pushhead()")
def pushhead(repo, subset, x):
    """The last changeset of each push."""
    from hgs3.pushes import queries

    return queries.pushhead(repo, subset, x)


@templatekeyword(b"pushid", requires={b"repo", b"ctx", b"cache"})
def showpushid(context, mapping):
    """Integer. The number of the newest push of the changeset."""
    from hgs3.pushes import queries

    return queries.keyword(context, mapping, lambda push: push.id)


@templatekeyword(b"pushuser", requires={b"repo", b"ctx", b"cache"})
def showpushuser(context, mapping):
    """String. Who pushed the changeset last."""
    from hgs3.pushes import queries

    return queries.keyword(context, mapping, queries.local_user)


@templatekeyword(b"pushdate", requires={b"repo", b"ctx", b"cache"})
def showpushdate(context, mapping):
    """Date information. When the changeset was pushed last, in UTC."""
    from hgs3.pushes import queries

    pushed = queries.keyword(context, mapping, lambda push: push.pushed)
    return templateutil.date((pushed, 0), b"%d.0%d") if pushed is not None else None


@command(
    b"pushlog",
    [(b"l", b"limit", b"", _(b"list so many pushes at most"), _(b"NUM"))]
    + cmdutil.formatteropts,
    _(b"[-l NUM]"),
    helpcategory=command.CATEGORY_MAINTENANCE,
)
def pushlog(ui, repo, **opts):
    """show the log of pushes

    Prints a line for each push, newest first: its number, when it was (UTC), how many
    changesets it has, the last of them and who pushed it. :hg:`pushlog-add`,
    :hg:`pushlog-import`, :hg:`pushlog-check` and :hg:`pushlog-migrate` change it.

    .. container:: verbose

      Template:

      The following keywords are supported. See also :hg:`help templates`.

      :list: ``push``, ``date``, ``user``, ``tip``, ``nodes``

    Returns 0 on success.
    """
    # Imported here, since every other command would pay for it.
    from hgs3.commands import pushlog as actionsmod

    return actionsmod.show(ui, repo, opts)


@command(
    b"pushlog-add",
    [
        (b"u", b"user", b"", _(b"who is to have pushed"), _(b"USER")),
        (b"d", b"date", b"", _(b"when; now, if it is not given"), _(b"DATE")),
        (b"r", b"rev", [], _(b"changesets of the push"), _(b"REV")),
        (b"", b"from-json", b"", _(b"read pushes from a file"), _(b"FILE")),
    ],
    _(b"-u USER [-d DATE] -r REV... | --from-json FILE"),
    helpcategory=command.CATEGORY_MAINTENANCE,
)
def pushlogadd(ui, repo, **opts):
    """log changesets as if somebody had pushed them

    For changesets that have come into the repository otherwise. They are logged as one
    push, in the order of revisions, by this user at this date.

    With ``--from-json``, all pushes in FILE are logged, or none; ``-`` is
    standard input. It holds a list of objects::

        [{"user": "alice@example.com",
          "date": 1700000000,
          "changesets": ["0123456789ab", "tip"]}]

    ``date`` is in seconds since the epoch, or a text as for ``--date``;
    ``changesets`` are hashes or other names of single changesets.

    Returns 0 on success.
    """
    from hgs3.commands import pushlog as actionsmod

    return actionsmod.add(ui, repo, opts)


@command(
    b"pushlog-import",
    [],
    _(b"FILE"),
    helpcategory=command.CATEGORY_MAINTENANCE,
)
def pushlogimport(ui, repo, path):
    """take over the pushlog2.db of another server

    All pushes in it are logged, or none. Changesets that the repository no longer has
    are logged as gone. Numbers of pushes are kept, if nothing was logged before and
    no other repository has them in the same database; otherwise there are new ones.

    What was imported before is not imported again.

    Returns 0 on success.
    """
    from hgs3.commands import pushlogimport as actionsmod

    return actionsmod.run(ui, repo, path)


@command(b"pushlog-check", [], b"", helpcategory=command.CATEGORY_MAINTENANCE)
def pushlogcheck(ui, repo):
    """compare the log of pushes with the repository

    Logs the last push, if the server was killed before it could do so, marks
    changesets that are hidden or gone, and corrects phases.

    Returns 0 on success.
    """
    from hgs3.commands import pushlog as actionsmod

    return actionsmod.check(ui, repo)


@command(b"pushlog-migrate", [], b"", helpcategory=command.CATEGORY_MAINTENANCE)
def pushlogmigrate(ui, repo):
    """make the tables of the database, or bring them up to date

    A file of SQLite needs no such thing. The same as :hg:`s3try migrate`.

    Returns 0 on success.
    """
    from hgs3.commands import pushlog as actionsmod

    return actionsmod.migrate(ui, repo)
