#require serve

Pages of hgweb about changesets that are in bundles

  $ . "$TESTDIR/helpers.sh"
  $ v1history server
  $ hg -R server update -q
  $ cat >> server/.hg/hgrc << EOF
  > [phases]
  > publish = no
  > [web]
  > allow-push = *
  > push_ssl = no
  > allow-archive = gz zip
  > name = repo
  > [experimental]
  > web.apiserver = no
  > EOF
  $ cp -R server ordinary
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3try =
  > [s3try]
  > enabled = yes
  > store = file:$TESTTMP/store
  > EOF
  $ mkdir store
  $ startserver server
  $ hg -R ordinary serve -d -p $HGPORT2 --pid-file ordinary.pid -E ordinary.log
  $ cat ordinary.pid >> $DAEMON_PIDS
  $ URL=http://localhost:$HGPORT; ORDINARY=http://localhost:$HGPORT2
  $ page() { "$PYTHON" "$TESTLIB/webpages.py" get "$@"; }

Before the push it is an ordinary 404, and a browser would keep that page

  $ hg clone -q $URL a
  $ mkdir a/dir
  $ echo 'text <&>' > a/dir/new; echo more >> a/mf; hg -R a commit -qAm 'first <of> them' -u 'Ada <ada@example.org>' -d '0 0'
  $ echo more >> a/dir/new; hg -R a commit -qm 'second' -u 'Bob' -d '3600 0'
  $ T=$(hg -R a log -r tip -T '{node}'); P=$(hg -R a log -r 'tip^' -T '{node}')
  $ page $URL/raw-rev/$T | head -1
  404
  $ hg -R a bookmark -r tip topic/x
  $ hg -R a push -q $URL -B topic/x
  $ hg -R a bookmark -d topic/x
  $ hg -R a push -q $ORDINARY
  $ hg -R server log -r tip -T '{rev}\n'
  390

Every kind of page is what an ordinary server says of an ordinary changeset, for full and
short hashes

  $ S=$(echo $T | cut -c1-12)
  $ for node in $T $S $P $(echo $P | cut -c1-8) x$(echo $T | cut -c1-7); do
  >   for page in rev raw-rev json-rev changeset file raw-file json-file json-manifest log \
  >     shortlog json-log atom-log rss-log graph manifest json-changeset diff; do
  >     echo /$page/$node
  >   done
  >   for page in file raw-file json-file annotate json-annotate diff json-diff filelog \
  >     json-filelog atom-log comparison json-comparison raw-annotate filelog filediff; do
  >     echo /$page/$node/dir/new
  >   done
  >   echo /file/$node/dir
  >   echo /rev/$node?style=gitweb
  >   echo /rev/$node?style=monoblue
  >   echo /rev/$node?style=spartan
  >   echo /rev/$P:$node
  >   echo /rev/100:$node
  >   echo "/?cmd=changeset&node=$node"
  >   echo "/log?rev=$node"
  >   echo /archive/$node.tar.gz
  >   echo /archive/$node.tar.gz/dir
  >   echo /file/$node/nothing
  > done > paths
  $ "$PYTHON" "$TESTLIB/webpages.py" compare $ORDINARY $URL < paths > out; grep -v ^same out
  [1]
  $ sed 's/^\(same [0-9]*\).*/\1/' out | sort | uniq -c | sed 's/^ *//'
  205 same 200
  10 same 404

What the repository has itself is as before; of its front pages, heads and branches none
shows what was pushed

  $ hg -R ordinary --config extensions.strip= strip -q --no-backup $P 2> /dev/null
  $ cat > paths << EOF
  > /
  > /shortlog
  > /log
  > /json-log
  > /graph
  > /branches
  > /json-branches
  > /tags
  > /bookmarks
  > /heads
  > /file/tip
  > /rev/tip
  > /rev/100
  > /rev/ffffffffffffffffffff
  > /rev/ffff
  > /raw-rev/xfffff
  > /file/ffffff
  > /archive/ffff.tar.gz
  > /rev/nothing
  > /summary?style=gitweb
  > /nonsense
  > /raw-rev/100
  > EOF
  $ "$PYTHON" "$TESTLIB/webpages.py" compare $ORDINARY $URL < paths | cut -d' ' -f1 | sort | uniq -c
       22 same

