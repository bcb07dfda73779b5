#require wireprotov2 hgs3-moto

Whatever the store does, clients are served

  $ . "$TESTDIR/helpers.sh"
  $ TMPDIR="$TESTTMP/tmp"; mkdir "$TMPDIR"; export TMPDIR
  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > # the outages here are seen to their end; test-v2-breaker.t has the breaker
  > breaker-failures = 0
  > commands = manifestdata filesdata filedata
  > EOF
  $ cat >> server/.hg/hgrc << EOF
  > read-timeout = 2
  > connect-timeout = 1
  > EOF
  $ cd server
  $ for i in 1 2 3; do echo $i > f$i; hg -q commit -A -m $i; done
  $ hg rm f2
  $ hg commit -m 'remove f2'
  $ cd ..
  $ clone() { rm -rf "$1"; hg clone -q -U http://localhost:$HGPORT/ "$1" && samenodes server "$1"; }

Nobody listens at the endpoint: one warning at the start, and uncached service
==============================================================================

  $ startserver server
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: HEAD failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT1/hg-cache"
  $ clone c1
  $ events server 2
  error filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=* reason=HEAD failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT1/hg-cache/cache/REPO/v2/filesdata/REQUEST"
  error manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=* reason=HEAD failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT1/hg-cache/cache/REPO/v2/manifestdata/REQUEST"

The store comes up, without the bucket: HEAD says no more than "not there"

  $ startstore
  $ clone c2
  $ events server 4
  error filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* reason=PUT failed: An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist (create the bucket or correct bucket) (glob)
  error manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* reason=PUT failed: An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist (create the bucket or correct bucket) (glob)
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*

The bucket is made, and the cache works without a restart

  $ s3 mb hg-cache
  $ clone c3
  $ events server 4
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ clone c4
  $ events server 2
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)

The store stops in the middle of a run, and starts again (empty: it is moto)
============================================================================

  $ stopstore
  $ clone c5
  $ events server 2
  error filesdata * reason=HEAD failed: * (glob)
  error manifestdata * reason=HEAD failed: * (glob)
  $ startstore
  $ s3 mb hg-cache
  $ clone c6
  $ events server 4
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  miss manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=0 ms=*
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  stored manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* (glob)
  $ clone c7
  $ events server 2
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ stopserver

What the terminal sees: one warning an outage, one line when it is over

  $ hg -R server serve -p $HGPORT --pid-file hg.pid -A access.log > out 2>&1 &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ clone c8
  $ stopstore
  $ clone c9
  $ clone c10
  $ startstore
  $ s3 mb hg-cache
  $ clone c11
  $ stopserver
  $ grep -v killed! out
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: HEAD failed: * (glob)
  s3wireprotocache: bucket hg-cache can be used again
  $ events server > /dev/null

A wrong bucket: one warning, however many clients
=================================================

  $ hg -R server serve -p $HGPORT --pid-file hg.pid -A access.log --config s3wireprotocache.bucket=no-such-bucket > out 2>&1 &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ clone c12
  $ events server 4 | sed 's/ key.*//'
  error filesdata
  error manifestdata
  miss filesdata
  miss manifestdata
  $ clone c13
  $ events server 4 > /dev/null
  $ clone c14
  $ events server 4 > /dev/null
  $ s3 mb no-such-bucket
  $ clone c15
  $ events server 4 | sed 's/ key.*//'
  miss filesdata
  miss manifestdata
  stored filesdata
  stored manifestdata
  $ stopserver
  $ grep -v killed! out
  warning: s3wireprotocache: bucket no-such-bucket cannot be used, serving without the cache until it can: there is no bucket no-such-bucket (create the bucket or correct bucket)
  s3wireprotocache: bucket no-such-bucket can be used again

A terminal that takes nothing any more stops neither server nor uploads

  $ hg -R server serve -p $HGPORT --pid-file hg.pid -A access.log -E error.log --config s3wireprotocache.bucket=third-bucket > /dev/null 2> /dev/full &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ for c in c16 c17; do clone $c; events server 4 > /dev/null; done
  $ s3 mb third-bucket
  $ clone c18
  $ events server 4 | sed 's/ key.*//'
  miss filesdata
  miss manifestdata
  stored filesdata
  stored manifestdata
  $ stopserver

