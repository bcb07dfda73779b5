#require hgs3-moto

Many clients find the same segments missing at once: each is made once
======================================================================

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
  $ cp -R server other
  $ serve() { # REPO PORT NAME
  >   hg -R $1 serve -d -p $2 --pid-file $3.pid -A $3.access -E $3.error
  >   cat $3.pid >> "$DAEMON_PIDS"
  > }
  $ stop() { "$PYTHON" "$TESTLIB/stop.py" "$1.pid"; }
  $ herd() { # COMMAND PORT NAME...: clients in the background
  >   command=$1; port=$2; shift 2
  >   for name in "$@"; do
  >     $command $port $name > $name.out 2>&1 &
  >     echo $! > $name.client; echo $! >> "$DAEMON_PIDS"
  >   done
  > }
  $ endherd() { # all equal the server, and have had nothing to say
  >   for name in "$@"; do wait $(cat $name.client) || echo "$name failed"; done
  >   for name in "$@"; do cat $name.out; same server $name; done
  > }
  $ cloned() { hg clone -q -U http://localhost:$1/ $2; }
  $ pulled() { hg -R $2 pull -q http://localhost:$1/; }
  $ for name in a4 b4; do hg clone -q -U -r 70 server $name; done
  $ making() { sort making | sed "s/ $(cat one.pid) / one /; s/ $(cat two.pid) / two /; s/ [0-9][0-9]* / process /"; }

Two server processes of one repository. Each is in the middle of a segment when
the herd comes, which does not wait for it

  $ serve server $HGPORT one
  $ serve server $HGPORT2 two
  $ hold all
  $ herd cloned $HGPORT a1
  $ waitfor making 256+128 1
  $ herd cloned $HGPORT2 b1
  $ waitfor making 0+256 1
  $ herd cloned $HGPORT a2 a3
  $ herd pulled $HGPORT a4
  $ herd cloned $HGPORT2 b2 b3
  $ herd pulled $HGPORT2 b4
  $ endherd a1 a2 a3 a4 b1 b2 b3 b4
  $ making
  0+256 two - hg-s3-segments
  256+128 one - hg-s3-segments
  $ storedonce server

Processes that make segments in the background take what nobody is at

  $ hold 0+256 256+128
  $ hg s3cache publish -R server 0+256 256+128 0+64
  $ making
  0+256 two - hg-s3-segments
  0+64 process publish MainThread
  256+128 one - hg-s3-segments
  $ storedonce server
  1 stored 1 time(s)

The second server goes on, past what the first one is still at

  $ hold 256+128
  $ waitfor server/.hg/blackbox.log ' stored getbundle' 3
  $ waitfor server/.hg/blackbox.log ' bypassed getbundle' 4
  $ making
  0+256 two - hg-s3-segments
  0+64 process publish MainThread
  128+128 two - hg-s3-segments
  256+128 one - hg-s3-segments
  64+64 two - hg-s3-segments

Then the first one goes on, and finds all else made (what it makes after that is
asked for by one more client)

  $ hold
  $ waitfor server/.hg/blackbox.log ' stored getbundle' 5
  $ hg clone -q -U -r 200 server late
  $ hg -R late pull -q http://localhost:$HGPORT/
  $ same server late
  $ waitfor server/.hg/blackbox.log ' stored getbundle' 7
  $ making
  0+256 two - hg-s3-segments
  0+64 process publish MainThread
  128+128 two - hg-s3-segments
  128+64 one - hg-s3-segments
  192+64 one - hg-s3-segments
  256+128 one - hg-s3-segments
  64+64 two - hg-s3-segments
  $ storedonce server
  7 stored 1 time(s)
  $ herd cloned $HGPORT after1
  $ herd cloned $HGPORT2 after2
  $ endherd after1 after2
  $ events server 1 | sed 's/ key=[^ ]* bytes=[^ ]* ms=[^ ]*//' | sort | uniq -c
  \s*4 bypassed getbundle reason=another one makes it (re)
  \s*6 hit getbundle via=redirect (re)
  \s*20 miss getbundle (re)
  \s*7 stored getbundle (re)

Of two processes in the background only one goes on

  $ renew() { # REPO...
  >   for key in $(s3 ls hg-cache | cut -d' ' -f1); do s3 rm hg-cache $key; done
  >   for repo in "$@"; do rm -f $repo/.hg/blackbox.log*; done
  >   rm -f making
  > }
  $ renew server
  $ hold all
  $ hg s3cache publish -R server 0+128 & echo $! > publish.pid; cat publish.pid >> "$DAEMON_PIDS"
  $ waitfor making 0+128 1
  $ hg s3cache publish -R server 128+128 -v
  another process publishes segments of this repository
  $ hold
  $ wait $(cat publish.pid)
  $ making
  0+128 process publish MainThread
  $ storedonce server
  1 stored 1 time(s)

The process that makes a segment is killed: another one makes it when it is wanted
again

  $ renew server
  $ hold all
  $ herd cloned $HGPORT a5
  $ waitfor making 256+128 1
  $ endherd a5
  $ kill -9 $(cat one.pid)
  $ herd cloned $HGPORT2 b5 b6
  $ endherd b5 b6
  $ waitfor making 256+128 2
  $ hold
  $ waitfor server/.hg/blackbox.log ' stored getbundle' 2
  $ making
  0+256 two - hg-s3-segments
  256+128 one - hg-s3-segments
  256+128 two - hg-s3-segments
  $ storedonce server
  2 stored 1 time(s)
  $ stop two

Two hosts that share a bucket: a lease in the bucket

  $ for repo in server other; do cat >> $repo/.hg/hgrc << EOF
  > [s3wireprotocache]
  > repo-id = shared
  > lease-time = 60
  > EOF
  > done
  $ renew server other
  $ serve server $HGPORT one
  $ serve other $HGPORT2 two
  $ hold all
  $ herd cloned $HGPORT a7
  $ waitfor making 256+128 1
  $ herd cloned $HGPORT2 b7 b8
  $ waitfor making 0+256 1
  $ endherd a7 b7 b8
  $ hold
  $ for repo in server other; do waitfor $repo/.hg/blackbox.log ' stored getbundle' 1; done
  $ herd cloned $HGPORT a9
  $ herd cloned $HGPORT2 b9
  $ endherd a9 b9
  $ stop one
  $ stop two
  $ making
  0+256 two - hg-s3-segments
  256+128 one - hg-s3-segments
  $ storedonce server other
  2 stored 1 time(s)
  $ s3 ls hg-cache | grep -c /lease/
  0
  [1]
  $ cat *.error
