#testcases http ssh

Pushes to try: what is kept, what the pusher sees, and what is refused

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ tryserver server
  $ hg clone -q $URL a
  $ untouched server > before

With another configuration

  $ served() {
  >   if test "$TRYBY" != ssh; then stopserver; startserver server; fi
  > }

A push of drafts: they stay drafts, and the server's repository stays as it was

  $ commit a a1
  $ commit a a2
  $ hg -R a push $URL
  pushing to * (glob)
  searching for changes
  remote: stored 2 changesets as push 1
  $ graph a
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
  
  $ untouched server | diff before -
  $ hg -R server s3try list -T '{push} {changesets} {tip|short}\n'
  1 2 * (glob)
  $ hg -R server log -r 'draft()'

The same again is another push of the same bundle

  $ hg -R a push $URL
  pushing to * (glob)
  searching for changes
  remote: stored 2 changesets as push 2
  $ hg -R server s3try list -T '{bundle}\n' | sort -u | wc -l | tr -d ' '
  1

On top of it, all that the repository lacks is pushed again

  $ commit a a3
  $ hg -R a push  $URL | grep remote
  remote: stored 3 changesets as push 3

A push that begins another head needs -f, by the client's own rule

  $ hg clone -q $URL b
  $ commit b b1 1
  $ hg -R b push $URL 2>&1 | grep abort
  abort: push creates new remote head * (glob)
  $ hg -R b push -f $URL | grep remote
  remote: stored 1 changeset as push 4
  $ untouched server | diff before -

Public changesets belong upstream. Mixed with others they are kept, as drafts

  $ hg -R b phase -p -r tip
  $ hg -R b push -f $URL
  pushing to * (glob)
  searching for changes
  remote: all 1 changesets of the push are public
  remote: (they belong into the repository that try is a copy of)
  abort: push failed on remote
  [100]
  $ commit b b2
  $ hg -R b push -f $URL | grep remote
  remote: warning: 1 of the changesets are public here
  remote: stored 2 changesets as push 5
  $ hg -R b log -r 'last(all(), 2)' -T '{desc} {phase}\n'
  b1 public
  b2 draft
  $ hg clone -q -r $(node b tip) $URL mixed
  $ hg -R mixed log -r 'last(all(), 2)' -T '{desc} {phase}\n'
  b1 draft
  b2 draft

What is of another repository has a root, and is refused

  $ hg init other
  $ commit other stranger
  $ hg -R other push -f $URL
  pushing to * (glob)
  searching for changes
  warning: repository is unrelated
  remote: try cannot keep the push: it begins with a root, so it is of another repository, or this one is empty
  abort: push failed on remote
  [100]

So is what is too large, or too many

  $ cp server/.hg/hgrc hgrc.saved
  $ cat >> server/.hg/hgrc << EOF
  > [s3try]
  > max-changesets = 2
  > max-bundle-size = 20KB
  > EOF
  $ served
  $ hg -R a push $URL 2>&1 | grep -A1 'keep the push'
  remote: try cannot keep the push: it has more than 2 changesets
  remote: (limits are s3try.max-bundle-size and s3try.max-changesets)
  $ hg -R a update -q 3
  $ "$PYTHON" -c 'import random; r = random.Random(1); print("".join(r.choice("0123456789abcdef") for i in range(60000)))' > a/large
  $ hg -R a commit -qAm large
  $ hg -R a push -fr tip $URL 2>&1 | grep -A1 'keep the push'
  remote: try cannot keep the push: it is larger than 20480 bytes
  remote: (limits are s3try.max-bundle-size and s3try.max-changesets)
  $ cp hgrc.saved server/.hg/hgrc; served

