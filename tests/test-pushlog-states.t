What clients may not see, the log shows to nobody

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ logserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ commit a a2
  $ hg -R a bookmark -q mark
  $ hg -R a push -q -B mark $URL
  $ get() { "$PYTHON" -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end="")' "http://localhost:$HGPORT/$1"; }
  $ wire() { get '?cmd=pushlog&firstpush=1' | sed "1d; s/ [^ ]* [0-9]*//; s/$(node a 'desc(a1)')/a1/; s/$(node a 'desc(a2)')/a2/"; }

An obsolete changeset is there as long as a bookmark is at it

  $ hg -R server debugobsolete --record-parents $(node a 'desc(a2)')
  1 new obsolescence markers
  obsoleted 1 changesets
  $ logged server
  1 - a1/draft a2/draft
  $ hg -R server bookmark -d mark
  $ logged server
  1 - a1/draft a2/draft(hidden)
  $ wire
  1 a1
  $ hg -R server bookmark -r 'desc(a2)' --hidden mark
  bookmarking hidden changeset * (glob)
  (hidden revision '*' is pruned) (glob)
  $ logged server
  1 - a1/draft a2/draft
  $ hg -R server bookmark -d mark
  $ logged server
  1 - a1/draft a2/draft(hidden)

Who publishes it shows it

  $ hg -R server phase --hidden -p 'desc(a2)'
  $ logged server
  1 - a1/public a2/public
  $ hg -R server pushlog-check
  0 changesets had another state

What becomes secret is no longer shown, nor what it says

  $ commit a a3
  $ hg -R a push -q $URL
  $ hg -R server phase -s -f 'desc(a3)'
  $ logged server | tail -1
  2 - a3/secret(hidden)
  $ wire | sed "s/$(node a tip)/a3/"
  1 a1 a2
  2\x20 (esc)
  $ get 'json-pushes?version=2&full=1' | grep -c '"a3"\|secret'
  0
  [1]
  $ get 'json-pushes?version=2&full=1' | grep -c '"a2"'
  1
  $ get pushloghtml | grep -c 'a3'
  0
  [1]
  $ hg -R server pushlog-check
  0 changesets had another state
  $ hg -R server phase -d 'desc(a3)'
  $ logged server | tail -1
  2 - a3/draft

Nor what was secret from the first

  $ commit a a4
  $ hg -R a phase -s -f tip
  $ hg -R a bundle -q --config experimental.bundle-phases=yes --base 'tip^' -r tip secret.hg
  $ hg -R server unbundle -q secret.hg
  $ logged server | tail -1
  3 alice a4/secret(hidden)
  $ get 'json-pushes?version=2&full=1' | grep -c '"a4"\|secret'
  0
  [1]
  $ hg -R server verify -q
  $ cat error.log
