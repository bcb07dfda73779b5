#testcases http ssh

Bookmarks that are in the database alone

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ tryserver server
  $ hg -R server bookmark -r 1 upstream
  $ hg -R server bookmark -r 3 main
  $ untouched server > before
  $ hg clone -q $URL a
  $ hg clone -q $URL b

A clone has those of the repository. They are not listed to who pushes, or each push
would try to move them

  $ hg -R a bookmarks -T '{bookmark}\n'
  main
  upstream
  $ hg -R a update -q main
  (activating bookmark main) (?)
  $ commit a a1
  $ hg -R a push $URL
  pushing to * (glob)
  searching for changes
  remote: stored 1 changeset as push 1
  $ hg identify -r main $URL
  * (glob)

One of try: made, found, moved, deleted

  $ hg -R a bookmark mine
  $ hg -R a push -q -B mine $URL
  $ hg -R b pull -q -r mine $URL
  $ hg -R b log -r tip -T '{desc} {phase} {bookmarks}\n'
  a1 draft mine
  $ hg clone -q -r mine $URL c
  $ hg -R c log -r tip -T '{desc}\n'
  a1
  $ commit a a2
  $ hg -R a push -B mine $URL
  pushing to * (glob)
  searching for changes
  remote: stored 2 changesets as push 3
  updating bookmark mine
  $ hg -R a update -q 2
  $ commit a a3
  $ hg -R a bookmark -f mine
  $ hg -R a push -f -B mine $URL
  pushing to * (glob)
  searching for changes
  remote: stored 1 changeset as push 4
  updating bookmark mine
  $ hg clone -q -r mine $URL d
  $ hg -R d log -r tip -T '{desc}\n'
  a3
  $ hg -R b pull -q -B mine $URL
  divergent bookmark mine stored as mine@1 (?)
  $ hg -R b log -r "desc(a3)" -T '{desc}\n'
  a3
  $ hg -R a bookmark -d mine
  $ hg -R a push -B mine $URL | grep delet
  deleting remote bookmark mine
  $ hg identify -r mine $URL
  abort: unknown revision 'mine'
  [255]

Names that are the beginning of hashes, too: of several, of one, of none; as in any
repository, the name comes first

  $ ONE=$(hg -R server log -r 2 -T '{node|shortest}')
  $ for name in x $ONE x$ONE ad dead; do
  >   hg -R a bookmark -f -r "desc(a3)" $name
  >   hg -R a push -q -B $name $URL
  >   hg identify -r $name -T '{id}\n' $URL | sed "s/$(node a 'desc(a3)')/a3/"
  >   hg -R a bookmark -d $name; hg -R a push -q -B $name $URL
  >   hg identify -r $name -T '{id}\n' $URL 2>&1 | sed "s/$(node server 2)/r2/"
  > done
  a3
  abort: 00changelog@: ambiguous identifier
  a3
  r2
  a3
  r2
  a3
  abort: unknown revision 'ad'
  a3
  abort: unknown revision 'dead'

Onto a changeset of the repository, with no changeset to push

  $ hg -R a bookmark -r 1 old
  $ hg -R a push -r 1 -B old $URL
  pushing to * (glob)
  searching for changes
  no changes found
  exporting bookmark old
  [1]
  $ test "$(hg identify -i -r old $URL)" = "$(hg -R server log -r 1 -T '{node|short}')"

A plain pull brings none

  $ hg clone -q $URL plain
  $ hg -R plain bookmarks -T '{bookmark}\n'
  main
  upstream

Names of the repository, and others than the operator wants, are refused

  $ hg -R a bookmark -f -r "desc('a3')" upstream
  $ hg -R a push -f -r "desc('a3')" -B upstream $URL 2>&1 | grep -v '^pushing\|^searching'
  remote: 'upstream' is a bookmark of the repository itself
  remote: (choose another name for the bookmark)
  abort: push failed on remote
  $ hg -R server s3try list -T '{push}\n' | head -1
  9
  $ cat >> server/.hg/hgrc << EOF
  > [s3try]
  > scratch-bookmarks = re:^try/
  > EOF
#if http
  $ stopserver
  $ startserver server
#endif
  $ hg -R a bookmark -r "desc('a3')" try/fine
  $ hg -R a bookmark -r "desc('a3')" other
  $ hg -R a push -f -r "desc('a3')" -B other $URL 2>&1 | grep remote
  remote: try does not accept the bookmark 'other'
  remote: (names must be as the server's s3try.scratch-bookmarks says)
  abort: push failed on remote
  $ hg -R a push -f -r "desc('a3')" -B try/fine $URL 2>&1 | grep -v '^pushing\|^searching'
  remote: stored 1 changeset as push 10
  exporting bookmark try/fine
  $ hg identify -r old $URL
  abort: unknown revision 'old'
  [255]

Two who move the same one: who comes second is told so, and may force it

  $ hg clone -q -r 3 $URL x
  $ cp -R x y
  $ commit x x1
  $ commit y y1
  $ hg -R x bookmark -f try/new
  $ hg -R y bookmark -f try/new
  $ cat > slow.py << EOF
  > # Moves the bookmark between the question where it is and the push.
  > from mercurial import exchange, extensions
  > def discovered(orig, pushop):
  >     orig(pushop)
  >     pushop.ui.system(b'hg -R x push -q -B try/new $URL > x.out 2>&1')
  > def extsetup(ui):
  >     extensions.wrapfunction(exchange, '_pushdiscovery', discovered)
  > EOF
  $ hg -R y push -B try/new $URL --config extensions.slow=$TESTTMP/slow.py 2>&1 | grep -v '^pushing\|^searching\|^remote: *$'
  abort: push failed:
  "remote repository changed while pushing - please try again (bookmark 'try/new' has moved)"
  $ hg -R y push -f -B try/new $URL | grep -v '^pushing\|^searching'
  remote: stored 1 changeset as push * (glob)
  updating bookmark try/new
  $ untouched server | diff before -
#if http
  $ cat error.log
#endif
