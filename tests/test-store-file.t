A folder of the server as the store: no S3 anywhere

  $ . "$TESTDIR/helpers.sh"
  $ hg init server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > blackbox =
  > [blackbox]
  > track = s3wireprotocache
  > [experimental]
  > web.apiserver = true
  > web.api.http-v2 = true
  > [s3wireprotocache]
  > store = file:$TESTTMP/store
  > store-size = 1MB
  > minimum-object-size = 1
  > EOF
  $ cd server
  $ for f in a b c; do echo $f > $f; hg -q commit -A -m $f; done
  $ hg rm b
  $ hg commit -m 'remove b'
  $ cd ..

All is as it should be

  $ hg -R server s3cache check
  ok       settings
  ok       folder           $TESTTMP/store
  ok       owner            *, as is this command (glob)
  ok       put              1024 bytes with their SHA-256
  ok       get              gives what was stored
  ok       conditional-put  a second one was refused
  ok       mode             only * can read what is stored (glob)
  ok       delete           the test objects are gone
  ok       space            0.0 GB of 0.0 GB used, * GB free (glob)
  $ find store -type f -name '*.body'

boto3 is not even loaded for it

  $ cat > noboto.py << EOF
  > import sys
  > class Block:
  >     def find_spec(self, name, path=None, target=None):
  >         if name.split('.')[0] in ('boto3', 'botocore', 's3transfer'):
  >             raise ImportError('blocked')
  > sys.meta_path.insert(0, Block())
  > EOF
  $ NOBOTO="--config extensions.noboto=$TESTTMP/noboto.py"
  $ for action in check list stat 'purge --all'; do
  >   hg -R server $NOBOTO s3cache $action > out || cat out
  > done
  $ hg -R server $NOBOTO s3cache check --config s3wireprotocache.store= --config s3wireprotocache.bucket=hg-cache
  failed   settings         s3wireprotocache cannot load boto3: * (glob)
           (install boto3 into the Python that runs this Mercurial)
  [1]

#if wireprotov2

