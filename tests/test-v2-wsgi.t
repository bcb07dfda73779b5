#require wireprotov2 hgs3-moto

A WSGI application of one repository, in a server that is not hg serve

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ echo a > server/a
  $ hg -R server commit -qAm a
  $ cat > app.py << EOF
  > import socketserver, sys, wsgiref.simple_server as simple
  > from mercurial import demandimport; demandimport.enable()
  > from mercurial.hgweb import hgweb
  > class Server(socketserver.ThreadingMixIn, simple.WSGIServer):
  >     daemon_threads = True
  > class Handler(simple.WSGIRequestHandler):
  >     def log_message(self, *args): pass
  > application = hgweb(b"$TESTTMP/server")
  > simple.make_server("127.0.0.1", $HGPORT, application, Server, Handler).serve_forever()
  > EOF
  $ startapp() {
  >   "$PYTHON" app.py > out 2>&1 & echo $! > app.pid; cat app.pid >> $DAEMON_PIDS
  >   "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT
  > }
  $ startapp
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
  $ events server 3 | sed 's/ key.*//'
  hit changesetdata
  hit filesdata
  hit manifestdata
  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
  $ cat out

Many at once, from the first request on

  $ startapp
  $ for i in 1 2 3 4 5 6; do hg clone -q -U http://localhost:$HGPORT/ many$i & clones="$clones $!"; done; wait $clones
  $ for i in 1 2 3 4 5 6; do samenodes server many$i; done
  $ events server 12 | sed 's/ key.*//' | sort | uniq -c
        6 hit changesetdata
  \s*6 hit filesdata (re)
  \s*6 hit manifestdata (re)
  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
  $ cat out

A wrong setting is named once, and the repository is served without the cache

  $ echo 'url-lifetime = soon' >> server/.hg/hgrc
  $ startapp
  $ hg clone -q -U http://localhost:$HGPORT/ c3
  $ hg clone -q -U http://localhost:$HGPORT/ c4
  $ samenodes server c4
  $ events server
  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
  $ cat out
  warning: s3wireprotocache.url-lifetime is not a number of seconds that S3 allows: 'soon'
  (set s3wireprotocache.url-lifetime to 1 to 604800 (seven days); serving without the cache until then)

A server that forks its workers after it has made the application and has
answered a request by itself, so that there is something to inherit

  $ sed -i '/url-lifetime/d' server/.hg/hgrc
  $ echo 'repo-id = forked' >> server/.hg/hgrc
  $ cat > app.py << EOF
  > import os, signal, socketserver, sys, wsgiref.simple_server as simple
  > from mercurial.hgweb import hgweb
  > class Handler(simple.WSGIRequestHandler):
  >     def log_message(self, *args): pass
  > server = simple.make_server("127.0.0.1", $HGPORT, hgweb(b"$TESTTMP/server"), handler_class=Handler)
  > for i in range(REQUESTS): server.handle_request()
  > workers = []
  > for i in range(2):
  >     pid = os.fork()
  >     if not pid: server.serve_forever()
  >     workers.append(pid)
  > def stop(*args):
  >     for pid in workers: os.kill(pid, signal.SIGTERM)
  >     for pid in workers: os.waitpid(pid, 0)
  >     os._exit(0)
  > signal.signal(signal.SIGTERM, stop)
  > signal.pause()
  > EOF

(one request to see that it is there, and the five of a clone)

  $ sed -i 's/REQUESTS/6/' app.py
  $ startapp
  $ hg clone -q -U http://localhost:$HGPORT/ c5
  $ events server 6 | sed 's/ key.*//'
  miss changesetdata
  miss filesdata
  miss manifestdata
  stored changesetdata
  stored filesdata
  stored manifestdata
  $ hg clone -q -U http://localhost:$HGPORT/ c6
  $ samenodes server c6
  $ events server 3 | sed 's/ key.*//'
  hit changesetdata
  hit filesdata
  hit manifestdata
  $ echo b > server/b
  $ hg -R server commit -qAm b
  $ hg clone -q -U http://localhost:$HGPORT/ c7
  $ samenodes server c7
  $ events server 6 | sed 's/ key.*//'
  miss changesetdata
  miss filesdata
  miss manifestdata
  stored changesetdata
  stored filesdata
  stored manifestdata
  $ "$PYTHON" "$TESTLIB/stop.py" app.pid
  $ cat out
