Several try repositories behind one hgwebdir, in one store and one database

  $ . "$TESTDIR/helpers.sh"
  $ for name in one two; do
  >   hg init $name
  >   for i in 0 1 2; do
  >     echo $i > $name/f$i
  >     hg -R $name commit -qAm r$i -d "$i 0"
  >   done
  >   hg -R $name phase -q -p -r 'all()'
  >   configuretry $name
  >   cat >> $name/.hg/hgrc << EOF
  > [s3try]
  > database = sqlite:$TESTTMP/both.db
  > redirect-minimum = 1
  > EOF
  > done
  $ cat > web.conf << EOF
  > [paths]
  > deep/one = $TESTTMP/one
  > two = $TESTTMP/two
  > EOF
  $ hg serve -d -p $HGPORT --pid-file hg.pid --web-conf web.conf -A access.log -E error.log
  $ cat hg.pid >> $DAEMON_PIDS
  $ ONE=http://localhost:$HGPORT/deep/one; TWO=http://localhost:$HGPORT/two

They are of the same changesets, and yet each has its own pushes

  $ hg clone -q $ONE a
  $ hg clone -q $TWO b
  $ hg identify -r nowhere $ONE 2> /dev/null; hg identify -r nowhere $TWO 2> /dev/null
  [255]
  $ untouched one > one.before
  $ untouched two > two.before
  $ commit a a1
  $ commit b b1
  $ hg -R a push $ONE | grep remote
  remote: stored 1 changeset as push 1
  $ hg -R b push $TWO | grep remote
  remote: stored 1 changeset as push 2
  $ A1=$(node a tip); B1=$(node b tip)
  $ hg identify -i -r $A1 $TWO
  abort: unknown revision '*' (glob)
  [255]
  $ hg -R b pull -q -r $A1 $TWO
  abort: unknown revision '*' (glob)
  [255]
  $ for name in one two; do hg -R $name s3try list -T '{push} {tip}\n'; done | sed "s/$A1/A1/;s/$B1/B1/"
  1 A1
  2 B1

By redirect, and by another thread for each

  $ for i in 1 2 3 4; do
  >   (hg clone -q -r $A1 $ONE a$i; hg clone -q -r $B1 $TWO b$i) &
  > done; wait
  $ for i in 1 2 3 4; do
  >   hg -R a$i verify -q; hg -R b$i verify -q
  >   hg log -R a$i -r 'draft()' -T '{desc} '; hg log -R b$i -r 'draft()' -T '{desc} '
  > done
  a1 b1 a1 b1 a1 b1 a1 b1  (no-eol)
  $ grep -c '/s3get/\[token\]' access.log
  8

The same push to the other one is another object there

  $ hg -R a push $TWO | grep remote
  remote: stored 1 changeset as push 3
  $ find store -name '*.body' | wc -l | tr -d ' '
  3
  $ hg -R b pull -q -r $A1 $TWO
  $ hg -R b log -r "desc('a1')" -T '{desc} {phase}\n'
  a1 draft
  $ hg -R b verify -q

An address that somebody has made up, or of another repository, leads
nowhere

  $ cat > urls.py << EOF
  > # Writes the URL that a pull is sent to into a file.
  > from mercurial import extensions, httppeer, url
  > def open(orig, ui, address, *args, **kwargs):
  >     with __builtins__['open']('urls', 'ab') as out:
  >         out.write(address + b'\n')
  >     return orig(ui, address, *args, **kwargs)
  > extensions.wrapfunction(url, 'open', open)
  > EOF
  $ hg clone -q -r $A1 $ONE c --config extensions.urls=urls.py
  $ hg -R c verify -q
  $ wc -l < urls | tr -d ' '
  1
  $ cat > ask.py << EOF
  > import sys, urllib.error, urllib.request
  > class Stay(urllib.request.HTTPRedirectHandler):
  >     def redirect_request(self, *args):
  >         return None
  > try:
  >     with urllib.request.build_opener(Stay).open(sys.argv[1]) as answer:
  >         print(answer.status, len(answer.read()) > 100)
  > except urllib.error.HTTPError as err:
  >     print(err.code, err.read().decode().strip())
  > EOF
  $ ask() { "$PYTHON" ask.py "$1"; }
  $ GOOD=$(cat urls); TOKEN=${GOOD##*/}
  $ ask $GOOD
  200 True
  $ ask $TWO/s3get/$TOKEN
  403 not a short url of this repository
  $ ask $ONE/s3get/$(echo $TOKEN | tr 'A-Ma-m' 'N-Zn-z')
  403 not a short url of this repository
  $ ask $ONE/s3get/${TOKEN%????}
  403 not a short url of this repository
  $ ask $ONE/s3get/AXQ
  403 not a short url of this repository
  $ ask $ONE/s3get/AXQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  403 not a short url of this repository

By a path, which is how tools on the server itself come

  $ hg clone -q -r 0 one path
  $ hg -R path pull -q -r $A1 one
  $ hg -R path log -T '{desc} {phase}\n'
  a1 draft
  r2 public
  r1 public
  r0 public
  $ hg -R path verify -q
  $ hg clone -q one path2
  $ hg -R path2 log -T '{desc} '
  r2 r1 r0  (no-eol)
  $ hg -R path2 incoming -q -r $A1 one -T '{desc}\n'
  a1
  $ commit path p1 tip
  $ hg -R path push one | grep -v '^searching'
  pushing to one
  stored 2 changesets as push 4
  $ hg -R path log -r 'draft()' -T '{desc} {phase}\n'
  a1 draft
  p1 draft
  $ hg clone -q -r $(node path tip) one path3
  $ hg -R path3 verify -q
  $ hg -R one s3try verify
  2 bundles, 0 damaged or missing

  $ untouched one | diff one.before -
  $ untouched two | diff two.before -
  $ cat error.log
