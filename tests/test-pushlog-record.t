#testcases http ssh

Every push into a repository is logged once, whichever way it comes

#if ssh
  $ TRYBY=ssh
  $ WHO=alice
#else
  $ WHO=-
#endif
  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ logserver server
  $ hg clone -q $URL a

Through the wire, by either format of bundles; to a path; by unbundle

  $ commit a a1
  $ commit a a2
  $ hg -R a push -q $URL
  $ commit a a3
  $ hg -R a push -q --config devel.legacy.exchange=bundle1 $URL
  $ commit a a4
  $ hg -R a push -q server
  $ commit a a5
  $ hg -R a bundle -q --base 5 -r tip b.hg
  $ hg -R server unbundle -q b.hg
  $ logged server | sed "s/ $WHO / who /"
  1 who a1/draft a2/draft
  2 who a3/draft
  3 alice a4/draft (http !)
  4 alice a5/draft (http !)
  3 who a4/draft (ssh !)
  4 who a5/draft (ssh !)

Not a pull, unless it is wanted, nor a commit, nor a push that brings nothing, nor one
that a hook refuses

  $ commit a a6
  $ hg -R server pull -q a
  $ commit server own
  $ hg -R a push -q $URL
  [1]
  $ commit a a7
  $ hg -R a push -q $URL
  $ logged server | wc -l | tr -d ' '
  5
  $ cat >> server/.hg/hgrc << EOF
  > [hooks]
  > pretxnclose.no = test ! -e $TESTTMP/refuse
  > EOF
  $ restart server
  $ touch refuse
  $ commit a a8
  $ hg -R a push $URL 2>&1 | grep -o 'pretxnclose.no hook exited with status 1'
  pretxnclose.no hook exited with status 1
  $ rm refuse
  $ logged server | wc -l | tr -d ' '
  5
  $ hg -R server pull -q a --config pushlog.record-pulls=yes
  $ logged server | tail -1
  6 alice a8/draft

A later push makes a changeset public

  $ hg -R a phase -p -r 'desc(a1)'
  $ hg -R a push -q $URL
  [1]
  $ logged server | sed "s/ $WHO / who /" | head -1
  1 who a1/public a2/draft

What is hidden, and what is shown again since something was pushed on top of it

  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ restart server
  $ hg -R a update -q null
  $ hg -R a debugobsolete --record-parents $(node a 'desc(a8)') > /dev/null
  $ commit a other 'desc(a7)'
  created new head (?)
  $ hg -R a push -q -f $URL
  $ logged server | tail -2 | sed "s/ $WHO / who /"
  6 alice a8/draft(hidden) (http !)
  6 who a8/draft(hidden) (ssh !)
  7 who other/draft

What is stripped is gone, with what comes again it is there; a rollback is the same

  $ hg -R server strip -q --no-backup -r 'desc(other)'
  $ logged server | tail -1 | sed "s/ $WHO / who /"
  7 who other/draft(gone)
  $ hg -R a push -q $URL
  $ logged server | tail -2 | sed "s/ $WHO / who /"
  7 who other/draft
  8 who other/draft
  $ commit a more
  $ hg -R a push -q $URL
  $ hg -R server rollback -q
  $ logged server | tail -1 | sed "s/ $WHO / who /"
  9 who more/draft(gone)
  $ hg -R server pushlog-check
  0 changesets had another state
  $ hg -R server verify -q
  $ hg -R a verify -q
#if http
  $ cat error.log

Who has no database of PostgreSQL needs no driver for it

  $ stopserver
  $ mkdir without; echo 'raise ImportError("no driver")' > without/psycopg.py
  $ PYTHONPATH="$TESTTMP/without:$PYTHONPATH" startserver server
  $ commit a without
  $ hg -R a push -q $URL
  $ logged server | tail -1
  10 - more/draft without/draft
#endif
