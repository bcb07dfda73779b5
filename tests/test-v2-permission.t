#require wireprotov2 hgs3-moto

A hit never gives more than the command itself would give to this user now

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > [phases]
  > publish = no
  > [experimental]
  > evolution = createmarkers
  > EOF
  $ cd server
  $ for i in 1 2 3; do echo $i > f$i; hg -q commit -A -m $i; done
  $ cd ..
  $ CSETS=$(hg -R server log -r 'all()' -T '{node} ')
  $ MNODES=$(hg -R server log -r 'all()' -T '{manifest % "{node} "}')
  $ FNODE=$(hg -R server manifest --debug -r tip | sed -n 's/ .* f3$//p')
  $ MANIFESTS="{b'tree': b'', b'nodes': n('$MNODES'), b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILE="{b'path': b'f3', b'nodes': n('$FNODE'), b'fields': {b'parents', b'revision'}}"
  $ ask() {
  >   echo manifestdata; v2command manifestdata "$MANIFESTS"
  >   echo filesdata; v2command filesdata "$FILES"
  >   echo filedata; v2command filedata "$FILE"
  > }

  $ startserver server
  $ ask | tee miss
  manifestdata
  inline, 7 objects, sha256 * (glob)
  filesdata
  inline, 10 objects, sha256 * (glob)
  filedata
  inline, 3 objects, sha256 * (glob)
  $ events server 6 | sed 's/ .*//' | sort | uniq -c
  \s*3 miss (re)
  \s*3 stored (re)
  $ ask
  manifestdata
  redirected, 7 objects, sha256 * (glob)
  filesdata
  redirected, 10 objects, sha256 * (glob)
  filedata
  redirected, 3 objects, sha256 * (glob)
  $ events server | sed 's/ .*//' | sort | uniq -c
  \s*3 hit (re)

A changeset becomes secret: nobody may ask for it any more, though the store
has it. What a server without us says is the measure (it gives manifests and
files by their nodes to whoever knows those)

  $ stopserver
  $ hg -R server phase --force --secret tip
  $ startserver server --config s3wireprotocache.bucket=
  $ ask > uncached 2>&1 || true
  $ cat uncached
  manifestdata
  inline, 7 objects, sha256 * (glob)
  filesdata
  remote error: * (glob)
  filedata
  * (glob)
  $ stopserver
  $ startserver server
  $ storelog > /dev/null
  $ ask 2>&1 | cmp - uncached
  $ storelog
  $ events server

Public again, it comes out of the store again

  $ stopserver
  $ hg -R server phase --public tip
  $ startserver server
  $ ask | grep -c redirected
  3

The same for one that is obsolete, while the server runs

  $ hg -R server phase --force --draft tip
  $ hg -R server debugobsolete $(hg -R server log -r tip -T '{node}') --config experimental.evolution=all
  1 new obsolescence markers
  obsoleted 1 changesets
  $ hg -R server update -q 'tip^'
  $ storelog > /dev/null; events server > /dev/null
  $ v2command filesdata "$FILES"
  remote error: * (glob)
  [1]
  $ ask 2>&1 | grep -c redirected
  0
  [1]
  $ storelog
  $ events server
  $ stopserver

Who may not pull gets nothing
=============================

  $ hg -R server debugobsolete --delete 0 --config experimental.evolution=all
  deleted 1 obsolescence markers
  $ startserver server
  $ ask | grep -c redirected
  3
  $ stopserver
  $ startserver server --config web.allow-pull=no
  $ storelog > /dev/null
  $ "$PYTHON" "$TESTLIB/v2client.py" http://localhost:$HGPORT/ filesdata "$FILES" 2>&1 | grep -i -o 'authorization failed\|pull not authorized\|HTTP Error 403.*\|HTTP Error 401.*' | head -1
  * (glob)
  $ storelog
  $ stopserver

Access control by path: an extension wraps getfilestore
=======================================================

  $ cat > acl.py << EOF
  > from mercurial import extensions, wireprotov2server
  > def getfilestore(orig, repo, proto, path):
  >     if path == b'f3':
  >         raise wireprotov2server.FileAccessError(path, b'no access: %s', (path,))
  >     return orig(repo, proto, path)
  > def extsetup(ui):
  >     extensions.wrapfunction(wireprotov2server, 'getfilestore', getfilestore)
  > EOF
  $ startserver server --config extensions.acl=$TESTTMP/acl.py
  $ storelog > /dev/null; events server > /dev/null
  $ v2command filesdata "$FILES"
  remote error: b'no access: f3'
  [1]
  $ v2command filedata "$FILE"
  remote error: b'no access: f3'
  [1]
  $ storelog
  $ FNODE=$(hg -R server manifest --debug -r tip | sed -n 's/ .* f1$//p')
  $ v2command filedata "{b'path': b'f1', b'nodes': n('$FNODE')}"
  inline, 2 objects, sha256 * (glob)
  $ events server 2
  miss filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=*
  stored filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* (glob)
  $ v2command filedata "{b'path': b'f1', b'nodes': n('$FNODE')}"
  redirected, 2 objects, sha256 * (glob)
  $ events server 1
  hit filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* via=redirect (glob)
