#require hgs3-moto

Segments of what is pushed are made after the push, in the background

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history source
  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > publish-on-push = yes
  > [experimental]
  > web.apiserver = false
  > EOF
  $ startserver server
  $ URL=http://localhost:$HGPORT/
  $ hg -R source push -q -r 200 $URL
  $ events server 3 | sed 's/ key.*//'
  stored getbundle
  stored getbundle
  stored getbundle

By a process of its own where the one that pushes ends

  $ hg -R server pull -q -f source
  $ events server 7 | sed 's/ key.*//' | sort | uniq -c | sed 's/^ *//'
  7 stored getbundle
  $ hg s3cache warm -R server
  there already  getbundle            239 KB  10 segments
  0 stored (0 bytes), 10 there already, 0 skipped, 0 not cached, 0 failed
  $ hg clone -q -U $URL clone
  $ same server clone
  $ events server 2 | sed 's/ key.*//'
  hit getbundle
  hit getbundle

A push does not wait for the store, nor fail without it

  $ stopstore
  $ hg clone -q -U clone other
  $ cd other
  $ for i in 1 2 3; do echo $i > new; hg commit -q -A -m "new $i"; done
  $ hg push -q -f $URL
  $ cd ..
  $ stopserver
  $ hg -R server log -r 'desc("new 3")' -T 'is there\n'
  is there

What is to be made is named by blocks of revisions

  $ hg s3cache publish -R server nonsense
  abort: s3cache publish takes blocks of revisions such as 128+64
  (run 'hg s3cache warm' to make all segments)
  [10]
