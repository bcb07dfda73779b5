There is no room for the temporary files of a push, or for the copy of a bundle

  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ ordinary | tail -1
  r0 public
  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a push $URL 2>&1 | said
  remote: stored 1 changeset as push 1
  $ "$PYTHON" -c 'import random; print("%x" % random.Random(1).getrandbits(8 << 20))' > a/large
  $ hg -R a commit -qAm large
  $ untouched server > before

No file of this server can become larger than 1 MB, or half of that

  $ limited() {
  >   stopserver
  >   mkdir -p tmp
  >   (ulimit -f 1024; TMPDIR="$TESTTMP/tmp" startserver server)
  > }
  $ limited
  $ find store | sort > store.before
  $ hg -R a push $URL 2>&1 | said
  remote: cannot store the push: [Errno 27] File too large
  remote: (the server needs room for temporary files)
  abort: push failed on remote
  $ pushes server
  1 1 46c84bd9eb63
  $ find store | sort | cmp - store.before
  $ hg -R a log -r 'not public()' -T '{desc} {phase}\n'
  a1 draft
  large draft
  $ untouched server | diff before -
  $ ls tmp
  $ ordinary | tail -1
  r0 public

What is small can be pushed

  $ hg -R a push -r "desc('a1')" $URL 2>&1 | said
  remote: stored 1 changeset as push 2
  $ untouched server | diff before -

With room it is stored. Then there is none for its copy on the local disk

  $ restart server
  $ hg -R a push $URL 2>&1 | said
  remote: stored 2 changesets as push 3
  $ forget server
  $ limited
  $ hg clone -q -r $(node a tip) $URL b
  $ hg -R b verify -q
  $ hg clone -q -r $(node a "desc('a1')") $URL c 2>&1 | said
  remote: abort: cannot serve changesets of try: no place for a bundle: File too large
  abort: pull failed on remote
  (try again later; the operator of the server can check the folder (s3try.bundle-cache))
  $ ls tmp
  $ restart server
  $ hg clone -q -r $(node a tip) $URL d
  $ hg -R d verify -q
  $ graph d
  @  large draft
  |
  o  a1 draft
  |
  o  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ untouched server | diff before -
  $ cat error.log
