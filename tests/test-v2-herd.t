#require wireprotov2 hgs3-moto

Many clients ask for the same thing at once: it is computed once
================================================================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ cd server
  $ for i in 1 2 3 4 5 6; do "$PYTHON" -c "print('$i' * 40000)" > f$i; hg -q commit -A -m $i -d '0 0' -u test; done
  $ cd ..

A filesdata that says who runs it, and stops half-way until it may go on

  $ cat > gate.py << EOF
  > import os, time
  > from mercurial import extensions, wireprotov2server
  > top = os.environ['TESTTMP']
  > def filesdata(orig, repo, proto, **args):
  >     with open(os.path.join(top, 'computed'), 'a') as f:
  >         f.write('%d\n' % os.getpid())
  >     for number, obj in enumerate(orig(repo, proto, **args)):
  >         if number == 10:
  >             while not os.path.exists(os.path.join(top, 'gate')):
  >                 time.sleep(0.02)
  >         yield obj
  > def extsetup(ui):
  >     entry = wireprotov2server.COMMANDS[b'filesdata']
  >     entry.func = (lambda orig: lambda *a, **k: filesdata(orig, *a, **k))(entry.func)
  > EOF
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > gate = $TESTTMP/gate.py
  > EOF
  $ cat > waitfor.py << EOF
  > """waitfor.py FILE TEXT N: wait until N lines of FILE hold TEXT"""
  > import sys, time
  > name, text, number = sys.argv[1:]
  > for _ in range(3000):
  >     try:
  >         lines = [line for line in open(name) if text in line]
  >     except FileNotFoundError:
  >         lines = []
  >     if len(lines) >= int(number):
  >         sys.exit()
  >     time.sleep(0.02)
  > sys.exit('only %d of %s lines' % (len(lines), number))
  > EOF
  $ waitfor() { "$PYTHON" waitfor.py "$@"; }
  $ CSETS=$(hg -R server log -r 'all()' -T '{node} ')
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"

Two server processes of one repository

  $ serve() { # REPO PORT NAME [ARGS]
  >   repo=$1; port=$2; name=$3; shift 3
  >   hg -R $repo serve -d -p $port --pid-file $name.pid -A $name.access -E $name.error "$@"
  >   cat $name.pid >> "$DAEMON_PIDS"
  > }
  $ stop() { "$PYTHON" "$TESTLIB/stop.py" "$1.pid"; }
  $ startherd() { # PORT OPTIONS NAME...: clients in the background
  >   port=$1; option=$2; shift 2
  >   for name in "$@"; do
  >     "$PYTHON" "$TESTLIB/v2client.py" "http://127.0.0.1:$port/" filesdata "$FILES" $option > $name.out 2>&1 &
  >     echo $! > $name.client; echo $! >> "$DAEMON_PIDS"
  >   done
  > }
  $ endherd() {
  >   for name in "$@"; do wait $(cat $name.client); done
  >   for name in "$@"; do cat $name.out; done > ended
  >   sed 's/, sha256.*//' ended | sort | uniq -c; sed 's/.*sha256//' ended | sort -u | wc -l | tr -d ' '
  > }
  $ serve server $HGPORT one
  $ serve server $HGPORT2 two
  $ startherd $HGPORT '' a1
  $ waitfor computed '' 1
  $ startherd $HGPORT '' a2 a3 a4
  $ startherd $HGPORT2 '' b1 b2 b3 b4
  $ waitfor server/.hg/blackbox.log ' miss filesdata' 8
  $ touch gate
  $ endherd a1 a2 a3 a4 b1 b2 b3 b4
  \s*1 inline, 19 objects (re)
  \s*7 redirected, 19 objects (re)
  1
  $ wc -l < computed | tr -d ' '
  1
  $ events server 16 | sed 's/ key.*via/ via/; s/ key.*//' | uniq -c
  \s*7 hit filesdata via=redirect (re)
  \s*8 miss filesdata (re)
  \s*1 stored filesdata (re)
  $ ls server/.hg/cache/hg-s3

