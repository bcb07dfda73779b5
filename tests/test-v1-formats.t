#require hgs3-moto

Clients and repositories that segments are not for, beside segments in the store

  $ . "$TESTDIR/helpers.sh"
  $ configure() {
  >   configureserver $1
  >   cat >> $1/.hg/hgrc << EOF
  > [experimental]
  > web.apiserver = false
  > [s3wireprotocache]
  > bucket =
  > access-key-id =
  > secret-access-key =
  > endpoint-url =
  > store = file:$TESTTMP/store
  > exists-ttl = 0
  > EOF
  > }
  $ mkdir store
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > httppeer.advertise-v2 = false
  > EOF
  $ URL=http://localhost:$HGPORT/

A narrow client gets the files that it asked for, and no more of them by segments

  $ hg init server
  $ grow server 0 140
  $ configure server
  $ hg s3cache warm -R server
  stored         getbundle           39.\d KB  3 segments (re)
  3 stored \(39.\d KB\), 0 there already, 0 skipped, 0 not cached, 0 failed (re)
  $ startserver server
  $ hg clone -q -U $URL plain
  $ same server plain
  $ events server 4 | sed 's/ key.*//' | uniq
  hit getbundle
  stored getbundle
  $ stopserver
  $ startserver server --config extensions.narrow=
  $ narrowhg() { hg --config extensions.narrow= "$@"; }
  $ narrowhg clone -q --narrow --include d1 $URL narrow
  $ narrowhg -R narrow tracked
  I path:d1
  $ narrowhg -R narrow files -r tip | grep -c ''
  70
  $ narrowhg -R narrow files -r tip -X narrow/d1
  [1]
  $ hg -R server log -T '{node}\n' > wanted
  $ narrowhg -R narrow log -T '{node}\n' | cmp - wanted
  $ narrowhg verify -q -R narrow
  $ events server
  $ grow server 140 280
  $ narrowhg -R narrow pull -q
  $ narrowhg -R narrow files -r tip | grep -c ''
  140
  $ narrowhg -R narrow files -r tip -X narrow/d1
  [1]
  $ hg -R server log -T '{node}\n' > wanted
  $ narrowhg -R narrow log -T '{node}\n' | cmp - wanted
  $ narrowhg verify -q -R narrow
  $ events server
  $ stopserver

Tree manifests

  $ hg init trees --config experimental.treemanifest=1
  $ grow trees 0 140
  $ configure trees
  $ hg s3cache warm -R trees
  skipped        getbundle                 -  not with the requirements of this repository
  0 stored (0 bytes), 0 there already, 1 skipped, 0 not cached, 0 failed
  $ hg s3cache publish -R trees 0+64 0+128
  no segments are made: not with the requirements of this repository
  $ startserver trees
  $ hg clone -q $URL treeclone --config experimental.treemanifest=1
  $ hg debugrequirements -R treeclone | grep tree
  treemanifest
  $ same trees treeclone
  $ hg -R treeclone files -r tip | grep -c ''
  140
  $ events trees
  $ grow trees 140 280
  $ hg -R treeclone pull -q
  $ same trees treeclone
  $ events trees
  $ stopserver

Large files by reference: segments until the first of them, and none from then on

  $ cat >> "$HGRCPATH" << EOF
  > [extensions]
  > lfs =
  > [lfs]
  > usercache = $TESTTMP/lfs
  > track = size(">100")
  > EOF
  $ hg init large
  $ grow large 0 140
  $ configure large
  $ hg s3cache warm -R large
  stored         getbundle           39.\d KB  3 segments (re)
  3 stored \(39.\d KB\), 0 there already, 0 skipped, 0 not cached, 0 failed (re)
  $ startserver large
  $ hg clone -q -U $URL largeclone
  $ same large largeclone
  $ events large 4 | sed 's/ key.*//' | uniq
  hit getbundle
  stored getbundle
  $ "$PYTHON" -c 'print("large " * 1000)' > large/file
  $ hg -R large update -q
  $ hg -R large commit -q -A -m large -d '0 0' -u test
  $ hg -R large phase -q -p -r tip
  $ grow large 140 280
  $ hg s3cache warm -R large
  skipped        getbundle                 -  not with the requirements of this repository
  0 stored (0 bytes), 0 there already, 1 skipped, 0 not cached, 0 failed
  $ hg s3cache publish -R large 0+64 128+64
  no segments are made: not with the requirements of this repository
  $ hg clone -q $URL lfsclone --config lfs.usercache=$TESTTMP/other
  $ cmp large/file lfsclone/file
  $ same large lfsclone
  $ hg -R largeclone pull -q
  $ same large largeclone
  $ hg -R largeclone cat -r tip largeclone/file --config lfs.usercache=$TESTTMP/third | cmp - large/file
  $ events large
  $ stopserver
  $ cat error.log
