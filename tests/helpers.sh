# Sourced by .t tests: `. "$TESTDIR/helpers.sh"`.
#
# A server is $TESTTMP/server on $HGPORT, S3 is moto's standalone server on
# $HGPORT1. Whatever is started here is in $DAEMON_PIDS, so run-tests.py stops
# it by its pid when the test ends, however it ends.

TESTLIB="$TESTDIR/testlib"
SERVICES="$TESTDIR/../.venv/services/bin"
STORE="http://127.0.0.1:$HGPORT1"

# boto3 must find no credentials but those that a test gives, and ask nobody.
AWS_EC2_METADATA_DISABLED=true
AWS_SHARED_CREDENTIALS_FILE="$TESTTMP/no-aws-credentials"
AWS_CONFIG_FILE="$TESTTMP/no-aws-config"
export AWS_EC2_METADATA_DISABLED AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE

cat >> "$HGRCPATH" << EOF
[experimental]
httppeer.advertise-v2 = true
[format]
# the C-less test clients of old releases warn about it
use-persistent-nodemap = no
EOF

# startstore: moto's server, answering when this returns
startstore() {
  "$SERVICES/moto_server" -H 127.0.0.1 -p $HGPORT1 >> "$TESTTMP/store.log" 2>&1 &
  echo $! > "$TESTTMP/store.pid"
  echo $! >> "$DAEMON_PIDS"
  "$PYTHON" "$TESTLIB/s3.py" wait "$STORE"
}

stopstore() {
  "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/store.pid"
}

# s3 ls|mb|rm|head|get|put BUCKET [KEY]: what is in the store
s3() {
  "$PYTHON" "$TESTLIB/s3.py" "$1" "$STORE" "$2" "$3"
}

# storelog: the requests that the store has had since the last call, sorted
# (uploads go on beside other requests), digests of keys replaced
storelog() {
  "$PYTHON" "$TESTLIB/storelog.py" "$TESTTMP/store.log" "$TESTTMP/store.log.seen"
}

# configureserver REPO [SECTION-LINES]: the hgrc of a caching server
configureserver() {
  cat >> "$1/.hg/hgrc" << EOF
[extensions]
s3wireprotocache =
blackbox =
[blackbox]
track = s3wireprotocache
[experimental]
web.apiserver = true
web.api.http-v2 = true
[web]
allow-push = *
push_ssl = no
[s3wireprotocache]
bucket = hg-cache
access-key-id = test-key
secret-access-key = test-secret
endpoint-url = $STORE
minimum-object-size = 1
# test-v2-herd.t has the leases: elsewhere their requests would be in the way
lease-time = 0
EOF
}

# startserver REPO [ARGS]: hg serve in the background
startserver() {
  repo="$1"; shift
  hg -R "$repo" serve -d -p $HGPORT --pid-file "$TESTTMP/hg.pid" \
    -A "$TESTTMP/access.log" -E "$TESTTMP/error.log" "$@" || return $?
  cat "$TESTTMP/hg.pid" >> "$DAEMON_PIDS"
}

stopserver() {
  "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/hg.pid"
}

# events REPO [N]: the lines of our log since the last call, sorted, times and
# digests replaced; waits until there are at least N
events() {
  "$PYTHON" "$TESTLIB/events.py" "$1/.hg/blackbox.log" "$1/.hg/blackbox.log.seen" "$2"
}

# v2command COMMAND ARGS [--no-redirect]: one command by the stock client's
# peer; ARGS is a Python expression of bytes, n('HEX ...') a list of nodes in it
v2command() {
  "$PYTHON" "$TESTLIB/v2client.py" "http://127.0.0.1:$HGPORT/" "$@"
}

