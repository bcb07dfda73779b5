#testcases http ssh

The database of a try server is away: pushes are refused, and nobody else notices

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ ordinary | tail -1
  r0 public
  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a bookmark mark
  $ hg -R a push -B mark $URL | grep remote
  remote: stored 1 changeset as push 1
  $ commit a a2
  $ untouched server > before

A folder where the file was

  $ mv server/.hg/hg-s3-try.db db.away
  $ mkdir server/.hg/hg-s3-try.db
  $ restart server 2> /dev/null
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: sqlite database * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ hg -R a log -r 'draft()' -T '{desc} '
  a1 a2  (no-eol)
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
  $ hg -R a pull -r $(node a tip) $URL 2>&1 | said
  abort: cannot look up 'dd8200fac0a76e6eab5c2fd424a3ca722311659f' in try: sqlite database * Is a directory: * (glob)
  $ hg -R a pull -r 123456 $URL 2>&1 | said
  abort: cannot look up '123456' in try: sqlite database * Is a directory: * (glob)
  $ hg -R a pull -r nosuchname $URL 2>&1 | said
  abort: cannot look up 'nosuchname' in try: sqlite database * Is a directory: * (glob)
  $ hg -R a push -B mark -r 3 $URL 2>&1 | said
  remote: cannot store the push: sqlite database * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ hg -R a log -r 'draft()' -T '{desc} '
  a1 a2  (no-eol)
  $ hg -R server s3try list
  abort: cannot read the pushes: sqlite database * Is a directory: * (glob)
  (try again later; the operator of the server can check the database (s3try.database))
  [255]
  $ hg -R server s3try migrate
  abort: cannot migrate the database: sqlite database * Is a directory: * (glob)
  (try again later; the operator of the server can check the database (s3try.database))
  [255]
  $ rmdir server/.hg/hg-s3-try.db

A file that is none of SQLite's

  $ "$PYTHON" -c 'print("no database" * 1000)' > server/.hg/hg-s3-try.db
  $ restart server 2> /dev/null
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: sqlite database $TESTTMP/server/.hg/hg-s3-try.db: file is not a database
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
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
  $ hg -R server s3try gc
  abort: cannot collect garbage: sqlite database $TESTTMP/server/.hg/hg-s3-try.db: file is not a database
  (try again later; the operator of the server can check the database (s3try.database))
  [255]
  $ hg -R server s3try expire --older-than 1 --yes
  abort: cannot expire pushes: sqlite database $TESTTMP/server/.hg/hg-s3-try.db: file is not a database
  (try again later; the operator of the server can check the database (s3try.database))
  [255]

An empty folder where the file of a server that runs was

  $ rm server/.hg/hg-s3-try.db
  $ cp db.away server/.hg/hg-s3-try.db
  $ restart server
  $ hg -R a push $URL | grep remote
  remote: stored 2 changesets as push 2
  $ mv server/.hg/hg-s3-try.db db.away
  $ commit a a3
  $ mkdir server/.hg/hg-s3-try.db
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: sqlite database * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ rmdir server/.hg/hg-s3-try.db

It is back

  $ mv db.away server/.hg/hg-s3-try.db
  $ restart server
  $ pushes server
  2 2 dd8200fac0a7
  1 1 46c84bd9eb63
  $ hg -R a push $URL | grep remote
  remote: stored 3 changesets as push 3
  $ hg identify -r mark $URL
  dfbde155411a mark
  $ hg clone -q -r $(node a tip) $URL b
  $ hg -R b log -r tip -T '{desc} {phase}\n'
  a3 draft
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing
  $ untouched server | diff before -

It goes between the reply to a push and the question for phases, or before the reply:
what was pushed stays draft

  $ pointserver server
  $ cat > away.sh << EOF
  > mv $TESTTMP/server/.hg/hg-s3-try.db $TESTTMP/db.away
  > mkdir $TESTTMP/server/.hg/hg-s3-try.db
  > EOF
  $ cat > back.sh << EOF
  > rmdir $TESTTMP/server/.hg/hg-s3-try.db
  > mv $TESTTMP/db.away $TESTTMP/server/.hg/hg-s3-try.db
  > EOF
  $ commit a a4
  $ at recorded sh $TESTTMP/away.sh
  $ hg -R a push $URL 2>&1 | said
  remote: stored 4 changesets as push 4
  updating bookmark mark
  $ sh back.sh
  $ hg -R a log -r 'draft()' -T '{desc} '
  a1 a2 a3 a4  (no-eol)
  $ commit a a5
  $ at stored sh $TESTTMP/away.sh
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: sqlite database * (glob)
  remote: (try again later; the operator of the server can check the database (s3try.database))
  abort: push failed on remote
  $ sh back.sh
  $ hg -R a log -r 'draft()' -T '{desc} '
  a1 a2 a3 a4 a5  (no-eol)
  $ pushes server | head -2
  4 4 13a07d9053ea
  3 3 dfbde155411a
  $ hg -R a push $URL 2>&1 | said
  remote: stored 5 changesets as push 5
  updating bookmark mark
  $ objects
  5
  $ hg -R server s3try verify
  5 bundles, 0 damaged or missing
  $ untouched server | diff before -

A setting that cannot be right

  $ cp server/.hg/hgrc hgrc.saved
  $ for url in nonsense: postgresql://secret:Secret1@ sqlite:relative; do
  >   printf "[s3try]\ndatabase = $url\n" >> server/.hg/hgrc
  >   restart server 2> /dev/null
  >   hg -R a push $URL 2>&1 | said
  > done
  remote: cannot store the push: no database of the kind 'nonsense': it is sqlite, postgresql, mysql or mariadb
  remote: (try again later; the operator of the server can check the setting (s3try.database))
  abort: push failed on remote
  remote: cannot store the push: the database URL names no database
  remote: (try again later; the operator of the server can check the setting (s3try.database))
  abort: push failed on remote
  remote: cannot store the push: an sqlite database needs the absolute path of a file: sqlite:/path
  remote: (try again later; the operator of the server can check the setting (s3try.database))
  abort: push failed on remote
  $ ordinary | tail -1
  r0 public
  $ cp hgrc.saved server/.hg/hgrc; restart server
  $ untouched server | diff before -

An empty repository, of which nothing is known

  $ hg init empty
  $ configuretry empty
  $ mkdir empty/.hg/hg-s3-try.db
#if http
  $ stopserver
  $ startserver empty
  warning: s3try: pushes will be refused: sqlite database * (glob)
  warning: s3try: pushes will be refused: sqlite database * (glob)
#else
  $ URL=ssh://user@dummy/empty
#endif
  $ hg clone -q $URL none
  $ commit none n1
  $ hg -R none push $URL 2>&1 | said
  remote: try cannot keep the push: it begins with a root, so it is of another repository, or this one is empty
  abort: push failed on remote
  $ hg -R none log -T '{desc} {phase}\n'
  n1 draft
#if http
  $ cat error.log
#endif
