#require hgs3-moto

Short URLs, and what answers them

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ sed -i 's/^minimum-object-size.*/breaker-failures = 0/' server/.hg/hgrc

token NAME [SECONDS]: the path of a short URL of the object NAME, which is
stored, good for so many seconds

  $ cat > shorturl.py << EOF
  > import hashlib, io, sys, time
  > import hgdemandimport
  > try:
  >     from mercurial import initialization
  >     initialization.init()
  > except ImportError:
  >     pass
  > from mercurial import extensions, hg, ui as uimod
  > from hgs3 import service as servicemod
  > from hgs3.wireproto import s3get
  > ui = uimod.ui.load()
  > extensions.loadall(ui)
  > repo = hg.repository(ui, b"server")
  > service = servicemod.of(repo.ui)
  > name = hashlib.sha1(sys.argv[1].encode()).digest()
  > digest = s3get._repo_digest(service, repo)
  > body = sys.argv[1].encode() * 1000
  > service.store.put(s3get._segment_key("", digest, name), io.BytesIO(body), len(body),
  >     "application/octet-stream", {}, hashlib.sha256(body).hexdigest())
  > s3get.time.time = lambda: time.time_ns() / 1e9 - 21600 + int((sys.argv[2:] or [21600])[0])
  > print(s3get.url_for(service, repo, b"", "s", name).decode())
  > EOF
  $ token() { "$PYTHON" shorturl.py "$@" 2> /dev/null; } # a warning of 7.2 to developers

ask PATH [HEADER=VALUE]...: the status, some headers, the beginning of the body

  $ cat > ask.py << EOF
  > import http.client, sys
  > connection = http.client.HTTPConnection("127.0.0.1", $HGPORT, timeout=60)
  > connection.request("GET", sys.argv[1], headers=dict(a.split("=", 1) for a in sys.argv[2:]))
  > response = connection.getresponse()
  > print(response.status, response.reason)
  > for name in "Location", "Cache-Control", "ETag", "Content-Range", "X-Accel-Redirect":
  >     if response.getheader(name):
  >         print("%s: %s" % (name, response.getheader(name).partition("?")[0]))
  > try:
  >     body = response.read()
  >     print(len(body), body[:40].decode("ascii").strip())
  > except http.client.IncompleteRead as err:
  >     print("broken off")
  > EOF
  $ ask() { "$PYTHON" ask.py "$@"; }

A client is sent on, to what anybody may fetch who has the URL

  $ startserver server
  $ ONE=`token one`
  $ ask $ONE
  302 Found
  Location: http://$LOCALIP:$HGPORT1/hg-cache/cache/*/v1/getbundle/fe05bcdcdc4928012781a5f1a2a77cbb5398e106 (glob)
  Cache-Control: no-store
  0 
  $ "$PYTHON" -c "import urllib.request as r; print(len(r.urlopen('http://127.0.0.1:$HGPORT$ONE').read()))"
  3000

Nobody is whose token is altered, not one, or too old

  $ ask $ONE,
  403 not a short url of this repository
  Cache-Control: no-store
  35 not a short url of this repository
  $ ask /s3get/x | sed -n 1p
  403 not a short url of this repository
  $ ask /s3get | sed -n 1p
  403 not a short url of this repository
  $ ask `token one 0` | sed -n 1p
  403 the short url has expired
  $ ask `token one 60` | sed -n 1p
  302 Found

An object that is gone

  $ TWO=`token two`
  $ s3 rm hg-cache `s3 ls hg-cache | grep ad782ecdac770fc6eb9a62e44f90873fb97fb26b | cut -d' ' -f1`
  $ ask $TWO
  404 the object is gone
  Cache-Control: no-store
  19 the object is gone
  $ events server 1
  error getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=0 ms=* reason=the object of a short url is gone

A client with a password gets the object itself

  $ ask $ONE 'Authorization=Basic dXNlcjpwYXNz'
  200 OK
  Cache-Control: no-store
  3000 oneoneoneoneoneoneoneoneoneoneoneoneoneo
  $ stopserver

Permission is looked at before the token is

  $ startserver server --config web.deny_read=*
  $ ask $ONE
  401 read not authorized
  20 read not authorized
  $ ask /s3get/x | sed -n 1p
  401 read not authorized
  $ stopserver
  $ startserver server --config web.allow-pull=no
  $ ask $ONE | sed -n 1p
  401 pull not authorized
  $ stopserver

A store that breaks off when it sends to a client with a password: the response
ends with its connection

  $ startfaultproxy
  $ cat > fails.py << EOF
  > from mercurial.hgweb import common
  > def check(hgweb, req, op):
  >     if req.headers.get(b"X-Fail"):
  >         raise ValueError("told to")
  > common.permhooks.append(check)
  > EOF
  $ startserver server --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 --config extensions.fails=fails.py
  $ fault GET . cut-body
  $ ask $ONE 'Authorization=Basic dXNlcjpwYXNz'
  200 OK
  Cache-Control: no-store
  broken off
  $ fault
  $ events server 1
  error getbundle key=cache/REPO/v1/getbundle/REQUEST bytes=0 ms=* reason=GET failed: * (glob)

