Whatever takes content away begins a new generation of the repository, after
which nothing is served that was stored before

  $ . "$TESTDIR/helpers.sh"
  $ cat >> "$HGRCPATH" << EOF
  > [extensions]
  > s3wireprotocache =
  > strip =
  > censor =
  > [ui]
  > rollback = yes
  > [censor]
  > policy = ignore
  > EOF
  $ hg init repo
  $ cd repo
  $ generation() {
  >   cat .hg/store/hg-s3-generation 2>/dev/null || echo none
  > }
  $ isnew() {
  >   generation > ../now
  >   cmp -s ../now ../before && echo 'the same' || echo new
  >   mv ../now ../before
  > }
  $ commit() {
  >   echo "$1" > "$2"; hg -q commit -A -m "$1" -d '0 0' -u test
  > }
  $ commit one a; commit secret password; commit gone password; commit four d
  $ generation | tee ../before
  none

Committing, updating, pulling and moving phases do not

  $ hg update -q 0; hg update -q tip
  $ hg phase --public -r 0; hg phase --draft --force -r 0
  $ hg clone -q . ../clone
  $ hg verify -q
  $ isnew
  the same

Censoring does

  $ hg censor -q -r 1 password
  $ isnew
  new
  $ grep -c '^[0-9a-f]\{32\}$' .hg/store/hg-s3-generation
  1

A strip does

  $ hg strip -q --no-backup -r 3
  $ isnew
  new

Not by the node alone: files of the same content have the same one

  $ cd ..; hg init twins; cd twins
  $ echo hunter2 > x; echo hunter2 > y; hg -q commit -A -m both -d '0 0' -u test
  $ hg rm x y; hg -q commit -m gone -d '0 0' -u test
  $ hg update -q null
  $ cd ..; for name in x y z text; do cp -R twins $name; done
  $ censored() { repo=$1; shift; hg --cwd $repo censor -q -r 0 "$@" && cat $repo/.hg/store/hg-s3-generation; }
  $ censored x x > x.generation; censored y y > y.generation
  $ cmp -s x.generation y.generation
  [1]
  $ censored text x -t why > text.generation; cmp -s x.generation text.generation
  [1]
  $ censored z x | cmp - x.generation

One that is refused in the end shares with no other

  $ censored twins x --config hooks.pretxnclose=false > /dev/null 2>&1 || echo failed
  failed
  $ grep -c unsettled twins/.hg/store/hg-s3-generation
  1
  $ cd repo

One that fails before it begins does not

  $ hg strip -q -r nosuch || echo failed
  abort: unknown revision 'nosuch'* (glob)
  failed
  $ isnew
  the same

A rollback does

  $ commit five e
  $ isnew
  the same
  $ hg rollback -q --dry-run
  $ isnew
  the same
  $ hg rollback -q
  $ isnew
  new

Two servers that did the same from then on have the same one; a copy takes it
along

  $ cp -R ../repo ../copy
  $ cmp .hg/store/hg-s3-generation ../copy/.hg/store/hg-s3-generation
  $ commit six f; hg -q -R ../copy pull .
  $ hg strip -q --no-backup tip; hg -R ../copy strip -q --no-backup tip
  $ cmp .hg/store/hg-s3-generation ../copy/.hg/store/hg-s3-generation
  $ isnew
  new

An upgrade of the format keeps it (the one of a repository with censored file
revisions fails, with or without us)

  $ cd ../clone
  $ hg strip -q --no-backup -r 3
  $ isnew
  new
  $ hg debugupgraderepo --run -q -o re-delta-all > /dev/null 2>&1
  $ isnew
  the same
  $ hg verify -q
  $ cd ../repo

A share has that of its source

  $ hg --config extensions.share= share -q -U . ../share
  $ cd ../share
  $ hg strip -q --no-backup tip
  $ cd ../repo
  $ isnew
  new
