#testcases http ssh

Servers that are killed, and clients that are cut off, in the middle of a push to try

#if ssh
  $ TRYBY=ssh
#endif
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ tryserver server
  $ pointserver server
  $ ordinary | tail -1
  r0 public
  $ hg clone -q $URL a
  $ commit a a1
  $ untouched server > before

Between the object and its row: there is no push, and an object that nothing refers to

  $ at stored 'kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ grep stored out
  [1]
  $ restart server
  $ pushes server
  $ objects
  1
  $ hg -R a log -r 'draft()' -T '{desc}\n'
  a1
  $ hg identify -r $(node a tip) $URL
  abort: unknown revision '*' (glob)
  [255]
  $ hg -R server s3try gc
  would delete 0 objects (0 bytes)
  $ hg -R server s3try gc --older-than 0.0000001 --yes
  deleted 1 objects (* bytes) (glob)
  $ objects
  0

The same content is then another object

  $ hg -R a push $URL | grep remote
  remote: stored 1 changeset as push 1
  $ hg -R server s3try verify
  1 bundles, 0 damaged or missing
  $ untouched server | diff before -

Between the row and the reply: the push is there, and the same again does no harm

  $ commit a a2
  $ at recorded 'kill -9 $SERVER'
  $ hg -R a push $URL > out 2>&1 || echo failed
  failed
  $ restart server
  $ pushes server
  2 2 * (glob)
  1 1 * (glob)
  $ hg clone -q -r $(node a tip) $URL b
  $ hg -R b log -r tip -T '{desc} {phase}\n'
  a2 draft
  $ hg -R a log -r 'draft()' -T '{desc}\n'
  a1
  a2
  $ hg -R a push $URL | grep remote
  remote: stored 2 changesets as push 3
  $ hg -R server s3try gc --older-than 0.0000001 --yes
  deleted 0 objects (0 bytes)
  $ hg -R server s3try verify
  2 bundles, 0 damaged or missing
  $ untouched server | diff before -

A client is killed while its push is being recorded: it is there

  $ commit a a3
  $ echo 'kill -9 $(cat $TESTTMP/client.pid)' > killclient.sh
  $ at stored sh $TESTTMP/killclient.sh
  $ sh -c 'echo $$ > client.pid; exec hg -R a push '$URL > out 2>&1
  Killed* (glob) (?)
  [137]
  $ for i in 1 2 3 4 5 6 7 8 9; do pushes server | grep -q '^4 ' && break; sleep 0.3; done
  $ pushes server | head -1
  4 3 * (glob)
  $ untouched server | diff before -

#if http
A connection that is cut off in the middle of a push

  $ commit a a4
  $ hg -R a bundle -q --base 3 -r tip -t none-v2 half.hg
  $ "$PYTHON" "$TESTLIB/halfpush.py" $HGPORT half.hg
  $ hg -R a push $URL | grep remote
  remote: stored 4 changesets as push 5
  $ pushes server | wc -l | tr -d ' '
  5
  $ objects
  4
  $ untouched server | diff before -
#else
A connection that is cut off in the middle of a push, which Mercurial itself takes badly

  $ commit a a4
  $ hg -R a bundle -q --base 3 -r tip -t none-v2 half.hg
  $ "$PYTHON" "$TESTLIB/halfpush.py" ssh half.hg | hg -R server serve --stdio > out 2> err
  [1]
  $ grep -c getpayload err
  1
  $ hg -R a push $URL | grep remote
  remote: stored 4 changesets as push 5
  $ objects
  4
  $ untouched server | diff before -
#endif
#if http
  $ cat error.log
#endif
