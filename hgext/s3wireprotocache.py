# Copyright 2026 the hg-s3 authors
#
# This software may be used and distributed according to the terms of the
# GNU General Public License version 2 or any later version.
"""serve heavy wire protocol responses from Amazon S3 (EXPERIMENTAL)

A clone or pull makes a server compute, compress and send large responses,
most of them the same for every client. This extension for servers stores
them in Amazon S3, or in any store that speaks its API, and sends clients
there with short-lived presigned URLs. Clients are ordinary Mercurial; nothing
is installed on them.

It does so for both versions of the wire protocol:

- Version 1, which every Mercurial speaks. :hg:`clone` and :hg:`pull` over HTTP and
  SSH take history from the store in *segments*: bundles of 64, 128, 256, ... up
  to 32768 changesets that never change once they are made, so that all clients
  share them, whatever they have already. Clients of Mercurial 4.4 and later
  are served so; older ones, and :hg:`incoming`, get what they always got.
- Version 2, an experiment that Mercurial 5.9 to 6.0 serve and speak. Each
  response is stored as it is.

Server
======

::

  [extensions]
  s3wireprotocache =

  [s3wireprotocache]
  bucket = hg-cache
  region = us-west-2

That is all for version 1. The segments that the first clone or pull would have
used are made in the background while it gets its answer as always. With
``publish-on-push`` they are made after each push, and :hg:`s3cache warm` makes all
of them at once.

A client ends up with exactly the changesets that it asked for, in one
transaction, and with the same phases, bookmarks and obsolescence markers as
ever. Only its hooks ``prechangegroup``, ``pretxnchangegroup`` and ``changegroup``
run once for each part. A repository with tree manifests, large
files by reference (lfs), side data or a narrowed store is served as without
segments, since the format of a part that comes by URL cannot hold those.

A part names its URL in 255 bytes, fewer than a presigned URL takes. So clients
are given a short URL of this server, ``.../s3get/<token>``, which answers with a
redirect to the presigned one. A token is good for ``short-url-lifetime`` and for
who may pull. Over SSH there is no such address unless ``public-url`` is set.

For version 2, add to the server::

  [experimental]
  web.apiserver = true
  web.api.http-v2 = true

Clients opt in to it with ``experimental.httppeer.advertise-v2=true``.
All that a clone or a pull asks for is cached, ``hg clone --stream`` included.

What a client may not see is never taken from the cache: the permission checks
of the server run before, and the changesets that a request is about must be
visible in the repository as it is served at that moment. :hg:`censor`,
:hg:`strip` and :hg:`rollback` put all that was stored before out of reach.

When many clients ask for the same response at once it is computed once, on all
servers that share the bucket.

A client that authenticates to the server with HTTP Basic gets stored
responses through the server, not by redirect: it would send its password to
the store.

When S3 cannot be reached, is slow, refuses or holds something damaged, the
server answers as it would without this extension, says so once, leaves S3 alone
for a while, and uses the cache again when it can.

Without any cloud, a folder of the server can be the store, see ``store``.
Clients then get stored responses through the server, which still does not
compute them again.

Without a bucket or a folder nothing is cached. The extension then still mends one thing:
as it is, Mercurial cannot serve version 2 clones of a repository in which a
file was ever removed.

Configuration
=============

Every setting is checked when ``hg serve`` starts, which refuses to start with
a bad one. A WSGI application warns instead, and serves without the cache.

All settings are in the section ``[s3wireprotocache]``.

``bucket``
    The bucket that holds cached responses. Nothing is cached without it, or
    without ``store``.

``store``
    Instead of a bucket, ``file:`` and the absolute path of a folder on a disk of
    this server, such as ``file:/var/cache/hg-s3``. It is made if it is missing.

``store-size``
    How much room the folder may take up; what was not used for the longest time
    is deleted to make more. With 0 there is no limit. (default: ``10GB``)

``prefix``
    Put before every key, as it is: end it with a slash to make it look like
    a folder. Keys begin with ``<prefix>cache/``. (default: empty)

``region``
    The region of the bucket. (default: ``us-west-2``)

``access-key-id``, ``secret-access-key``, ``session-token``
    Credentials. Without them boto3 looks in its usual places: environment
    variables, the files in ``~/.aws``, and the role of a container or an
    instance.

``profile``
    A profile of the files in ``~/.aws``, instead of the keys above.

``endpoint-url``
    The URL at which this server reaches a store that is not Amazon's.

``public-endpoint-url``
    The URL at which clients reach the same store, where that differs.
    Presigned URLs are made for it.

``addressing-style``
    ``path`` for URLs that name the bucket in their path, ``virtual`` for the
    bucket in the host name, ``auto`` for what fits. (default: ``auto``)

``minimum-object-size``
    Smaller responses are not stored and never redirected: a redirect would
    cost the client more than it saves the server. (default: ``64KB``)

``url-lifetime``
    For how many seconds a presigned URL is good, at most 604800. It may be given
    to others for a minute. Clients follow it at once. (default: 900)

``repo-id``
    The identity of this repository in keys. Servers that serve the same
    repository from different paths share cached responses when they have the
    same one. Two repositories must never have the same one.
    (default: the path of the repository on this server)

``acl``
    The canned ACL of objects: ``private``, ``bucket-owner-read`` or
    ``bucket-owner-full-control``. (default: ``private``)

``connect-timeout``, ``read-timeout``
    For how many seconds the server waits for the store to accept a
    connection, and to answer. (default: 2 and 10)

``commands``
    What is cached, in words separated by spaces: any of ``changesetdata``,
    ``manifestdata``, ``filesdata``, ``filedata`` and ``rawstorefiledata`` of version 2
    of the wire protocol, and ``getbundle`` of version 1. (default:
    ``changesetdata manifestdata filesdata filedata rawstorefiledata getbundle``)

``segment-max-size``
    A segment that would be larger is not stored; its halves are.
    (default: ``256MB``)

``publish-on-push``
    Make the segments of what a push, a pull or a commit adds to this repository
    right afterwards, in the background. (default: ``no``)

``exists-ttl``
    For how many seconds a process believes that a segment is in the store, or is
    not, without asking again; at most 60. (default: 60)

``coalesce-timeout``
    When many clients ask for the same response at once, one of them has it
    made and the others wait, at most for this many seconds. With 0 nobody
    waits for another. (default: 30)

``lease-time``
    For how many seconds other servers that share the bucket believe that one
    of them is at work on a response, unless it says so again. With 0 servers
    do not wait for each other. (default: 60)

``min-occurrences``
    How often a response must have been asked for before, within an hour and
    on this host, to be stored. Most responses of a busy server are never asked
    for twice: with 1 those are not stored. (default: 0)

``breaker-failures``, ``breaker-rest``
    After so many faults in a row, the store is left alone for so many seconds.
    With 0 faults it never is. (default: 5 and 30)

``object-lifetime``
    After how many days a rule deletes cached objects, where the store does not
    say so by itself. Objects that are about to be deleted are not given to
    clients, but stored anew. With 0 there is no such rule. (default: 0)

``public-url``
    The URL at which clients reach this repository, for short URLs. Without
    it, the one that their request came to; needed where another server passes
    requests on to this one. (default: empty)

``url-secret``
    What short URLs are signed with, 16 characters or more, the same on all
    servers behind one address. Without it, that follows from
    ``secret-access-key``, or is kept in a file of this machine.
    (default: empty)

``short-url-lifetime``
    For how many seconds a short URL is good: a clone must have come to its
    last one by then. (default: 21600)

``sendfile-header``
    How a server in front sends files for this one: ``X-Sendfile``, which gives
    it their paths, or ``X-Accel-Redirect: /hg-s3/`` with the URI at which it
    has the store's folder. For stores that are folders. (default: empty)

Commands
========

:hg:`s3cache` checks the bucket or the folder and all that is needed of it, shows and deletes
what it holds of a repository, and fills it before the first client comes. See
:hg:`help s3cache`.

Log
===

Each hit, miss, stored, skipped, dropped, damaged or bypassed response and each
error is a line of the log ``s3wireprotocache``, for instance in ``.hg/blackbox.log``::

  [extensions]
  blackbox =
  [blackbox]
  track = s3wireprotocache

A line reads ``EVENT COMMAND key=KEY bytes=N ms=N.N``, followed by
``via=redirect``, ``via=inline`` or ``via=spool`` for a hit, and by ``reason=TEXT`` where
there is something to explain.
"""

