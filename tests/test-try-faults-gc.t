Garbage is collected while pushes come in: nothing that was pushed is lost

  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ pointserver server
  $ hg clone -q $URL a
  $ hg clone -q $URL plain
  $ untouched server > before
  $ gc() { hg -R server s3try gc --older-than 0.0000001 --yes "$@"; }
  $ intact() {
  >   forget server
  >   hg -R server s3try verify &&
  >   rm -rf got && cp -R plain got && hg -R got pull -q -r $(node a tip) $URL &&
  >   hg -R got verify -q && hg -R got log -r 'draft()' -T '{desc} '
  > }

Between the object and its row: the push stores it once more

  $ commit a a1
  $ at stored hg -R server s3try gc --older-than 0.0000001 --yes
  $ hg -R a push $URL | grep remote
  remote: stored 1 changeset as push 1
  $ cat points.out; rm points.out
  deleted 1 objects (* bytes) (glob)
  $ intact
  1 bundles, 0 damaged or missing
  a1  (no-eol)

That, again and again

  $ commit a a2
  $ for i in 1 2 3; do at stored hg -R server s3try gc --older-than 0.0000001 --yes; done
  $ hg -R a push $URL | grep remote
  remote: stored 2 changesets as push 2
  $ cat points.out; rm points.out
  deleted 1 objects (* bytes) (glob)
  deleted 1 objects (* bytes) (glob)
  deleted 1 objects (* bytes) (glob)
  $ intact
  2 bundles, 0 damaged or missing
  a1 a2  (no-eol)

What is being deleted is pushed again just before that: it is kept

  $ sleep 1
  $ hg -R server s3try expire --older-than 0.000001 --yes | head -1
  forgot 2 pushes, 2 bundles and 0 bookmarks
  $ objects
  2
  $ at doomed hg -R a push $URL
  $ gc
  deleted 1 objects (* bytes) (glob)
  $ grep remote points.out; rm points.out
  remote: stored 2 changesets as push 3
  $ objects
  1
  $ intact
  1 bundles, 0 damaged or missing
  a1 a2  (no-eol)

A push that finds its bundle there, and before it is recorded all of it goes

  $ sleep 1
  $ at stored 'hg -R server s3try expire --older-than 0.000001 --yes; hg -R server s3try gc --older-than 0.0000001 --yes'
  $ hg -R a push $URL | grep remote
  remote: stored 2 changesets as push 4
  $ cat points.out; rm points.out
  forgot 1 pushes, 1 bundles and 0 bookmarks
  ('hg s3try gc' deletes their objects)
  deleted 1 objects (* bytes) (glob)
  $ intact
  1 bundles, 0 damaged or missing
  a1 a2  (no-eol)

A collector that is killed before it deletes: for ten minutes nobody knows whether it
is still at work, and such a push is refused; then the next one finishes it

  $ sleep 1
  $ hg -R server s3try expire --older-than 0.000001 --yes | head -1
  forgot 1 pushes, 1 bundles and 0 bookmarks
  $ at marked 'kill -9 $SERVER'
  $ (gc) > out 2>&1
  [137]
  $ objects
  1
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: 'hg s3try gc' is deleting what the same one has left
  remote: (try again later, at the latest in ten minutes)
  abort: push failed on remote
  $ gc
  deleted 0 objects (0 bytes)
  $ "$PYTHON" << EOF
  > import sqlite3
  > with sqlite3.connect('server/.hg/hg-s3-try.db') as database:
  >     database.execute('UPDATE s3_doomed SET marked = marked - 601')
  > EOF
  $ gc
  deleted 1 objects (* bytes) (glob)
  $ hg -R a push $URL | grep remote
  remote: stored 2 changesets as push 5
  $ intact
  1 bundles, 0 damaged or missing
  a1 a2  (no-eol)

Others push the same in between, and make other objects of it: what the database says of
the object is true of the one that is there

  $ OTHER="--config extensions.otherlevel=$TESTLIB/otherlevel.py"
  $ seq 3000 > a/numbers
  $ commit a a3
  $ cp -R a a.copy # a client locks its repository while it pushes
  $ at stored hg -R a.copy push -q $OTHER $TESTTMP/server
  $ hg -R a push $URL | grep remote
  remote: stored 3 changesets as push 7
  $ cat points.out
  $ intact
  2 bundles, 0 damaged or missing
  a1 a2 a3  (no-eol)
  $ sleep 1
  $ hg -R server s3try expire --older-than 0.000001 --yes | head -1
  forgot 3 pushes, 2 bundles and 0 bookmarks
  $ gc
  deleted 2 objects (*) (glob)
  $ hg -R a push -q $URL
  $ sleep 1
  $ cat > between.sh << EOF
  > hg -R server s3try expire --older-than 0.000001 --yes
  > hg -R server s3try gc --older-than 0.0000001 --yes
  > hg -R a.copy push $OTHER $TESTTMP/server
  > EOF
  $ at stored sh $TESTTMP/between.sh
  $ hg -R a push -q $OTHER server
  $ grep -v searching points.out
  forgot 1 pushes, 1 bundles and 0 bookmarks
  ('hg s3try gc' deletes their objects)
  deleted 1 objects (*) (glob)
  pushing to $TESTTMP/server
  stored 3 changesets as push 9
  $ pushes server
  10 3 * (glob)
  9 3 * (glob)
  $ intact
  1 bundles, 0 damaged or missing
  a1 a2 a3  (no-eol)

A storm: two who push the same and new changesets, one that forgets, two that collect

  $ storm() {
  >   for i in 1 2 3 4 5 6; do
  >     test $(($i % 2)) = 0 || commit $1 $1-$i
  >     hg -R $1 push -f $URL || echo failed
  >   done > $1.out 2>&1
  > }
  $ storming() { # FILE COMMAND...: until it is over, and not for ever
  >   out=$1; shift
  >   for i in $(seq 300); do
  >     test ! -f stop || break
  >     "$@" || echo failed
  >   done > $out.out 2>&1
  > }
  $ cp -R plain b; cp -R plain c
  $ storming gc1 hg -R server s3try gc --older-than 0.0000001 --yes &
  $ echo $! >> $DAEMON_PIDS
  $ storming gc2 hg -R server s3try gc --older-than 0.0000001 --yes &
  $ echo $! >> $DAEMON_PIDS
  $ storming forgetting hg -R server s3try expire --older-than 0.00001 --yes &
  $ echo $! >> $DAEMON_PIDS
  $ (storm b & storm c & wait)
  $ touch stop; wait
  $ grep -h 'failed\|abort\|Traceback' *.out error.log
  [1]
  $ grep -c '^remote: stored' b.out c.out
  b.out:6
  c.out:6
  $ for name in b c; do
  >   hg -R $name push -fq $URL
  >   hg clone -q -r $(node $name tip) $URL of-$name && hg -R of-$name verify -q
  > done
  $ hg -R of-b log -r 'draft()' -T '{desc} '; hg -R of-c log -r 'draft()' -T '{desc} '
  b-1 b-3 b-5 c-1 c-3 c-5  (no-eol)
  $ forget server
  $ hg -R server s3try verify | sed 's/^[0-9]* //'
  bundles, 0 damaged or missing
  $ untouched server | diff before -
  $ cat error.log
