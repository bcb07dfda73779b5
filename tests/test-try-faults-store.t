#testcases http ssh

The store of a try server is away: pushes are refused, and all else is as ever

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a push $URL | grep remote
  remote: stored 1 changeset as push 1
  $ hg -R a update -q 3
  $ commit a b1
  $ hg -R a push -f -r tip $URL | grep remote
  remote: stored 1 changeset as push 2
  $ commit a b2
  $ ordinary | tail -1
  r0 public
  $ untouched server > before

The folder is gone, as if its disk were not mounted

  $ mv store store.away
  $ ln -s nowhere/store store
  $ hg -R a push -f -r tip $URL 2>&1 | said
  remote: cannot store the push: PUT failed: No such file or directory: $TESTTMP/store/space (make that folder or correct store)
  remote: (try again later; the operator of the server can check the store (s3wireprotocache))
  abort: push failed on remote
  $ hg -R a log -r 'public()' -T '{desc} '
  r0 r1 r2 r3  (no-eol)
  $ pushes server
  2 1 732e8228e450
  1 1 46c84bd9eb63
  $ ordinary
  r3
  68cdcc53ef11
  2e922f52119a
  2e922f52119a
  own
  no changes found
  own draft
  r3 public
  r2 public
  r1 public
  r0 public

Of what there are copies on the local disk, pulls need no store

  $ hg clone -q -r $(node a "desc('a1')") $URL c
  $ hg -R c log -r tip -T '{desc} {phase}\n'
  a1 draft
  $ forget server
  $ hg clone -q -r $(node a "desc('a1')") $URL d
  remote: abort: cannot serve changesets of try: GET failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  abort: pull failed on remote
  (try again later; the operator of the server can check the store (s3wireprotocache))
  [100]
  $ hg -R c pull -r $(node a "desc('b1')") $URL 2>&1 | said
  remote: abort: cannot serve changesets of try: GET failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  abort: pull failed on remote
  (try again later; the operator of the server can check the store (s3wireprotocache))
  $ hg -R c verify -q
  $ hg incoming -q -R c -r $(node a "desc('b1')") $URL 2>&1 | said
  abort: No changegroups found
  $ hg -R server s3try verify
  abort: cannot verify the bundles: GET failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  (try again later; the operator of the server can check the store (s3wireprotocache))
  [255]
  $ hg -R server s3try gc --older-than 0.0001 --yes
  abort: cannot collect garbage: listing failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  (try again later; the operator of the server can check the store (s3wireprotocache))
  [255]
  $ untouched server | diff before -

It is there again

  $ rm store
  $ mv store.away store
  $ hg -R a push -f -r tip $URL | grep remote
  remote: stored 2 changesets as push 3
  $ hg -R c pull -q -r $(node a "desc('b1')") $URL
  $ graph c
  o  b1 draft
  |
  | @  a1 draft
  |/
  o  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing
  $ objects
  3
  $ untouched server | diff before -

A store that the settings name, but which cannot be one: a server does not start, and over
SSH pushes are refused

  $ mv store store.away
  $ touch store
  $ hg -R a update -q tip
  $ commit a b3
#if http
  $ restart server
  abort: s3wireprotocache.store: is not a folder: '$TESTTMP/store'
  (correct s3wireprotocache.store)
  [255]
  $ rm store; mv store.away store
  $ restart server
#else
  $ hg -R a push -f -r tip $URL 2>&1 | said
  remote: s3wireprotocache.store: is not a folder: '$TESTTMP/store'
  remote: (correct s3wireprotocache.store)
  abort: push failed on remote
  $ ordinary
  r3
  68cdcc53ef11
  2e922f52119a
  2e922f52119a
  own
  remote: s3wireprotocache.store: is not a folder: '$TESTTMP/store'
  remote: (correct s3wireprotocache.store)
  abort: push failed on remote
  no changes found
  own draft
  r3 public
  r2 public
  r1 public
  r0 public
  $ rm store; mv store.away store
#endif

No store at all

  $ cp server/.hg/hgrc hgrc.saved
  $ sed -i '/^store = /d' server/.hg/hgrc
#if http
  $ restart server
  abort: try has no store
  (set s3wireprotocache.bucket, or s3try.bucket)
  [255]
  $ cp hgrc.saved server/.hg/hgrc
  $ restart server
#else
  $ hg -R a push -f -r tip $URL 2>&1 | said
  remote: try has no store
  remote: (set s3wireprotocache.bucket, or s3try.bucket)
  abort: push failed on remote
  $ ordinary
  r3
  68cdcc53ef11
  2e922f52119a
  2e922f52119a
  own
  remote: try has no store
  remote: (set s3wireprotocache.bucket, or s3try.bucket)
  abort: push failed on remote
  no changes found
  own draft
  r3 public
  r2 public
  r1 public
  r0 public
  $ cp hgrc.saved server/.hg/hgrc
#endif
  $ hg -R a push -f -r tip $URL | grep remote
  remote: stored 3 changesets as push 4
  $ untouched server | diff before -
#if http
  $ cat error.log
#endif