A page says which push it comes from, where its style has a place for that; a script
finds it in a header. Nothing in a name is taken for HTML

  $ page $URL/rev/$T | grep hg-s3-push
  <p class="hg-s3-push">push 1 by *, ????-??-?? ??:?? UTC (bundle 1): it is kept apart from the repository</p> (glob)
  $ page $URL/raw-rev/$T | head -2
  200
  HG-S3-Push: 1
  $ page $URL/rev/100 | grep -i s3-push
  [1]

A scratch bookmark is a name for its changeset

  $ page $URL/raw-rev/topic%252Fx | sed -n '1,2p;/^# Node/p'
  200
  HG-S3-Push: 1
  # Node ID * (glob)

Below /bundle/ID is that bundle alone, and links stay there

  $ echo other > a/other; hg -R a commit -qAm 'third' -d '0 0'
  $ hg -R a push -q $URL
  $ page $URL/raw-rev/$T | sed -n 2p
  HG-S3-Push: 2
  $ page $URL/bundle/1/raw-rev/$T | sed -n 2p
  HG-S3-Push: 1
  $ page $URL/bundle/1/rev/$T | grep -c 'href="/bundle/1/rev/'
  [1-9].* (re)
  $ page $URL/bundle/1/shortlog | grep -c '>third<'
  0
  [1]
  $ page $URL/bundle/2/ | grep -c '>third<'
  1
  $ page $URL/bundle/1/raw-file/$T/dir/new
  200
  HG-S3-Push: 1
  text <&>
  more
  $ page $URL/bundle/1/static/style-paper.css | head -1
  200
  $ page $URL/bundle/1/raw-rev/$(hg -R a log -r tip -T '{node}') | head -1
  404
  $ page $URL/bundle/3/rev/$T | grep -e '^[0-9]' -e 'bundle not'
  404
  bundle not found: 3
  $ page $URL/bundle/x/rev/$T | head -1
  400

A browser that has a page asks whether it is another one by now

  $ etag() { "$PYTHON" -c "import sys; from testlib import webpages; print(webpages.fetch(sys.argv[1])[1]['ETag'])" "$1"; }
  $ PYTHONPATH="$TESTDIR:$PYTHONPATH"; export PYTHONPATH
  $ echo fourth > a/other; hg -R a commit -qAm 'fourth' -d '0 0'
  $ F=$(hg -R a log -r tip -T '{node}')
  $ TAG=$(etag $URL/raw-rev/$T); MISSING=$(etag $URL/raw-rev/$F)
  $ page $URL/raw-rev/$T "If-None-Match=$TAG" | head -1
  304
  $ page $URL/raw-rev/$F "If-None-Match=$MISSING" | head -1
  304
  $ hg -R a push -q $URL
  $ page $URL/raw-rev/$T "If-None-Match=$TAG" | head -1
  200
  $ page $URL/raw-rev/$F "If-None-Match=$MISSING" | head -1
  200

A bookmark that moves within a bundle, without a push

  $ hg debugpushkey $URL bookmarks inside '' $T
  True
  $ TAG=$(etag "$URL/raw-rev?node=inside")
  $ page "$URL/raw-rev?node=inside" "If-None-Match=$TAG" | head -1
  304
  $ hg debugpushkey $URL bookmarks inside $T $P
  True
  $ page "$URL/raw-rev?node=inside" "If-None-Match=$TAG" | head -1
  200

What is pushed once more came by another push

  $ TAG=$(etag $URL/raw-rev/$F)
  $ page $URL/raw-rev/$F "If-None-Match=$TAG" | head -1
  304
  $ hg -R a push -q -f -r $F $URL
  $ page $URL/raw-rev/$F "If-None-Match=$TAG" | sed 2q
  200
  HG-S3-Push: 4