Whatever fails, the token is in no log

  $ ask $ONE X-Fail=1
  500 Internal Server Error
  21 Internal Server Error
  $ stopserver
  $ grep "'/s3get" error.log | sed 's/.*Exc/Exc/'
  Exception happened during processing request '/s3get/[token]':
  Exception happened during processing request '/s3get/[token]':
  $ grep -c 's3get/.token. HTTP' access.log
  10
  $ for url in $ONE $TWO; do grep -F "${url#/s3get/}" access.log error.log server/.hg/blackbox.log; done
  [1]

Clients come to where they came from, below whatever prefix

  $ hg init history
  $ configureserver history
  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > httppeer.advertise-v2 = no
  > EOF
  $ hg -R history debugbuilddag '+70'
  $ hg -R history phase -q -p -r 'all()'
  $ : > access.log
  $ startserver history --prefix a/prefix
  $ hg clone -q -U http://localhost:$HGPORT/a/prefix c1
  $ events history 2 | cut -d' ' -f1
  miss
  stored
  $ hg clone -q -U http://localhost:$HGPORT/a/prefix c2
  $ grep s3get access.log | sed 's/.*"GET/GET/'
  GET /a/prefix/s3get/[token] HTTP/1.1" 302 -
  $ stopserver
  $ cat > web.conf << EOF
  > [paths]
  > some/name = $TESTTMP/history
  > EOF
  $ startwebdir() {
  >   : > access.log
  >   hg serve -d -p $HGPORT --pid-file hg.pid -A access.log -E error.log --web-conf web.conf "$@"
  >   cat hg.pid >> $DAEMON_PIDS
  > }
  $ startwebdir
  $ hg clone -q -U http://localhost:$HGPORT/some/name c3
  $ grep s3get access.log | sed 's/.*"GET/GET/'
  GET /some/name/s3get/[token] HTTP/1.1" 302 -
  $ stopserver
  $ startwebdir --prefix a/prefix
  $ hg clone -q -U http://localhost:$HGPORT/a/prefix/some/name c4
  $ grep s3get access.log | sed 's/.*"GET/GET/'
  GET /a/prefix/some/name/s3get/[token] HTTP/1.1" 302 -
  $ stopserver

A server in front may have been asked for something else: without public-url,
what comes through one is answered inline

  $ cat > forwarded.py << EOF
  > from mercurial.hgweb import request
  > from mercurial import extensions
  > def parserequestfromenv(orig, env, *args, **kwargs):
  >     return orig(dict(env, HTTP_X_FORWARDED_FOR="10.0.0.1"), *args, **kwargs)
  > extensions.wrapfunction(request, "parserequestfromenv", parserequestfromenv)
  > EOF
  $ : > access.log
  $ hg -R history serve -p $HGPORT --pid-file hg.pid -A access.log -E error.log > out 2>&1 --config extensions.forwarded=forwarded.py &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ hg clone -q -U http://localhost:$HGPORT/ c5
  $ hg clone -q -U http://localhost:$HGPORT/ c6
  $ stopserver
  $ grep -c s3get access.log
  0
  [1]
  $ grep s3wire out
  s3wireprotocache: no short urls for requests that come through another server (set s3wireprotocache.public-url)
  $ startserver history --config extensions.forwarded=forwarded.py --config s3wireprotocache.public-url=http://localhost:$HGPORT
  $ hg clone -q -U http://localhost:$HGPORT/ c7
  $ stopserver
  $ grep s3get access.log | sed 's/.*"GET/GET/'
  GET /s3get/[token] HTTP/1.1" 302 -

A store that is a folder gives its objects itself, and parts of them

  $ cat > server/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > [s3wireprotocache]
  > store = file:$TESTTMP/objects
  > EOF
  $ startserver server
  $ ONE=`token one`
  $ ask $ONE
  200 OK
  Cache-Control: no-store
  3000 oneoneoneoneoneoneoneoneoneoneoneoneoneo
  $ ask $ONE Range=bytes=1-4
  206 Partial Content
  Cache-Control: no-store
  Content-Range: bytes 1-4/3000
  4 neon
  $ ask $ONE Range=bytes=3000-
  416 Range Not Satisfiable
  Cache-Control: no-store
  Content-Range: bytes */3000
  0 
  $ ls -l objects/url-secret | cut -c1-10
  -rw-------
  $ stopserver

or leaves that to the server in front of it

  $ startserver server --config s3wireprotocache.sendfile-header='X-Accel-Redirect: /hg-s3/'
  $ ask $ONE
  200 OK
  Cache-Control: no-store
  X-Accel-Redirect: /hg-s3/objects/* (glob)
  0 
  $ stopserver
