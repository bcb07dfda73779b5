# Sourced by .t tests after helpers.sh and tryfaults.sh: a server that logs pushes.

# logserver REPO: an ordinary repository whose pushes are logged, with two changesets,
# r0 and r1, that nobody pushed; $URL is how clients reach it
logserver() {
  cat >> "$HGRCPATH" << EOT
[extensions]
strip =
[phases]
publish = no
EOT
  hg init "$1"
  cat >> "$1/.hg/hgrc" << EOT
[extensions]
pushlog =
[web]
allow-push = *
push_ssl = no
[ui]
rollback = yes
EOT
  commit "$1" r0
  commit "$1" r1
  tryurl "$1"
}

# logged REPO: number, user and changesets of each push, and what has become of them, by
# the database alone
logged() {
  "$PYTHON" "$TESTLIB/logged.py" "$1/.hg/hg-s3-try.db"
}

# serverpoints REPO: commands are run when its server comes to a point of a push, see
# testlib/pushpoints.py
serverpoints() {
  cat >> "$1/.hg/hgrc" << EOT
[extensions]
pushpoints = $TESTLIB/pushpoints.py
EOT
  PYTHONPATH="$TESTDIR:$PYTHONPATH"
  export PYTHONPATH
  restart "$1"
}

# buried PID: wait until a process that was killed is gone, and not somebody's child
# that has ended: until then its locks are its own
buried() {
  while kill -0 $1 2> /dev/null; do sleep 0.1; done
}
