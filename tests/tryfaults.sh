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

# startpostgresql: an empty database on a server of its own; what has to be in the
# configuration for it is in $TESTTMP/db.rc
startpostgresql() {
  PYTHONPATH="$TESTDIR:$PYTHONPATH" "$PYTHON" -m testlib.database \
    "$TESTTMP/db.state" "$TESTTMP/db.url" >> "$TESTTMP/db.log" 2>&1 &
  echo $! > "$TESTTMP/db.pid"
  echo $! >> "$DAEMON_PIDS"
  waitfor "$TESTTMP/db.state.is" up 1
  printf '[s3try]\ndatabase = %s\n' "$(cat "$TESTTMP/db.url")" > "$TESTTMP/db.rc"
}

# postgresql down|up: it is when this returns
postgresql() {
  echo "$1" > "$TESTTMP/db.state"
  waitfor "$TESTTMP/db.state.is" "$1" 1
}

stoppostgresql() {
  "$PYTHON" "$TESTLIB/stop.py" "$TESTTMP/db.pid"
}

# sql STATEMENT: in that database
sql() {
  "$PYTHON" -c 'import psycopg, sys
with psycopg.connect(open("db.url").read().strip()) as connection:
    connection.execute(sys.argv[1])' "$1"
}

# pushagain REPO: until it is stored, since a server that could not connect does not
# try again at once
pushagain() {
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    hg -R "$1" push $URL > push.out 2>&1 && break
    sleep 0.5
  done
  grep remote push.out
}
