#require wireprotov2 hgs3-moto

A client that follows no redirect of ours gets the cached body through this
server: nothing is computed again, and the objects are the same, byte for byte

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ cd server
  $ for i in 1 2 3; do
  >   "$PYTHON" -c "import random; random.seed($i); print('\n'.join(str(random.random()) for _ in range(20000)))" > big
  >   echo $i > small$i
  >   hg -q commit -A -m $i
  > done
  $ cd ..
  $ CSETS=$(hg -R server log -r 'all()' -T '{node} ')
  $ MNODES=$(hg -R server log -r 'all()' -T '{manifest % "{node} "}')
  $ FNODE=$(hg -R server manifest --debug -r tip | sed -n 's/ .* big$//p')
  $ MANIFESTS="{b'tree': b'', b'nodes': n('$MNODES'), b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILE="{b'path': b'big', b'nodes': n('$FNODE'), b'fields': {b'parents', b'revision'}}"

  $ startserver server --config s3wireprotocache.bucket=
  $ v2command manifestdata "$MANIFESTS" | tee m.uncached
  inline, 7 objects, sha256 * (glob)
  $ v2command filesdata "$FILES" | tee f.uncached
  inline, 17 objects, sha256 * (glob)
  $ v2command filedata "$FILE" | tee d.uncached
  inline, 3 objects, sha256 * (glob)
  $ stopserver
  $ events server
  $ startserver server
  $ storelog > /dev/null

  $ for round in miss hit; do
  >   v2command manifestdata "$MANIFESTS" --no-redirect | cmp - m.uncached
  >   v2command filesdata "$FILES" --no-redirect | cmp - f.uncached
  >   v2command filedata "$FILE" --no-redirect | cmp - d.uncached
  >   test $round = miss && events server 6 && storelog
  > done
  miss filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=*
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* (glob)
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  HEAD 404 hg-cache/cache/REPO/v2/filedata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filedata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 404 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/filedata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  PUT 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  [1]
  $ events server 3
  hit filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* via=inline (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=inline (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=inline (glob)
  $ storelog
  GET 200 hg-cache/cache/REPO/v2/filedata/REQUEST
  GET 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  GET 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/filedata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/filesdata/REQUEST
  HEAD 200 hg-cache/cache/REPO/v2/manifestdata/REQUEST

The redirect gives the same objects, too

  $ v2command filesdata "$FILES" | sed 's/redirected/inline/' | cmp - f.uncached
  $ events server 1
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)

A stored body that is damaged never reaches such a client: it is computed, and
replaced

  $ KEY=$(s3 ls hg-cache | sed -n 's/ .*//;/filedata/p')
  $ s3 get hg-cache $KEY > body
  $ "$PYTHON" "$TESTLIB/s3.py" damage $STORE hg-cache $KEY
  $ s3 get hg-cache $KEY | cmp -s - body
  [1]
  $ v2command filedata "$FILE" --no-redirect | cmp - d.uncached
  $ events server 3
  damaged filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=* reason=its body is not what was stored
  miss filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=* reason=its body is not what was stored
  stored filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* (glob)
  $ s3 get hg-cache $KEY | cmp - body

The linknode of a file revision is not the same everywhere and for ever, so
what holds one is not kept

  $ storelog > /dev/null
  $ for i in 1 2; do v2command filedata "{b'path': b'big', b'nodes': n('$FNODE'), b'fields': {b'linknode'}}"; done
  inline, 2 objects, sha256 * (glob)
  inline, 2 objects, sha256 * (glob)
  $ storelog
  $ events server

A client that hangs up half-way leaves no spool behind

  $ openspools() { ls -l /proc/$(cat hg.pid)/fd | grep -c "$TMPDIR.*(deleted)"; }
  $ stopserver
  $ TMPDIR="$TESTTMP/tmp"; mkdir "$TMPDIR"; export TMPDIR
  $ "$PYTHON" - << EOF
  > import random
  > random.seed(0)
  > for i in range(12):
  >     with open("server/huge%d" % i, "w") as f: f.write("%x" % random.getrandbits(8000000))
  > EOF
  $ hg -R server commit -q -A -m huge
  $ TIP=$(hg -R server log -r tip -T '{node}')
  $ HUGE="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$TIP')}], b'fields': {b'revision'}, b'haveparents': True}"
  $ startserver server
  $ v2command filesdata "$HUGE"
  inline, *, sha256 * (glob)
  $ events server 2 | sed 's/ key.*//'
  miss filesdata
  stored filesdata
  $ for i in 1 2 3; do v2command filesdata "$HUGE" --no-redirect --hang-up; done
  hung up
  hung up
  hung up
  $ events server 3 | sed 's/ key.*via/ via/'
  hit filesdata via=inline
  hit filesdata via=inline
  hit filesdata via=inline
  $ for i in $(seq 100); do test "$(openspools)" = 0 && break; sleep 0.1; done; openspools
  0
  [1]

What a clone would do: redirect targets
=======================================

  $ "$PYTHON" - << EOF
  > from mercurial import extensions, hg, ui as uimod
  > ui = uimod.ui.load(); extensions.loadall(ui)
  > for target in hg.peer(ui, {}, b'http://localhost:$HGPORT/').apidescriptor[b'redirect'][b'targets']:
  >     for item in sorted(target.items()): print(*item)
  > EOF
  b'name' b'$LOCALIP:$HGPORT1'
  b'protocol' b'http'
  b'uris' [b'http://$LOCALIP:$HGPORT1/']

  $ stopserver
  $ startserver server --config s3wireprotocache.public-endpoint-url=https://s3.example.com
  $ "$PYTHON" - << EOF
  > from mercurial import extensions, hg, ui as uimod
  > ui = uimod.ui.load(); extensions.loadall(ui); ui.setconfig(b'ui', b'verbose', b'yes')
  > for target in hg.peer(ui, {}, b'http://localhost:$HGPORT/').apidescriptor[b'redirect'][b'targets']:
  >     for item in sorted(target.items()): print(*item)
  > EOF
  (remote redirect target s3.example.com is compatible)
  b'name' b's3.example.com'
  b'protocol' b'https'
  b'snirequired' True
  b'tlsversions' [b'1.2', b'1.3']
  b'uris' [b'https://s3.example.com/']
  $ cat error.log
