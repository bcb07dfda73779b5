Pushes that are damaged, or that no client would make: each is refused with a reason,
nothing is left of it, and the server goes on

  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ echo more >> a/all
  $ hg -R a commit -qm a2 -d '11 0'
  $ untouched server > before

  $ bad() {
  >   for kind in "$@"; do
  >     echo "-- $kind"
  >     BADPUSH=$kind hg -R a push -f $URL --config "extensions.badpush=$TESTLIB/badpush.py" 2>&1 | said
  >   done
  >   pushes server
  >   objects
  >   untouched server | diff before -
  >   hg -R a log -r 'not public()' -T '{desc} {phase}\n'
  > }

What is wrong with revisions

  $ bad changeset-hash manifest-hash file-hash no-manifest no-file
  -- changeset-hash
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- manifest-hash
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- file-hash
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- no-manifest
  remote: try cannot keep the push: changeset 47aee9a8a8e07a9a4c9d5f078d66d7d38f38b4bd has no manifest
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- no-file
  remote: try cannot keep the push: changeset 47aee9a8a8e07a9a4c9d5f078d66d7d38f38b4bd lacks the content of all
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  0
  a1 draft
  a2 draft
  $ bad unknown-parent unknown-link nonsense-changeset only-a-manifest nonsense-manifest
  -- unknown-parent
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- unknown-link
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- nonsense-changeset
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- only-a-manifest
  remote: try cannot keep the push: changeset 3bbdcc91c3dae37154b6a5ecf54b694e5033fb00 is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- nonsense-manifest
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  0
  a1 draft
  a2 draft
  $ bad no-date bad-date no-number bad-extra long-manifest empty-changeset
  -- no-date
  remote: try cannot keep the push: changeset 312ac95eb60d9a191ea6b37a36770f03858adcb1 is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- bad-date
  remote: try cannot keep the push: changeset f40e22ef9abe385735cd0fd7c9c561aa4d191a12 is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- no-number
  remote: try cannot keep the push: changeset 8ad10df919d97924290b1ddf71fb28ba4a570ddc is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- bad-extra
  remote: try cannot keep the push: changeset f95c3f0ad8c08f6d670e52ba4cf8efdc1177a365 is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- long-manifest
  remote: try cannot keep the push: changeset e0cd27afa2461da5552d0b5ce71ba43a2336166f is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- empty-changeset
  remote: try cannot keep the push: changeset 756a01312be00dae002291826153c9ff167c4490 is malformed
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  0
  a1 draft
  a2 draft
  $ bad no-changesets nothing
  -- no-changesets
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- nothing
  remote: try cannot keep the push: it has no changesets
  abort: push failed on remote
  0
  a1 draft
  a2 draft

What is wrong with their stream

  $ bad truncated-changegroup no-end negative-length huge-length half-a-stream magic
  -- truncated-changegroup
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- no-end
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- negative-length
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- huge-length
  remote: try cannot keep the push: it is damaged, or not based on this repository (*) (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one)
  abort: push failed on remote
  -- half-a-stream
  remote: stream ended unexpectedly  (got * bytes, expected *) (glob)
  abort: push failed on remote
  -- magic
  abort: stream ended unexpectedly (got * bytes, expected *) (glob)
  0
  a1 draft
  a2 draft

What try has no place for

  $ bad flags trees version parameter two-changegroups unknown-part unknown-part-first stream-parameter compression
  -- flags
  remote: try cannot keep the push: * (glob)
  remote: (see whether 'hg verify' finds fault with the repository pushed from, and the operator of the server with that one) (?)
  abort: push failed on remote
  -- trees
  remote: try cannot keep a changegroup of this kind (treemanifest)
  remote: (tree manifests, side data and narrow clones have no try)
  abort: push failed on remote
  -- version
  remote: try cannot keep a changegroup of this kind (version 99)
  remote: (tree manifests, side data and narrow clones have no try)
  abort: push failed on remote
  -- parameter
  remote: try cannot keep a changegroup of this kind (hgs3-unknown)
  remote: (tree manifests, side data and narrow clones have no try)
  abort: push failed on remote
  -- two-changegroups
  remote: a push to try holds one changegroup
  abort: push failed on remote
  -- unknown-part
  abort: missing support for hgs3:unknown
  -- unknown-part-first
  abort: missing support for hgs3:unknown
  -- stream-parameter
  abort: missing support for Stream Parameter - Unknown
  -- compression
  abort: missing support for Stream Parameter - Compression
  0
  a1 draft
  a2 draft

