#testcases http ssh

The log of pushes on a database server: without tables, and one that goes and comes

#if ssh
  $ TRYBY=ssh
#endif
  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ startpostgresql
  $ logserver server
  $ sed 's/s3try/pushlog/' db.rc >> server/.hg/hgrc
  $ hg clone -q $URL a
  $ newest() { hg -R server log -r 'pushid('$(hg -R server pushlog -l 1 -T '{push}')')' -T '{desc}\n'; }
  $ pushrefused() { hg -R a push $URL 2>&1 | grep -o 'cannot log the push: .*'; }
  $ pushlogged() {
  >   for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  >     hg -R a push $URL > push.out 2>&1 && break
  >     sleep 0.5
  >   done
  >   grep warning push.out || true
  > }

Without tables pushes are refused, and nobody else notices

  $ restart server 2> warnings
#if http
  $ sort -u warnings
  warning: pushlog: pushes will be refused: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
#endif
  $ commit a a1
  $ pushrefused
  cannot log the push: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  $ commit server own
  $ hg -R a pull -q $URL
  $ hg -R server pushlog-migrate
  tables of version 2, before: 0
  $ hg -R a push -q -f $URL
  $ newest
  a1

It goes while nobody asks, and comes: connections that were kept are of no use

  $ commit a a2
  $ postgresql down
  $ postgresql up
  $ hg -R a push -q $URL
  $ newest
  a2

It is away: pushes are refused, all else goes on, and what is missed is said

  $ commit a a3
  $ postgresql down
  $ pushrefused
  cannot log the push: postgresql database try_1 at this host: cannot connect: * (glob)
  $ hg -R server log -r tip -T '{desc}\n'
  a2
  $ hg -R server verify -q
  $ hg -R server pushlog 2>&1 | sed 's/cannot connect: .*/cannot connect/'
  abort: cannot read the log of pushes: postgresql database try_1 at this host: cannot connect
  (try again later; the operator of the server can check the database (pushlog.database))
  $ hg clone -q $URL b
  $ hg -R server phase -p 'desc(a1)' 2>&1 | sed 's/: postgresql.*//'
  warning: the log of pushes is not up to date
  (run 'hg pushlog-check' later)
  $ postgresql up
  $ hg -R server pushlog-check
  1 changesets had another state
  $ hg -R server pushlog-check
  0 changesets had another state

It comes: the server that has seen it go takes pushes

  $ pushlogged
  $ newest
  a3

It goes in the middle of a push, and comes or does not: Mercurial has taken the push, so
it is logged at once or later, once

  $ serverpoints server
  $ cat > turn.sh << EOF
  > for state in "\$@"; do
  >   echo \$state > $TESTTMP/db.state
  >   "$PYTHON" "$TESTLIB/waitfor.py" $TESTTMP/db.state.is \$state 1
  > done
  > EOF
  $ commit a a4
  $ at closed sh $TESTTMP/turn.sh down up
  $ pushlogged
  $ newest
  a4
  $ commit a a5
  $ hg -R a phase -p 'desc(a3)'
  $ at closed sh $TESTTMP/turn.sh down
  $ pushlogged
  remote: warning: the push will be logged later: postgresql database try_1 at this host: cannot connect: * (glob)
  $ hg -R server log -r tip -T '{desc}\n'
  a5
  $ postgresql up
  $ newest
  a5
  $ hg -R server pushlog-check
  0 changesets had another state
  $ commit a a6
  $ at closed sh $TESTTMP/turn.sh down
  $ hg -R a phase -p 'desc(a5)'
  $ pushlogged
  remote: warning: the push will be logged later: postgresql database try_1 at this host: cannot connect: * (glob)
  $ postgresql up
  $ commit a a7
  $ pushlogged
  $ hg -R server pushlog-check
  0 changesets had another state

It goes before Mercurial has committed: that is no different

  $ commit a a8
  $ at held sh $TESTTMP/turn.sh down up
  $ pushlogged
  $ hg -R server log -r 'pushhead()' -T '{desc} {phase}\n'
  a1 public
  a2 public
  a3 public
  a4 public
  a5 public
  a6 draft
  a7 draft
  a8 draft
  $ hg -R server pushlog -T '{push}\n' > ids
  $ sort -rnu ids | diff ids -
  $ wc -l < ids | tr -d ' '
  8

The password is nowhere

  $ stoppostgresql
  $ commit a a9
  $ hg -R a push --debug $URL > out 2>&1
  [100]
  $ cat access.log error.log out warnings push.out db.log 2> /dev/null | grep -i 'secret\|word%40'
  [1]
  $ hg -R server verify -q
#if http
  $ cat error.log
#endif
