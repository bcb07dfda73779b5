#require wireprotov2 hgs3-moto

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache

A history with all that real ones have: removals, renames, copies, a merge, a
branch, a file that comes back, an executable, a first changeset without files

  $ hg init server
  $ configureserver server
  $ cd server
  $ hg -q branch stable
  $ hg commit -m 'no files'
  $ hg -q branch default
  $ mkdir dir
  $ for f in a b dir/c dir/d; do echo $f > $f; done
  $ hg -q commit -A -m add
  $ hg rm b
  $ hg commit -m 'remove b'
  $ hg mv dir/c dir/e
  $ echo more >> dir/e
  $ hg commit -m 'rename c to e'
  $ hg cp a copy
  $ chmod +x dir/d
  $ hg commit -m 'copy a'
  $ echo b > b
  $ hg -q commit -A -m 'b is back'
  $ hg -q up 'desc("remove b")'
  $ echo side > side
  $ hg rm dir/d
  $ hg -q commit -A -m 'side branch, removes d'
  $ hg -q merge 'desc("b is back")' --tool :local
  $ hg commit -m merge
  $ hg rm side a
  $ hg commit -m 'remove two'
  $ cd ..

As it is, Mercurial cannot serve this over version 2

  $ hg -R server serve -d -p $HGPORT --pid-file hg.pid -E error.log \
  >   --config extensions.s3wireprotocache=!
  $ cat hg.pid >> $DAEMON_PIDS
  $ hg clone -q -U http://localhost:$HGPORT/ broken
  transaction abort!
  rollback completed
  abort: [{b'msg': b"'No such manifest entry.'"}]
  [255]
  $ stopserver

With the extension it can, also without a bucket

  $ startserver server --config s3wireprotocache.bucket=
  $ hg clone -q -U http://localhost:$HGPORT/ uncached
  $ samenodes server uncached
  $ stopserver
  $ events server
  $ storelog

A first clone fills the cache, a second one is served from it
=============================================================

  $ startserver server
  $ hg clone -q -U http://localhost:$HGPORT/ first
  $ samenodes server first
  $ events server 6
  miss changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* (glob)
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ storelog
  HEAD 404 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  $ hg clone -q -U http://localhost:$HGPORT/ second
  $ samenodes server second
  $ events server 3
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST presigned
  GET 200 hg-cache/cache/REPO/v2/filesdata/REQUEST presigned
  GET 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST presigned
  HEAD 200 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST

All files are the same

  $ for r in uncached first second; do hg -R $r archive -r tip $r.out; hg -R $r archive -r 'desc("copy a")' $r.old; done
  $ hg -R server archive -r tip server.out
  $ hg -R server archive -r 'desc("copy a")' server.old
  $ for r in uncached first second; do diff -r -x .hg_archival.txt server.out $r.out; diff -r -x .hg_archival.txt server.old $r.old; done

A push; then a pull and a new clone
===================================

  $ hg clone -q http://localhost:$HGPORT/ pusher --config experimental.httppeer.advertise-v2=false
  $ cd pusher
  $ echo new > new
  $ hg rm copy
  $ hg -q commit -A -m 'new file, removes copy'
  $ hg mv new newer
  $ hg commit -m 'rename new'
  $ hg push -q --config experimental.httppeer.advertise-v2=false
  $ cd ..
  $ events server
  $ for r in first second; do hg -R $r pull -q; samenodes server $r; done
  $ events server 9
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  miss changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* (glob)
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ hg clone -q -U http://localhost:$HGPORT/ third
  $ samenodes server third
  $ hg clone -q -U http://localhost:$HGPORT/ fourth
  $ samenodes server fourth
  $ events server 9
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  miss changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* (glob)
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)

Two servers of one repository
=============================

Another path is another repository, unless both are told that they are one

  $ stopserver
  $ hg clone -q -U server mirror
  $ configureserver mirror
  $ startserver mirror
  $ hg clone -q -U http://localhost:$HGPORT/ fifth
  $ samenodes server fifth
  $ events mirror 4 > /dev/null
  $ stopserver
  $ startserver server --config s3wireprotocache.repo-id=same
  $ hg clone -q -U http://localhost:$HGPORT/ sixth
  $ stopserver
  $ startserver mirror --config s3wireprotocache.repo-id=same
  $ hg clone -q -U http://localhost:$HGPORT/ seventh
  $ samenodes server seventh
  $ events mirror 3
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)

Small responses stay where they are
===================================

  $ stopserver
  $ storelog > /dev/null
  $ startserver mirror --config s3wireprotocache.repo-id=tiny --config s3wireprotocache.minimum-object-size=1MB
  $ hg clone -q -U http://localhost:$HGPORT/ ninth
  $ samenodes server ninth
  $ events mirror 6
  miss changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  skipped-small changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* (glob)
  skipped-small filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  skipped-small manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ storelog
  HEAD 404 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/changesetdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST

What was stored when the limit was lower is not redirected to, but not
computed again either

  $ stopserver
  $ startserver mirror --config s3wireprotocache.repo-id=same --config s3wireprotocache.minimum-object-size=1MB
  $ hg clone -q -U http://localhost:$HGPORT/ tenth
  $ samenodes server tenth
  $ events mirror 3
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=inline (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=inline (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=inline (glob)

A server for more than one repository
=====================================

  $ stopserver
  $ cat > web.conf << EOF
  > [paths]
  > one = $TESTTMP/mirror
  > EOF
  $ hg serve -d -p $HGPORT --pid-file hg.pid -E error.log --web-conf web.conf
  $ cat hg.pid >> $DAEMON_PIDS
  $ for i in 1 2; do hg clone -q -U http://localhost:$HGPORT/one web$i; samenodes server web$i; events mirror; done
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ stopserver
  $ cat error.log
