What `hg s3try` says and does, and what it makes of wrong words

  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server

Nothing was pushed yet
======================

  $ hg -R server s3try list
  $ hg -R server s3try list -T json
  [
  ]
  $ hg -R server s3try verify
  0 bundles, 0 damaged or missing
  $ hg -R server s3try gc
  would delete 0 objects (0 bytes)
  $ hg -R server s3try expire --older-than 1
  would forget 0 pushes
  (use --yes to do it)
  $ hg -R server s3try migrate
  the tables are those of version 2
  $ hg -R server s3try show 1
  abort: there is no push 1
  [10]

Pushes
======

  $ hg clone -q $URL a
  $ commit a a1
  $ hg -R a push -q $URL
  $ commit a a2
  $ hg -R a bookmark mark
  $ hg -R a push -q -B mark $URL
  $ hg -R a update -q 1
  $ commit a b1
  $ hg -R a bookmark side
  $ hg -R a push -qf -B side -r side $URL
  $ untouched server > before
  $ hg -R server s3try list
       3  *      1*  02ee7fefdd66  - (glob)
       2  *      2*  dd8200fac0a7  - (glob)
       1  *      1*  46c84bd9eb63  - (glob)
  $ hg -R server s3try list -l 2 -T '{push} {changesets} {tip|short} {user}\n'
  3 1 02ee7fefdd66 
  2 2 dd8200fac0a7 
  $ hg -R server s3try list --limit 1 -T json
  [
   {
    "bundle": "161160c0a474cf524fb686a4b219b80c0b5b592bf2a5be8dfc14c6190a1a23ef",
    "bytes": *, (glob)
    "changesets": 1,
    "date": [*, 0], (glob)
    "push": 3,
    "tip": "02ee7fefdd6650943acb1edd5e466a56fa739b82",
    "user": ""
   }
  ]
  $ hg -R server s3try list -T '{date|isodatesec}\n' > dates
  $ hg -R server s3try list | cut -c 9-27 > dates.plain
  $ sed 's/ +0000$//' dates | cmp - dates.plain
  $ hg -R server s3try list -T '{bytes}\n' | sort > bytes
  $ find store -name '*.body' -exec wc -c {} + | sed -n 's/^ *\([0-9]*\) .*body$/\1/p' | sort | cmp - bytes
  $ hg -R server s3try show 2
  push:       2
  date:       * (glob)
  user:       -
  key:        try/*/* (glob)
  size:* (uncompressed*) (glob)
  changeset:  46c84bd9eb634bc36c56182d796e66ebfcad6531
  changeset:  dd8200fac0a76e6eab5c2fd424a3ca722311659f
  
  $ hg -R server s3try show 3 1 -T '{push}: {join(nodes, " ")} {bundle|short}\n'
  3: 02ee7fefdd6650943acb1edd5e466a56fa739b82 161160c0a474
  1: 46c84bd9eb634bc36c56182d796e66ebfcad6531 69031e244202
  $ hg -R server s3try show 2 -T json
  [
   {
    "bundle": "6ef24582d47a4bc826bd1cb24ce068dbd434b755770df0120b9a7f488f0c289d",
    "bytes": *, (glob)
    "changesets": 2,
    "date": [*, 0], (glob)
    "key": "try/*/*", (glob)
    "nodes": ["46c84bd9eb634bc36c56182d796e66ebfcad6531", "dd8200fac0a76e6eab5c2fd424a3ca722311659f"],
    "push": 2,
    "tip": "dd8200fac0a76e6eab5c2fd424a3ca722311659f",
    "user": ""
   }
  ]
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing
  $ hg -R server s3try verify -T json
  [
  ]
  $ hg -R server s3try migrate -T json
  [
   {
    "after": 2,
    "before": 2
   }
  ]
  $ hg s3try list --cwd server -T '{push} '
  3 2 1  (no-eol)

