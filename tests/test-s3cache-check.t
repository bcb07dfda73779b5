#require hgs3-ministack

  $ . "$TESTDIR/helpers.sh"
  $ startministack
  $ ministackuser all 's3:*' > all.rc
  $ ministackuser reader 's3:Get*' 's3:List*' > reader.rc
  $ ministackuser keeper 's3:GetObject' 's3:PutObject' 's3:ListBucket' > keeper.rc
  $ hg init server
  $ cat >> server/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > [s3wireprotocache]
  > bucket = hg-cache
  > endpoint-url = $STORE
  > EOF
  $ cp server/.hg/hgrc plain.rc
  $ useuser() { cat plain.rc $1.rc > server/.hg/hgrc; }

All is as it should be, but for the one thing that is not there
===============================================================

  $ useuser all
  $ hg -R server s3cache check
  ok       settings
  ok       credentials      from the settings
  ok       bucket           hg-cache, in us-west-2
  ok       clock            this machine and the store are * s apart (glob)
  ok       put              1024 bytes with their SHA-256
  ok       conditional-put  a second one was refused
  ok       presigned-get    http://$LOCALIP:$HGPORT1 gives what was stored
  ok       unsigned-get     without its signature the URL gives nothing (403)
  ok       delete           the test objects are gone
  ok       policy           the policy of the bucket is not public
  warning  lifecycle        no rule expires what is below cache/, nor aborts incomplete multipart uploads
           (add a lifecycle rule for the prefix cache/, or purge by hand)

Nothing is left behind

  $ cat > keys.py << EOF
  > import boto3, sys
  > s3 = boto3.client('s3', endpoint_url='$STORE', region_name='us-west-2', aws_access_key_id='ministack-root', aws_secret_access_key='ministack-root-secret')
  > if sys.argv[1:]:
  >     s3.put_bucket_lifecycle_configuration(Bucket='hg-cache', LifecycleConfiguration={'Rules': [
  >         {'ID': 'hg-cache', 'Filter': {'Prefix': 'cache/'}, 'Status': 'Enabled', 'Expiration': {'Days': int(sys.argv[1])}, 'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': 2}}]})
  > print([each['Key'] for each in s3.list_objects_v2(Bucket='hg-cache').get('Contents', ())])
  > EOF
  $ "$PYTHON" keys.py
  []

With the lifecycle rule of the operator's guide, and with a hasty one

  $ "$PYTHON" keys.py 30
  []
  $ hg -R server s3cache check | grep lifecycle
  ok       lifecycle        what is below cache/ expires after 30 days, incomplete multipart uploads are aborted after 2
  $ hg -R server s3cache check --config s3wireprotocache.prefix=other/ | grep lifecycle
  warning  lifecycle        no rule expires what is below other/cache/, nor aborts incomplete multipart uploads
           (add a lifecycle rule for the prefix other/cache/, or purge by hand)
  $ "$PYTHON" keys.py 1
  []
  $ hg -R server s3cache check | grep -A1 lifecycle
  warning  lifecycle        rule 'hg-cache' expires objects within a day
           (let rules only expire objects below cache/, and leave more than a day and than url-lifetime and short-url-lifetime)
  $ "$PYTHON" keys.py 30
  []

It needs no repository, and speaks to programs

  $ cp server/.hg/hgrc settings.rc
  $ HGRCPATH="$HGRCPATH:$TESTTMP/settings.rc" hg s3cache check -T '{status} {check}\n'
  ok settings
  ok credentials
  ok bucket
  ok clock
  ok put
  ok conditional-put
  ok presigned-get
  ok unsigned-get
  ok delete
  ok policy
  ok lifecycle
  $ hg -R server s3cache check -T json > out.json
  $ "$PYTHON" -c "import json; print(sorted(json.load(open('out.json'))[2].items()))"
  [('check', 'bucket'), ('detail', 'hg-cache, in us-west-2'), ('hint', ''), ('status', 'ok')]

What can be wrong
=================

Settings

  $ hg -R server s3cache check --config s3wireprotocache.buket=x
  failed   settings         unknown setting s3wireprotocache.buket
           (did you mean s3wireprotocache.bucket?)
  [1]
  $ hg -R server s3cache check --config s3wireprotocache.access-key-id= --config s3wireprotocache.secret-access-key= --config s3wireprotocache.profile=none
  failed   settings         s3wireprotocache.profile: there is no profile none in the configuration files of the AWS tools
           (correct s3wireprotocache.profile)
  [1]
  $ hg -R server s3cache check --config s3wireprotocache.bucket=
  abort: no bucket is configured
  (set s3wireprotocache.bucket, or s3wireprotocache.store)
  [255]

