Repositories and transactions of other kinds that have a log

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ cat >> "$HGRCPATH" << EOF
  > [extensions]
  > share =
  > EOF
  $ logserver server
  $ hg clone -q $URL a

Repositories that share a store have one log

  $ hg share -q -U server shared
  $ cp server/.hg/hgrc shared/.hg/
  $ commit a a1
  $ hg -R a push -q server
  $ commit a a2
  $ hg -R a push -q shared
  $ for repo in server shared; do hg -R $repo pushlog -T '{push} {user}\n'; done
  2 alice
  1 alice
  2 alice
  1 alice

An extension that has a transaction in the last moment of another one

  $ cat > nested.py << EOF
  > def reposetup(ui, repo):
  >     class nested(repo.__class__):
  >         def transaction(self, *args, **kwargs):
  >             is_new = self.currenttransaction() is None
  >             tr = super().transaction(*args, **kwargs)
  >             if is_new:
  >                 tr.addfinalize(b"nested", self.nest)
  >             return tr
  >         def nest(self, tr):
  >             with self.transaction(b"nested"):
  >                 pass
  >     repo.__class__ = nested
  > EOF
  $ commit a a3
  $ hg -R a push -q server --config extensions.nested=nested.py
  $ hg -R server bookmark -r tip mark --config extensions.nested=nested.py
  $ logged server | tail -1
  3 alice a3/draft

A transaction that fails after the database has all of it: nobody waits for it

  $ cat > failing.py << EOF
  > from mercurial import error
  > kept = []
  > def reposetup(ui, repo):
  >     class failing(repo.__class__):
  >         def transaction(self, *args, **kwargs):
  >             tr = super().transaction(*args, **kwargs)
  >             if self.vfs.exists(b"fail"):
  >                 # So that nothing ends by itself.
  >                 kept.append(tr)
  >                 tr.addfinalize(b"failing", self.fail)
  >             return tr
  >         def fail(self, tr):
  >             raise error.Abort(b"no space left")
  >     repo.__class__ = failing
  > EOF
  $ cp server/.hg/hgrc hgrc.before
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > failing = $TESTTMP/failing.py
  > EOF
  $ restart server
  $ touch server/.hg/fail
  $ commit a failed
  $ hg -R a push $URL 2>&1 | grep -o 'no space left'
  no space left
  $ rm server/.hg/fail
  $ hg -R server pushlog-add -u bob -d '1 0' -r 0
  logged 1 changesets as push 4
  $ hg -R a push -q $URL
  $ logged server | tail -2
  4 bob r0/draft
  5 - failed/draft
  $ cp hgrc.before server/.hg/hgrc
  $ restart server

Without a store, and with a store that is made anew

  $ hg init old --config format.usestore=no
  $ cp server/.hg/hgrc old/.hg/
  $ hg -R a push -q old
  $ hg -R a push -q old
  [1]
  $ logged old
  1 alice r0/draft r1/draft a1/draft a2/draft a3/draft failed/draft
  $ hg -R server debugupgraderepo --run -q --no-backup --optimize re-delta-all > /dev/null
  $ commit a a4
  $ hg -R a push -q -f server
  $ hg -R server pushlog -T '{push} {user}\n' -l 2
  6 alice
  5 

The null revision, the working directory, and what is in a bundle were never pushed

  $ hg -R server log -r 'null + . + wdir()' -T '[{pushid}{pushdate}{pushuser}]\n'
  []
  []
  []
  $ commit a a5
  $ (cd server && hg incoming -q ../a -T '{desc}[{pushid}]\n')
  a5[]
  $ hg -R server verify -q
  $ cat error.log
