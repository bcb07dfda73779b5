# Copyright 2026 the hg-s3 authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
"""keep pushes in Amazon S3 and a database, never in the repository (EXPERIMENTAL)

A *try* repository takes changesets that nobody wants to keep: they are built and
tested, and forgotten. Pushed into an ordinary repository, each is one more head,
and all operations become slower with each. This extension for servers makes of
each push one object in a store, and a few rows of a database. The repository
itself never changes. Clients are ordinary Mercurial, and see an ordinary repository.

Server
======

In the configuration of the repository that developers push to, a copy of the
one that they work with, which is kept up to date by :hg:`pull`::

  [extensions]
  s3try =

  [s3try]
  enabled = yes

  [s3wireprotocache]
  bucket = hg-cache
  region = us-west-2

The store is that of the extension :hg:`s3wireprotocache`, which need not be
enabled. A folder, ``store = file:/srv/hg-s3``, does as well. Whatever lives below
``<prefix>try/`` is users' work: a rule that expires objects must not be for it.

What is the same as ever
========================

:hg:`push`, :hg:`pull -r`, :hg:`clone -r`, :hg:`incoming -r` and :hg:`identify -r`, over
HTTP and SSH, by full or short hash or by bookmark. Who may push is decided by
``web.allow-push`` and the like. Hooks ``pretxnchangegroup`` run, see below.
Pushes do not wait for each other.

What is different
=================

- :hg:`pull` without a revision and :hg:`clone` bring what is in the repository, and
  nothing of what was pushed.
- What is pushed stays draft, for who pushes and for who pulls it. A push of
  public changesets only is refused.
- The repository is never changed by a push: neither its bookmarks, nor
  phases, nor obsolescence markers. Its own bookmarks are not listed to who pushes;
  :hg:`pull -r` finds them.
- A push that begins another head still needs ``-f``: that is the client's own
  question.
- Each push holds all that the repository lacks. One that was made on top of
  another one has the changesets of both.
- Refused with a reason: what is not based on the repository, what is larger than
  the limits, what is damaged, clients before Mercurial 3.5, tree manifests, large
  files by reference (lfs), censored revisions, and all of it while the database or the
  store is away. Pulls of what is in the repository need neither.

Bookmarks
=========

:hg:`push -B NAME` makes a *scratch bookmark*, which is in the database alone.
:hg:`pull -r NAME` and :hg:`clone -r NAME` find it, pushing it again moves it, and
pushing one that was deleted deletes it. :hg:`pull` without its name
does not bring it.

Web pages
=========

hgweb shows changesets of try like all others, by full or short hash or by bookmark:
``/rev/NODE``, ``/raw-rev/NODE``, ``/file/NODE/PATH``, ``/log/NODE``,
``/archive/NODE.tar.gz`` and so on, with the styles and the ``json-*`` and ``raw-*``
twins that there are. Pages say at their end which push they come from; so does the header
``HG-S3-Push``. What was pushed again and again is shown from its newest bundle. Below
``/bundle/ID/`` is a whole hgweb of the repository and that bundle alone. The front
pages of the repository, its heads and its branches show nothing of try. While the store
or the database is away, pages of try are a 503.

Hooks
=====

``pretxnchangegroup`` runs before anything is stored, and may refuse, with the
variables of ``--pushvars``. A hook in Python gets a repository that has the
changesets; it can be read only. A program finds them in the bundle ``$HG_BUNDLE``::

  [hooks]
  pretxnchangegroup.check = hg -R "$HG_BUNDLE" log -r "$HG_NODE::$HG_NODE_LAST"

Other hooks of a push do not run: there is no transaction.

Configuration
=============

Every setting is checked when ``hg serve`` starts, which refuses to start with a
bad one. Elsewhere pushes are refused while there is one.

All settings are in the section ``[s3try]``.

``enabled``
    Whether pushes are kept apart. What is no boolean is taken for a yes.
    (default: ``no``)

``database``
    ``sqlite:`` for a file beside the store of the repository, ``.hg/hg-s3-try.db``, or
    ``sqlite:`` and the path of a file, for one server. For several that serve the same
    repository, ``postgresql+psycopg://user:password@host/name`` or
    ``mysql+pymysql://user:password@host/name`` (MariaDB, too). These need
    :hg:`s3try migrate` once. (default: ``sqlite:``)

``max-bundle-size``
    The largest push, uncompressed. (default: ``256MB``)

``max-changesets``
    The most changesets of one push. (default: ``5000``)

``redirect-minimum``
    Clients are sent to the store for larger objects. Smaller ones go through the
    server, which costs it less. (default: ``100KB``)

``scratch-bookmarks``
    A pattern that says which names bookmarks may have: ``re:`` and a regular
    expression that matches anywhere (begin with ``^``), or ``literal:`` and a name.
    When it is set to nothing, all are refused. (default: ``re:.+``)

``bundle-cache``
    A folder for copies of bundles that are read again, which servers of one
    machine may share. Without it, one in ``.hg/cache`` of the repository.
    (default: empty)

``bundle-cache-size``
    How much room they may take up; with 0 there is no limit. (default: ``1GB``)

``overlay-cache``
    How many bundles each process keeps open on top of the repository, for the next
    page or pull.
    (default: ``8``)

Each setting of ``[s3wireprotocache]`` may be in this section, too, and is then
for try alone: another ``bucket``, for instance, or a ``public-url``. With that one,
who pushes is told where the changeset is to be seen, ``<public-url>/rev/<node>``.

Commands
========

:hg:`s3try` shows what was pushed, compares the store with the database, and deletes
what is old. See :hg:`help s3try`.

Log
===

Each answer with changesets of try is a line of the log ``s3wireprotocache``, with
``try`` as its command; see :hg:`help s3wireprotocache`.
"""

