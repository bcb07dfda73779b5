#require wireprotov2 hgs3-moto

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache

  $ hg init server
  $ configureserver server
  $ cd server
  $ echo a0 > a
  $ echo b0 > b
  $ hg -q commit -A -m 'commit 0'
  $ echo a1 > a
  $ hg commit -m 'commit 1'
  $ cd ..
  $ startserver server
  $ storelog >/dev/null

Each of the three commands: a miss first, then a hit
====================================================

  $ CSETS=$(hg -R server log -r 0:1 -T '{node} ')
  $ MNODES=$(hg -R server log -r 0:1 -T '{manifest % "{node} "}')
  $ FNODE=$(hg -R server manifest --debug -r 1 | sed -n 's/ .* a$//p')
  $ MANIFESTS="{b'tree': b'', b'nodes': n('$MNODES'), b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILE="{b'path': b'a', b'nodes': n('$FNODE'), b'fields': {b'parents', b'revision'}}"

  $ v2command manifestdata "$MANIFESTS" | tee m1
  inline, 5 objects, sha256 * (glob)
  $ events server 2
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=404 ms=*
  $ v2command manifestdata "$MANIFESTS" | tee m2
  redirected, 5 objects, sha256 * (glob)
  $ events server 1
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=404 ms=* via=redirect
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST

  $ v2command filesdata "$FILES" | tee f1
  inline, *, sha256 * (glob)
  $ events server 2
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  $ v2command filesdata "$FILES" | tee f2
  redirected, *, sha256 * (glob)
  $ events server 1
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/filesdata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/filesdata/REQUEST

  $ v2command filedata "$FILE" | tee d1
  inline, 3 objects, sha256 * (glob)
  $ events server 2
  miss filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=*
  stored filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* (glob)
  $ v2command filedata "$FILE" | tee d2
  redirected, 3 objects, sha256 * (glob)
  $ events server 1
  hit filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* via=redirect (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/filedata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/filedata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filedata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filedata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/filedata/REQUEST

Hits hold the same objects as misses

  $ for x in m f d; do sed 's/.*sha256//' ${x}1 > one; sed 's/.*sha256//' ${x}2 > two; cmp one two; done

The same request in other words has the same key: a range of changesets, the
set of fields in any order

  $ RANGE="{b'revisions': [{b'type': b'changesetdagrange', b'roots': [], b'heads': n('$CSETS')[1:]}], b'fields': {b'revision', b'parents'}, b'haveparents': True}"
  $ v2command filesdata "$RANGE"
  redirected, *, sha256 * (glob)
  $ events server 1
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/filesdata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/filesdata/REQUEST

What an object is
=================

  $ s3 ls hg-cache | sed 's/[0-9a-f]\{40\}/REQUEST/;s/[0-9a-f]\{32\}/REPO/'
  cache/REPO/v2/filedata/REQUEST * (glob)
  cache/REPO/v2/filesdata/REQUEST * (glob)
  cache/REPO/v2/manifestdata/REQUEST 404
  $ KEY=$(s3 ls hg-cache | sed -n 's/ .*//;/manifestdata/p')
  $ s3 head hg-cache $KEY | tee meta
  content-type: application/mercurial-cbor
  x-amz-meta-command: manifestdata
  x-amz-meta-format-version: 2
  x-amz-meta-repo-id: [0-9a-f]{32} (re)
  x-amz-meta-sha256: [0-9a-f]{64} (re)
  x-amz-meta-size: 404
  $ s3 get hg-cache $KEY > body
  $ f --sha256 body
  body: sha256=* (glob)
  $ test "$(sed -n 's/.*-sha256: //p' meta)" = "$(f --sha256 body | sed 's/.*=//')"

Only who has a signature may read it

  $ "$PYTHON" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' $STORE/hg-cache/$KEY 2>&1 | tail -1
  urllib.error.HTTPError: HTTP Error 403: FORBIDDEN

An object that is not what we would have written is a miss, and is replaced

  $ echo 'not ours' | s3 put hg-cache $KEY
  $ v2command manifestdata "$MANIFESTS" | cmp - m1
  $ events server 2
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=* reason=its metadata are not ours
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=404 ms=*
  $ s3 get hg-cache $KEY | cmp - body

Commands that are not cached do not come near the store

  $ storelog > /dev/null
  $ v2command heads "{}"
  inline, 1 objects, sha256 * (glob)
  $ v2command known "{b'nodes': []}"
  inline, 0 objects, sha256 * (glob)
  $ storelog

Errors are the command's own, and nothing is stored
===================================================

  $ BAD="{b'tree': b'', b'nodes': [b'x' * 20]}"
  $ v2command manifestdata "$BAD"
  remote error: b'unknown node: xxxxxxxxxxxxxxxxxxxx'
  [1]
  $ BAD="{b'path': b'nosuch', b'nodes': []}"
  $ v2command filedata "$BAD"
  remote error: b'unknown file: nosuch'
  [1]
  $ BAD="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': [b'x' * 20]}]}"
  $ v2command filesdata "$BAD"
  remote error: * (glob)
  [1]
  $ BAD="{b'revisions': [{b'type': b'nosuch'}]}"
  $ v2command filesdata "$BAD"
  remote error: * (glob)
  [1]
  $ BAD="{b'revisions': 7}"
  $ v2command filesdata "$BAD"
  remote error: * (glob)
  [1]
  $ events server
  $ storelog

A presigned query string is in no log of ours
=============================================

  $ stopserver
  $ grep -rl X-Amz server/.hg access.log error.log
  [1]
  $ cat error.log