No credentials at all

  $ cp plain.rc server/.hg/hgrc
  $ hg -R server s3cache check
  ok       settings
  failed   credentials      none found
           (set s3wireprotocache.access-key-id and s3wireprotocache.secret-access-key, or s3wireprotocache.profile, or give this machine a role)
  skipped  bucket           not tried, since it needs credentials
  skipped  clock            not tried, since it needs credentials
  skipped  put              not tried, since it needs bucket
  skipped  conditional-put  not tried, since it needs put
  skipped  presigned-get    not tried, since it needs put
  skipped  unsigned-get     not tried, since it needs put
  skipped  delete           not tried, since it needs put
  skipped  policy           not tried, since it needs bucket
  skipped  lifecycle        not tried, since it needs bucket
  [1]
  $ AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=s hg -R server s3cache check | sed -n 2p
  ok       credentials      from environment variables

Wrong ones

  $ useuser all
  $ hg -R server s3cache check --config s3wireprotocache.secret-access-key=wrong | grep -v skipped
  ok       settings
  ok       credentials      from the settings
  failed   bucket           HEAD failed: An error occurred (403) when calling the HeadBucket operation: Forbidden (check the credentials and that they allow s3:GetObject, s3:PutObject and s3:ListBucket)
           (correct s3wireprotocache.bucket, region, endpoint-url or the credentials, or allow them s3:ListBucket)
  ok       clock            this machine and the store are * s apart (glob)

No such bucket

  $ hg -R server s3cache check --config s3wireprotocache.bucket=none | grep -A1 failed
  failed   bucket           there is no bucket none (create the bucket or correct bucket)
           (correct s3wireprotocache.bucket, region, endpoint-url or the credentials, or allow them s3:ListBucket)

A store that is not there

  $ hg -R server s3cache check --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 > out
  [1]
  $ grep -v skipped out
  ok       settings
  ok       credentials      from the settings
  failed   bucket           HEAD failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT2/hg-cache"
           (correct s3wireprotocache.bucket, region, endpoint-url or the credentials, or allow them s3:ListBucket)
  unknown  clock            no answer of the store had a date

A policy that only lets us read

  $ useuser reader
  $ hg -R server s3cache check > out
  [1]
  $ tail -n +5 out
  failed   put              PUT failed: An error occurred (AccessDenied) when calling the PutObject operation: * (glob)
           (allow s3:PutObject below cache/, and see s3wireprotocache.acl)
  skipped  conditional-put  not tried, since it needs put
  skipped  presigned-get    not tried, since it needs put
  skipped  unsigned-get     not tried, since it needs put
  skipped  delete           not tried, since it needs put
  ok       policy           the policy of the bucket is not public
  ok       lifecycle        what is below cache/ expires after 30 days, incomplete multipart uploads are aborted after 2

One that allows no more than serving needs. What cannot be known is no failure;
what was stored cannot be deleted, and the name of it is said

  $ useuser keeper
  $ hg -R server s3cache check > out
  [1]
  $ tail -n +6 out
  ok       conditional-put  a second one was refused
  ok       presigned-get    http://$LOCALIP:$HGPORT1 gives what was stored
  ok       unsigned-get     without its signature the URL gives nothing (403)
  failed   delete           *; left behind: cache/check/*, cache/check/*-once (glob)
           (allow s3:DeleteObject below cache/)
  unknown  policy           not needed: the store does not say (AccessDenied)
  unknown  lifecycle        not needed: the store does not say (AccessDenied)

Clients cannot reach it: the endpoint that they are sent to does not answer, or
is another server

  $ useuser all
  $ hg -R server s3cache check --config s3wireprotocache.public-endpoint-url=http://127.0.0.1:$HGPORT2 > out
  [1]
  $ sed -n 7,9p out
  failed   presigned-get    no answer at http://$LOCALIP:$HGPORT2/: [Errno *] Connection refused (glob)
           (set s3wireprotocache.public-endpoint-url to the URL at which clients reach the store; a proxy in front of it must pass the Host header on)
  unknown  unsigned-get     no answer: [Errno *] Connection refused (glob)

The clock is off, by less and by more than S3 bears

  $ startproxy clock=120
  $ hg -R server s3cache check --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 | sed -n 4,5p
  warning  clock            this machine is 1* s behind the store (glob)
           (set the clock of this machine)
  $ stopproxy
  $ startproxy clock=-1000
  $ hg -R server s3cache check --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 > out
  [1]
  $ sed -n 4,5p out
  failed   clock            this machine is * s ahead of the store (glob)
           (set the clock of this machine: from 900 s on requests and URLs are refused)
  $ stopproxy

A fault in the middle: what was stored so far is gone nevertheless

  $ startproxy refuse=GET
  $ hg -R server s3cache check --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2 > out
  [1]
  $ sed -n 7,8p out
  failed   presigned-get    http://$LOCALIP:$HGPORT2 answers 403 instead of the object
           (set s3wireprotocache.public-endpoint-url to the URL at which clients reach the store; a proxy in front of it must pass the Host header on; the credentials must allow s3:GetObject)
  $ "$PYTHON" keys.py | tr , '\n' | grep -c check
  2

(those two are what the one without s3:DeleteObject had to leave)
