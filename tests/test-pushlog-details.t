What is logged of a changeset is what Mercurial has

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ logserver server
  $ hg clone -q server a
  $ cat > show.py << EOF
  > import json, sqlite3, sys
  > db = sqlite3.connect("server/.hg/hg-s3-try.db")
  > rows = db.execute(
  >     "SELECT data FROM s3_log_changesets WHERE push_id = (SELECT max(id) FROM s3_pushes)"
  >     " ORDER BY position"
  > ).fetchall()
  > for (data,) in rows:
  >     data = json.loads(data)
  >     print(json.dumps([data["description"]] + [data[each] for each in sys.argv[1:]]))
  > EOF
  $ show() { "$PYTHON" show.py "$@"; }

Text in any encoding, whichever the server has; odd names of files; dates before 1970

  $ hg -R a branch -q "$(printf 'caf\303\251')" --encoding utf-8
  $ cd a
  $ "$PYTHON" -c 'open(b"f\xe9 x", "w").close()'
  $ hg commit -qA -u "$(printf 'J\366rg <j@x>')" -m "$(printf 'na\357ve\ntwo')" --encoding latin-1 -d '-5 -3600'
  $ cd ..
  $ HGENCODING=ascii hg -R a push -q --new-branch server
  $ show author branch date files extra phase
  ["na\u00efve\ntwo", "J\u00f6rg <j@x>", "caf\u00e9", [-5, -3600], ["f\udce9 x"], {"branch": "caf\u00e9"}, "draft"]

A merge; a changeset on the null revision

  $ commit a m1
  $ commit a other null
  $ hg -R a merge -q 'desc(m1)'
  $ hg -R a commit -q -m merged -d '1 0'
  $ hg -R a push -q -f server
  $ show parents | sed "s/$(node a 'desc(na)')/N/; s/$(node a 'desc(m1)')/M/; s/$(node a 'desc(other)')/O/"
  ["m1", ["N"]]
  ["other", ["0000000000000000000000000000000000000000"]]
  ["merged", ["O", "M"]]

Tags that the push gives to its own changesets, as they are in its end

  $ commit a t1
  $ commit a t2
  $ hg -R a tag -q -d '1 0' -r 'desc(t1)' moved stays
  $ hg -R a tag -q -d '1 0' -r 'desc(r0)' old
  $ hg -R a tag -q -d '1 0' -f -r 'desc(t2)' moved
  $ hg -R a remove -q a/.hgtags
  $ hg -R a commit -q -m untagged -d '1 0'
  $ hg -R a push -q server
  $ show tags
  ["t1", ["stays"]]
  ["t2", ["moved"]]
  * (glob)
  * (glob)
  * (glob)
  ["untagged", []]

What a changeset takes the place of

  $ commit a first
  $ FIRST=$(node a tip)
  $ hg -R a commit -q --amend -m second -d '1 0'
  $ hg -R a push -q server
  $ show precursors | sed "s/$FIRST/FIRST/"
  ["second", ["FIRST"]]

One that is pushed although it is obsolete is hidden, with what is below it

  $ commit a low
  $ commit a high
  $ hg -R a push -q server
  $ for each in low high; do
  >   hg -R server debugobsolete --record-parents $(node a "desc($each)")
  > done
  1 new obsolescence markers
  obsoleted 1 changesets
  1 new orphan changesets
  1 new obsolescence markers
  obsoleted 1 changesets
  $ logged server | tail -1
  * alice low/draft(hidden) high/draft(hidden) (glob)
  $ hg -R server log -r 'pushid('$(hg -R server pushlog -l 1 -T '{push}')')' -T '{desc}\n'
  $ hg -R server log --hidden -r 'pushid('$(hg -R server pushlog -l 1 -T '{push}')')' -T '{desc}\n'
  low
  high
  $ hg -R server verify -q
