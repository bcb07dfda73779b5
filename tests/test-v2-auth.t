#require wireprotov2 hgs3-moto

A client that has authenticated by HTTP Basic sends its password with every
request it makes from then on, to any host, and S3 refuses a presigned request
that comes with one. Such a client is answered from the store, but not sent
there.

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ echo "public-endpoint-url = http://127.0.0.1:$HGPORT2" >> server/.hg/hgrc
  $ echo a > server/a
  $ hg -R server commit -qAm a

What stands where clients are sent to refuses, and tells what it was given

  $ cat > tattletale.py << EOF
  > import http.server
  > class Handler(http.server.BaseHTTPRequestHandler):
  >     def do_GET(self):
  >         with open("told", "a") as told:
  >             told.write("%s\n" % self.headers.get("Authorization"))
  >         self.send_error(400)
  >     def log_message(self, *args): pass
  > http.server.HTTPServer(("127.0.0.1", $HGPORT2), Handler).serve_forever()
  > EOF
  $ "$PYTHON" tattletale.py > tattletale.log 2>&1 & echo $! >> "$DAEMON_PIDS"
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT2
  $ rm told

  $ cat > app.py << EOF
  > import base64, socketserver, wsgiref.simple_server as simple
  > from mercurial.hgweb import hgweb
  > class Server(socketserver.ThreadingMixIn, simple.WSGIServer): daemon_threads = True
  > class Handler(simple.WSGIRequestHandler):
  >     def log_message(self, *args): pass
  > app = hgweb(b"$TESTTMP/server")
  > def guarded(env, respond):
  >     want = "Basic " + base64.b64encode(b"user:hunter2").decode()
  >     if env.get("HTTP_AUTHORIZATION") != want:
  >         respond("401 no", [("WWW-Authenticate", 'Basic realm="r"'), ("Content-Length", "0")])
  >         return []
  >     return app(env, respond)
  > simple.make_server("127.0.0.1", $HGPORT, guarded, Server, Handler).serve_forever()
  > EOF
  $ "$PYTHON" app.py > out 2>&1 & echo $! > app.pid; cat app.pid >> "$DAEMON_PIDS"
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT
  $ cat >> "$HGRCPATH" << EOF
  > [auth]
  > here.prefix = http://localhost:$HGPORT/
  > here.username = user
  > here.password = hunter2
  > EOF
  $ hg clone -q -U http://localhost:$HGPORT/ c1
  $ events server 6 | sed 's/ key.*//'
  miss changesetdata
  miss filesdata
  miss manifestdata
  stored changesetdata
  stored filesdata
  stored manifestdata
  $ hg clone -q -U http://localhost:$HGPORT/ c2
  $ samenodes server c2
  $ events server 3
  hit changesetdata key=cache/REPO/v2/changesetdata/REQUEST bytes=* ms=* via=inline (glob)
  hit filesdata key=cache/REPO/v2/filesdata/REQUEST bytes=* ms=* via=inline (glob)
  hit manifestdata key=cache/REPO/v2/manifestdata/REQUEST bytes=* ms=* via=inline (glob)
  $ test -e told
  [1]
  $ cat out

The same server without a password sends clients there, which this client does
not survive: what was tested above would have been seen

  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
  $ startserver server
  $ hg clone -q -U http://localhost:$HGPORT/ c3 2>&1 | tail -1
  abort: HTTP Error 400: Bad Request
  $ cat told
  None
