#require wireprotov2 hgs3-moto

What is taken out of a published history is not served any more, on any server
that shares the bucket
==============================================================================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ hg init server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > censor =
  > strip =
  > [censor]
  > policy = ignore
  > [s3wireprotocache]
  > repo-id = shared
  > EOF
  $ cd server
  $ echo fine > a; hg -q commit -A -m fine -d '0 0' -u test
  $ echo hunter2 > password; hg -q commit -A -m oops -d '0 0' -u test
  $ hg rm password; hg -q commit -m gone -d '0 0' -u test
  $ echo more > a; hg -q commit -m more -d '0 0' -u test
  $ cd ..
  $ cp -R server mirror
  $ CSETS=$(hg -R server log -r 'all()' -T '{node} ')
  $ FNODE=$(hg -R server manifest --debug -r 1 | sed -n 's/ .* password$//p')
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ FILE="{b'path': b'password', b'nodes': n('$FNODE'), b'fields': {b'parents', b'revision'}}"
  $ RAW="{b'files': [b'changelog', b'manifestlog']}"
  $ ask() {
  >   v2command filesdata "$FILES" $1 2>&1
  >   v2command filedata "$FILE" $1 2>&1
  >   v2command rawstorefiledata "$RAW" $1 2>&1
  > }
  $ kinds() { events "$1" "$2" | sed 's/ .*//' | sort | uniq -c; }
  $ on() { startserver "$@" > /dev/null; }

Both servers have it, and share what they store

  $ on server
  $ ask > before; kinds server 6
  \s*3 miss (re)
  \s*3 stored (re)
  $ stopserver
  $ on mirror
  $ ask | sed 's/redirected/inline/' | cmp - before; kinds mirror 3
  \s*3 hit (re)
  $ stopserver

One is censored. Nothing that was stored before is given by it

  $ hg --cwd server censor -q -r 1 password
  $ on server --config s3wireprotocache.bucket=
  $ ask > uncached; stopserver
  $ cmp -s before uncached
  [1]
  $ on server
  $ ask | cmp - uncached
  $ ask | sed 's/redirected/inline/' | cmp - uncached
  $ ask --no-redirect | cmp - uncached
  $ kinds server 12
  \s*6 hit (re)
  \s*3 miss (re)
  \s*3 stored (re)
  $ stopserver

The other one is not, and goes on to say what it says without a cache

  $ on mirror
  $ ask | sed 's/redirected/inline/' | cmp - before
  $ stopserver; events mirror > /dev/null

Something else is taken out of that one: what it stores from then on is not
given by the one that is censored

  $ hg -R mirror strip -q --no-backup -r tip
  $ hg -R server strip -q --no-backup -r tip
  $ CSETS=$(hg -R server log -r 'all()' -T '{node} ')
  $ FILES="{b'revisions': [{b'type': b'changesetexplicit', b'nodes': n('$CSETS')}], b'fields': {b'parents', b'revision'}, b'haveparents': True}"
  $ on mirror
  $ ask > mirrored; kinds mirror 6
  \s*3 miss (re)
  \s*3 stored (re)
  $ stopserver; events server > /dev/null
  $ on server
  $ ask > own; kinds server 6
  \s*3 miss (re)
  \s*3 stored (re)
  $ cmp -s mirrored own
  [1]
  $ stopserver

A server that censors while it serves: from the end of the command on, nothing
old is given

  $ on mirror
  $ ask | sed 's/redirected/inline/' | cmp - mirrored
  $ hg --cwd mirror censor -q -r 1 password
  $ ask | sed 's/redirected/inline/' > later
  $ cmp -s later mirrored
  [1]
  $ stopserver
  $ on mirror --config s3wireprotocache.bucket=
  $ ask | cmp - later
  $ stopserver

A strip while the server runs: its nodes are unknown at once

  $ on mirror
  $ hg -R mirror strip -q --no-backup -r tip
  $ ask 2>&1 | grep -c 'remote error'
  1
  $ stopserver
