#require wireprotov2 hgs3-moto

Every heavy command is cached, by what its answer depends on
============================================================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ cat > hooks.py << EOF
  > import os
  > def preoutgoing(ui, repo, source=None, **kwargs):
  >     with open(os.path.join(os.environ['TESTTMP'], 'hooks'), 'a') as f:
  >         f.write('preoutgoing %s\n' % source.decode())
  >     return os.path.exists(os.path.join(os.environ['TESTTMP'], 'refuse'))
  > EOF
  $ cat >> server/.hg/hgrc << EOF
  > [hooks]
  > preoutgoing.count = python:$TESTTMP/hooks.py:preoutgoing
  > [phases]
  > publish = no
  > [experimental]
  > evolution = createmarkers
  > EOF
  $ cd server
  $ for i in 1 2 3 4; do echo $i > f$i; hg -q commit -A -m $i -d '0 0' -u test; done
  $ hg update -q 1; echo side > side; hg -q commit -A -m side -d '0 0' -u test
  $ hg bookmark -r 2 here
  $ hg phase --public -r 0
  $ cd ..
  $ n() { hg -R server log -r "$1" -T '{node} '; }
  $ FIELDS="{b'bookmarks', b'parents', b'phase', b'revision'}"
  $ range() { echo "{b'revisions': [{b'type': b'changesetdagrange', b'roots': n('$1'), b'heads': n('$2')}], b'fields': ${3:-$FIELDS}}"; }
  $ explicit() { echo "{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$1')}], b'fields': ${2:-$FIELDS}}"; }
  $ depth() { echo "{b'revisions': [{b'type': b'changesetexplicitdepth', b'nodes': n('$1'), b'depth': $2}], b'fields': ${3:-$FIELDS}}"; }
  $ ALL="$(range '' "$(n 'head()')")"
  $ kinds() { events server "$1" | sed 's/ key.*via/ via/; s/ key.*//'; }
  $ startserver server

changesetdata
-------------

  $ v2command changesetdata "$ALL" | tee all
  inline, 11 objects, sha256 * (glob)
  $ kinds 2
  miss changesetdata
  stored changesetdata
  $ v2command changesetdata "$ALL" | sed 's/redirected/inline/' | cmp - all
  $ v2command changesetdata "$ALL" --no-redirect | cmp - all
  $ kinds 2
  hit changesetdata via=inline
  hit changesetdata via=redirect

The operator's hook runs once for each, as it does without a cache, and may
refuse a hit

  $ cat hooks
  preoutgoing serve
  preoutgoing serve
  preoutgoing serve
  $ touch refuse
  $ v2command changesetdata "$ALL" 2>&1 | tee refused
  remote error: *preoutgoing* (glob)
  $ kinds
  dropped changesetdata
  $ stopserver
  $ startserver server --config s3wireprotocache.bucket=
  $ v2command changesetdata "$ALL" 2>&1 | cmp - refused
  $ stopserver
  $ rm refuse hooks
  $ startserver server

What means the same has the same key

  $ v2command changesetdata "$(explicit "$(n 'all()')")"
  redirected, 11 objects, sha256 * (glob)
  $ v2command changesetdata "$(depth "$(n 'head()')" 99)"
  redirected, 11 objects, sha256 * (glob)
  $ v2command changesetdata "$(range "$(n 1)" "$(n 3)")"
  inline, 5 objects, sha256 * (glob)
  $ kinds 4 > /dev/null
  $ v2command changesetdata "$(explicit "$(n 2:3)")"
  redirected, 5 objects, sha256 * (glob)
  $ v2command changesetdata "$(depth "$(n 3)" 2)"
  redirected, 5 objects, sha256 * (glob)
  $ kinds 2
  hit changesetdata via=redirect
  hit changesetdata via=redirect

Other fields, another key

  $ v2command changesetdata "$(explicit "$(n 2:3)" "{b'parents'}")"
  inline, 3 objects, sha256 * (glob)
  $ kinds 2
  miss changesetdata
  stored changesetdata

A phase or a bookmark that moves makes another answer, for those who ask for it

  $ QUIET="$(explicit "$(n 'all()')" "{b'parents', b'revision'}")"
  $ v2command changesetdata "$QUIET"
  inline, 11 objects, sha256 * (glob)
  $ kinds 2 > /dev/null
  $ hg -R server phase --public -r 1
  $ v2command changesetdata "$ALL" > public; cat public
  inline, 11 objects, sha256 * (glob)
  $ cmp -s public all
  [1]
  $ v2command changesetdata "$QUIET"
  redirected, 11 objects, sha256 * (glob)
  $ kinds 3
  hit changesetdata via=redirect
  miss changesetdata
  stored changesetdata
  $ hg -R server phase --force --draft -r 1
  $ v2command changesetdata "$ALL" | sed 's/redirected/inline/' | cmp - all
  $ hg -R server bookmark -f -r 3 here
  $ v2command changesetdata "$ALL"
  inline, 11 objects, sha256 * (glob)
  $ v2command changesetdata "$QUIET"
  redirected, 11 objects, sha256 * (glob)
  $ hg -R server bookmark -f -r 2 here
  $ v2command changesetdata "$ALL" | sed 's/redirected/inline/' | cmp - all
  $ kinds 5
  hit changesetdata via=redirect
  hit changesetdata via=redirect
  hit changesetdata via=redirect
  miss changesetdata
  stored changesetdata