Other parts

  $ bad pushkey-empty pushkey-no-new pushkey-no-hash pushkey-short pushkey-unknown pushkey-namespace
  -- pushkey-empty
  remote: try cannot keep the push: it is malformed (KeyError: b'namespace')
  abort: push failed on remote
  -- pushkey-no-new
  remote: try cannot keep the push: it is malformed (KeyError: b'new')
  abort: push failed on remote
  -- pushkey-no-hash
  remote: try cannot keep the push: it is malformed (*) (glob)
  abort: push failed on remote
  -- pushkey-short
  remote: try cannot keep the push: it is malformed (*) (glob)
  abort: push failed on remote
  -- pushkey-unknown
  remote: bookmark 'mark' points to 1111111111111111111111111111111111111111, which is unknown here
  abort: push failed on remote
  -- pushkey-namespace
  remote: a push to try changes no obsolete
  abort: push failed on remote
  0
  a1 draft
  a2 draft
  $ bad bookmarks-short bookmarks-no-name bookmarks-unknown bookmarks-empty-name bookmarks-newline bookmarks-no-utf8 bookmarks-long
  -- bookmarks-short
  remote: bad bookmark stream
  abort: push failed on remote
  -- bookmarks-no-name
  remote: bad bookmark stream
  abort: push failed on remote
  -- bookmarks-unknown
  remote: bookmark 'mark' points to 1111111111111111111111111111111111111111, which is unknown here
  abort: push failed on remote
  -- bookmarks-empty-name
  remote: try does not accept the bookmark ''
  remote: (names must be as the server's s3try.scratch-bookmarks says)
  abort: push failed on remote
  -- bookmarks-newline
  remote: try cannot keep the bookmark 'a
  b'
  remote: (names are UTF-8 of 255 characters at most)
  abort: push failed on remote
  -- bookmarks-no-utf8
  remote: try cannot keep the bookmark '\xff\xfe' (esc)
  remote: (names are UTF-8 of 255 characters at most)
  abort: push failed on remote
  -- bookmarks-long
  remote: try cannot keep the bookmark 'mmm*... (glob)
  remote: (names are UTF-8 of 255 characters at most)
  abort: push failed on remote
  0
  a1 draft
  a2 draft
  $ bad phases-short phases-number
  -- phases-short
  remote: bad phase-heads stream
  abort: push failed on remote
  -- phases-number
  remote: try cannot keep the push: it is malformed (KeyError: 77)
  abort: push failed on remote
  0
  a1 draft
  a2 draft

The same without a push

  $ hg debugpushkey $URL bookmarks mark '' nonsense
  False
  [1]
  $ hg debugpushkey $URL bookmarks mark nonsense ''
  False
  [1]
  $ hg debugpushkey $URL bookmarks mark '' abcd
  False
  [1]
  $ hg debugpushkey $URL phases $(node a tip) 1 0
  remote: a push to try changes no phases
  False
  [1]
  $ hg debugpushkey $URL nonsense a b c
  remote: a push to try changes no nonsense
  False
  [1]
  $ hg debugpushkey $URL bookmarks

What is built by hand and has nothing wrong, or nothing that matters

  $ bad good pushkey-gone phases-secret markers no-utf8
  -- good
  remote: stored 2 changesets as push 1
  -- pushkey-gone
  remote: stored 2 changesets as push 2
  -- phases-secret
  remote: stored 2 changesets as push 3
  -- markers
  remote: stored 2 changesets as push 4
  remote: obsolescence markers are not kept by try
  -- no-utf8
  remote: stored 1 changeset as push 5
  5 1 3a7699ab793b
  4 2 47aee9a8a8e0
  3 2 47aee9a8a8e0
  2 2 47aee9a8a8e0
  1 2 47aee9a8a8e0
  2
  a1 draft
  a2 draft
  $ hg -R a push $URL 2>&1 | said
  remote: stored 2 changesets as push 6
  $ hg clone -q -r $(node a tip) $URL b
  $ hg -R b verify -q
  $ graph b
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
  
  $ hg clone -q -r $(hg -R server s3try show 5 -T '{tip}') $URL c
  $ hg -R c verify -q
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ hg incoming -q -B -R b $URL
  [1]
  $ untouched server | diff before -
  $ cat error.log
