#require wireprotov2 hgs3-moto

A store that fails is left alone for a while
============================================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ startfaultproxy
  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > endpoint-url = http://127.0.0.1:$HGPORT2
  > public-endpoint-url = $STORE
  > breaker-failures = 3
  > breaker-rest = 3600
  > EOF
  $ cd server
  $ for i in 1 2 3; do "$PYTHON" -c "print('$i' * 40000)" > f$i; hg -q commit -A -m $i -d '0 0' -u test; done
  $ cd ..
  $ node() { hg -R server manifest --debug -r tip | sed -n "s/ .* $1\$//p"; }
  $ for i in 1 2 3; do eval "FILE$i=\"{b'path': b'f$i', b'nodes': n('$(node f$i)'), b'fields': {b'parents', b'revision'}}\""; done
  $ ask() { v2command filedata "$1" | sed 's/ [0-9]* objects, sha256.*//'; }
  $ kinds() { events server $1 > lines; sed 's/ filedata.* via=/ /; s/ filedata.*//' lines | sort | uniq -c | sed 's/^ *//'; }
  $ startforeground() {
  >   hg -R server serve -p $HGPORT --pid-file hg.pid -A access.log "$@" > out 2>&1 &
  >   "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  > }

(what comes to the server's terminal, without what it says at its end)

  $ said() { grep -v killed! out; : > out; }
  $ v2command filedata "$FILE1" > /dev/null 2>&1
  [1]
  $ startforeground
  $ for file in "$FILE1" "$FILE2"; do ask "$file"; kinds 2; done
  inline,
  1 miss
  1 stored
  inline,
  1 miss
  1 stored
  $ requests > /dev/null

After three faults in a row the store gets no request any more
---------------------------------------------------------------

  $ fault '* . 503'
  $ for i in 1 2 3 4 5 6 7; do ask "$FILE1"; done
  inline,
  inline,
  inline,
  inline,
  inline,
  inline,
  inline,
  $ kinds 7
  4 bypassed
  3 error
  $ grep bypassed lines | head -1
  bypassed filedata key=cache/REPO/v2/filedata/REQUEST bytes=0 ms=* reason=left alone for 3600 s after 3 faults in a row, the last: HEAD failed: * (glob)

(each is tried twice)

  $ requests
  6 503 HEAD

What does not ask for that object is left alone, too; and so is one that is well
again, until the rest is over

  $ ask "$FILE3"
  inline,
  $ fault
  $ ask "$FILE2"
  inline,
  $ kinds 2
  2 bypassed
  $ requests

One warning is all that is said of it

  $ stopserver
  $ said
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: HEAD failed: * (glob)

After a rest, a probe decides
=============================

A probe that fails: another rest

  $ startforeground --config s3wireprotocache.breaker-rest=1 --config s3wireprotocache.breaker-failures=2
  $ requests
  1 pass HEAD
  $ fault '* . 503'
  $ probes() { grep -c 'HEAD /hg-cache$' requests; }
  $ untilprobes() { for i in $(seq 600); do ask "$FILE1" > /dev/null; test $(probes) -ge $1 && return; sleep 0.1; done; echo "no $1 probes"; }
  $ untilprobes 2
  $ untilprobes 4
  $ grep -v 'HEAD /hg-cache$' requests | cut -d' ' -f1,2 | sort | uniq -c | sed 's/^ *//'
  4 503 HEAD
  $ events server > lines; sed 's/ .*//' lines | sort -u
  bypassed
  error
  $ grep -c ^error lines
  2

One that is well: hits again

  $ fault
  $ for i in $(seq 600); do ask "$FILE1" > last; grep -q redirected last && break; sleep 0.1; done; cat last
  redirected,
  $ ask "$FILE2"
  redirected,
  $ events server > lines; sed 's/ filedata.*via=/ /; s/ filedata.*//' lines | sort -u
  bypassed
  hit redirect
  $ stopserver
  $ said
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: HEAD failed: * (glob)
  s3wireprotocache: bucket hg-cache can be used again

Writes rest apart from reads: a bucket that may only be read
============================================================

  $ fault 'PUT . 403'
  $ startforeground --config s3wireprotocache.breaker-failures=2
  $ requests > /dev/null
  $ for i in 1 2 3 4; do ask "$FILE3"; kinds 2; done
  inline,
  1 error
  1 miss
  inline,
  1 error
  1 miss
  inline,
  1 bypassed
  1 miss
  inline,
  1 bypassed
  1 miss
  $ grep bypassed lines
  bypassed filedata key=cache/REPO/v2/filedata/REQUEST bytes=* ms=* reason=left alone for 3600 s after 2 faults in a row, the last: PUT failed: * (glob)
  $ requests
  2 403 PUT
  8 pass HEAD
  $ ask "$FILE1"
  redirected,
  $ kinds 1
  1 hit redirect
  $ stopserver
  $ said
  warning: s3wireprotocache: bucket hg-cache cannot be used, serving without the cache until it can: PUT failed: * (glob)

Nothing secret was said to anybody

  $ grep -rl 'X-Amz-\|test-secret' server/.hg/blackbox.log* access.log out requests*
  [1]
