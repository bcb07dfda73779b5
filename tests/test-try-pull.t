#testcases http ssh

Pulls from try: from any state of a client, any changeset of any push

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ tryserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ commit a a2
  $ commit a a3
  $ hg -R a push -q $URL
  $ hg clone -q $URL b
  $ commit b b1 1
  $ hg -R b push -qf $URL
  $ A1=$(node a "desc('a1')"); A2=$(node a "desc('a2')"); A3=$(node a "desc('a3')"); B1=$(node b tip)
  $ short() { echo $1 | cut -c1-$2; }
  $ untouched server > before

Nothing of it comes by itself

  $ hg clone -q $URL plain
  $ graph plain
  @  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R plain pull $URL
  pulling from * (glob)
  searching for changes
  no changes found
  $ hg -R plain incoming $URL
  comparing with * (glob)
  searching for changes
  no changes found
  [1]
  $ hg -R server heads -T '{desc}\n'
  r3

All of a push, by a client that has the base

  $ hg -R plain incoming -r $A3 $URL -T '{desc} {phase}\n'
  comparing with * (glob)
  searching for changes
  a1 draft
  a2 draft
  a3 draft
  $ hg -R plain pull -r $A3 $URL
  pulling from * (glob)
  searching for changes
  adding changesets
  adding manifests
  adding file changes
  added 3 changesets with 3 changes to 3 files
  new changesets *:* (3 drafts) (glob)
  (run 'hg update' to get a working copy)
  $ graph plain
  o  a3 draft
  |
  o  a2 draft
  |
  o  a1 draft
  |
  @  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  
  $ hg -R plain verify -q
  $ hg -R plain pull -r $A3 $URL
  pulling from * (glob)
  no changes found
  $ hg -R plain log -r 'draft()' -T '{desc} '
  a1 a2 a3  (no-eol)

The middle of a push, then the rest; by short hashes

  $ hg clone -q -r 0 $URL old
  $ hg -R old incoming -r $(short $A2 12) $URL -T '{desc} {phase}\n'
  comparing with * (glob)
  searching for changes
  r1 public
  r2 public
  r3 public
  a1 draft
  a2 draft
  $ hg -R old pull -q -r $(short $A2 12) $URL
  $ hg -R old log -T '{desc} {phase}\n'
  a2 draft
  a1 draft
  r3 public
  r2 public
  r1 public
  r0 public
  $ hg -R old verify -q
  $ hg -R old pull -q -r $(short $A3 8) $URL
  $ hg -R old log -r tip -T '{desc} {phase}\n'
  a3 draft
  $ hg -R old verify -q

Two heads of two pushes at once, in one transaction, and with a changeset of the
repository

  $ hg clone -q -r 0 $URL two
  $ cat >> two/.hg/hgrc << EOF
  > [hooks]
  > txnclose = echo one transaction
  > EOF
  $ hg -R two incoming -r $A2 -r $B1 $URL -T '{desc} {phase}\n'
  comparing with * (glob)
  searching for changes
  r1 public
  r2 public
  r3 public
  a1 draft
  a2 draft
  b1 draft
  $ hg -R two pull -q -r $A2 -r $B1 -r $(node server 2) $URL
  one transaction
  $ graph two
  o  b1 draft
  |
  | o  a2 draft
  | |
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

Clones of one changeset

  $ hg clone -q -r $(short $A3 10) $URL clone
  $ hg -R clone log -T '{desc} {phase}\n'
  a3 draft
  a2 draft
  a1 draft
  r3 public
  r2 public
  r1 public
  r0 public
  $ hg -R clone verify -q
  $ test "$(hg identify -r $A2 $URL)" = $(short $A2 12) && echo same
  same

What is unknown, or the beginning of several, is said to be so

  $ hg identify -r 123456789012 $URL 2>&1
  abort: unknown revision '123456789012'
  [255]
  $ untouched server | diff before -

A client whose phases come by listkeys, as those before 4.4

  $ hg clone -q $URL legacy
  $ hg -R legacy pull -q -r $A2 $URL --config devel.legacy.exchange=phases
  $ hg -R legacy log -r "desc('a')" -T '{desc} {phase}\n'
  a1 draft
  a2 draft

One that speaks the first bundle format only, which has no parts

  $ hg clone -q -r 1 $URL bundle1
  $ hg -R bundle1 pull -q -r $A2 -r $B1 $URL --config devel.legacy.exchange=bundle1
  $ hg -R bundle1 log -T '{desc}\n' | sort
  a1
  a2
  b1
  r0
  r1
  r2
  r3
  $ hg -R bundle1 verify -q

A change that the repository has on another branch, too, is in the bundle, though its
pusher knew that it is there: who pulls need not have that branch

  $ hg -R a update -q 1
  $ echo 3 > a/f3
  $ hg -R a commit -qAm 'f3 again' -d '11 0'
  $ hg -R a push -fr tip $URL | grep remote
  remote: stored 1 changeset as push 3
  $ hg clone -qUr $(node a tip) $URL again
  $ hg -R again log -T '{desc} '
  f3 again r1 r0  (no-eol)
  $ hg -R again cat -r tip again/f3
  3
  $ hg -R again verify -q

When the repository gets the changesets, they are its own, and public

  $ hg -R server pull -q -r $A2 a
  $ hg -R plain pull $URL | grep -v changes
  pulling from * (glob)
  2 local changesets published (?)
  $ hg -R plain log -r "desc('a')" -T '{desc} {phase}\n'
  a1 public
  a2 public
  a3 draft
  $ hg clone -q -r $A3 $URL later
  $ hg -R later log -r "desc('a')" -T '{desc} {phase}\n'
  a1 public
  a2 public
  a3 draft
  $ hg -R later verify -q
  $ hg -R plain push -r $A3 $URL 2>&1 | grep remote
  remote: stored 1 changeset as push 4
  $ hg -R plain log -r "desc('a')" -T '{desc} {phase}\n'
  a1 public
  a2 public
  a3 draft
  $ test "$(hg -R server s3try show 4 -T '{nodes}')" = $A3 && echo one
  one
#if http
  $ cat error.log
#endif
