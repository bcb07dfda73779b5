#require hgs3-moto

Pushes that are given back by the store itself

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3try =
  > [s3try]
  > enabled = yes
  > redirect-minimum = 1
  > EOF
  $ startserver server
  $ URL=http://localhost:$HGPORT/
  $ hg clone -q $URL a
  $ events server 4 > /dev/null
  $ commit a a1
  $ commit a a2
  $ hg -R a push -q $URL
  $ A1=$(node a 'tip^'); A2=$(node a tip)
  $ s3 ls hg-cache | grep -c 'try/'
  1

Of a whole push the client gets a short URL, and the store sends the rest

  $ hg clone -q -r 390 server plain
  $ storelog > /dev/null
  $ hg -R plain pull -r $A2 $URL
  pulling from http://localhost:$HGPORT/
  searching for changes
  adding changesets
  adding manifests
  adding file changes
  added 2 changesets with 2 changes to 2 files
  new changesets *:* (2 drafts) (glob)
  (run 'hg update' to get a working copy)
  $ storelog
  GET 200 hg-cache/try/REPO/BUNDLE presigned
  HEAD 200 hg-cache/try/REPO/BUNDLE
  $ hg -R plain log -r 'draft()' -T '{desc} {phase}\n'
  a1 draft
  a2 draft
  $ hg -R plain verify -q
  $ events server
  hit try key=try/REPO/BUNDLE bytes=* ms=* via=redirect (glob)
  $ grep -c 's3get/\[token\]' access.log
  1

hg incoming cannot read such parts, and gets it through the server; so does who wants
the middle of a push

  $ hg clone -q -r 390 server stale
  $ hg -R stale incoming -q -r $A2 $URL -T '{desc}\n'
  a1
  a2
  $ hg -R stale pull -q -r $A1 $URL
  $ hg -R stale log -r 'draft()' -T '{desc} {phase}\n'
  a1 draft
  $ hg -R stale verify -q
  $ events server
  hit try key=try/REPO/BUNDLE bytes=* ms=* via=inline (glob)
  hit try key=try/REPO/BUNDLE bytes=* ms=* via=inline (glob)

A clone of it gets the repository's part by segments

  $ hg clone -q -r $A2 $URL clone
  $ hg -R clone log -r 'draft()' -T '{desc} {phase}\n'
  a1 draft
  a2 draft
  $ hg -R clone verify -q
  $ hg clone -q -r $A2 $URL clone2
  $ hg -R clone2 verify -q
  $ events server 3 > log
  $ sed 's/ key.*via/ via/' log | grep '^hit' | sort -u
  hit getbundle via=redirect
  hit try via=redirect

Nobody is sent to what is not there, but gets it from this server's own copy

  $ KEY=$(s3 ls hg-cache | grep 'try/' | cut -d' ' -f1)
  $ stopserver
  $ startserver server
  $ s3 rm hg-cache $KEY
  $ hg clone -q -r 390 server third
  $ hg -R third pull -q -r $A2 $URL
  $ hg -R third verify -q
  $ events server
  hit try key=try/REPO/BUNDLE bytes=* ms=* via=inline (glob)

The same push stores it again

  $ hg -R a push -q $URL
  $ s3 ls hg-cache | grep -c 'try/'
  1
  $ hg -R server s3try verify
  1 bundles, 0 damaged or missing

By a server whose compressor makes another object of it: who has been told what the
first one is like still gets that one

  $ s3 get hg-cache $KEY > first
  $ stopserver
  $ startserver server --config extensions.otherlevel=$TESTLIB/otherlevel.py
  $ hg -R a push -q $URL
  $ s3 get hg-cache $KEY | cmp - first
  $ hg -R server s3try verify
  1 bundles, 0 damaged or missing
  $ hg clone -q -r 390 server fourth
  $ hg -R fourth pull -q -r $A2 $URL
  $ hg -R fourth verify -q

Also when all of it is in a newer bundle, too

  $ commit a a3
  $ hg -R a push -q $URL
  $ hg -R a push -q -r $A2 $URL
  $ s3 get hg-cache $KEY | cmp - first
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing

If that one is damaged, it is replaced

  $ s3 put hg-cache $KEY < /dev/null
  $ hg -R server s3try verify
  *: the object is damaged (Unfit) (glob)
  2 bundles, 1 damaged or missing
  [1]
  $ hg -R a push -q -r $A2 $URL
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ s3 get hg-cache $KEY | cmp -s - first
  [1]

Another store for try alone, and no cache at all

  $ s3 mb hg-try
  $ hg init server2
  $ hg -R server2 pull -q -r 390 server
  $ cat >> server2/.hg/hgrc << EOF
  > [extensions]
  > s3try =
  > [web]
  > allow-push = *
  > push_ssl = no
  > [s3try]
  > enabled = yes
  > redirect-minimum = 1
  > bucket = hg-try
  > prefix = some/where/
  > access-key-id = test-key
  > secret-access-key = test-secret
  > endpoint-url = $STORE
  > EOF
  $ stopserver
  $ startserver server2
  $ hg clone -q $URL b
  $ commit b b1
  $ hg -R b push -q $URL
  $ s3 ls hg-try | sed 's,try/.*,try/...,'
  some/where/try/...
  $ storelog > /dev/null
  $ hg clone -q -r $(node b tip) $URL c
  $ hg -R c verify -q
  $ storelog
  GET 200 hg-try/some/where/try/REPO/BUNDLE presigned
  HEAD 200 hg-try/some/where/try/REPO/BUNDLE
  $ cat error.log