An archive by the name of a bookmark; a bookmark that has gone is gone in a browser, too

  $ page $URL/archive/topic%252Fx.tar.gz | head -1
  200
  $ TAG=$(etag $URL/raw-rev/topic%252Fx)
  $ page $URL/raw-rev/topic%252Fx "If-None-Match=$TAG" | head -1
  304
  $ hg -R a push -q $URL -B topic/x
  [1]
  $ page $URL/raw-rev/topic%252Fx "If-None-Match=$TAG" | head -1
  404

A bookmark comes before the beginning of a hash: of one, of several, of something in try; and it may be of
what the repository has itself

  $ ONE=$(hg -R server log -r 100 -T '{node|shortest}')
  $ for name in $ONE x$ONE x e $(echo $P | cut -c1-5) plain; do
  >   page $URL/raw-rev/$name | grep '^# Node' > before
  >   for node in $T $(hg -R server log -r 200 -T '{node}'); do
  >     hg -R a bookmark -f -r $node $name; hg -R a push -q $URL -B $name
  >     for path in raw-rev/$name "raw-rev?node=$name"; do
  >       page "$URL/$path" | grep "^# Node ID $node" | cut -c1-9
  >     done
  >     page $URL/raw-rev/300:$name > one; page $URL/raw-rev/300:$node | diff - one
  >     hg -R a bookmark -d $name
  >   done
  >   hg -R a push -q $URL -B $name
  >   page $URL/raw-rev/$name | grep '^# Node' | diff before -
  > done
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID
  # Node ID

Odd requests are answered like any that leads nowhere

  $ page $URL/bundle/99999999999999999999/rev/$T | head -1
  400
  $ page $URL/bundle/0/rev/$T | head -1
  404
  $ page $URL/rev/$P:$T:$P | head -1
  404
  $ page "$URL/graph/100?graphtop=$T" | grep -c 'Internal Server Error'
  0
  [1]

Who may not read the repository reads no bundle, and none is fetched

  $ stopserver
  $ rm -rf server/.hg/cache/hg-s3
  $ startserver server --config web.deny_read='*'
  $ page $URL/raw-rev/$T | head -1
  401
  $ page $URL/bundle/1/raw-rev/$T | head -1
  401
  $ find server/.hg/cache/hg-s3 -name '*.hg' 2> /dev/null | wc -l | sed 's/ //g'
  0
  $ stopserver

A bundle that is not there, and a database that is away: the page says so, and those of the
repository are as ever

  $ mv store away; mkdir store
  $ startserver server
  $ page $URL/rev/$T | grep -e '^[0-9]' -e 'cannot be'
  503
  changesets of try cannot be shown now, try again later
  $ rm -r store; mv away store
  $ page $URL/raw-rev/$T | head -1
  200
  $ mv server/.hg/hg-s3-try.db saved; mkdir server/.hg/hg-s3-try.db
  $ stopserver; startserver server 2> /dev/null
  $ page $URL/rev/$T | grep -e '^[0-9]' -e 'cannot be'
  503
  changesets of try cannot be shown now, try again later
  $ page $URL/raw-rev/100 | head -1
  200
  $ page $URL/raw-rev/$ONE | head -1
  200
  $ rmdir server/.hg/hg-s3-try.db; mv saved server/.hg/hg-s3-try.db
  $ stopserver

hgwebdir does the same

  $ cat > web.conf << EOF
  > [paths]
  > all/one = $TESTTMP/server
  > all/two = $TESTTMP/ordinary
  > EOF
  $ hg serve -d -p $HGPORT --pid-file hg.pid --web-conf web.conf -E error.log
  $ cat hg.pid >> $DAEMON_PIDS
  $ page $URL/all/one/raw-rev/$T | head -2
  200
  HG-S3-Push: 4
  $ page $URL/all/one/bundle/1/rev/$T | grep -c 'href="/all/one/bundle/1/rev/'
  [1-9].* (re)
  $ page $URL/all/two/raw-rev/$T | head -1
  404
  $ page $URL/all/two/bundle/1/raw-rev/$T | head -1
  400
  $ cat error.log ordinary.log
  $ hg -R server verify -q
