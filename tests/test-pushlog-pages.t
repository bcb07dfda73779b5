#require serve

Pages of hgweb lead to the log of pushes, where there is one; all else of them is as ever

  $ . "$TESTDIR/helpers.sh"
  $ page() { "$PYTHON" "$TESTLIB/webpages.py" get "$@"; }
  $ compare() { "$PYTHON" "$TESTLIB/webpages.py" compare http://localhost:$HGPORT2 $1 < $2; }
  $ hg init server
  $ mkdir server/dir
  $ echo one > server/dir/one; hg -R server commit -qAm 'first <of> them' -d '0 0' -u Ada
  $ echo two > server/dir/one; hg -R server branch -q other
  $ hg -R server commit -qm 'second' -d '1 0' -u Bob
  $ hg -R server bookmark -r 0 book; hg -R server tag -d '2 0' -u Bob 1.0
  $ cat >> server/.hg/hgrc << EOF
  > [web]
  > name = repo
  > allow-archive = gz
  > [extensions]
  > pushlog =
  > EOF
  $ cp -R server ordinary
  $ printf '[pushlog]\nenabled = no\n' >> ordinary/.hg/hgrc
  $ startserver server
  $ hg -R ordinary serve -d -p $HGPORT2 --pid-file ordinary.pid -E ordinary.log
  $ cat ordinary.pid >> $DAEMON_PIDS
  $ URL=http://localhost:$HGPORT

One entry on each page that has a navigation, in each style

  $ for style in paper coal gitweb monoblue spartan; do
  >   for path in / summary shortlog log graph tags bookmarks branches file/tip/ file/tip/dir \
  >     rev/0 rev/1 file/tip/dir/one log/tip/dir/one annotate/tip/dir/one diff/1/dir/one \
  >     comparison/1/dir/one log?rev=first help help/revsets rev/nothing file/tip/nothing; do
  >     case $path in
  >       *\?*) echo "/$path&style=$style";;
  >       /) echo "/?style=$style";;
  >       *) echo "/$path?style=$style";;
  >     esac
  >   done
  > done > paths
  $ compare $URL paths > out
  $ grep DIFFERENT out
  [1]
  $ sed -n 's/^entry .*style=//p' out | sort | uniq -c | sed 's/^ *//'
  22 coal
  22 gitweb
  22 monoblue
  22 paper
  15 spartan
  $ grep ^same out
  same 403 /summary?style=spartan
  same 403 /bookmarks?style=spartan
  same 403 /comparison/1/dir/one?style=spartan
  same 403 /help?style=spartan
  same 403 /help/revsets?style=spartan
  same 404 /rev/nothing?style=spartan
  same 404 /file/tip/nothing?style=spartan
  $ page "$URL/shortlog?style=gitweb" | grep pushlog
  <a href="/pushloghtml?style=gitweb">pushlog</a> |
  $ page "$URL/branches" | grep -A1 '"active"'
  <li class="active">branches</li>
  <li><a href="/pushloghtml">pushlog</a></li>

None on what is no page, and none where there is no log, or in a style of somebody else

  $ for path in raw-rev/1 json-rev/1 atom-log rss-log raw-file/1/dir/one archive/1.tar.gz \
  >   static/style-paper.css 'cmd=heads' nonsense; do
  >   case $path in cmd=*) echo "/?$path";; *) echo "/$path";; esac
  > done > plain
  $ compare $URL plain | cut -d' ' -f1 | sort | uniq -c | sed 's/^ *//'
  1 entry
  8 same
  $ stopserver
  $ startserver server --config extensions.pushlog=!
  $ grep -v help paths > others
  $ compare $URL others | cut -d' ' -f1 | sort | uniq -c | sed 's/^ *//'
  100 same
  $ page $URL/pushloghtml | head -1
  400
  $ stopserver
  $ TEMPLATES=$("$PYTHON" -c "import mercurial, os; print(os.path.dirname(mercurial.__file__))")/templates
  $ mkdir styles; cp -R "$TEMPLATES/gitweb" styles/house; cp -R "$TEMPLATES/paper" styles/paper
  $ sed -i 's/<ul>/<ul class="ours">/; s/>branches</>Branches</' styles/paper/*.tmpl
  $ startserver server --config web.templates=$TESTTMP/styles --config web.style=house
  $ page $URL/shortlog | grep -c pushlog
  0
  [1]
  $ page "$URL/shortlog?style=paper" | grep -c pushlog
  0
  [1]
  $ page $URL/pushloghtml | grep -c 'No pushes were found'
  1
  $ stopserver
  $ cat "$TESTTMP/error.log" ordinary.log
