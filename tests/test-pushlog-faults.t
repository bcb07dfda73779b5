#testcases http ssh

Servers that are killed, and databases that are away, around a push into a repository

#if ssh
  $ TRYBY=ssh
#endif
  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ logserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a push -q $URL
  $ serverpoints server

Before Mercurial commits: neither has it

  $ commit a a2
  $ at held 'kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ hg -R server recover -q --no-verify > /dev/null 2>&1
  $ restart server
  $ hg -R server log -r tip -T '{desc}\n'
  a1
  $ logged server | cut -d' ' -f1,3-
  1 a1/draft

Nor when it was just about to, whoever asks before it is recovered

  $ at written 'echo $SERVER > $TESTTMP/killed; kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ buried $(cat killed)
  $ test -f server/.hg/store/hg-s3-pushlog
  $ hg -R server log -r 'pushhead()' -T '{desc}\n' 2> /dev/null
  a1
  $ hg -R server recover -q --no-verify > /dev/null 2>&1
  $ logged server | cut -d' ' -f1,3-
  1 a1/draft
  $ restart server

Between the two: the changesets are there, and who comes next logs them. While the push
goes on, nobody sees it in the log

  $ at closed 'sh $TESTTMP/look.sh; kill -9 $SERVER'
  $ cat > look.sh << EOF
  > hg -R $TESTTMP/server log -r tip -T '{desc}\n'
  > "$PYTHON" "$TESTLIB/logged.py" $TESTTMP/server/.hg/hg-s3-try.db | cut -d' ' -f1,3-
  > EOF
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ cat points.out
  a2
  1 a1/draft
  $ logged server | wc -l | tr -d ' '
  1
  $ commit a a3
  $ restart server
  $ hg -R a push -q $URL
  $ logged server | cut -d' ' -f1,3-
  1 a1/draft
  2 a2/draft
  3 a3/draft
  $ commit a a4
  $ at closed 'echo $SERVER > $TESTTMP/killed; kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ logged server | wc -l | tr -d ' '
  3
  $ buried $(cat killed)
  $ hg -R server log -r 'pushid(4)' -T '{desc} {pushid}\n'
  a4 4

After both

  $ restart server
  $ commit a a5
  $ at logged 'kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ restart server
  $ hg -R server pushlog-check
  0 changesets had another state
  $ logged server | cut -d' ' -f1,3- | tail -2
  4 a4/draft
  5 a5/draft
  $ hg -R a push -q $URL
  [1]

Changesets that are stripped before anybody came by

  $ commit a a6
  $ at closed 'echo $SERVER > $TESTTMP/killed; kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ buried $(cat killed)
  $ hg -R server strip -q --no-backup -r tip
  $ logged server | cut -d' ' -f1,3- | tail -1
  6 a6/draft(gone)

A part of them, by somebody who logs nothing: they stay in their order

  $ restart server
  $ commit a a7
  $ at closed 'echo $SERVER > $TESTTMP/killed; kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ buried $(cat killed)
  $ hg -R server strip -q --no-backup -r tip --config extensions.pushlog=!
  $ hg -R server pushlog-check
  logged the last push, which was not there
  0 changesets had another state
  $ logged server | grep -c "^7.* a6/draft $(node a tip | cut -c1-6)(gone)"
  1

A database that is away when a push comes: it is refused

  $ mv server/.hg/hg-s3-try.db away
  $ mkdir server/.hg/hg-s3-try.db
  $ restart server 2> /dev/null
  $ hg -R a push $URL 2>&1 | grep -v '^pushing\|^searching\|remote: a' | sed 's/^remote: //'
  transaction abort! (glob) (?)
  rollback completed (glob) (?)
  cannot log the push: sqlite database * (glob) (?)
  abort: cannot log the push: sqlite database * (glob) (?)
  (try again later; the operator of the server can check the database (pushlog.database))
  abort: push failed on remote (?)
  $ hg -R server log -r tip -T '{desc}\n'
  a6
  $ rmdir server/.hg/hg-s3-try.db
  $ mv away server/.hg/hg-s3-try.db
  $ restart server
  $ hg -R a push -q $URL
  $ logged server | cut -d' ' -f1,3- | tail -2
  7 a6/draft * (glob)
  8 a7/draft
  $ hg -R server verify -q
#if http
  $ cat error.log
#endif