A changeset that is secret or obsolete now is not shown to who knows its node

  $ GONE="$(explicit "$(n 3)")"
  $ v2command changesetdata "$GONE"
  inline, 4 objects, sha256 * (glob)
  $ kinds 2 > /dev/null
  $ storelog > /dev/null
  $ hg -R server phase --force --secret -r 3
  $ v2command changesetdata "$GONE"
  remote error: * (glob)
  [1]
  $ v2command changesetdata "$ALL"
  remote error: * (glob)
  [1]
  $ hg -R server phase --draft -r 3
  $ v2command changesetdata "$GONE"
  redirected, 4 objects, sha256 * (glob)
  $ hg -R server debugobsolete $(n 3) --config experimental.evolution=all
  1 new obsolescence markers
  obsoleted 1 changesets
  $ v2command changesetdata "$GONE"
  remote error: * (glob)
  [1]
  $ hg -R server debugobsolete --delete 0 --config experimental.evolution=all
  deleted 1 obsolescence markers
  $ v2command changesetdata "$GONE"
  redirected, 4 objects, sha256 * (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST presigned
  GET 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  $ events server > /dev/null

rawstorefiledata
----------------

  $ RAW="{b'files': [b'changelog', b'manifestlog']}"
  $ v2command rawstorefiledata "$RAW" | tee raw
  inline, *, sha256 * (glob)
  $ kinds 2
  miss rawstorefiledata
  stored rawstorefiledata
  $ v2command rawstorefiledata "$RAW" | sed 's/redirected/inline/' | cmp - raw
  $ v2command rawstorefiledata "$RAW" --no-redirect | cmp - raw
  $ v2command rawstorefiledata "{b'files': [b'manifestlog', b'changelog', b'changelog']}"
  redirected, *, sha256 * (glob)
  $ kinds 3
  hit rawstorefiledata via=inline
  hit rawstorefiledata via=redirect
  hit rawstorefiledata via=redirect
  $ v2command rawstorefiledata "{b'files': [b'changelog']}" | cut -d, -f1
  inline
  $ kinds 2
  miss rawstorefiledata
  stored rawstorefiledata

An append, a strip and a repository that has something else of the same size

  $ cd server
  $ hg update -q 3; echo 5 > f5; hg -q commit -A -m 5 -d '0 0' -u test
  $ v2command rawstorefiledata "$RAW" | tee ../raw5 | cut -d, -f1
  inline
  $ hg --config extensions.strip= strip -q --no-backup tip
  $ v2command rawstorefiledata "$RAW" | cut -d, -f1
  inline
  $ echo 6 > f6; hg -q commit -A -m 6 -d '0 0' -u test
  $ v2command rawstorefiledata "$RAW" | tee ../raw6 | cut -d, -f1
  inline
  $ cmp -s ../raw5 ../raw6
  [1]
  $ v2command rawstorefiledata "$RAW" | cut -d, -f1
  redirected
  $ cd ..

It is refused where stream clones are, hit or not

  $ hg -R server phase --force --secret -r tip
  $ v2command rawstorefiledata "$RAW" 2>&1 | tail -1
  mercurial.error.ProgrammingError: wire protocol command rawstorefiledata is not available
  $ storelog > /dev/null
  $ v2command rawstorefiledata "$RAW" --unadvertised
  remote error: * (glob)
  [1]
  $ storelog
  $ hg -R server phase --draft -r tip
  $ events server > /dev/null

A stream clone takes nearly all from the store, and is a good one

  $ stopserver
  $ startserver server --config phases.publish=yes
  $ hg clone -q --stream http://localhost:$HGPORT/ s1
  $ samenodes server s1
  $ kinds 3 | sort -u
  hit rawstorefiledata via=redirect
  miss changesetdata
  miss filesdata
  stored changesetdata (?)
  stored filesdata (?)
  $ hg clone -q --stream http://localhost:$HGPORT/ s2
  $ samenodes server s2
  $ kinds 3 | grep -v '^stored'
  hit changesetdata via=redirect
  hit filesdata via=redirect
  hit rawstorefiledata via=redirect
  $ stopserver

One command can be left out
===========================

  $ startserver server --config 's3wireprotocache.commands=filesdata, changesetdata'
  $ storelog > /dev/null; events server > /dev/null
  $ v2command rawstorefiledata "$RAW" | cut -d, -f1
  inline
  $ v2command changesetdata "$QUIET" | cut -d, -f1
  inline
  $ kinds 2
  miss changesetdata
  stored changesetdata
  $ stopserver

Clients are told to ask for less at a time, so that keys last longer
====================================================================

  $ cat > batches.py << EOF
  > import sys
  > from mercurial import extensions, hg, ui as uimod, wireprotov2server as server
  > ui = uimod.ui.load(); extensions.loadall(ui)
  > for item in sys.argv[1:]:
  >     name, value = item.encode().split(b'=')
  >     ui.setconfig(*name.split(b'.', 1), value)
  > repo = hg.repository(ui, b'server')
  > commands = server._capabilitiesv2(repo, server.httpv2protocolhandler(None, repo.ui))[b'commands']
  > print([commands[c][b'recommendedbatchsize'] for c in (b'manifestdata', b'filesdata')])
  > EOF
  $ batches() { HGPLAIN=1 "$PYTHON" batches.py extensions.s3wireprotocache= "$@"; }
  $ batches s3wireprotocache.bucket=hg-cache
  [20000, 5000]
  $ batches s3wireprotocache.bucket=hg-cache experimental.server.filesdata.recommended-batch-size=70
  [20000, 70]
  $ echo '[s3wireprotocache]' >> server/.hg/hgrc; echo 'bucket =' >> server/.hg/hgrc
  $ batches
  [100000, 50000]
