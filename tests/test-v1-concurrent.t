#require hgs3-moto

Pulls while a push comes in
===========================

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ v1history source
  $ hg init server
  $ hg -R source push -q -r 250 server
  $ configureserver server
  $ cat >> server/.hg/hgrc << EOF
  > publish-on-push = yes
  > [experimental]
  > web.apiserver = false
  > EOF
  $ hg s3cache warm -R server | tail -1
  3 stored \(60.\d KB\), 0 there already, 0 skipped, 0 not cached, 0 failed (re)
  $ rm -f server/.hg/blackbox.log*
  $ URL=http://localhost:$HGPORT/
  $ for name in near1 near2; do hg clone -q -U -r 70 server $name; done
  $ history() { hg -R $1 log -T '{node}\n' | sort > $1.history; }
  $ history server
  $ mv server.history before
  $ pulls() { # [ARGS]: in the background, of two that have a part and two that have nothing
  >   for name in near1 near2; do hg -R $name pull -q $URL "$@" > $name.out 2>&1 & pulling="$pulling $!"; done
  >   for name in far1 far2; do hg clone -q -U $URL $name "$@" > $name.out 2>&1 & pulling="$pulling $!"; done
  >   for pid in $pulling; do echo $pid >> "$DAEMON_PIDS"; done
  > }
  $ endpulls() { # all of what was there before the push
  >   for pid in $pulling; do wait $pid || echo failed; done
  >   pulling=
  >   for name in near1 near2 far1 far2; do
  >     cat $name.out; history $name; cmp before $name.history; hg verify -q -R $name
  >   done
  > }

It comes when the server has planned its answers, and has not begun with them

  $ cat > halt.sh << EOF
  > echo >> "$TESTTMP/halted"
  > for i in \$(seq 1200); do test -e "$TESTTMP/go" && exit; sleep 0.05; done
  > EOF
  $ startserver server --config hooks.preoutgoing="sh '$TESTTMP/halt.sh'"
  $ pulls
  $ waitfor halted '' 4
  $ hg -R source push -q -r 360 $URL
  $ waitfor server/.hg/blackbox.log ' stored getbundle' 1
  $ grep -c ' hit getbundle' server/.hg/blackbox.log
  0
  [1]
  $ touch go
  $ endpulls
  $ waitfor server/.hg/blackbox.log ' hit getbundle' 4
  $ stopserver

Then all get the rest, and equal the server

  $ startserver server
  $ for name in near1 near2 far1 far2; do hg -R $name pull -q $URL; same server $name; done

It comes when the clients have their answers, and have not followed the first URL

  $ rm -r near1 near2 far1 far2 go halted
  $ cat > halt.py << EOF
  > import os
  > from mercurial import extensions, url
  > def extsetup(ui):
  >     def opened(orig, ui, address, *args, **opts):
  >         if b"s3get" in address:
  >             os.system("sh '$TESTTMP/halt.sh'")
  >         return orig(ui, address, *args, **opts)
  >     extensions.wrapfunction(url, "open", opened)
  > EOF
  $ for name in near1 near2; do hg clone -q -U -r 70 server $name; done
  $ history server
  $ mv server.history before
  $ pulls --config extensions.halt="$TESTTMP/halt.py"
  $ waitfor halted '' 4
  $ hg -R source push -q -f $URL
  $ hg -R server log -r tip -T '{rev}\n'
  390
  $ touch go
  $ endpulls
  $ for name in near1 near2 far1 far2; do hg -R $name pull -q $URL; same server $name; done

Pushes and pulls as they come, of several clients each

  $ for name in dev1 dev2; do hg clone -q -U source $name; done
  $ grow dev1 0 150
  $ grow dev2 150 300
  $ push() { # REPO REVISION...
  >   repo=$1; shift
  >   for rev in "$@"; do hg -R $repo push -q -f -r $rev $URL || echo "$repo not pushed"; done
  > }
  $ pullagain() {
  >   for i in 1 2 3 4; do hg -R $1 pull -q $URL || echo "$1 not pulled"; done
  > }
  $ atonce() { "$@" & running="$running $!"; echo $! >> "$DAEMON_PIDS"; }
  $ for name in dev1 dev2; do atonce push $name 410 450 500 540; done
  $ for name in near1 near2 far1 far2; do atonce pullagain $name; done
  $ hg clone -q -U $URL amid
  $ for pid in $running; do wait $pid || echo failed; done
  $ hg verify -q -R amid
  $ hg -R server log -r tip -T '{rev}\n'
  690
  $ for name in near1 near2 far1 far2 amid; do hg -R $name pull -q $URL; same server $name; done
  $ hg clone -q -U $URL after
  $ same server after
  $ hg verify -q -R server
  $ storedonce server | sed 's/^[0-9]* stored/stored/'
  stored 1 time(s)
  $ stopserver
  $ cat error.log