from mercurial import cmdutil, registrar
from mercurial.i18n import _

import hgs3
from hgs3 import compat, crossing, generation, settings
from hgs3.wireproto import s3get, v1setup, websetup

testedwith = b"6.0.3 7.2.4"
minimumhgversion = b"5.9"

cmdtable = {}
command = registrar.command(cmdtable)

configtable = {}
configitem = registrar.configitem(configtable)
for _name, _default in settings.DEFAULTS:
    configitem(settings.SECTION, _name, default=_default)


def getversion():
    """What ``hg version -v`` says; bytes."""
    return crossing.to_bytes(hgs3.__version__)


def extsetup(ui):
    generation.setup()
    v1setup.setup()
    websetup.setup()
    s3get.setup()
    v2 = compat.wireprotov2()
    if v2 is not None:
        # Imported here, since a Mercurial without version 2 lacks what it needs.
        from hgs3.wireproto import v2setup

        v2setup.setup(*v2)


def reposetup(ui, repo):
    if not repo.local():
        return
    generation.rolls_back(repo)
    v1setup.reposetup(repo)
    if compat.wireprotov2() is not None:
        from hgs3.wireproto import v2setup

        v2setup.reposetup(repo)


@command(
    b"s3cache",
    [
        (b"c", b"command", b"", _(b"list objects of this command only"), _(b"COMMAND")),
        (b"", b"all", None, _(b"purge all objects of the repository")),
        (b"", b"older-than", b"", _(b"purge objects that are older"), _(b"DAYS")),
        (b"", b"yes", None, _(b"really delete what is to be purged")),
        (b"", b"stream", None, _(b"warm for clones with --stream")),
    ]
    + cmdutil.formatteropts,
    _(b"ACTION [OPTION]..."),
    helpcategory=command.CATEGORY_MAINTENANCE,
    optionalrepo=True,
)
def s3cache(ui, repo, *actions, **opts):
    """check, look into, empty and fill the cache of responses

    Run it on the server, as the user that serves the repository and with the
    configuration that it is served with: keys and credentials depend on both.
    Settings in a file for ``--web-conf`` are not seen. Give the repository by
    -R, with the path that it is served from.

    There are six actions:

    ``check``
        Tries all that serving from the bucket needs, in the order in which it
        is needed, and prints a line for each: ``ok``; ``warning``, for what works
        but not fully; ``failed``, with the setting to change; ``unknown``, for
        what the store or its permissions do not let us know and nothing depends
        on; or ``skipped``, for what needs something that has failed. It stores
        two small objects below ``<prefix>cache/check/`` and deletes them
        again. Works without a repository, too.

        Looked at are the settings, the credentials, the bucket and its region,
        the clock of this machine, a PUT, a PUT on condition that there is no
        such object yet, a GET by presigned URL as clients do it, from
        ``public-endpoint-url`` and without credentials, the same without its
        signature, which must be refused, a DELETE, and the policy and
        lifecycle rules of the bucket.

        Of a folder (``store``): whether it is there, whose it is, a PUT, a GET, a
        PUT on condition, who can read what is stored, a DELETE, and whether
        the disk has room for ``store-size``.

    ``list``
        Prints command, size, age and key of each object of this repository;
        with ``-c/--command``, of those of one command.

    ``stat``
        Prints how many objects of each command there are for this repository,
        their size, and the age of the oldest and the newest, and the same for
        all of them.

    ``purge``
        Says how many objects of this repository, and how many of its uploads
        that were never completed, would be deleted, and with ``--yes``
        deletes them. One of ``--all`` and ``--older-than`` says which. Objects
        of other repositories are never touched. A client that was sent to an
        object a moment before it is deleted fails; it can try again.

    ``warm``
        Makes all segments for version 1 of the wire protocol. Where version 2
        is served, answers the requests that a fresh clone over it would send,
        with ``--stream`` only those of :hg:`clone --stream`, and stores the
        answers. What is there already is left alone. The first client then finds
        all in the cache. Hooks that run when a client pulls run for version
        2. Commands that ``commands`` leaves out and small responses are not
        stored; the report says so.

    ``publish``
        Makes the segments of the blocks of revisions that are named, such as
        128+64 for the 64 revisions from 128 on. Servers that end soon run it in
        the background.

    .. container:: verbose

      Template:

      The following keywords are supported. Sizes are in bytes, ages in
      seconds. See also :hg:`help templates`.

      :check: ``check``, ``status``, ``detail``, ``hint``
      :list: ``command``, ``key``, ``bytes``, ``age``, ``date``
      :stat: ``command`` (the last one is ``total``), ``objects``, ``bytes``,
          ``oldest``, ``newest``
      :purge: ``deleted``, ``objects``, ``bytes``, ``uploads``
      :warm: ``command``, ``result`` (``stored``, ``present``, ``skipped``,
          ``uncached`` or ``failed``), ``bytes``, ``count``, ``key``, ``reason``

      Examples:

      - is everything as it should be?::

          hg s3cache check -R /srv/hg/project

      - the sizes of all objects with file data, for a program::

          hg s3cache list -R /srv/hg/project -c filesdata -T json

      - delete what is older than 30 days::

          hg s3cache purge -R /srv/hg/project --older-than 30 --yes

      - fill the cache every night, before the clones of the morning::

          hg s3cache warm -R /srv/hg/project

    Returns 0 on success, 1 if a check has failed, if something could not be
    stored, or if incomplete uploads could not be purged.
    """
    # Imported here, since every other command would pay for it.
    from hgs3.commands import s3cache as actionsmod

    return actionsmod.run(ui, repo, actions, opts)