Clones over version 2: what the first one has made, the second is given, through
the server

  $ startserver server $NOBOTO
  $ hg clone -q -U http://localhost:$HGPORT/ first
  $ samenodes server first
  $ events server 6
  miss changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* (glob)
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ hg clone -q -U http://localhost:$HGPORT/ second
  $ samenodes server second
  $ hg -R second verify -q
  $ events server 3
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=inline (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=inline (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=inline (glob)

No redirect target is advertised

  $ "$PYTHON" - << EOF
  > from mercurial import extensions, hg, ui as uimod
  > ui = uimod.ui.load(); extensions.loadall(ui)
  > print(hg.peer(ui, {}, b'http://localhost:$HGPORT/').apidescriptor.get(b'redirect'))
  > EOF
  None

Damaged bodies, and a folder that is gone: clients do not notice

  $ for f in $(find store -name '*.body'); do printf x | dd of=$f conv=notrunc 2> /dev/null; done
  $ hg clone -q -U http://localhost:$HGPORT/ third
  $ samenodes server third
  $ events server 9 | cut -d' ' -f1,2,6-
  damaged changesetdata reason=its body is not what was stored
  damaged filesdata reason=its body is not what was stored
  damaged manifestdata reason=its body is not what was stored
  miss changesetdata reason=its body is not what was stored
  miss filesdata reason=its body is not what was stored
  miss manifestdata reason=its body is not what was stored
  stored changesetdata
  stored filesdata
  stored manifestdata
  $ mv store gone
  $ hg clone -q -U http://localhost:$HGPORT/ fourth
  $ samenodes server fourth
  $ events server 3 | sed 's/ key.*reason/ reason/'
  error changesetdata reason=HEAD failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  error filesdata reason=HEAD failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  error manifestdata reason=HEAD failed: No such file or directory: $TESTTMP/store (make that folder or correct store)
  $ mv gone store
  $ hg clone -q -U http://localhost:$HGPORT/ fifth
  $ events server 3 | cut -d' ' -f1,2,6-
  hit changesetdata via=inline
  hit filesdata via=inline
  hit manifestdata via=inline
  $ stopserver
  $ cat error.log

It can be filled before the first client comes

  $ hg -R server s3cache purge --all --yes
  deleted 3 objects (*) and 0 incomplete uploads (glob)
  $ hg -R server $NOBOTO s3cache warm | tail -1
  3 stored (*), 0 there already, 0 skipped, 0 not cached, 0 failed (glob)
  $ hg -R server s3cache purge --all --yes | cut -d' ' -f1-3
  deleted 3 objects
  $ find store -type f -name '*.body'

#endif

What there is, on every Mercurial
=================================

  $ cat > put.py << EOF
  > import hashlib, io, sys
  > from hgs3.objectstore.file import FileStore
  > from hgs3.objectstore.filesettings import FileSettings
  > store = FileStore(FileSettings('$TESTTMP/store'))
  > for argument in sys.argv[1:]:
  >     key, size = argument.split('=')
  >     body = b'x' * int(size)
  >     store.put(key, io.BytesIO(body), len(body), 'text/plain', {}, hashlib.sha256(body).hexdigest())
  > EOF
  $ digest() { printf %s "$1" | "$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:32])'; }
  $ S=$(digest "$TESTTMP/server")
  $ O=$(digest other)
  $ A=1111111111111111111111111111111111111111
  $ "$PYTHON" put.py cache/$S/v2/filesdata/$A=1000 cache/$S/v1/getbundle/$A=2000 cache/$O/v2/filesdata/$A=10
  $ keys() { sed "s/$S/REPO/;s/$O/OTHER/;s/$A/REQUEST/"; }
  $ hg -R server s3cache list | keys
  getbundle           1.95 KB  * ago *cache/REPO/v1/getbundle/REQUEST (glob)
  filesdata        1000 bytes  * ago *cache/REPO/v2/filesdata/REQUEST (glob)
  $ hg -R server s3cache stat
  filesdata               1 objects  1000 bytes  oldest * ago, newest * ago (glob)
  getbundle               1 objects     1.95 KB  oldest * ago, newest * ago (glob)
  total                   2 objects     2.93 KB  oldest * ago, newest * ago (glob)
  $ hg -R server s3cache purge --older-than 1
  would delete 0 objects (0 bytes) and 0 incomplete uploads
  $ hg -R server s3cache purge --all
  would delete 2 objects (2.93 KB) and 0 incomplete uploads
  (use --yes to delete them)
  $ hg -R server s3cache purge --all --yes
  deleted 2 objects (2.93 KB) and 0 incomplete uploads
  $ hg -R server s3cache stat
  total                   0 objects     0 bytes
  $ find store -name '*.body' | sed 's/\.[0-9a-f]*\.body/.TOKEN.body/;s,/[0-9a-f][0-9a-f]/,/XX/,' | keys
  store/objects/XX/cache+OTHER+v2+filesdata+REQUEST.TOKEN.body

What can be wrong
=================

  $ hg -R server s3cache check --config s3wireprotocache.bucket=hg-cache
  failed   settings         s3wireprotocache.store and s3wireprotocache.bucket are both set
           (remove s3wireprotocache.bucket to store in a folder, or s3wireprotocache.store)
  [1]
  $ hg -R server s3cache check --config s3wireprotocache.store=s3:hg-cache
  failed   settings         s3wireprotocache.store names no kind of store that is known: 's3:hg-cache'
           (set s3wireprotocache.store to file: and the path of a folder, or use bucket)
  [1]
  $ hg -R server s3cache check --config s3wireprotocache.store=file:store
  failed   settings         s3wireprotocache.store: is not an absolute path: 'store'
           (correct s3wireprotocache.store)
  [1]
  $ hg -R server s3cache list --config s3wireprotocache.store=file:$TESTTMP/put.py
  abort: s3wireprotocache.store: is not a folder: '$TESTTMP/put.py'
  (correct s3wireprotocache.store)
  [255]
  $ hg -R server s3cache list --config s3wireprotocache.store=file:$TESTTMP/none/store
  abort: the store cannot be used: listing failed: No such file or directory: $TESTTMP/none/store (make that folder or correct store)
  [255]
  $ hg -R server s3cache check --config s3wireprotocache.store=file:$TESTTMP/none/store | head -3
  ok       settings
  failed   folder           the folder failed: No such file or directory: $TESTTMP/none/store (make that folder or correct store)
           (correct s3wireprotocache.store, or see to its folder; run this as the user that serves)
