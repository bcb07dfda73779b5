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
  32

It hides none of Mercurial's own

  $ hg --config extensions.strip= --config extensions.rebase= --config extensions.blackbox= version -v | grep -c internal
  3

It has nothing to say where nothing is served

  $ hg init repo
  $ hg -R repo --debug root 2>&1 | grep s3wireprotocache
  [1]

A server whose bucket does not answer says so, and clones are what they were

  $ cat > repo/.hg/hgrc << EOF
  > [s3wireprotocache]
  > bucket = hg-cache
  > access-key-id = key
  > secret-access-key = secret
  > endpoint-url = http://127.0.0.1:1
  > [experimental]
  > web.apiserver = true
  > web.api.http-v2 = true
  > EOF
  $ echo a > repo/a
  $ hg -R repo commit -qAm a
  $ hg -R repo serve -d -p $HGPORT --pid-file hg.pid -E error.log
  warning: s3wireprotocache: bucket hg-cache cannot be used, * (glob)
  $ cat hg.pid >> $DAEMON_PIDS
  $ hg clone -q -U http://localhost:$HGPORT/ clone
  $ hg -R clone verify -q
  $ cat error.log