An endpoint that is no S3 server, but answers
=============================================

  $ cat > garbage.py << EOF
  > import http.server, os, sys
  > class Handler(http.server.BaseHTTPRequestHandler):
  >     def answer(self):
  >         self.rfile.read(int(self.headers.get("Content-Length", 0)))
  >         self.send_response(int(sys.argv[2]))
  >         self.send_header("Content-Length", "7")
  >         self.end_headers()
  >         if self.command != "HEAD":
  >             self.wfile.write(b"garbage")
  >     do_GET = do_HEAD = do_PUT = do_POST = answer
  > server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
  > server.serve_forever()
  > EOF
  $ for status in 200 301 400 403 404 500 503; do
  >   echo "== $status"
  >   "$PYTHON" garbage.py $HGPORT2 $status > garbage.log 2>&1 & echo $! > garbage.pid; cat garbage.pid >> $DAEMON_PIDS
  >   "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT2
  >   startserver server --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 2>&1 | sed 's/ cannot be used.*//'
  >   clone garbage$status
  >   stopserver
  >   "$PYTHON" "$TESTLIB/stop.py" garbage.pid
  >   case $status in 200|404) n=4;; *) n=2;; esac
  >   events server $n > lines || echo too few
  >   sed 's/ key.*//' lines
  > done
  == 200
  error filesdata
  error manifestdata
  miss filesdata
  miss manifestdata
  == 301
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata
  == 400
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata
  == 403
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata
  == 404
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata
  miss filesdata
  miss manifestdata
  == 500
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata
  == 503
  warning: s3wireprotocache: bucket hg-cache
  error filesdata
  error manifestdata

An endpoint that accepts connections and then says nothing
==========================================================

  $ cat > silent.py << EOF
  > import socket, sys, time
  > listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
  > open("silent.ready", "w").close()
  > while True: kept = listener.accept()
  > EOF
  $ "$PYTHON" silent.py $HGPORT2 > silent.log 2>&1 & echo $! > silent.pid; cat silent.pid >> $DAEMON_PIDS
  $ while ! test -e silent.ready; do sleep 0.1; done
  $ startserver server --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 --config s3wireprotocache.read-timeout=0.5
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: HEAD failed: * (glob)
  $ clone silent
  $ events server 2
  error filesdata * reason=HEAD failed: * (glob)
  error manifestdata * reason=HEAD failed: * (glob)
  $ stopserver
  $ "$PYTHON" "$TESTLIB/stop.py" silent.pid

The client is killed in the middle of a big response
====================================================

  $ "$PYTHON" - << EOF
  > import random
  > random.seed(0)
  > for i in range(20):
  >     with open("server/big%d" % i, "w") as f: f.write("%x" % random.getrandbits(8000000))
  > EOF
  $ hg -R server commit -q -A -m big
  $ s3 ls hg-cache > before
  $ startserver server
  $ CSETS=$(hg -R server log -r tip -T '{node} ')
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ v2command filesdata "$FILES" --hang-up
  hung up
  $ events server 2
  dropped filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* reason=response not completed (glob)
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  $ s3 ls hg-cache | cmp - before

The same request again is a miss, and stored

  $ v2command filesdata "$FILES"
  inline, 61 objects, sha256 * (glob)
  $ events server 2
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)
  $ s3 ls hg-cache | wc -l
  3

A command that fails on its way stores nothing
==============================================

  $ hg clone -q --pull server broken --config experimental.httppeer.advertise-v2=false
  $ configureserver broken
  $ stopserver
  $ "$PYTHON" - << EOF
  > path = "broken/.hg/store/data/big9.i"
  > with open(path, "r+b") as f: f.seek(120); f.write(b"damage" * 20)
  > EOF
  $ startserver broken
  $ v2command filesdata "$FILES"
  remote error: * (glob)
  [1]
  $ events broken 2
  dropped filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* reason=response not completed (glob)
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  $ s3 ls hg-cache | wc -l
  3
  $ stopserver

A server that is stopped finishes its uploads
=============================================

  $ startserver server --config s3wireprotocache.repo-id=stopped
  $ v2command filesdata "$FILES"; stopserver
  inline, 61 objects, sha256 * (glob)
  $ events server 2
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  stored filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* (glob)

A disk that is full under the spool: responses go out, and are not stored
=========================================================================

(the system refuses files of more than 3 MB to this server)

  $ limited() { (ulimit -f 3000; startserver server "$@"); }
  $ limited --config s3wireprotocache.repo-id=full
  $ v2command filesdata "$FILES"
  inline, 61 objects, sha256 * (glob)
  $ events server 2
  error filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* reason=cannot spool: * (glob)
  miss filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=*
  $ stopserver

Nor can a stored body be fetched: the command runs

  $ limited --config s3wireprotocache.repo-id=stopped
  $ v2command filesdata "$FILES" --no-redirect
  inline, 61 objects, sha256 * (glob)
  $ events server 1
  error filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=0 ms=* reason=cannot spool: * (glob)
  $ v2command filesdata "$FILES"
  redirected, 61 objects, sha256 * (glob)
  $ events server 1
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=redirect (glob)
  $ stopserver

No spool is left behind, and no presigned query string

  $ ls "$TMPDIR"
  $ grep -rl X-Amz- server/.hg access.log error.log out
  [1]
