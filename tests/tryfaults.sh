# Sourced by .t tests after helpers.sh: what goes wrong around a try server.

# pointserver REPO: commands are run when its server comes to a point of a push, see
# testlib/trypoints.py
pointserver() {
  cat >> "$1/.hg/hgrc" << EOT
[extensions]
trypoints = $TESTLIB/trypoints.py
EOT
  restart "$1"
}

# at POINT COMMAND...: once, from now on
at() {
  echo "$@" >> "$TESTTMP/points"
}

# restart REPO: its server, with another configuration, or one that was killed; by
# SSH, each command has a new one
restart() {
  if test "$TRYBY" != ssh; then
    "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/hg.pid" 2> /dev/null
    startserver "$1"
  fi
}

# said: of what comes in, what the user is told of a push that went wrong
said() {
  grep -v '^pushing to\|^pulling from\|^searching for\|^(run'
}

# pushes REPO: what try has of it
pushes() {
  hg -R "$1" s3try list -T '{push} {changesets} {tip|short}\n'
}

# objects: how many files there are in the store
objects() {
  find "$TESTTMP/store" -type f -name '*.body' 2> /dev/null | wc -l | tr -d ' '
}

# forget REPO: no local copies, so that the store has to be asked
forget() {
  rm -rf "$1/.hg/cache/hg-s3/try"
}

# ordinary REPO: clone, pull, incoming, outgoing, identify and a push of what the server has, of
# which nobody is to notice that something is wrong
ordinary() {
  rm -rf ordinary
  hg clone -q -r 2 $URL ordinary &&
    hg -R ordinary incoming -q -T '{desc}\n' $URL &&
    hg -R ordinary pull -q $URL &&
    hg identify $URL &&
    hg identify -r 1 $URL &&
    hg identify -r $(hg -R ordinary log -r 1 -T '{node|short}') $URL &&
    commit ordinary own &&
    hg -R ordinary outgoing -q -T '{desc}\n' $URL &&
    hg -R ordinary push -r 3 $URL | grep -v '^pushing to\|^searching for'
  hg -R ordinary log -T '{desc} {phase}\n'
}
