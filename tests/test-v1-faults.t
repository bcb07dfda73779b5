#require hgs3-moto

Faults around segments: a pull never fails for want of the store

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > connect-timeout = 1
  > breaker-failures = 2
  > breaker-rest = 3600
  > exists-ttl = 0
  > [experimental]
  > web.apiserver = false
  > EOF
  $ startserver server
  $ URL=http://localhost:$HGPORT/
  $ hg s3cache warm -R server
  stored         getbundle            235 KB  10 segments
  10 stored (235 KB), 0 there already, 0 skipped, 0 not cached, 0 failed
  $ events server 10 | sed 's/ key.*//' | sort -u
  stored getbundle
  $ hg s3cache warm -R server
  there already  getbundle            235 KB  10 segments
  0 stored (0 bytes), 10 there already, 0 skipped, 0 not cached, 0 failed
  $ hg clone -q -U $URL hit
  $ events server 2 | sed 's/ key.*//'
  hit getbundle
  hit getbundle

An object that is not what was stored is not given to anybody, and made anew

  $ key=$(s3 ls hg-cache | grep -v lease | sort -k2 -n | tail -1 | sed 's/ .*//')
  $ echo garbage > garbage
  $ s3 put hg-cache $key < garbage
  $ hg clone -q -U $URL damaged
  $ same server damaged
  $ events server 6 | sed 's/ key.*reason/ reason/; s/ key.*//'
  hit getbundle
  hit getbundle
  hit getbundle
  miss getbundle
  stored getbundle
  stored getbundle

The second one was for the third client that comes before a push

  $ hg clone -q -U $URL mended
  $ same server mended
  $ events server 1 | sed 's/ key.*//'
  hit getbundle
  $ key=$(grep -o 'hit getbundle key=[^ ]*' server/.hg/blackbox.log | tail -1 | sed 's/.*key=//')

An object that is gone by the time that its URL is followed

  $ cat > gone.py << EOF
  > from mercurial import bundle2, extensions, url
  > import os
  > def extsetup(ui):
  >     def opened(orig, ui, address, *args, **opts):
  >         if b"s3get" in address:
  >             os.system("'$PYTHON' '$TESTLIB/s3.py' rm $STORE hg-cache " + os.environ["KEY"])
  >         return orig(ui, address, *args, **opts)
  >     extensions.wrapfunction(url, "open", opened)
  > EOF
  $ KEY=$key hg clone -q -U $URL gone --config extensions.gone=$TESTTMP/gone.py 2>&1 | grep abort
  abort: HTTP Error 404: the object is gone
  $ events server 2 | sed 's/ key.*reason/ reason/; s/ key.*//'
  error getbundle reason=the object of a short url is gone
  hit getbundle
  $ hg clone -q -U $URL again
  $ events server 3 > /dev/null

The store is down: clients get what they always got, at first after a look, and
then without

  $ stopstore
  $ for i in 1 2 3; do hg clone -q -U $URL down$i && same server down$i; done
  $ events server 3 | sed 's/ key.*reason=\(.\{10\}\).*/ reason=\1/'
  bypassed getbundle reason=left alone
  bypassed getbundle reason=left alone
  error getbundle reason=* (glob)
  $ stopserver
  $ cat error.log

A client that was sent here while the store was up, and comes when we cannot reach it

  $ startstore
  $ s3 mb hg-cache
  $ startserver server --config s3wireprotocache.breaker-failures=0
  $ hg s3cache warm -R server > /dev/null
  $ events server 10 > /dev/null
  $ cat > stop.py << EOF
  > from mercurial import extensions, url
  > import os
  > def extsetup(ui):
  >     def opened(orig, ui, address, *args, **opts):
  >         if b"s3get" in address:
  >             os.system("'$PYTHON' '$TESTLIB/stop.py' store.pid 2> stop.err")
  >         return orig(ui, address, *args, **opts)
  >     extensions.wrapfunction(url, "open", opened)
  > EOF
  $ hg clone -q -U $URL late --config extensions.stop=$TESTTMP/stop.py 2>&1 | grep abort
  abort: error: Connection refused
  $ events server 3 | sed 's/ key.*reason.*/ reason/; s/ key.*//'
  error getbundle reason
  hit getbundle
  hit getbundle
  $ hg clone -q -U $URL uncached
  $ same server uncached
  $ stopserver
