Pushes to try and into the repository are numbered together, in one log

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ tryserver server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > pushlog =
  > [pushlog]
  > record-pulls = yes
  > EOF
  $ restart server
  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a push $URL | grep remote
  remote: stored 1 changeset as push 1
  $ commit a upstream 3
  created new head (?)
  $ hg -R a phase -p -r tip
  $ hg -R server pull -q -r tip a
  $ commit a a2 'desc(a1)'
  $ hg -R a push -q -f $URL -r tip
  $ logged server
  1 - try a1/draft
  2 alice upstream/public
  3 - try a1/draft a2/draft
  $ hg -R server s3try list -T '{push} {changesets}\n'
  3 2
  1 1
  $ hg -R server pushlog -T '{push} {tip|short}\n' -l 1
  3 * (glob)

Pages of changesets of try lead to their pushes, and to the log; pushes lead back

  $ page() { "$PYTHON" "$TESTLIB/webpages.py" get "$@"; }
  $ A1=$(node a 'desc(a1)'); U=${URL%/}
  $ page $U/rev/$A1 | grep -o 'hg-s3-push.*bundle' | sed 's/,.*//'
  hg-s3-push"><a href="/pushloghtml?startID=2&amp;endID=3">push 3</a> by *unknown* (glob)
  $ page "$U/bundle/1/rev/$A1?style=gitweb" | grep -o 'hg-s3-push.*</a>'
  hg-s3-push"><a href="/pushloghtml?startID=0&amp;endID=1&amp;style=gitweb">push 1</a>
  $ page $U/rev/$A1 | grep '>pushlog<' | sed 's/^ *//'
  <li><a href="/pushloghtml">pushlog</a></li>
  $ page "$U/bundle/1/rev/$A1?style=gitweb" | grep '>pushlog<'
  <a href="/bundle/1/pushloghtml?style=gitweb">pushlog</a> |
  $ page "$U/bundle/1/pushloghtml?startID=0&endID=1" | grep -o 'href="[^"]*/rev/[^"]*"'
  href="/bundle/1/rev/*" (glob)
  href="/bundle/1/rev/*" (glob)
  $ hg -R server pushlog-check
  0 changesets had another state

Who mirrors the log is told of those into the repository only

  $ printf 'pushlog\nfirstpush 1\n1' | hg -R server serve --stdio | sed 1d
  1
  2 alice * * (glob)
  $ hg -R server s3try expire --older-than 0.0000001 --yes > /dev/null
  $ logged server
  2 alice upstream/public

Not both in databases of their own

  $ hg -R server pushlog --config pushlog.database=sqlite:/elsewhere.db
  abort: pushlog.database and s3try.database are different
  (remove pushlog.database to have the log where try is)
  [255]
  $ cat >> server/.hg/hgrc << EOF
  > database = sqlite:/elsewhere.db
  > EOF
  $ startserver server 2>&1 | head -2 || true
  abort: pushlog.database and s3try.database are different
  (remove pushlog.database to have the log where try is)
  $ hg -R server verify -q
  $ hg -R a verify -q
