The extension is installed for an hgrc that gives no path

  $ cat >> "$HGRCPATH" << EOF
  > [extensions]
  > s3wireprotocache =
  > EOF
  $ hg version -v | grep s3wireprotocache
    s3wireprotocache  external  0.1.0
  $ hg help -e s3wireprotocache | head -2
  s3wireprotocache extension - serve heavy wire protocol responses from Amazon
  S3 (EXPERIMENTAL)
  $ hg help s3wireprotocache > help
  $ grep -c '^"' help
  21

It hides none of Mercurial's own

  $ hg --config extensions.strip= --config extensions.rebase= --config extensions.blackbox= version -v | grep -c internal
  3

#if wireprotov2
  $ hg --debug root --cwd "$TESTDIR" 2>&1 | grep s3wireprotocache
  [1]
#else

Where there is no wire protocol version 2, it says so once, for who asks

  $ hg init repo
  $ hg -R repo --debug root
  s3wireprotocache: this Mercurial has no wire protocol version 2, nothing to do
  $TESTTMP/repo
  $ hg -R repo root
  $TESTTMP/repo

and does nothing: clones are what they were

  $ cat > repo/.hg/hgrc << EOF
  > [s3wireprotocache]
  > bucket = hg-cache
  > EOF
  $ echo a > repo/a
  $ hg -R repo commit -qAm a
  $ hg -R repo serve -d -p $HGPORT --pid-file hg.pid -E error.log
  $ cat hg.pid >> $DAEMON_PIDS
  $ hg clone -q -U http://localhost:$HGPORT/ clone
  $ hg -R clone verify -q
  $ cat error.log
#endif