from mercurial import cmdutil, registrar
from mercurial.i18n import _

import hgs3
from hgs3 import crossing, settings, trysettings
from hgs3.trybundles import setup

testedwith = b"6.0.3 7.2.4"
minimumhgversion = b"5.9"

cmdtable = {}
command = registrar.command(cmdtable)

configtable = {}
configitem = registrar.configitem(configtable)
for _name, _default in trysettings.DEFAULTS:
    configitem(trysettings.SECTION, _name, default=_default)
for _name in trysettings.OVERRIDES:
    configitem(trysettings.SECTION, _name, default=None)


def getversion():
    """What ``hg version -v`` says; bytes."""
    return crossing.to_bytes(hgs3.__version__)


def uisetup(ui):
    settings.register_items(ui, b"s3try")


def extsetup(ui):
    setup.setup()


def reposetup(ui, repo):
    setup.reposetup(ui, repo)


@command(
    b"s3try",
    [
        (b"l", b"limit", b"", _(b"list so many pushes at most"), _(b"NUM")),
        (b"", b"older-than", b"", _(b"what is older is meant"), _(b"DAYS")),
        (b"", b"yes", None, _(b"really delete what is to be deleted")),
    ]
    + cmdutil.formatteropts,
    _(b"ACTION [OPTION]..."),
    helpcategory=command.CATEGORY_MAINTENANCE,
)
def s3try(ui, repo, *actions, **opts):
    """show, check and clean what was pushed to try

    Run it on the server, as the user that serves the repository and with the
    configuration that it is served with. Give the repository by -R, with the path that
    it is served from.

    There are six actions:

    ``list``
        Prints a line for each push, newest first: its number, when it was (UTC), how
        many changesets it has, the size of its object, its last changeset and
        who pushed it. With ``-l/--limit``, so many at most.

    ``show``
        Prints all that is known of the pushes whose numbers follow.

    ``verify``
        Reads each object and compares it with the digests in the database, and its
        changesets with the rows there. Prints a line for each one that is missing
        or damaged.

    ``gc``
        Says how many objects there are that no push refers to, and with ``--yes``
        deletes them. Such are left by pushes that failed, and by ``expire``. Those
        younger than ``--older-than`` days are left alone. (default: 1)

    ``expire``
        Says how many pushes are older than ``--older-than`` days, and with ``--yes``
        forgets them, with bookmarks on their changesets.

    ``migrate``
        Makes the tables of the database, or brings them up to date after an update of
        this extension. A file of SQLite needs no such thing.

    .. container:: verbose

      Template:

      The following keywords are supported. Sizes are in bytes. See also
      :hg:`help templates`.

      :list: ``push``, ``date``, ``user``, ``tip``, ``changesets``, ``bytes``, ``bundle``
      :show: as ``list``, and ``key``, ``nodes``
      :verify: ``bundle``, ``changesets``, ``problem``
      :gc: ``deleted``, ``objects``, ``bytes``
      :expire: ``deleted``, ``pushes``, ``bundles``, ``bookmarks``
      :migrate: ``before``, ``after``

      Examples:

      - who pushed the last 10 times::

          hg s3try list -R /srv/hg/try -l 10

      - forget what is older than half a year, every night::

          hg s3try expire -R /srv/hg/try --older-than 180 --yes
          hg s3try gc -R /srv/hg/try --yes

    Returns 0 on success, 1 if an object is missing or damaged.
    """
    # Imported here, since every other command would pay for it.
    from hgs3.commands import s3try as actionsmod

    return actionsmod.run(ui, repo, actions, opts)
