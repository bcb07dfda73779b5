#require hgs3-moto

A web server that starts hgweb.cgi for each request: no process is there to make
segments, so one in the background does
================================================================================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ configureserver server
  $ gatesegments server
  $ cat >> server/.hg/hgrc << EOF
  > [s3wireprotocache]
  > exists-ttl = 0
  > [experimental]
  > web.apiserver = false
  > EOF
  $ cat > hgweb.cgi << EOF
  > from mercurial import demandimport; demandimport.enable()
  > from mercurial.hgweb import hgweb, wsgicgi
  > wsgicgi.launch(hgweb(b"$TESTTMP/server"))
  > EOF
  $ cat > cgiserver.py << EOF
  > """Starts hgweb.cgi, and sends what it says when it has closed its output."""
  > import http.server, os, subprocess, sys
  > class Handler(http.server.BaseHTTPRequestHandler):
  >     def log_message(self, *args): pass
  >     def do_GET(self):
  >         path, _mark, query = self.path.partition("?")
  >         env = {name: value for name, value in os.environ.items() if name != "HG"}
  >         env.update(
  >             {"HTTP_" + name.upper().replace("-", "_"): value
  >              for name, value in self.headers.items()},
  >             GATEWAY_INTERFACE="CGI/1.1", SERVER_PROTOCOL="HTTP/1.1",
  >             SERVER_NAME="localhost", SERVER_PORT="$HGPORT", REMOTE_ADDR="127.0.0.1",
  >             REQUEST_METHOD=self.command, SCRIPT_NAME="", PATH_INFO=path,
  >             QUERY_STRING=query, CONTENT_LENGTH=self.headers.get("Content-Length", ""),
  >             CONTENT_TYPE=self.headers.get("Content-Type", ""))
  >         body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
  >         done = subprocess.run(
  >             [sys.executable, "hgweb.cgi"], input=body, env=env,
  >             stdout=subprocess.PIPE, stderr=open("cgi.error", "a"))
  >         head, _blank, body = done.stdout.partition(b"\r\n\r\n")
  >         headers = [line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")]
  >         status = [value for name, value in headers if name == "Status"] or ["200"]
  >         self.send_response_only(int(status[0].split()[0]))
  >         for name, value in headers:
  >             if name not in ("Status", "Content-Length"):
  >                 self.send_header(name, value)
  >         self.send_header("Content-Length", str(len(body)))
  >         self.end_headers()
  >         self.wfile.write(body)
  >     do_POST = do_GET
  > http.server.ThreadingHTTPServer(("127.0.0.1", $HGPORT), Handler).serve_forever()
  > EOF
  $ "$PYTHON" cgiserver.py > cgi.out 2>&1 & echo $! > cgi.pid; cat cgi.pid >> "$DAEMON_PIDS"
  $ URL=http://localhost:$HGPORT/
  $ "$PYTHON" "$TESTLIB/s3.py" wait $URL

The clone, and the process that answers it, are over while the segments are still
being made; who comes meanwhile has no second process make them

  $ hold all
  $ hg clone -q -U $URL first
  $ same server first
  $ waitfor making 0+256 1
  $ hg clone -q -U $URL meanwhile
  $ same server meanwhile
  $ sed 's/ [0-9][0-9]* / /' making
  0+256 publish MainThread
  $ events server 4 | sed 's/ key.*//' | uniq
  miss getbundle

It makes them all, and ends

  $ hold
  $ events server 2 | sed 's/ key.*//'
  stored getbundle
  stored getbundle
  $ sed 's/ [0-9][0-9]* / /' making
  0+256 publish MainThread
  256+128 publish MainThread
  $ storedonce server
  2 stored 1 time(s)
  $ hg clone -q -U $URL second
  $ same server second
  $ events server 2 | sed 's/ key.*//'
  hit getbundle
  hit getbundle

A pull that finds others missing

  $ hg clone -q -U -r 70 server stale
  $ hg -R stale pull -q $URL
  $ same server stale
  $ events server 5 | sed 's/ key.*//' | uniq
  hit getbundle
  miss getbundle
  stored getbundle
  $ sed 's/ [0-9][0-9]* / /' making | tail -n +3
  64+64 publish MainThread
  128+128 publish MainThread
  $ storedonce server
  4 stored 1 time(s)

  $ cat cgi.out cgi.error
  $ "$PYTHON" "$TESTLIB/stop.py" cgi.pid