Clients of the first bundle format are refused before anything is changed

  $ hg -R a push -f -r a1 $URL --config devel.legacy.exchange=bundle1 2>&1 | grep -v '^searching\|^pushing'
  remote: incompatible Mercurial client; bundle2 required* (glob) (?)
  abort: incompatible Mercurial client; bundle2 required (?)
  abort: * (glob) (?)
  (see https://www.mercurial-scm.org/wiki/IncompatibleClient)* (glob) (?)
  remote: abort: incompatible Mercurial client; bundle2 required (?)
  remote: (see https://www.mercurial-scm.org/wiki/IncompatibleClient) (?)
  $ untouched server | diff before -

Who is told where the changeset can be seen

  $ cat >> server/.hg/hgrc << EOF
  > [s3try]
  > public-url = https://hg.example.com/try
  > EOF
  $ served
  $ hg -R a push  -r "desc('a1')" $URL | grep remote
  remote: stored 1 changeset as push 6
  remote: https://hg.example.com/try/rev/* (glob)

Hooks of the site see the changesets, and what was said with --pushvars; they may
refuse, and then nothing is left

  $ cat > refuse.py << EOF
  > def hook(ui, repo, node, node_last, source, url, **args):
  >     ctxs = list(repo.set(b'%s::%s', node, node_last))
  >     ui.status(b'hook: %s, phase %s, files %s\n' % (
  >         b' '.join(c.description() for c in ctxs), ctxs[-1].phasestr(),
  >         b' '.join(f for c in ctxs for f in c.files())))
  >     return args.get('USERVAR_LETMEIN') != b'1'
  > EOF
  $ cat > shell.sh << 'EOF'
  > # All that would leave something in the caches.
  > hg -R "$HG_BUNDLE" log -r "$HG_NODE_LAST" -T 'shell: {desc}\n'
  > hg -R "$HG_BUNDLE" branches -T '{branch}\n'
  > hg -R "$HG_BUNDLE" heads -T '{desc}\n'
  > hg -R "$HG_BUNDLE" tags -T '{tag}\n'
  > hg -R "$HG_BUNDLE" debugupdatecaches 2>&1 | head -1
  > EOF
  $ cat >> server/.hg/hgrc << EOF
  > [hooks]
  > pretxnchangegroup.refuse = python:$TESTTMP/refuse.py:hook
  > pretxnchangegroup.zshell = sh $TESTTMP/shell.sh > $TESTTMP/shell.out
  > [push]
  > pushvars.server = true
  > EOF
  $ served
  $ find store -type f | sort > store.before
  $ hg -R a push -r "desc('a2')" $URL
  pushing to * (glob)
  searching for changes
  remote: hook: a1 a2, phase draft, files a1 a2
  remote: pretxnchangegroup.refuse hook failed
  abort: push failed on remote
  [100]
  $ find store -type f | sort | cmp - store.before
  $ hg -R a push  -r "desc('a2')" --pushvars LETMEIN=1 $URL | grep remote
  remote: hook: a1 a2, phase draft, files a1 a2
  remote: stored 2 changesets as push 7
  remote: https://hg.example.com/try/rev/* (glob)
  $ cat shell.out
  shell: a2
  default
  a2
  tip
  abort: could not lock working directory: it is an overlay
  $ cp hgrc.saved server/.hg/hgrc; served

Obsolescence markers are not for try

  $ cat >> server/.hg/hgrc << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ served
  $ hg -R a update -q "desc('a3')"
  $ hg -R a commit --amend -qm a4 --config experimental.evolution=all
  $ hg -R a push -f -r tip $URL --config experimental.evolution=all | grep remote
  remote: stored 3 changesets as push 8
  remote: obsolescence markers are not kept by try
  $ cp hgrc.saved server/.hg/hgrc; served
  $ untouched server | diff before -

Eight at once, none of which waits for another or is told of a race

  $ for i in 1 2 3 4 5 6 7 8; do
  >   hg clone -q -r 3 server c$i
  >   commit c$i c$i
  > done
  $ for i in 1 2 3 4 5 6 7 8; do
  >   hg -R c$i push -f $URL > c$i.out 2>&1 &
  > done
  $ wait
  $ cat c?.out | grep remote | sed 's/push [0-9]*/push N/' | sort | uniq -c | sed 's/^ *//'
  8 remote: stored 1 changeset as push N
  $ for i in 1 2 3 4 5 6 7 8; do
  >   hg clone -q -r $(node c$i tip) $URL d$i && hg -R d$i verify -q && hg -R d$i log -r tip -T '{desc} '
  > done
  c1 c2 c3 c4 c5 c6 c7 c8  (no-eol)
  $ hg -R server s3try verify
  14 bundles, 0 damaged or missing
  $ untouched server | diff before -
#if http
  $ cat error.log
#endif
