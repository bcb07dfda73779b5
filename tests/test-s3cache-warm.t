#require wireprotov2 hgs3-moto

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache

A server with all that changes what clients ask for: a changeset without files,
a merge, two changesets of the same manifest, a bookmark, and batches of which a
clone needs several

  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > [experimental]
  > server.manifestdata.recommended-batch-size = 4
  > server.filesdata.recommended-batch-size = 3
  > EOF
  $ cd server
  $ hg -q branch stable
  $ hg commit -m 'no files'
  $ hg -q branch default
  $ for f in a b c d; do echo $f > $f; hg -q commit -A -m $f; done
  $ hg rm b
  $ hg commit -m 'remove b'
  $ hg -q up 'desc("no files")'
  $ for f in a b; do echo $f > $f; hg -q commit -A -m "$f again"; done
  $ hg -q merge --tool :local -r 'desc("remove b")'
  $ hg commit -m merge
  $ hg bookmark -r 'desc("remove b")' mark
  $ cd ..

Everything that can be cached is stored, once

  $ what() { grep -v changesetdata | grep -v rawstorefiledata; }
  $ hg -R server s3cache warm -T '{command} {result}\n' | what
  manifestdata stored
  manifestdata stored
  filesdata stored
  filesdata stored
  filesdata stored
  $ events server > /dev/null
  $ hg -R server s3cache warm -T '{command} {result}\n' | what
  manifestdata present
  manifestdata present
  filesdata present
  filesdata present
  filesdata present
  $ events server | what
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)

The first clone of a stock client finds all of it, and adds nothing

  $ s3 ls hg-cache > before
  $ startserver server
  $ hg clone -q -U http://localhost:$HGPORT/ first
  $ samenodes server first
  $ hg -R first bookmarks
     mark                      5:* (glob)
  $ stopserver
  $ events server > seen
  $ grep -v '^hit' seen
  [1]
  $ what < seen | grep -c .
  5
  $ s3 ls hg-cache | cmp before -

As a stream
===========

  $ hg -R server s3cache warm --stream -T '{command} {result}\n' | what
  filesdata present
  filesdata present
  filesdata present
  $ events server > /dev/null
  $ s3 ls hg-cache > before
  $ startserver server
  $ hg clone -q -U --stream http://localhost:$HGPORT/ streamed
  $ samenodes server streamed
  $ stopserver
  $ events server > seen
  $ grep -v '^hit' seen
  [1]
  $ what < seen | grep -c .
  3
  $ s3 ls hg-cache | cmp before -

What is not served is not asked for
===================================

  $ cd server
  $ echo secret > secret
  $ hg -q commit --secret -A -m secret
  $ cd ..
  $ hg -R server s3cache warm -T '{command} {result}\n' | what
  manifestdata present
  manifestdata present
  filesdata present
  filesdata present
  filesdata present

Nor can it be streamed: by default it is not offered, and otherwise fails

  $ hg -R server s3cache warm --stream
  abort: this repository is not served as a stream
  (see server.uncompressed, and server.uncompressedallowsecret where there are secret changesets)
  [255]
  $ hg -R server s3cache warm --stream --config server.uncompressedallowsecret=yes
  abort: clones with --stream fail: there are changesets not served
  (leave --stream out)
  [255]
  $ startserver server --config server.uncompressedallowsecret=yes
  $ hg clone -q -U --stream http://localhost:$HGPORT/ secretly > /dev/null 2>&1
  [255]
  $ stopserver
  $ hg -R server --config extensions.strip= strip -q --no-backup -r 'desc("secret")'

Small responses, and what it says
=================================

  $ hg -R server s3cache purge --all --yes | sed 's/([^)]*)/(*)/'
  deleted * objects (*) and 0 incomplete uploads (glob)
  $ hg -R server s3cache warm --config s3wireprotocache.minimum-object-size=1MB | what
  skipped        manifestdata     *  skipped-small (glob)
  skipped        manifestdata     *  skipped-small (glob)
  skipped        filesdata        *  skipped-small (glob)
  skipped        filesdata        *  skipped-small (glob)
  skipped        filesdata        *  skipped-small (glob)
  0 stored (0 bytes), 0 there already, * skipped, * not cached, 0 failed (glob)
  $ hg -R server s3cache warm | what
  stored         manifestdata     * bytes (glob)
  stored         manifestdata     * bytes (glob)
  stored         filesdata        * bytes (glob)
  stored         filesdata        * bytes (glob)
  stored         filesdata        * bytes (glob)
  * stored (*), 0 there already, * skipped, * not cached, 0 failed (glob)
  $ hg -R server s3cache warm --debug --config progress.debug=true | grep '^warming.*manifestdata'
  warming: manifestdata 1/6 requests (16.67%)
  warming: manifestdata 2/6 requests (33.33%)
  $ hg init empty
  $ configureserver empty
  $ hg -R empty s3cache warm
  the repository is empty, there is nothing to warm
  $ hg -R empty s3cache warm -T json
  [
  ]

A server that serves no version 2 is warmed for version 1 only, which has nothing
for so few changesets; test-v1-faults.t has more

  $ hg -R server s3cache warm --config experimental.web.api.http-v2=no
  the repository is small, there is nothing to warm

What goes wrong
===============

A hook that refuses clients

  $ hg -R server s3cache warm --config hooks.preoutgoing=false -T '{command} {result} {reason}\n' | grep changesetdata
  changesetdata failed preoutgoing hook exited with status 1

A store that may only be read: what could not be stored is said, and counted

  $ hg -R server s3cache purge --all --yes > /dev/null
  $ startproxy refuse=PUT
  $ hg -R server s3cache warm --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 -T '{command} {result} {reason}\n' > out
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: PUT failed: * (glob)
  [1]
  $ what < out
  manifestdata failed PUT failed: * (glob)
  manifestdata failed PUT failed: * (glob)
  filesdata failed * (glob)
  filesdata failed * (glob)
  filesdata failed * (glob)
  $ hg -R server s3cache warm --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 2> /dev/null | tail -n 1 > out
  $ cat out
  0 stored (0 bytes), 0 there already, 0 skipped, * not cached, * failed (glob)
  $ stopproxy

A store that is not there

  $ hg -R server s3cache warm --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2
  abort: the store cannot be used: HEAD failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT2/hg-cache"
  [255]
  $ hg -R server s3cache warm --config s3wireprotocache.bucket=
  abort: no bucket is configured
  (set s3wireprotocache.bucket, or s3wireprotocache.store)
  [255]

One that goes down in the middle: what is left is not computed for nothing

  $ cat > stop.sh << EOF
  > "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/store.pid"
  > EOF
  $ hg -R server s3cache purge --all --yes > /dev/null
  $ hg -R server s3cache warm --config hooks.preoutgoing="sh $TESTTMP/stop.sh" -T '{command} {result} {reason}\n' > out
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: * (glob)
  [1]
  $ grep filesdata out
  filesdata failed not tried
  filesdata failed not tried
  filesdata failed not tried