Wrong words
===========

  $ hg -R server s3try
  abort: s3try needs one action
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try shout
  abort: s3try has no action 'shout'
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try list verify
  abort: s3try needs one action
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try list 1
  abort: s3try needs one action
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try list --yes
  abort: s3try list takes no --yes
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try list --older-than 3
  abort: s3try list takes no --older-than
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try show 1 -l 3
  abort: s3try show takes no --limit
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try verify --yes
  abort: s3try verify takes no --yes
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try gc -l 3
  abort: s3try gc takes no --limit
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try expire -l 3 --older-than 3
  abort: s3try expire takes no --limit
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try migrate --yes
  abort: s3try migrate takes no --yes
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try migrate --older-than 1
  abort: s3try migrate takes no --older-than
  (actions are list, show, verify, gc, expire, migrate; see 'hg help s3try')
  [10]
  $ hg -R server s3try list -l 0 || true
  abort: limit must be positive
  $ hg -R server s3try list -l many || true
  abort: limit must be a positive integer
  $ hg -R server s3try list -l 99999999999999999999
       3  *      1*  02ee7fefdd66  - (glob)
       2  *      2*  dd8200fac0a7  - (glob)
       1  *      1*  46c84bd9eb63  - (glob)
  $ hg -R server s3try list -T '{nothing}'
  $ hg -R server s3try list -T '{push'
  hg: parse error at 1: unterminated template expansion
  ({push
    ^ here)
  [10]
  $ hg -R server s3try show
  abort: s3try show needs the number of a push
  ('hg s3try list' shows them)
  [10]
  $ hg -R server s3try show one
  abort: not the number of a push: 'one'
  [10]
  $ hg -R server s3try show 1 4
  abort: there is no push 4
  [10]
  $ hg -R server s3try show 0
  abort: there is no push 0
  [10]
  $ hg -R server s3try show -- -1
  abort: not the number of a push: '-1'
  [10]
  $ hg -R server s3try show 99999999999999999999
  abort: there is no push 99999999999999999999
  [10]
  $ hg -R server s3try expire
  abort: s3try expire needs --older-than
  (give a number of days)
  [10]
  $ hg -R server s3try expire --yes
  abort: s3try expire needs --older-than
  (give a number of days)
  [10]
  $ for days in many 0 -1 nan inf; do
  >   hg -R server s3try expire --older-than=$days --yes
  >   hg -R server s3try gc --older-than=$days --yes
  > done
  abort: --older-than is not a number of days: 'many'
  (give a number above 0)
  abort: --older-than is not a number of days: 'many'
  (give a number above 0)
  abort: --older-than is not a number of days: '0'
  (give a number above 0)
  abort: --older-than is not a number of days: '0'
  (give a number above 0)
  abort: --older-than is not a number of days: '-1'
  (give a number above 0)
  abort: --older-than is not a number of days: '-1'
  (give a number above 0)
  abort: --older-than is not a number of days: 'nan'
  (give a number above 0)
  abort: --older-than is not a number of days: 'nan'
  (give a number above 0)
  abort: --older-than is not a number of days: 'inf'
  (give a number above 0)
  abort: --older-than is not a number of days: 'inf'
  (give a number above 0)
  [10]
  $ hg -R server s3try expire --older-than 1e300 --yes
  forgot 0 pushes, 0 bundles and 0 bookmarks
  $ hg -R server s3try gc --older-than 1e300 --yes
  deleted 0 objects (0 bytes)
  $ hg s3try list --config extensions.s3try=
  abort: no repository found in '$TESTTMP' (.hg not found)
  [10]
  $ hg -R nowhere s3try list --config extensions.s3try=
  abort: repository nowhere not found
  [255]
  $ pushes server
  3 1 02ee7fefdd66
  2 2 dd8200fac0a7
  1 1 46c84bd9eb63
  $ untouched server | diff before -

A repository where try is not on, and settings that are wrong
=============================================================

  $ hg init plain
  $ printf '[extensions]\ns3try =\n' > plain/.hg/hgrc
  $ printf "[s3wireprotocache]\nstore = file:$TESTTMP/store\n" >> plain/.hg/hgrc
  $ for action in list verify gc "expire --older-than 1 --yes" migrate "show 1" ""; do
  >   hg -R plain s3try $action || echo $?
  > done
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  abort: try is not enabled for this repository
  (set s3try.enabled, or use -R to name the one that is served)
  255
  $ ls plain/.hg | grep hg-s3
  [1]
  $ hg -R plain s3try list --config s3try.enabled=yes
  $ for line in max-changesets=many overlay-cache=-1 redirect-minimum=x store=; do
  >   hg -R server s3try list --config s3try.$line || echo $?
  > done
  abort: s3try.max-changesets is not a number: 'many'
  (set s3try.max-changesets to 1 to 1000000)
  255
  abort: s3try.overlay-cache is not a number: '-1'
  (set s3try.overlay-cache to 0 to 1000)
  255
  abort: s3try.redirect-minimum is not a size: 'x'
  (set s3try.redirect-minimum to a number of bytes, or to one such as 64KB or 1MB)
  255
  abort: try has no store
  (set s3wireprotocache.bucket, or s3try.bucket)
  255

What is damaged, and what is missing
====================================

  $ cp -R store store.saved
  $ body() {
  >   find store -name "*$(hg -R server s3try show $1 -T "{bundle}")*.body"
  > }
  $ rm $(body 1)
  $ printf damage | dd of=$(body 2) bs=1 seek=100 conv=notrunc 2> /dev/null
  $ printf more >> $(body 3)
  $ hg -R server s3try verify
  69031e244202e11e6486e92b8545ea0c6dfafdca7d563335912ed7ca94e43ff8: the object is missing, or cut off
  6ef24582d47a4bc826bd1cb24ce068dbd434b755770df0120b9a7f488f0c289d: the object is * (glob)
  161160c0a474cf524fb686a4b219b80c0b5b592bf2a5be8dfc14c6190a1a23ef: the object is missing, or cut off
  3 bundles, 3 damaged or missing
  [1]
  $ hg -R server s3try verify -T '{bundle|short} {changesets} {problem}\n'
  69031e244202 1 the object is missing, or cut off
  6ef24582d47a 2 the object is * (glob)
  161160c0a474 1 the object is missing, or cut off
  [1]
  $ rm -r store
  $ mv store.saved store
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing
  $ cat > sql.py << EOF
  > import sqlite3, sys
  > with sqlite3.connect('server/.hg/hg-s3-try.db') as connection:
  >     connection.execute(sys.argv[1])
  > EOF
  $ sql() { "$PYTHON" sql.py "$1"; }
  $ sql "UPDATE s3_changesets SET node = '$(node a 0)' WHERE node = '$(node a 5)'"
  $ hg -R server s3try verify
  6ef24582d47a4bc826bd1cb24ce068dbd434b755770df0120b9a7f488f0c289d: the database has other changesets than the object
  3 bundles, 1 damaged or missing
  [1]
  $ sql "UPDATE s3_changesets SET node = '$(node a 5)' WHERE node = '$(node a 0)'"
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing

What was pushed long ago is forgotten, with its bookmarks; what is left can be pulled
====================================================================================

  $ old() { sql "UPDATE s3_pushes SET pushed = pushed - 10 * 86400 WHERE id = $1"; }
  $ old 2
  $ old 3
  $ hg -R server s3try expire --older-than 11
  would forget 0 pushes
  (use --yes to do it)
  $ hg -R server s3try expire --older-than 11 --yes
  forgot 0 pushes, 0 bundles and 0 bookmarks
  $ hg -R server s3try expire --older-than 9
  would forget 2 pushes
  (use --yes to do it)
  $ hg -R server s3try expire --older-than 9 -T json
  [
   {
    "deleted": false,
    "pushes": 2
   }
  ]
  $ pushes server
  3 1 02ee7fefdd66
  2 2 dd8200fac0a7
  1 1 46c84bd9eb63
  $ hg clone -q -r mark $URL b
  $ hg -R server s3try expire --older-than 9 --yes
  forgot 2 pushes, 2 bundles and 2 bookmarks
  ('hg s3try gc' deletes their objects)
  $ pushes server
  1 1 46c84bd9eb63
  $ hg -R server s3try expire --older-than 9 --yes -T json
  [
   {
    "bookmarks": 0,
    "bundles": 0,
    "deleted": true,
    "pushes": 0
   }
  ]
  $ for name in mark side $(node a mark) $(node a mark | cut -c 1-12) $(node a side); do
  >   hg clone -q -r $name $URL gone || echo $?
  > done
  abort: unknown revision 'mark'
  255
  abort: unknown revision 'side'
  255
  abort: unknown revision 'dd8200fac0a76e6eab5c2fd424a3ca722311659f'
  255
  abort: unknown revision 'dd8200fac0a7'
  255
  abort: unknown revision '02ee7fefdd6650943acb1edd5e466a56fa739b82'
  255
  $ hg incoming -q -R a --bookmarks $URL
  [1]
  $ hg clone -q -r $(node a "desc('a1')") $URL c
  $ hg -R c verify -q
  $ graph c
  @  a1 draft
  |
  o  r3 public
  |
  o  r2 public
  |
  o  r1 public
  |
  o  r0 public
  

A client that has them already keeps them, pulls what there is, and may push them again

  $ hg -R b pull -q -r $(node a "desc('a1')") $URL
  $ hg -R b pull -q $URL
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
  
  $ hg -R b verify -q

Their objects
=============

  $ objects
  3
  $ hg -R server s3try gc
  would delete 0 objects (0 bytes)
  $ hg -R server s3try gc --older-than 0.0000001
  would delete 2 objects (* bytes) (glob)
  (use --yes to delete them)
  $ hg -R server s3try gc --older-than 0.0000001 -T json
  [
   {
    "bytes": *, (glob)
    "deleted": false,
    "objects": 2
   }
  ]
  $ hg -R server s3try gc --older-than 0.0000001 -T '{objects} {deleted}\n' --yes
  2 True
  $ objects
  1
  $ hg -R server s3try gc --older-than 0.0000001 --yes
  deleted 0 objects (0 bytes)
  $ hg -R server s3try verify
  1 bundles, 0 damaged or missing
  $ hg -R a push -q -B mark -r mark $URL
  $ hg -R a push -qf -B side -r side $URL
  $ hg clone -q -r mark -r side $URL d
  $ hg -R d verify -q
  $ hg -R d log -r 'head()' -T '{desc} {phase}\n'
  a2 draft
  b1 draft
  $ hg -R server s3try verify
  3 bundles, 0 damaged or missing
  $ untouched server | diff before -
  $ cat error.log