Clients that follow no redirect read along while it is made; in another process
they wait, unless it is large and so on the disk
-------------------------------------------------------------------------------

  $ renew() { rm -f gate computed; for key in $(s3 ls hg-cache | cut -d' ' -f1); do s3 rm hg-cache $key; done; events server > /dev/null; }
  $ renew
  $ startherd $HGPORT --no-redirect a1
  $ waitfor computed '' 1
  $ startherd $HGPORT --no-redirect a2
  $ startherd $HGPORT2 --no-redirect b1
  $ startherd $HGPORT2 '' b2
  $ waitfor server/.hg/blackbox.log ' miss filesdata' 12
  $ touch gate
  $ endherd a1 a2 b1 b2
  \s*3 inline, 19 objects (re)
  \s*1 redirected, 19 objects (re)
  1
  $ wc -l < computed | tr -d ' '
  1
  $ events server 8 | sed 's/ key.*via/ via/; s/ key.*//' | sort | uniq -c
  \s*1 hit filesdata via=inline (re)
  \s*1 hit filesdata via=redirect (re)
  \s*1 hit filesdata via=spool (re)
  \s*4 miss filesdata (re)
  \s*1 stored filesdata (re)

The first client goes away: the others get theirs
-------------------------------------------------

  $ renew
  $ startherd $HGPORT '' a1
  $ waitfor computed '' 1
  $ startherd $HGPORT '' a2 a3
  $ startherd $HGPORT2 '' b1
  $ waitfor server/.hg/blackbox.log ' miss filesdata' 16
  $ kill -9 $(cat a1.client)
  $ wait $(cat a1.client) 2> /dev/null
  [137]
  $ touch gate
  $ endherd a2 a3 b1 > herd; tail -1 herd
  1
  $ cat a2.out a3.out b1.out | grep -c '19 objects'
  3

The process that computes is killed: another one takes over at once
-------------------------------------------------------------------

  $ renew
  $ startherd $HGPORT '' a1
  $ waitfor computed '' 1
  $ startherd $HGPORT2 '' b1 b2 b3
  $ waitfor server/.hg/blackbox.log ' miss filesdata' 20
  $ cmp computed one.pid
  $ kill -9 $(cat one.pid)
  $ kill -9 $(cat a1.client) # it would wait for ever
  $ waitfor computed '' 2
  $ sed -n 2p computed | cmp - two.pid
  $ touch gate
  $ endherd b1 b2 b3
  \s*1 inline, 19 objects (re)
  \s*2 redirected, 19 objects (re)
  1
  $ wc -l < computed | tr -d ' '
  2
  $ ls server/.hg/cache/hg-s3
  $ stop two

Two hosts that share a bucket: a lease in the bucket
----------------------------------------------------

  $ cp -R server other
  $ for repo in server other; do cat >> $repo/.hg/hgrc << EOF
  > [s3wireprotocache]
  > repo-id = shared
  > lease-time = 60
  > EOF
  > done
  $ rm -f other/.hg/blackbox.log*
  $ renew
  $ serve server $HGPORT one
  $ serve other $HGPORT2 two
  $ startherd $HGPORT '' a1
  $ waitfor computed '' 1
  $ startherd $HGPORT2 '' b1 b2
  $ waitfor other/.hg/blackbox.log ' miss filesdata' 2
  $ s3 ls hg-cache | grep -c /lease/
  1
  $ touch gate
  $ endherd a1 b1 b2
  \s*1 inline, 19 objects (re)
  \s*2 redirected, 19 objects (re)
  1
  $ cmp computed one.pid
  $ events server 2 | sed 's/ key.*//'
  miss filesdata
  stored filesdata
  $ for i in $(seq 100); do s3 ls hg-cache | grep -q /lease/ || break; sleep 0.1; done
  $ s3 ls hg-cache | grep -c /lease/
  0
  [1]

A host that dies leaves its lease, which is waited for and not longer

  $ stop two
  $ renew
  $ serve other $HGPORT2 two --config s3wireprotocache.coalesce-timeout=2
  $ startherd $HGPORT '' a1
  $ waitfor computed '' 1
  $ kill -9 $(cat one.pid) $(cat a1.client)
  $ s3 ls hg-cache | grep -c /lease/
  1
  $ startherd $HGPORT2 '' b1
  $ waitfor computed '' 2
  $ touch gate
  $ endherd b1
  \s*1 inline, 19 objects (re)
  1
  $ stop two