# v1history REPO: about 400 changesets with branches, merges and files, in a new
# repository whose clients speak version 1 of the wire protocol
v1history() {
  echo 'httppeer.advertise-v2 = false' > "$TESTTMP/v1.rc"
  sed -i '1i[experimental]' "$TESTTMP/v1.rc"
  echo "%include $TESTTMP/v1.rc" >> "$HGRCPATH"
  hg init "$1"
  hg -R "$1" debugbuilddag -mn '+100:a +60 <a +80:b *a/b +120 <b +30'
  # as a server sees it from which everybody pulls
  hg -R "$1" phase -q -p -r 'all()'
}

# same A B: B verifies and has the changesets of A, in whatever order, with the
# same parents, phases, branches and bookmarks
same() {
  for repo in "$1" "$2"; do
    hg -R "$repo" log -T '{node} {p1node} {p2node} {phase} {branch} {bookmarks}\n' \
      | sort > "$TESTTMP/same.$(test "$repo" = "$1" && echo a || echo b)"
  done
  cmp "$TESTTMP/same.a" "$TESTTMP/same.b" && hg -R "$2" verify -q
}

# samenodes A B: B has the changesets of A, in the same order, and verifies
samenodes() {
  hg -R "$1" log -T '{node}\n' > "$TESTTMP/nodes.a"
  hg -R "$2" log -T '{node}\n' > "$TESTTMP/nodes.b"
  cmp "$TESTTMP/nodes.a" "$TESTTMP/nodes.b" && hg -R "$2" verify -q
}

# startministack: an S3 server on $HGPORT1 that, unlike moto's, verifies
# signatures and knows users
startministack() {
  AUTH=true BIND_HOST=127.0.0.1 GATEWAY_PORT=$HGPORT1 SERVICES=s3,iam,sts \
    AWS_ACCESS_KEY_ID=ministack-root AWS_SECRET_ACCESS_KEY=ministack-root-secret \
    "$TESTDIR/../.venv/ministack/bin/ministack" >> "$TESTTMP/store.log" 2>&1 &
  echo $! > "$TESTTMP/store.pid"
  echo $! >> "$DAEMON_PIDS"
  "$PYTHON" "$TESTLIB/s3.py" wait "$STORE"
}

# ministackuser NAME ACTION...: settings with the keys of a new user who may do
# these things in bucket hg-cache, which is made
ministackuser() {
  "$PYTHON" "$TESTLIB/ministackuser.py" "$STORE" hg-cache "$@"
}

# startproxy ALTERATION...: passes requests on from $HGPORT2 to the store, see
# testlib/alterproxy.py
startproxy() {
  "$PYTHON" "$TESTLIB/alterproxy.py" $HGPORT2 "$STORE" "$@" >> "$TESTTMP/proxy.log" 2>&1 &
  echo $! > "$TESTTMP/proxy.pid"
  echo $! >> "$DAEMON_PIDS"
  "$PYTHON" "$TESTLIB/s3.py" wait "http://127.0.0.1:$HGPORT2"
}

stopproxy() {
  "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/proxy.pid"
}

# startfaultproxy: passes requests on from $HGPORT2 to the store, but for those
# that `fault` names; see testlib/faultproxy.py
startfaultproxy() {
  touch "$TESTTMP/faults" "$TESTTMP/requests"
  PYTHONPATH="$TESTDIR:$PYTHONPATH" "$PYTHON" -m testlib.faultproxy \
    $HGPORT2 $HGPORT1 "$TESTTMP/faults" "$TESTTMP/requests" >> "$TESTTMP/proxy.log" 2>&1 &
  echo $! > "$TESTTMP/proxy.pid"
  echo $! >> "$DAEMON_PIDS"
  "$PYTHON" "$TESTLIB/s3.py" wait "http://127.0.0.1:$HGPORT2"
}

# fault [METHOD PATTERN ACTION]: from now on; nothing, without arguments
fault() {
  # At once, since the file may be read at any time.
  echo "$@" | sed '/^$/d' > "$TESTTMP/faults.new"
  mv "$TESTTMP/faults.new" "$TESTTMP/faults"
}

