What operators and clients do with a log of pushes

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ logserver server
  $ hg clone -q $URL a
  $ commit a a1
  $ commit a a2
  $ hg -R a push -q server
  $ commit a a3
  $ hg -R a push -q server

By hand, and from a file: whole or not at all

  $ hg -R server pushlog-add -u bob -d '1000 0' -r 0:1
  logged 2 changesets as push 3
  $ hg -R server pushlog-add -u bob
  abort: pushlog-add needs changesets
  (name them by --rev)
  [10]
  $ cat > pushes.json << EOF
  > [{"user": "carol@example.com", "date": "2020-01-02 03:04 +0000", "changesets": ["tip", "3"]},
  >  {"user": "caf\u00e9", "date": 5, "changesets": ["0"]}]
  > EOF
  $ hg -R server pushlog-add --from-json pushes.json
  logged 2 changesets as push 4
  logged 1 changesets as push 5
  $ echo '[{"user": "x", "date": 5, "changesets": ["0"]}, {"user": "x", "date": 5}]' > bad.json
  $ hg -R server pushlog-add --from-json bad.json
  abort: not a list of pushes: KeyError: 'changesets'
  (see 'hg help pushlog-add')
  [10]
  $ for pair in '5, "changesets": [5]' '99999999999999999999, "changesets": ["0"]' \
  >     'true, "changesets": ["0"]' '5, "changesets": []'; do
  >   echo '[{"user": "x", "date": '"$pair"'}]' > bad.json
  >   hg -R server pushlog-add --from-json bad.json 2>&1 | head -1
  > done
  abort: not a list of pushes: ValueError: not names of changesets: [5]
  abort: not a list of pushes: ValueError: not a date: 99999999999999999999
  abort: not a list of pushes: ValueError: not a date: True
  abort: not a list of pushes: ValueError: no changesets: []
  $ hg -R server pushlog -T '{push} {user} {date|hgdate} {tip|short} {nodes % "."}\n' -l 3
  5 caf? 5 0 * . (glob)
  4 carol@example.com 1577934240 0 * .. (glob)
  3 bob 1000 0 * .. (glob)
  $ hg -R server pushlog -l 1
       5  1970-01-01 00:00:05      1  *  caf? (glob)

Revsets and keywords, each of one question however many changesets there are

  $ hg -R server log -T '{desc} {pushid} {pushuser} {if(pushdate, "dated")}\n'
  a3 4 carol@example.com dated
  a2 4 carol@example.com dated
  a1 1 alice dated
  r1 3 bob dated
  r0 5 caf? dated
  $ for r in 'pushid(1)' 'pushid(99)' 'pushuser(BOB)' 'pushuser("re:^c")' 'pushhead()' \
  >     'pushdate("2020-01-02")' 'pushdate("<2000-01-01")' 'pushuser("literal:alic")'; do
  >   echo "$r:" $(hg -R server log -r "$r" -T '{desc} ')
  > done
  pushid(1): a1 a2
  pushid(99):
  pushuser(BOB): r0 r1
  pushuser("re:^c"): r0 a2 a3
  pushhead(): r0 r1 a2 a3
  pushdate("2020-01-02"): a2 a3
  pushdate("<2000-01-01"): r0 r1
  pushuser("literal:alic"): a1 a2 a3
  $ hg -R server log -r 'pushid(x)'
  hg: parse error: pushid requires a number
  [10]
  $ hg -R a log -r 'pushid(1)' --config extensions.pushlog= --config pushlog.enabled=no
  abort: pushes into this repository are not logged
  (set pushlog.enabled)
  [255]

A mirror asks over the wire, and needs the permission to pull

  $ get() { "$PYTHON" -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode(), end="")' "http://localhost:$HGPORT/?cmd=$1"; }
  $ get capabilities | tr ' ' '\n' | grep '^pushlog'
  pushlog
  $ get 'pushlog&firstpush=4' | sed "s/$(node a 3)/A2/; s/$(node a tip)/A3/; s/$(node a 0)/R0/"
  1
  4 carol@example.com 1577934240 A2 A3
  5 caf\xc3\xa9 5 R0 (esc)
  $ get 'pushlog&firstpush=x'
  0
  not the number of a push: 'x'

When the database is away, it is not told where that is; the operator is, once

  $ stopserver
  $ mv server/.hg/hg-s3-try.db saved; mkdir server/.hg/hg-s3-try.db
  $ hg -R server serve -p $HGPORT --pid-file "$TESTTMP/hg.pid" > out 2>&1 &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ get 'pushlog&firstpush=1'
  0
  the log of pushes cannot be read now
  $ get 'pushlog&firstpush=2' | tail -1
  the log of pushes cannot be read now
  $ stopserver
  $ grep -c 'pushlog: cannot read the log of pushes: sqlite database .*cannot connect' out
  1
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > blackbox =
  > [blackbox]
  > track = pushlog
  > EOF
  $ ssh() { printf 'pushlog\nfirstpush 1\n1' | hg -R server serve --stdio; }
  $ ssh
  39
  0
  the log of pushes cannot be read now
  $ grep -c 'pushlog: cannot read the log of pushes: sqlite database .*cannot connect' server/.hg/blackbox.log
  1
  $ rmdir server/.hg/hg-s3-try.db; mv saved server/.hg/hg-s3-try.db
  $ startserver server
  $ ssh | sed -n '2,3s/ [0-9]* .*//p'
  1 alice

The log of another server; its numbers are kept where nothing was logged

  $ hg clone -q server other
  $ cat >> other/.hg/hgrc << EOF
  > [extensions]
  > pushlog =
  > EOF
  $ cat > make.py << EOF
  > import sqlite3, sys
  > db = sqlite3.connect("pushlog2.db")
  > db.execute("CREATE TABLE pushlog (id INTEGER PRIMARY KEY, user TEXT, date INTEGER)")
  > db.execute("CREATE TABLE changesets (pushid INTEGER, rev INTEGER, node TEXT)")
  > db.execute("INSERT INTO pushlog VALUES (7, 'dave', 10), (9, 'erin', 20)")
  > db.execute("INSERT INTO changesets VALUES (7, 1, ?), (7, 0, ?), (9, 2, ?)", sys.argv[1:])
  > db.commit()
  > EOF
  $ "$PYTHON" make.py $(node a 1) $(node a 0) 1234567890123456789012345678901234567890
  $ hg -R other pushlog-import pushlog2.db
  imported 2 pushes
  $ hg -R other pushlog-import pushlog2.db
  imported 0 pushes
  2 were there already
  $ logged other
  7 dave r0/draft r1/draft
  9 erin 123456(gone)
  $ hg -R server pushlog-import pushlog2.db
  imported 2 pushes
  warning: they have new numbers, since there are pushes in the log already
  $ logged server | tail -2
  6 dave r0/draft r1/draft
  7 erin 123456(gone)
  $ echo garbage > garbage.db
  $ hg -R other pushlog-import garbage.db
  abort: cannot read 'garbage.db': file is not a database
  (it is to be the pushlog2.db of another server)
  [255]
  $ hg -R server pushlog-migrate
  tables of version 2, before: 2
  $ (cd server && hg help pushlog | grep "use .hg help -e")
  (use 'hg help -e pushlog' to show help for the pushlog extension)
  $ hg -R server verify -q
  $ cat error.log
