What must never become public, and what must never be deleted

  $ . "$TESTDIR/helpers.sh"
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > httppeer.advertise-v2 = false
  > EOF

More heads in one push than there are roots that a server usually lists

  $ hg init a
  $ hg -R a debugbuilddag "+1:r $("$PYTHON" -c 'print("<r+1 " * 310)')"
  $ hg -R a phase -q -p -r 0
  $ hg clone -q -U -r 0 a server
  $ configuretry server
  $ startserver server
  $ URL=http://localhost:$HGPORT/
  $ hg -R a push -f $URL | grep remote
  remote: stored 310 changesets as push 1
  $ hg -R a log -r 'public()' -T '{rev}\n'
  0
  $ hg -R a push -f -r 1 $URL | grep remote
  remote: stored 1 changeset as push 2
  $ hg -R a log -r 'public()' -T '{rev}\n'
  0

A collection of garbage with another database than the one that the pushes are in

  $ find store/kept -type f | wc -l > before
  $ mv server/.hg/hg-s3-try.db saved.db
  $ hg -R server s3try gc --older-than 0.000001 --yes
  deleted 0 objects (0 bytes)
  $ rm server/.hg/hg-s3-try.db
  $ mv saved.db server/.hg/hg-s3-try.db
  $ find store/kept -type f | wc -l | cmp - before
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing

With the right one it deletes what was forgotten

  $ sleep 2
  $ hg -R server s3try expire --older-than 0.00001 --yes | head -1
  forgot 2 pushes, 2 bundles and 0 bookmarks
  $ hg -R server s3try gc --older-than 0.00001 --yes | sed 's/(.*)/(...)/'
  deleted 2 objects (...)
  $ hg -R server s3try gc --older-than 0.00001
  would delete 0 objects (0 bytes)
  $ stopserver

A repository of two roots, whose database is gone by the time that a client asks for
phases: its drafts are on the second

  $ hg init two
  $ commit two first
  $ hg -R two update -q null
  $ commit two second
  $ hg -R two phase -q -p -r 'all()'
  $ hg clone -q two b
  $ hg -R b update -q 1
  $ commit b b1
  $ cat > gone.py << EOF
  > import hgdemandimport
  > with hgdemandimport.deactivated():
  >     from hgs3.database import tryindex
  >     from hgs3.database.errors import DatabaseUnavailable
  > def gone(self, since, limit):
  >     raise DatabaseUnavailable('gone')
  > tryindex.TryIndex.recent_roots = gone
  > EOF
  $ configuretry two
  $ cat >> two/.hg/hgrc << EOF
  > [extensions]
  > gone = $TESTTMP/gone.py
  > EOF
  $ startserver two
  $ hg -R b push $URL | grep remote
  remote: stored 1 changeset as push 1
  $ hg -R b log -T '{desc} {phase}\n'
  b1 draft
  second public
  first public
  $ cat error.log