# requests: what has come to the proxy since the last call, ACTION METHOD and
# how often each
requests() {
  mv "$TESTTMP/requests" "$TESTTMP/requests.seen"
  touch "$TESTTMP/requests"
  cut -d' ' -f1,2 "$TESTTMP/requests.seen" | sort | uniq -c | sed 's/^ *//'
}

# grow REPO FIRST END: public changesets on top of it, each of which adds a file, in
# d0 or d1
grow() {
  hg -R "$1" update -q
  "$PYTHON" "$TESTLIB/patches.py" $2 $3 | hg -R "$1" import -q --bypass -
  hg -R "$1" phase -q -p -r 'all()'
}

# gatesegments REPO: makers of its segments say so, and wait while `hold` says;
# see testlib/segmentgate.py
gatesegments() {
  cat >> "$1/.hg/hgrc" << EOT
[extensions]
segmentgate = $TESTLIB/segmentgate.py
EOT
}

# hold [START+SIZE... | all]: the segments that wait from now on; all others go on
hold() {
  echo "$@" > "$TESTTMP/held.new"
  mv "$TESTTMP/held.new" "$TESTTMP/held"
}

# waitfor FILE TEXT N: wait until N lines of FILE hold TEXT
waitfor() {
  "$PYTHON" "$TESTLIB/waitfor.py" "$@"
}

# storedonce REPO...: of how many segments the logs say that they were stored, and
# how often each
storedonce() {
  for repo in "$@"; do cat "$repo/.hg/blackbox.log"; done \
    | sed -n 's/.* stored getbundle key=\([^ ]*\) .*/\1/p' | sort | uniq -c \
    | sed 's/^ *\([0-9]*\) .*/stored \1 time(s)/' | uniq -c | sed 's/^ *//'
}

# configuretry REPO: the hgrc of a headless try server whose store is a folder
configuretry() {
  cat >> "$1/.hg/hgrc" << EOT
[extensions]
s3try =
blackbox =
[blackbox]
track = s3wireprotocache
[s3try]
enabled = yes
[web]
allow-push = *
push_ssl = no
[s3wireprotocache]
store = file:$TESTTMP/store
EOT
}

# tryserver REPO: a repository of four public changesets, r0 to r3, and a server of
# it that keeps pushes apart; $URL is how clients reach it, by the test case (http or
# ssh)
tryserver() {
  hg init "$1"
  for i in 0 1 2 3; do
    echo $i > "$1/f$i"
    echo $i >> "$1/all"
    hg -R "$1" commit -qAm r$i -d "$i 0"
  done
  hg -R "$1" phase -q -p -r 'all()'
  configuretry "$1"
  tryurl "$1"
  # So that it writes its own cache of tags now, and not later.
  hg identify -r nosuchname $URL > /dev/null 2>&1 || true
}

# tryurl REPO: how clients reach it, in $URL; by HTTP, its server is started
tryurl() {
  cat >> "$HGRCPATH" << EOT
[ui]
ssh = "$PYTHON" "$RUNTESTDIR/dummyssh"
[experimental]
httppeer.advertise-v2 = false
EOT
  if test "$TRYBY" = ssh; then
    URL="ssh://user@dummy/$1"
  else
    URL="http://localhost:$HGPORT/"
    startserver "$1"
  fi
}

# commit REPO NAME [PARENT]: a changeset that adds a file of that name
commit() {
  if test -n "$3"; then hg -R "$1" update -qr "$3"; fi
  echo "$2" > "$1/$2"
  hg -R "$1" commit -qAm "$2" -d '10 0'
}

# node REPO REV
node() {
  hg -R "$1" log -r "$2" -T '{node}'
}

# untouched REPO: a digest of all files of a repository that are not ours
untouched() {
  (cd "$1/.hg" && find . -type f ! -path './cache/hg-s3/*' ! -name 'hg-s3-try.db*' \
    ! -name 'blackbox.log*' ! -name hgrc | sort | xargs sha256sum)
}

# graph REPO: what is in it
graph() {
  hg -R "$1" log -G -T '{desc} {phase}{if(bookmarks, " {bookmarks}")}\n'
}
