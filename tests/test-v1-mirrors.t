#require hgs3-moto

Mirrors of a repository use each other's segments, whatever their revision numbers

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache

A server with thirty changesets that no mirror ever gets

  $ v1history unused
  $ rm -r unused
  $ hg init main
  $ hg -R main debugbuilddag -n '+500:trunk +30 <trunk +700:fork +20 <fork +1700'
  $ hg -R main phase -q --public -r 'all()'
  $ hg -R main phase -q --force --secret -r 500:529
  $ hg -R main log -r 'heads(all())' -T '{rev} {phase}\n'
  529 secret
  1249 public
  2949 public

A mirror that got two branches the other way round

  $ hg init mirror
  $ hg -R mirror pull -q -r 1400 main
  $ hg -R mirror pull -q -r 1249 main
  $ hg -R mirror pull -q main
  $ hg -R mirror log -r 'rev(500) + rev(1249) + tip' -T '{rev}\n' | tail -1
  2919
  $ for name in main mirror; do
  >   configureserver $name
  >   cat >> $name/.hg/hgrc << EOF2
  > repo-id = shared
  > commands = getbundle
  > EOF2
  > done

The first one says in the store where its chunks begin

  $ hg -R main s3cache warm | tail -1 | sed 's/ (.*), /, /; s/already.*/already/'
  88 stored, 0 there already
  $ s3 ls hg-cache | grep /list-1
  cache/*/list-1/2 61 (glob)
  $ wc -c < main/.hg/cache/hg-s3/segment-list | tr -d ' '
  61

The mirror makes what only its own order has: small blocks, from the secret ones to
the end of their chunk, and about the two branches

  $ hg -R mirror s3cache warm | tail -1 | sed 's/ (.*), /, /; s/already.*/already/'
  26 stored, 62 there already
  $ cmp main/.hg/cache/hg-s3/segment-list mirror/.hg/cache/hg-s3/segment-list

A client of the mirror gets what the first server has made

  $ startserver mirror
  $ hg clone -q -U http://localhost:$HGPORT/ clone
  $ same mirror clone
  $ events mirror 2 | grep -v stored | sed 's/ key.*//' | sort | uniq -c | sed 's/^ *//'
  4 hit getbundle
  $ stopserver

A list is a hint: one that is wrong leads to other blocks, and to nothing else

  $ "$PYTHON" - << 'EOF'
  > import os
  > with open("mirror/.hg/cache/hg-s3/segment-list", "r+b") as file:
  >     file.seek(21)
  >     file.write(os.urandom(20))
  > EOF
  $ startserver mirror
  $ hg clone -q -U http://localhost:$HGPORT/ other
  $ same mirror other
  $ stopserver

One that is damaged in the store is written anew, by who finds it. It does not know
then where the others begin, and makes nearly all that comes after the secret ones

  $ rm mirror/.hg/cache/hg-s3/segment-list
  $ LIST=$(s3 ls hg-cache | grep -o '.*list-1/2')
  $ echo nonsense | s3 put hg-cache "$LIST"
  $ hg -R mirror s3cache warm | tail -1 | sed 's/ (.*), /, /; s/already.*/already/'
  60 stored, 26 there already
  $ s3 ls hg-cache | grep /list-1
  cache/*/list-1/2 61 (glob)
