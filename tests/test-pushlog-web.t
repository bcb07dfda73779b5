Who pushed what, over HTTP: JSON, Atom, a page; out of the database alone

  $ USER=alice; export USER
  $ . "$TESTDIR/helpers.sh"
  $ . "$TESTDIR/tryfaults.sh"
  $ . "$TESTDIR/pushlog.sh"
  $ logserver server
  $ page() { "$PYTHON" "$TESTLIB/webpages.py" get "$@"; }
  $ U=http://localhost:$HGPORT
  $ hg clone -q $URL a
  $ commit a a1
  $ commit a a2
  $ hg -R a push -q server
  $ echo 3 > a/three; hg -R a commit -qAm '<b>a3</b> & more'
  $ USER=bob hg -R a push -q server
  $ A1=$(node a 'tip~2'); A2=$(node a 'tip~1'); A3=$(node a tip)

JSON, in both versions

  $ page "$U/json-pushes" | sed 's/"date":[0-9]*/"date":N/g'
  200
  {"1":{"changesets":["*","*"],"date":N,"user":"alice","url":"http://localhost:$HGPORT/pushloghtml?startID=0&endID=1"},"2":{"changesets":["*"],"date":N,"user":"bob","url":"http://localhost:$HGPORT/pushloghtml?startID=1&endID=2"}} (glob)
  $ cat > ask.py << EOF
  > import json, os, sys
  > from testlib import webpages
  > status, headers, body = webpages.fetch(sys.argv[1])
  > answer = json.loads(body)
  > if status != 200:
  >     print(status, answer)
  >     sys.exit()
  > pushes = answer["pushes"] if "pushes" in answer else answer
  > if "lastpushid" in answer:
  >     print("last", answer["lastpushid"])
  > for number, push in pushes.items():
  >     names = [each["desc"] if isinstance(each, dict) else each[:12]
  >              for each in push["changesets"]]
  >     print(number, push["user"], *names, *push.get("obsoletechangesets", ()))
  > EOF
  $ PYTHONPATH="$TESTDIR:$PYTHONPATH"; export PYTHONPATH
  $ ask() { "$PYTHON" ask.py "$U/json-pushes?$1"; }
  $ ask 'full=1&version=2'
  last 2
  1 alice a1 a2
  2 bob <b>a3</b> & more
  $ ask 'full=1&startID=1'
  2 bob <b>a3</b> & more
  $ ask 'full=1&endID=1&tipsonly=1'
  1 alice a2
  $ ask "full=1&fromchange=$A1"
  2 bob <b>a3</b> & more
  $ ask "full=1&tochange=$A1"
  1 alice a1 a2
  $ ask "full=1&changeset=$(echo $A3 | cut -c1-12)"
  2 bob <b>a3</b> & more
  $ ask 'full=1&user=alice&user=carol'
  1 alice a1 a2
  $ ask 'full=1&user=J%C3%B6rg&user=%FF&user=bob'
  2 bob <b>a3</b> & more
  $ ask 'startdate=2000-01-01&enddate=2001-01-01'
  $ ask 'full=1&startdate=1&enddate=2037-01-01%2012:00'
  1 alice a1 a2
  2 bob <b>a3</b> & more

HEAD says as much of an answer, and ends (`hg serve` of 6.0 knows no HEAD at all)

#if no-wireprotov2
  $ "$PYTHON" - << EOF
  > import http.client
  > for path in "/json-pushes", "/json-pushes?startID=x", "/pushlog", "/pushloghtml":
  >     found = []
  >     for method in "GET", "HEAD":
  >         connection = http.client.HTTPConnection("localhost", $HGPORT, timeout=60)
  >         connection.request(method, path)
  >         answer = connection.getresponse()
  >         kept = "Content-Length", "Content-Type", "ETag", "Cache-Control"
  >         found.append((answer.status, [answer.headers[name] for name in kept]))
  >         size = len(answer.read())
  >     print(found[0][0], found[0] == found[1], size)
  > EOF
  200 True 0
  400 True 0
  200 True 0
  200 True 0
#endif

What is wrong is named

  $ ask 'startID=x'
  400 {'error': "bad parameter startID: 'x' is not a number"}
  $ ask 'startdate=soon'
  400 {'error': "bad parameter startdate: 'soon' is not a date"}
  $ ask 'version=3'
  400 {'error': 'bad parameter version: 3 is not 1 or 2'}
  $ ask 'fromchange=ffffffffffff'
  404 {'error': 'unknown changeset: ffffffffffff'}
  $ page $U/pushlog?startID=x
  400
  bad parameter startID: 'x' is not a number
  $ page $U/pushloghtml?page=x | grep -o '^[0-9].*\|<p>bad.*</p>\|class="push-filter"'
  400
  <p>bad parameter page: &#39;x&#39; is not a number</p>
  class="push-filter"

