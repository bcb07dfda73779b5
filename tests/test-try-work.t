What a pull from try costs does not grow with the repository: no revset is evaluated
over it, as Mercurial does for the phases of what goes out. (On an overlay, one for
the changesets of its bundle is.)

  $ . "$TESTDIR/helpers.sh"
  $ cat > asked.py << EOF
  > # Writes down each revset that the server evaluates.
  > import threading
  > from mercurial import extensions, localrepo
  > lock = threading.Lock()
  > def said(orig, self, expr, *args, **kwargs):
  >     with lock, open('$TESTTMP/asked', 'ab') as out:
  >         out.write(expr + b'\n')
  >     return orig(self, expr, *args, **kwargs)
  > def extsetup(ui):
  >     extensions.wrapfunction(localrepo.localrepository, 'revs', said)
  > EOF
  $ touch asked
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
  $ cut -d' ' -f1 asked | sort -u
  roots(%ld::) (?)
  $ hg -R b pull -q -r $(node a tip) $URL
  $ hg -R b log -r 'draft()' -T '{desc} '
  a1 a2 a3  (no-eol)
  $ cut -d' ' -f1 asked | sort -u
  roots(%ld::) (?)
  $ hg clone -q -r 3 $URL c
  $ hg -R c pull -q -r $(node a 'tip^') $URL
  $ hg -R c log -r 'draft()' -T '{desc} '
  a1 a2  (no-eol)
  $ cut -d' ' -f1 asked | sort -u
  roots(%ld::) (?)
