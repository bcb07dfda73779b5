#testcases http ssh

A database server: tables that are not there yet, and one that goes and comes

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ startpostgresql
  $ tryserver server
  $ ordinary | tail -1
  r0 public
  $ hg clone -q $URL a
  $ commit a a1
  $ untouched server > before
  $ cat db.rc >> server/.hg/hgrc
  $ rm server/.hg/hg-s3-try.db*

Without tables, pushes are refused, and nobody else notices

  $ restart server 2> warnings
#if http
  $ sort -u warnings
  warning: s3try: pushes will be refused: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
#endif
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  remote: (the operator of the server has to bring both together)
  abort: push failed on remote
  $ hg -R a log -r 'draft()' -T '{desc}\n'
  a1
  $ objects
  0
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
  $ hg identify -r $(node a tip) $URL
  abort: cannot look up '46c84bd9eb634bc36c56182d796e66ebfcad6531' in try: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  [255]
  $ for action in list "show 1" verify gc "gc --yes" "expire --older-than 1 --yes"; do
  >   hg -R server s3try $action || echo $?
  > done
  abort: cannot read the pushes: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  abort: cannot read the pushes: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  abort: cannot verify the bundles: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  abort: cannot collect garbage: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  abort: cannot collect garbage: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  abort: cannot expire pushes: the database has no tables, and version 2 is needed: run hg s3try migrate or hg pushlog-migrate
  (the operator of the server has to bring both together)
  255
  $ hg -R server s3try migrate
  migrated the tables from version 0 to 2
  $ hg -R server s3try migrate
  the tables are those of version 2
  $ hg -R server s3try list

The server that has seen none sees them

  $ hg -R a push $URL 2>&1 | said
  remote: stored 1 changeset as push 1
  $ commit a a2
  $ hg -R a bookmark mark
  $ hg -R a push -B mark $URL 2>&1 | said
  remote: stored 2 changesets as push 2
  exporting bookmark mark
  $ hg identify -r mark $URL
  dd8200fac0a7 mark
  $ hg clone -q -r mark $URL b
  $ hg -R b verify -q
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ pushes server
  2 2 dd8200fac0a7
  1 1 46c84bd9eb63
  $ ls server/.hg | grep hg-s3-try.db
  [1]

It goes

  $ commit a a3
  $ postgresql down
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: postgresql database try_1 at this host: cannot connect: * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ hg -R a log -r 'draft()' -T '{desc}\n'
  a1
  a2
  a3
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
  $ hg -R b pull -r $(node a tip) $URL 2>&1 | said
  abort: cannot look up 'dfbde155411a866dec7e169621142937d5a092ed' in try: postgresql database try_1 at this host: cannot connect: * (glob)
  $ hg -R b pull -r 3 $URL 2>&1 | said
  no changes found
  $ hg -R b log -r 'draft()' -T '{desc}\n'
  a1
  a2
  $ hg -R server s3try list
  abort: cannot read the pushes: postgresql database try_1 at this host: cannot connect: * (glob)
  (try again later; the operator of the server can check the database (s3try.database))
  [255]
  $ hg -R server s3try migrate
  abort: cannot migrate the database: postgresql database try_1 at this host: cannot connect: * (glob)
  (try again later; the operator of the server can check the database (s3try.database))
  [255]

A server that starts meanwhile says so, and serves

  $ restart server 2> warnings
#if http
  $ sort -u warnings
  warning: s3try: pushes will be refused: postgresql database try_1 at this host: cannot connect: * (glob)
#endif
  $ ordinary | tail -1
  r0 public

It comes

  $ postgresql up
  $ pushagain a
  remote: stored 3 changesets as push 3
  $ hg -R b pull -q -r $(node a tip) $URL
  $ hg -R b log -r 'draft()' -T '{desc} {phase}\n'
  a1 draft
  a2 draft
  a3 draft
  $ hg -R b verify -q

It goes and comes while nobody asks: connections that were kept are of no use

  $ commit a a4
  $ postgresql down
  $ postgresql up
  $ hg -R a push $URL 2>&1 | said
  remote: stored 4 changesets as push 4
  updating bookmark mark
  $ hg identify -r mark $URL
  13a07d9053ea mark
  $ postgresql down
  $ postgresql up
  $ hg identify -r mark $URL
  13a07d9053ea mark

It goes in the middle of a push: before it is recorded, and after

  $ pointserver server
  $ cat > away.sh << EOF
  > echo down > $TESTTMP/db.state
  > "$PYTHON" "$TESTLIB/waitfor.py" $TESTTMP/db.state.is down 1
  > EOF
  $ commit a a5
  $ at stored sh $TESTTMP/away.sh
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: postgresql database try_1 at this host: cannot connect: * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ postgresql up
  $ pushes server | wc -l | tr -d ' '
  4
  $ pushagain a
  remote: stored 5 changesets as push 5
  $ commit a a6
  $ at recorded sh $TESTTMP/away.sh
  $ hg -R a push $URL 2>&1 | said
  remote: stored 6 changesets as push 6
  updating bookmark mark
  $ hg -R a log -r 'not public()' -T '{desc} '
  a1 a2 a3 a4 a5 a6  (no-eol)
  $ postgresql up
  $ pushagain a
  remote: stored 6 changesets as push 7
  $ hg clone -q -r $(node a tip) $URL c
  $ hg -R c verify -q
  $ hg -R c log -r 'not public()' -T '{desc} '
  a1 a2 a3 a4 a5 a6  (no-eol)
  $ hg -R server s3try verify
  6 bundles, 0 damaged or missing

Tables of a newer release

  $ sql 'UPDATE s3_schema SET version = 99'
  $ hg -R server s3try list
  abort: cannot read the pushes: the database has tables of version 99, and this is a program for version 2: install a newer one
  (the operator of the server has to bring both together)
  [255]
  $ hg -R server s3try migrate
  abort: cannot migrate the database: the database has tables of version 99, and this is a program for version 2: install a newer one
  (the operator of the server has to bring both together)
  [255]
  $ restart server 2> /dev/null
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: the database has tables of version 99, and this is a program for version 2: install a newer one
  remote: (the operator of the server has to bring both together)
  abort: push failed on remote
  $ sql 'UPDATE s3_schema SET version = 2'
  $ restart server
  $ hg -R a push $URL 2>&1 | said
  remote: stored 6 changesets as push 8

The password is nowhere

  $ stoppostgresql
  $ restart server 2> warnings
  $ hg -R a push --debug $URL > out 2>&1
  [100]
  $ cat access.log error.log server/.hg/blackbox.log out warnings db.log 2> /dev/null | grep -i 'secret\|word%40'
  [1]
  $ untouched server | diff before -
#if http
  $ cat error.log
#endif
