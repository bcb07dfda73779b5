#require hgs3-moto

What else answers clones goes on working, and comes first

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > [experimental]
  > web.apiserver = false
  > EOF
  $ hg s3cache warm -R server > /dev/null
  $ startserver server
  $ URL=http://localhost:$HGPORT/
  $ events server 10 > /dev/null

Stream clones

  $ hg clone -q -U --stream $URL stream
  $ same server stream
  $ events server

Bundle1, of clients that are very old, and a pull without phases

  $ hg clone -q -U $URL old --config devel.legacy.exchange=bundle1
  $ same server old
  $ hg clone -q -U $URL legacy --config devel.legacy.exchange=phases
  $ hg verify -q -R legacy
  $ events server
  $ stopserver

Clone bundles: then only what is newer comes from here, in segments if it is much

  $ hg -R server bundle -q -r 'first(all(), 200)' --base null -t zstd-v2 clone.hg
  $ "$PYTHON" -m http.server $HGPORT2 --bind 127.0.0.1 > bundles.log 2>&1 &
  $ echo $! > bundles.pid; cat bundles.pid >> $DAEMON_PIDS
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT2
  $ echo "http://127.0.0.1:$HGPORT2/clone.hg BUNDLESPEC=zstd-v2" > server/.hg/clonebundles.manifest
  $ startserver server --config extensions.clonebundles=
  $ hg clone -q -U $URL bundled
  $ "$PYTHON" "$TESTLIB/stop.py" bundles.pid
  $ same server bundled
  $ events server 1 | sed 's/ key.*//' | sort -u
  hit getbundle
  $ stopserver
  $ rm server/.hg/clonebundles.manifest

Pull bundles: clients get the same bundle as without us

  $ cp clone.hg server/.hg/
  $ echo 'clone.hg BUNDLESPEC=zstd-v2' > server/.hg/pullbundles.manifest
  $ for enabled in '' '!'; do
  >   startserver server --config server.pullbundle=yes --config extensions.s3wireprotocache=$enabled
  >   hg clone -q -U $URL "pullbundled$enabled"
  >   hg verify -q -R "pullbundled$enabled"
  >   stopserver
  > done
  $ same pullbundled pullbundled!