Atom, as a reader of feeds reads it

  $ cat > feed.py << EOF
  > import sys, feedparser
  > from testlib import webpages
  > status, headers, body = webpages.fetch(sys.argv[1])
  > feed = feedparser.parse(body)
  > print(status, headers["Content-Type"], feed.bozo, feed.version)
  > for entry in feed.entries:
  >     print(entry.title[:15], entry.author, entry.link[-45:][:5], "<b>" in entry.content[0].value)
  > EOF
  $ "$PYTHON" feed.py $U/pushlog
  200 application/atom+xml; charset=UTF-8 False atom10
  Changeset * bob /rev/ False (glob)
  Changeset * alice /rev/ False (glob)
  Changeset * alice /rev/ False (glob)

The page

  $ page $U/pushloghtml > page.html; head -1 page.html
  200
  $ grep -o 'push [0-9]*</a> by <a class="user" href="[^"]*">[a-z]*' page.html
  push 2</a> by <a class="user" href="/pushloghtml?user=bob">bob
  push 1</a> by <a class="user" href="/pushloghtml?user=alice">alice
  $ grep -c '&lt;b&gt;a3&lt;/b&gt; &amp; more' page.html
  1
  $ grep -c '<b>a3' page.html
  0
  [1]
  $ for style in gitweb monoblue spartan coal; do page "$U/pushloghtml?style=$style&user=bob" | grep -c 'id="push2"'; done
  1
  1
  1
  1

Who asks again is told that nothing has changed

  $ etag() { "$PYTHON" -c "import sys; from testlib import webpages; print(webpages.fetch(sys.argv[1])[1]['ETag'])" "$1"; }
  $ TAG=$(etag "$U/json-pushes?full=1")
  $ page "$U/json-pushes?full=1" "If-None-Match=$TAG"
  304
  $ commit a a4
  $ hg -R a push -q server
  $ page "$U/json-pushes?full=1" "If-None-Match=$TAG" | head -1
  200

The repository is not needed

  $ mv server/.hg/store away
  $ ask 'full=1&version=2'
  last 3
  1 alice a1 a2
  2 bob <b>a3</b> & more
  3 alice a4
  $ mv away server/.hg/store

What is obsolete is told apart, and named by what takes its place

  $ cat >> "$HGRCPATH" << EOF
  > [experimental]
  > evolution = all
  > EOF
  $ A4=$(node a tip)
  $ hg -R a commit -q --amend -m better
  $ USER=bob hg -R a push -q server
  $ cat > obsolete.py << EOF
  > import json, sys
  > from testlib import webpages
  > pushes = json.loads(webpages.fetch(sys.argv[1])[2])["pushes"]
  > for number, push in pushes.items():
  >     for kind in "changesets", "obsoletechangesets":
  >         for each in push.get(kind, ()):
  >             known = each["precursors"] == [sys.argv[2]]
  >             print(number, kind, each["desc"], each["rev_url"] is not None, known)
  > EOF
  $ "$PYTHON" obsolete.py "$U/json-pushes/?version=2&full=1&startID=2" $A4
  3 obsoletechangesets a4 False False
  4 changesets better True True
  $ page "$U/pushloghtml?startID=2" | grep -o '<del>.*(.*)'
  <del>a4</del> (hidden)
  $ ask 'startID=2&full=1'
  3 alice
  4 bob better

Who may not read the repository reads no log; a database that is away is no traceback

  $ stopserver
  $ startserver server --config web.deny_read='*'
  $ for name in json-pushes pushlog pushloghtml; do page $U/$name | head -1; done
  401
  401
  401
  $ page $U/pushloghtml | grep -c 'class="push-filter"'
  0
  [1]
  $ stopserver
  $ mv server/.hg/hg-s3-try.db saved; mkdir server/.hg/hg-s3-try.db
  $ startserver server 2> /dev/null
  $ ask ''
  503 {'error': 'the log of pushes cannot be read now'}
  $ stopserver
  $ rmdir server/.hg/hg-s3-try.db; mv saved server/.hg/hg-s3-try.db
  $ startserver server
  $ ask 'endID=1&tipsonly=1'
  1 alice ???????????? (glob)
  $ stopserver
  $ hg -R server verify -q
  $ hg -R a verify -q
