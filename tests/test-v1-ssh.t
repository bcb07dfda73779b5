#require hgs3-moto

Pulls over SSH

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history server
  $ configureserver server
  $ cat >> "$HGRCPATH" << EOF
  > [ui]
  > ssh = "$PYTHON" "$RUNTESTDIR/dummyssh"
  > EOF
  $ SSH=ssh://user@dummy/server

Without public-url there is no address for what is in the store

  $ hg clone -q -U $SSH inline
  $ same server inline
  $ events server

With it, what is missing is made by a process that nobody waits for

  $ startserver server
  $ echo "public-url = http://localhost:$HGPORT/" >> server/.hg/hgrc
  $ hg clone -q -U $SSH first
  $ same server first
  $ events server 4 | sed 's/ key.*//'
  miss getbundle
  miss getbundle
  stored getbundle
  stored getbundle
  $ hg clone -q -U $SSH second
  $ same server second
  $ events server 2 | sed 's/ key.*//'
  hit getbundle
  hit getbundle
  $ grep s3get access.log | sed 's/.*GET/GET/'
  GET /s3get/[token] HTTP/1.1" 302 -
  GET /s3get/[token] HTTP/1.1" 302 -
  $ hg -R second incoming -q $SSH
  [1]

An address that is too long for a part is noticed before

  $ echo "public-url = http://localhost:$HGPORT/$("$PYTHON" -c 'print("x" * 200)')" >> server/.hg/hgrc
  $ hg clone -q -U $SSH long
  $ same server long
  $ events server
  $ stopserver
