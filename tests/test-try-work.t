What a pull from try costs does not grow with the repository: no revset is evaluated
over it, as Mercurial does for the phases of what goes out. (On an overlay, one for
the changesets of its bundle is.)

  $ . "$TESTDIR/helpers.sh"
  $ cat > asked.py << EOF
  > # Writes down each revset that the server evaluates, and whether on an overlay.
  > import threading
  > from mercurial import bundlerepo, extensions, localrepo
  > lock = threading.Lock()
  > def said(orig, self, expr, *args, **kwargs):
  >     # Not by hgs3_is_overlay: while one is made, it is not set yet.
  >     is_overlay = isinstance(self, bundlerepo.bundlerepository)
  >     where = b'overlay' if is_overlay else b'repository'
  >     with lock, open('$TESTTMP/asked', 'ab') as out:
  >         out.write(b'%s %s\n' % (where, expr))
  >     return orig(self, expr, *args, **kwargs)
  > def extsetup(ui):
  >     extensions.wrapfunction(localrepo.localrepository, 'revs', said)
  > EOF
  $ touch asked
  $ asked() { cut -d' ' -f1,2 asked | sort -u; }
  $ tryserver server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > asked = $TESTTMP/asked.py
  > EOF
  $ stopserver
  $ startserver server
  $ hg clone -q $URL a
  $ hg clone -q $URL b
  $ commit a a1
  $ commit a a2
  $ commit a a3
  $ hg -R a push $URL | grep remote
  remote: stored 3 changesets as push 1
  $ asked
  overlay roots(%ld::) (?)
  $ hg -R b pull -q -r $(node a tip) $URL
  $ hg -R b log -r 'draft()' -T '{desc} '
  a1 a2 a3  (no-eol)
  $ asked
  overlay roots(%ld::) (?)
  $ hg clone -q -r 3 $URL c
  $ hg -R c pull -q -r $(node a 'tip^') $URL
  $ hg -R c log -r 'draft()' -T '{desc} '
  a1 a2  (no-eol)
  $ asked
  overlay roots(%ld::) (?)

It would have been written down: without try, Mercurial does ask when a draft goes out

  $ stopserver
  $ hg -R server phase -d -f tip
  $ startserver server --config extensions.s3try=! --config phases.publish=no
  $ : > asked
  $ hg clone -q $URL d
  $ asked
  repository heads(only(%ln,
