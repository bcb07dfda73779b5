#require hgs3-moto

Clones and pulls of wire protocol version 1, by segments of history

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ hg -R server log -T '{rev}\n' -r tip
  390
  $ configureserver server
  $ startserver server
  $ URL=http://localhost:$HGPORT/

The first clone is answered as always, and what it could have used is made

  $ hg clone -U $URL first
  requesting all changes
  adding changesets
  adding manifests
  adding file changes
  added 391 changesets with 782 changes to 392 files (+2 heads)
  new changesets f206bde1343b:9286926dbbaa
  $ events server 4
  miss getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=0 ms=*
  miss getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=0 ms=*
  stored getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* (glob)
  stored getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* (glob)
  $ same server first

The second one gets its history from the store, but for the last changesets

  $ hg clone -U $URL second
  requesting all changes
  adding changesets
  adding manifests
  adding file changes
  adding changesets
  adding manifests
  adding file changes
  adding changesets
  adding manifests
  adding file changes
  added 391 changesets with 782 changes to 394 files (+2 heads)
  new changesets f206bde1343b:9286926dbbaa
  $ events server 3
  hit getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* via=redirect (glob)
  hit getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* via=redirect (glob)
  stored getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* (glob)
  $ same server second

The last one is of both blocks together, for all who come before the next push

  $ hg clone -q -U $URL third
  $ events server 1
  hit getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=* ms=* via=redirect (glob)
  $ same server third

A pull from any state uses blocks of all sizes

  $ hg clone -q -U -r 70 server stale
  $ hg -R stale pull $URL | grep added
  added 320 changesets with 640 changes to 323 files (+2 heads)
  $ same server stale
  $ events server 5 | sed 's/ key.*//'
  hit getbundle
  miss getbundle
  miss getbundle
  stored getbundle
  stored getbundle
  $ hg clone -q -U -r 70 server stale2
  $ hg clone -q -U -r 70 server stale3
  $ hg -R stale3 pull -q $URL
  $ same server stale3
  $ events server 3 | sed 's/ key.*//'
  hit getbundle
  hit getbundle
  hit getbundle

Nobody gets more than what was asked for

  $ hg -R stale2 pull -q -r 200 $URL
  $ hg -R stale2 log -T '{node}\n' | sort > got
  $ hg -R server log -r '::200 or ::70' -T '{node}\n' | sort > wanted
  $ cmp got wanted
  $ hg verify -q -R stale2

hg incoming cannot read parts that come by URL, and gets none

  $ hg -R stale2 incoming -q $URL | wc -l | sed 's/^ *//'
  250
  $ events server
  $ stopserver

Clones of drafts, secret and hidden changesets: what is not served is in no segment

  $ cat >> server/.hg/hgrc << EOF
  > [phases]
  > publish = no
  > EOF
  $ cat >> $HGRCPATH << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ hg -R server phase -fd -r 'all()' -q
  $ hg -R server phase -fs -r 'heads(all())' -q
  $ hg -R server debugobsolete $(hg -R server log -r 'max(draft() and not parents(secret()))' -T '{node}') -q
  \d+ new orphan changesets (re) (?)
  $ startserver server
  $ hg clone -q -U $URL drafts
  1 new orphan changesets
  $ events server 4 | sed 's/ key.*//'
  miss getbundle
  miss getbundle
  stored getbundle
  stored getbundle
  $ hg clone -q -U $URL drafts2
  1 new orphan changesets
  $ events server 3 | sed 's/ key.*//'
  hit getbundle
  hit getbundle
  stored getbundle
  $ hg -R drafts2 log -r 'not draft()'
  $ hg -R server log -r 'draft() and not hidden()' -T '{node}\n' | sort > served
  $ hg -R drafts2 log -T '{node}\n' | sort | cmp - served
  $ hg verify -q -R drafts2
  $ hg -R server debugobsolete > markers
  $ hg -R drafts2 debugobsolete | cmp - markers
  $ stopserver

An extension that puts less into changegroups is asked for all of them

  $ startserver server --config extensions.narrow=
  $ hg clone -q -U $URL narrow
  1 new orphan changesets
  $ hg -R drafts2 log -T '{node}\n' | sort > served
  $ hg -R narrow log -T '{node}\n' | sort | cmp - served
  $ events server
  $ stopserver
  $ startserver server --config narrowacl.default.includes=*
  $ hg clone -q -U $URL acl
  1 new orphan changesets
  $ events server
  $ stopserver

A server with one worker, which could not answer a short URL meanwhile

  $ cat > app.py << EOF
  > import sys, wsgiref.simple_server as simple
  > from mercurial.hgweb import hgweb
  > class Handler(simple.WSGIRequestHandler):
  >     protocol_version = "HTTP/1.1"
  >     def log_message(self, *args): pass
  >     def get_environ(self):
  >         return dict(super().get_environ(), SERVER_PROTOCOL="HTTP/1.1")
  > class OneWorker(simple.ServerHandler):
  >     wsgi_multithread = wsgi_multiprocess = False
  > simple.ServerHandler = OneWorker
  > simple.make_server("127.0.0.1", $HGPORT, hgweb(b"$TESTTMP/server"), handler_class=Handler).serve_forever()
  > EOF
  $ "$PYTHON" app.py > out 2>&1 & echo $! > app.pid; cat app.pid >> $DAEMON_PIDS
  $ "$PYTHON" "$TESTLIB/s3.py" wait $URL
  $ hg clone -q -U $URL alone
  1 new orphan changesets
  $ hg -R alone log -T '{node}\n' | sort | cmp - served
  $ events server
  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
