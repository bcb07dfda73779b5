#testcases http ssh

What a push is based on is stripped from the repository, or hidden in it

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ hg clone -q $URL origin
  $ hg clone -q -r 2 $URL old
  $ hg clone -q $URL a
  $ commit a a1
  $ commit a a2
  $ hg -R a bookmark mark
  $ hg -R a push -B mark $URL 2>&1 | said
  remote: stored 2 changesets as push 1
  exporting bookmark mark
  $ hg clone -q -r 4 a b
  $ untouched server > before

Stripped

  $ hg -R server strip -q --no-backup -r 3 --config extensions.strip=
  $ for client in old origin b; do
  >   hg -R $client pull -r mark $URL 2>&1 | said
  >   hg -R $client verify -q
  >   hg -R $client log -r tip -T '{desc} {phase}\n'
  > done
  remote: abort: cannot serve changesets of try: 68cdcc53ef11d69437d4c41cd25c87dc722522d3, which they are based on, is gone
  abort: pull failed on remote
  (push them again, on top of what is there)
  r2 public
  remote: abort: cannot serve changesets of try: 68cdcc53ef11d69437d4c41cd25c87dc722522d3, which they are based on, is gone
  abort: pull failed on remote
  (push them again, on top of what is there)
  r3 public
  remote: abort: cannot serve changesets of try: 68cdcc53ef11d69437d4c41cd25c87dc722522d3, which they are based on, is gone
  abort: pull failed on remote
  (push them again, on top of what is there)
  a1 public
  $ hg -R old incoming -q -r mark $URL 2>&1 | said
  abort: No changegroups found
  $ hg identify -r mark $URL
  dd8200fac0a7 mark
  $ hg clone -q $URL new
  $ hg -R new log -T '{desc} '
  r2 r1 r0  (no-eol)
  $ hg -R old pull -q $URL

Who pushes again what is on top of it pushes it, too

  $ hg -R a push -f -r "desc('a1')" $URL 2>&1 | said
  remote: warning: 1 of the changesets are public here
  remote: stored 2 changesets as push 2
  $ hg -R old pull -q -r "$(node a "desc('a1')")" $URL
  $ hg -R old verify -q
  $ graph old
  o  a1 draft
  |
  o  r3 draft
  |
  @  r2 public
  |
  o  r1 public
  |
  o  r0 public
  

When it comes back, all is as before

  $ hg -R server pull -q -r 3 origin
  $ for client in origin b; do
  >   hg -R $client pull -q -r mark $URL
  >   hg -R $client verify -q
  >   hg -R $client log -r 'draft()' -T '{desc} {phase}\n'
  > done
  a1 draft
  a2 draft
  a2 draft
  $ hg clone -q -r mark $URL again
  $ hg -R again verify -q
  $ graph again
  @  a2 draft
  |
  o  a1 draft
  |
  o  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ hg -R server verify -q

Hidden

  $ cat >> server/.hg/hgrc << EOF
  > [experimental]
  > evolution = all
  > [phases]
  > publish = no
  > EOF
  $ restart server
  $ hg -R origin update -q 3
  $ hg clone -q -r 3 origin work
  $ commit work r4
  $ hg -R server pull -q work
  $ hg -R server phase -fd -r tip
  $ hg clone -q $URL d
  $ commit d d1
  $ hg -R d push $URL 2>&1 | said
  remote: stored 1 changeset as push 3
  $ commit d d2
  $ untouched server > before
  $ hg clone -q -r $(node d "desc('d1')") $URL e
  $ hg -R e verify -q
  $ hg -R server debugobsolete $(hg -R server log -r tip -T '{node}')
  1 new obsolescence markers
  obsoleted 1 changesets
  $ hg -R server log -T '{desc} '
  r3 r2 r1 r0  (no-eol)
  $ hg clone -q -r $(node d "desc('d1')") $URL gone 2>&1 | said
  remote: abort: cannot serve changesets of try: a2ec41cf730b6f9b99efc0ee3ecfbc9a3f3a7e86, which they are based on, is gone
  abort: pull failed on remote
  (push them again, on top of what is there)
  $ hg -R old pull -r $(node d "desc('d1')") $URL 2>&1 | said
  remote: abort: cannot serve changesets of try: a2ec41cf730b6f9b99efc0ee3ecfbc9a3f3a7e86, which they are based on, is gone
  abort: pull failed on remote
  (push them again, on top of what is there)
  $ hg -R old incoming -q -r $(node d "desc('d1')") $URL 2>&1 | said
  abort: No changegroups found
#if http
  $ D1=$(node d "desc('d1')")
  $ for page in rev/$D1 raw-rev/$D1 file/$D1 log/$D1 bundle/3/raw-rev/$D1 bundle/3/raw-file/$D1/f4 \
  >     rev/$(node d "desc('r4')") archive/$D1.zip; do
  >   "$PYTHON" "$TESTLIB/webpages.py" get $URL/$page | head -1
  > done | sort | uniq -c | sed 's/^ *//'
  8 404
#endif
  $ hg -R d push $URL 2>&1 | said
  remote: stored 3 changesets as push 4
  $ hg clone -q -r $(node d tip) $URL f
  $ hg -R f verify -q
  $ graph f
  @  d2 draft
  |
  o  d1 draft
  |
  o  r4 draft
  |
  o  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R server s3try verify
  4 bundles, 0 damaged or missing
  $ hg -R server verify -q
#if http
  $ cat error.log
#endif
