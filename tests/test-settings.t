Every setting is checked when the server starts, and a bad one is named

  $ . "$TESTDIR/helpers.sh"
  $ hg init server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > [experimental]
  > web.apiserver = true
  > web.api.http-v2 = true
  > [s3wireprotocache]
  > EOF
  $ try() {
  >   args=""
  >   for setting in "$@"; do args="$args --config s3wireprotocache.$setting"; done
  >   hg -R server serve -d -p $HGPORT --pid-file hg.pid $args
  > }

  $ try bucket=UPPER/case
  abort: s3wireprotocache.bucket is not the name of a bucket: 'UPPER/case'
  (set s3wireprotocache.bucket to the plain name, such as hg-cache; use prefix for a folder)
  [255]
  $ hg -R server serve -d -p $HGPORT --config 's3wireprotocache.bucket=hg-cache  # a comment'
  abort: s3wireprotocache.bucket is not the name of a bucket: 'hg-cache  # a comment'
  (set s3wireprotocache.bucket to the plain name, such as hg-cache; use prefix for a folder)
  [255]
  $ try prefix=/root
  abort: s3wireprotocache.prefix begins with a slash: '/root'
  (keys of S3 have no root: remove the first slash of s3wireprotocache.prefix)
  [255]
  $ try region=us_west
  abort: s3wireprotocache.region is not the name of a region: 'us_west'
  (set s3wireprotocache.region to a name such as us-west-2)
  [255]
  $ try region=
  abort: s3wireprotocache.region is not the name of a region: ''
  (set s3wireprotocache.region to a name such as us-west-2)
  [255]
  $ try access-key-id=key
  abort: s3wireprotocache.access-key-id is set without s3wireprotocache.secret-access-key
  (set both, or neither to use the environment, a profile or a role)
  [255]
  $ try secret-access-key=secret
  abort: s3wireprotocache.secret-access-key is set without s3wireprotocache.access-key-id
  (set both, or neither to use the environment, a profile or a role)
  [255]
  $ try session-token=token
  abort: s3wireprotocache.session-token is set without s3wireprotocache.access-key-id
  (set s3wireprotocache.access-key-id and s3wireprotocache.secret-access-key too)
  [255]
  $ try profile=work access-key-id=key secret-access-key=secret
  abort: s3wireprotocache.profile and s3wireprotocache.access-key-id are both set
  (remove s3wireprotocache.profile or the keys)
  [255]
  $ try bucket=hg-cache profile=nosuch
  abort: s3wireprotocache.profile: there is no profile nosuch in the configuration files of the AWS tools
  (correct s3wireprotocache.profile)
  [255]
  $ try endpoint-url=s3.example.com
  abort: s3wireprotocache.endpoint-url is not an http or https URL
  (set s3wireprotocache.endpoint-url to a URL such as https://s3.example.com:9000)
  [255]
  $ try endpoint-url=https://
  abort: s3wireprotocache.endpoint-url names no host
  (set s3wireprotocache.endpoint-url to a URL such as https://s3.example.com:9000)
  [255]
  $ try endpoint-url=https://host:port
  abort: s3wireprotocache.endpoint-url is not a URL
  (set s3wireprotocache.endpoint-url to a URL such as https://s3.example.com:9000)
  [255]
  $ try public-endpoint-url=https://user:password@host
  abort: s3wireprotocache.public-endpoint-url holds a user name or password
  (set s3wireprotocache.public-endpoint-url to a URL such as https://s3.example.com:9000)
  [255]
  $ try public-endpoint-url='https://host/?query=1'
  abort: s3wireprotocache.public-endpoint-url holds a query string or fragment
  (set s3wireprotocache.public-endpoint-url to a URL such as https://s3.example.com:9000)
  [255]
  $ try addressing-style=dns
  abort: s3wireprotocache.addressing-style is not one that is known: 'dns'
  (set s3wireprotocache.addressing-style to auto, path or virtual)
  [255]
  $ try minimum-object-size=big
  abort: s3wireprotocache.minimum-object-size is not a size: 'big'
  (set s3wireprotocache.minimum-object-size to a number of bytes, or to one such as 64KB or 1MB)
  [255]
  $ try minimum-object-size=-1
  abort: s3wireprotocache.minimum-object-size is not a size: '-1'
  (set s3wireprotocache.minimum-object-size to a number of bytes, or to one such as 64KB or 1MB)
  [255]
  $ try url-lifetime=0
  abort: s3wireprotocache.url-lifetime is not a number of seconds that S3 allows: '0'
  (set s3wireprotocache.url-lifetime to 1 to 604800 (seven days))
  [255]
  $ try url-lifetime=15m
  abort: s3wireprotocache.url-lifetime is not a number of seconds that S3 allows: '15m'
  (set s3wireprotocache.url-lifetime to 1 to 604800 (seven days))
  [255]
  $ try url-lifetime=604801
  abort: s3wireprotocache.url-lifetime is not a number of seconds that S3 allows: '604801'
  (set s3wireprotocache.url-lifetime to 1 to 604800 (seven days))
  [255]
  $ try public-url=hg.example.com
  abort: s3wireprotocache.public-url is not an http or https URL
  (set s3wireprotocache.public-url to a URL such as https://hg.example.com/repo)
  [255]
  $ try url-secret=short
  abort: s3wireprotocache.url-secret is too short
  (set s3wireprotocache.url-secret to 16 random characters or more)
  [255]
  $ try short-url-lifetime=6h
  abort: s3wireprotocache.short-url-lifetime is not a number of seconds: '6h'
  (set s3wireprotocache.short-url-lifetime to 1 to 604800 (seven days))
  [255]
  $ try sendfile-header=X-Accel-Redirect
  abort: s3wireprotocache.sendfile-header is not one that is known: 'X-Accel-Redirect'
  (set s3wireprotocache.sendfile-header to X-Sendfile, or to X-Accel-Redirect: /hg-s3/ with the URI of the store's folder)
  [255]
  $ try acl=public-read
  abort: s3wireprotocache.acl would show cached responses to strangers: 'public-read'
  (set s3wireprotocache.acl to private; clients read by presigned URLs and need no more)
  [255]
  $ try acl=secret
  abort: s3wireprotocache.acl is not one that is known: 'secret'
  (set s3wireprotocache.acl to private, bucket-owner-read or bucket-owner-full-control)
  [255]
  $ try connect-timeout=0
  abort: s3wireprotocache.connect-timeout is not a number of seconds: '0'
  (set s3wireprotocache.connect-timeout to a number above 0, and 3600 at most)
  [255]
  $ try read-timeout=inf
  abort: s3wireprotocache.read-timeout is not a number of seconds: 'inf'
  (set s3wireprotocache.read-timeout to a number above 0, and 3600 at most)
  [255]

A misspelt one

  $ try buket=hg-cache
  abort: unknown setting s3wireprotocache.buket
  (did you mean s3wireprotocache.bucket?)
  [255]
  $ try acces-key=x
  abort: unknown setting s3wireprotocache.acces-key
  (did you mean s3wireprotocache.access-key-id?)
  [255]
  $ try frobnicate=yes
  abort: unknown setting s3wireprotocache.frobnicate
  (see 'hg help s3wireprotocache' for the settings)
  [255]

Other commands do not care, and do not load what talks to S3

  $ hg -R server log --config s3wireprotocache.buket=hg-cache
  $ cat > loaded.py << EOF
  > import sys
  > def uisetup(ui):
  >     ui.atexit(lambda: ui.write(b"%d\n" % len([m for m in sys.modules if m.startswith(('boto', 'urllib3'))])))
  > EOF
  $ hg -R server log --config s3wireprotocache.bucket=hg-cache --config extensions.loaded=loaded.py
  0

#if wireprotov2
The settings of a repository that only turns up while serving (under
--web-conf) cannot stop the server; they are said once, and it is served
without the cache

  $ hg init one
  $ echo a > one/a
  $ hg -R one commit -qAm a
  $ cat > one/.hg/hgrc << EOF
  > [s3wireprotocache]
  > bucket = hg-cache
  > url-lifetime = soon
  > EOF
  $ cat > web.conf << EOF
  > [paths]
  > one = $TESTTMP/one
  > [extensions]
  > s3wireprotocache =
  > [experimental]
  > web.apiserver = true
  > web.api.http-v2 = true
  > EOF
  $ hg serve -p $HGPORT --pid-file hg.pid --web-conf web.conf -A access.log > out 2>&1 \
  >   --config extensions.s3wireprotocache= --config experimental.web.apiserver=1 --config experimental.web.api.http-v2=1 &
  $ "$PYTHON" "$TESTLIB/s3.py" wait http://127.0.0.1:$HGPORT; cat hg.pid >> $DAEMON_PIDS
  $ hg clone -q -U http://localhost:$HGPORT/one c1
  $ hg clone -q -U http://localhost:$HGPORT/one c2
  $ samenodes one c2
  $ stopserver
  $ grep -v killed! out
  warning: s3wireprotocache.url-lifetime is not a number of seconds that S3 allows: 'soon'
  (set s3wireprotocache.url-lifetime to 1 to 604800 (seven days); serving without the cache until then)

#endif

The same mistake in the web.conf itself is seen at the start

  $ cat > web.conf << EOF
  > [paths]
  > one = $TESTTMP/server
  > [extensions]
  > s3wireprotocache =
  > [s3wireprotocache]
  > bucket = hg-cache
  > endpoint-url = nowhere
  > EOF
  $ hg serve -p $HGPORT --web-conf web.conf --config extensions.s3wireprotocache=
  abort: s3wireprotocache.endpoint-url is not an http or https URL
  (set s3wireprotocache.endpoint-url to a URL such as https://s3.example.com:9000)
  [255]

#if wireprotov2
A server that has a bucket, but nothing that could use it

  $ startserver server --config s3wireprotocache.bucket=hg-cache --config experimental.web.api.http-v2=no \
  >   --config s3wireprotocache.access-key-id=k --config s3wireprotocache.secret-access-key=s \
  >   --config s3wireprotocache.commands=filesdata \
  >   --config s3wireprotocache.endpoint-url=$STORE 2>&1 | grep -v 'cannot be used'
  warning: s3wireprotocache: nothing will be cached: experimental.web.api.http-v2 is off
  (set experimental.web.api.http-v2 to true)
  $ stopserver
#endif

boto3 is not there

  $ mkdir noboto
  $ echo 'raise ImportError("no such module: boto3")' > noboto/boto3.py
  $ PYTHONPATH="$TESTTMP/noboto:$PYTHONPATH" hg -R server serve -d -p $HGPORT --config s3wireprotocache.bucket=hg-cache
  abort: s3wireprotocache cannot load boto3: no such module: boto3
  (install boto3 into the Python that runs this Mercurial)
  [255]
