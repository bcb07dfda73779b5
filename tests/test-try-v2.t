#require wireprotov2

Clients that pull by version 2 of the wire protocol get changesets of try, too, and
their answers are cached as any other

  $ . "$TESTDIR/helpers.sh"
  $ tryserver server
  $ stopserver
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > [experimental]
  > web.apiserver = true
  > web.api.http-v2 = true
  > [s3wireprotocache]
  > minimum-object-size = 1
  > EOF
  $ startserver server
  $ hg clone -q $URL a
  $ hg -R a update -q 3
  $ commit a a1
  $ hg --cwd a remove all
  $ commit a a2
  $ hg -R a push -q $URL
  $ commit a b1 1
  $ hg -R a push -qf -r tip $URL
  $ A1=$(node a "desc('a1')"); A2=$(node a "desc('a2')"); B1=$(node a "desc('b1')")
  $ untouched server > before
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > httppeer.advertise-v2 = true
  > EOF
  $ hg clone -q $URL plain
  $ hg -R plain log -T '{desc} '
  r3 r2 r1 r0  (no-eol)
  $ hg -R plain pull -q -r $A2 $URL
  $ hg -R plain log -T '{desc} {phase}\n'
  a2 draft
  a1 draft
  r3 public
  r2 public
  r1 public
  r0 public
  $ hg -R plain verify -q
  $ hg clone -q -r $(echo $A1 | cut -c1-12) $URL middle
  $ hg -R middle log -T '{desc} '
  a1 r3 r2 r1 r0  (no-eol)
  $ hg -R middle verify -q
  $ hg clone -q -r 0 $URL two
  $ hg -R two pull -q -r $A1 -r $B1 $URL
  $ graph two
  o  b1 draft
  |
  | o  a1 draft
  | |
  | o  r3 public
  | |
  | o  r2 public
  |/
  o  r1 public
  |
  @  r0 public
  
  $ hg -R two verify -q
  $ events server 3 > /dev/null
  $ hg clone -q -r 0 $URL again
  $ hg -R again pull -q -r $A1 -r $B1 $URL
  $ hg -R again verify -q
  $ events server 3 | grep -c '^hit'
  [3-9] (re)
  $ hg -R again pull -q -r 0123456789ab $URL
  abort: *unknown revision '0123456789ab'* (glob)
  [255]
  $ untouched server | diff before -
  $ cat error.log
