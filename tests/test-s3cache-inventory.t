#require hgs3-moto

  $ . "$TESTDIR/helpers.sh"
  $ startstore
  $ s3 mb hg-cache
  $ for r in server other; do
  >   hg init $r
  >   cat >> $r/.hg/hgrc << EOF
  > [extensions]
  > s3wireprotocache =
  > [s3wireprotocache]
  > bucket = hg-cache
  > prefix = some/
  > repo-id = $r
  > access-key-id = test-key
  > secret-access-key = test-secret
  > endpoint-url = $STORE
  > EOF
  > done

Objects as servers put them there: keys begin with the digest of the identity.
Among them is one of another repository, one beside all of them, and one whose
folder begins with the same name

  $ digest() { printf %s "$1" | "$PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:32])'; }
  $ S=$(digest server)
  $ O=$(digest other)
  $ cat > store.py << EOF
  > import boto3, sys
  > s3 = boto3.client('s3', endpoint_url='$STORE', region_name='us-west-2', aws_access_key_id='test-key', aws_secret_access_key='test-secret')
  > action, keys = sys.argv[1], sys.argv[2:]
  > if action == 'put':
  >     s3.put_object(Bucket='hg-cache', Key=keys[0], Body=b'x' * int(keys[1]))
  > elif action == 'begin':
  >     for key in keys:
  >         s3.create_multipart_upload(Bucket='hg-cache', Key=key)
  > else:
  >     print(sorted(each['Key'] for each in s3.list_multipart_uploads(Bucket='hg-cache').get('Uploads', ())))
  > EOF
  $ put() { "$PYTHON" store.py put "$@"; }
  $ put some/cache/$S/v2/manifestdata/1111111111111111111111111111111111111111 1000
  $ put some/cache/$S/v2/filesdata/2222222222222222222222222222222222222222 2000
  $ put some/cache/$S/v2/filesdata/3333333333333333333333333333333333333333 3000
  $ put some/cache/$S/lease 10
  $ put some/cache/$O/v2/filesdata/4444444444444444444444444444444444444444 4000
  $ put some/cache/${S}1/v2/filesdata/5555555555555555555555555555555555555555 10
  $ put some/cache/precious 10
  $ put cache/$S/v2/filesdata/6666666666666666666666666666666666666666 10

What there is of this repository
================================

  $ keys() { sed "s/$S/REPO/;s/$O/OTHER/"; }
  $ hg -R server s3cache list | keys
  other              10 bytes  * ago *some/cache/REPO/lease (glob)
  filesdata           1.95 KB  * ago *some/cache/REPO/v2/filesdata/2222222222222222222222222222222222222222 (glob)
  filesdata           2.93 KB  * ago *some/cache/REPO/v2/filesdata/3333333333333333333333333333333333333333 (glob)
  manifestdata     1000 bytes  * ago *some/cache/REPO/v2/manifestdata/1111111111111111111111111111111111111111 (glob)
  $ hg -R server s3cache list -c manifestdata -T json | keys
  [
   {
    "age": *, (glob)
    "bytes": 1000,
    "command": "manifestdata",
    "date": [*, 0], (glob)
    "key": "some/cache/REPO/v2/manifestdata/1111111111111111111111111111111111111111"
   }
  ]
  $ hg -R other s3cache list -T '{command} {bytes} {key}\n' | keys
  filesdata 4000 some/cache/OTHER/v2/filesdata/4444444444444444444444444444444444444444
  $ hg -R server s3cache list -c none
  $ hg -R server s3cache stat
  filesdata               2 objects     4.88 KB  oldest * ago, newest * ago (glob)
  manifestdata            1 objects  1000 bytes  oldest * ago, newest * ago (glob)
  other                   1 objects    10 bytes  oldest * ago, newest * ago (glob)
  total                   4 objects     5.87 KB  oldest * ago, newest * ago (glob)
  $ hg -R server s3cache stat -T json | grep -v -e oldest -e newest | sed 's/,$//'
  [
   {
    "bytes": 5000
    "command": "filesdata"
    "objects": 2
   }
   {
    "bytes": 1000
    "command": "manifestdata"
    "objects": 1
   }
   {
    "bytes": 10
    "command": "other"
    "objects": 1
   }
   {
    "bytes": 6010
    "command": "total"
    "objects": 4
   }
  ]
  $ hg -R server s3cache stat --config s3wireprotocache.repo-id=none
  total                   0 objects     0 bytes

Purging
=======

Nothing is deleted unasked

  $ hg -R server s3cache purge --all
  would delete 4 objects (5.87 KB) and 0 incomplete uploads
  (use --yes to delete them)
  $ hg -R server s3cache purge --older-than 1 --yes
  deleted 0 objects (0 bytes) and 0 incomplete uploads
  $ hg -R server s3cache list | wc -l | tr -d ' '
  4

Then this repository's, and no other's; what was begun and never ended goes, too

  $ "$PYTHON" store.py begin some/cache/$S/v2/filesdata/7 some/cache/$S/v2/filesdata/8 some/cache/$O/v2/filesdata/9
  $ hg -R server s3cache purge --all -T json
  [
   {
    "bytes": 6010,
    "deleted": false,
    "objects": 4,
    "uploads": 2
   }
  ]
  $ hg -R server s3cache purge --all --yes --debug --config progress.debug=true | grep '^delet'
  deleting: 0/4 objects (0.00%)
  deleting: 4/4 objects (100.00%)
  deleted 4 objects (5.87 KB) and 2 incomplete uploads
  $ s3 ls hg-cache | keys
  cache/REPO/v2/filesdata/6666666666666666666666666666666666666666 10
  some/cache/REPO1/v2/filesdata/5555555555555555555555555555555555555555 10
  some/cache/OTHER/v2/filesdata/4444444444444444444444444444444444444444 4000
  some/cache/precious 10
  $ "$PYTHON" store.py uploads | keys
  ['some/cache/OTHER/v2/filesdata/9']
  $ hg -R server s3cache purge --all
  would delete 0 objects (0 bytes) and 0 incomplete uploads

By age: to the store's mind, all are a little old (that is about 0.1 seconds)

  $ hg -R other s3cache purge --older-than 0.000001 --yes
  deleted 1 objects (3.91 KB) and 1 incomplete uploads

Wrong words
===========

  $ hg -R server s3cache
  abort: s3cache needs one action
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache list stat
  abort: s3cache needs one action
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache clear
  abort: s3cache has no action 'clear'
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache list --yes
  abort: s3cache list takes no --yes
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache stat --older-than 3
  abort: s3cache stat takes no --older-than
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache check -c filesdata
  abort: s3cache check takes no --command
  (actions are check, list, stat, purge, warm; see 'hg help s3cache')
  [10]
  $ hg -R server s3cache purge --yes
  abort: s3cache purge takes one of --all and --older-than
  (see 'hg help s3cache')
  [10]
  $ hg -R server s3cache purge --all --older-than 3
  abort: s3cache purge takes one of --all and --older-than
  (see 'hg help s3cache')
  [10]
  $ for days in 0 -1 soon nan inf; do hg -R server s3cache purge --older-than=$days; done
  abort: --older-than is not a number of days: '0'
  (give a number above 0, or --all)
  abort: --older-than is not a number of days: '-1'
  (give a number above 0, or --all)
  abort: --older-than is not a number of days: 'soon'
  (give a number above 0, or --all)
  abort: --older-than is not a number of days: 'nan'
  (give a number above 0, or --all)
  abort: --older-than is not a number of days: 'inf'
  (give a number above 0, or --all)
  [10]
  $ hg s3cache list --config extensions.s3wireprotocache=
  abort: s3cache list needs a repository
  (use -R to name the one that is served)
  [10]
  $ hg help s3cache --config extensions.s3wireprotocache= | grep -E '^ *"(check|list|stat|purge|warm)"$' | tr -d ' "'
  check
  list
  stat
  purge
  warm

Where Mercurial has no version 2 of the protocol, there are only segments

#if no-wireprotov2
  $ hg -R server s3cache warm
  the repository is empty, there is nothing to warm
  $ hg -R server s3cache warm --stream
  abort: this mercurial serves no wire protocol version 2
  (leave --stream out; only mercurial 5.9 to 6.0 do)
  [255]
#endif

A bucket that is missing, a store that is not there, and none at all
===================================================================

  $ for action in list stat 'purge --all'; do
  >   hg -R server s3cache $action -T json --config s3wireprotocache.bucket=none
  >   hg -R server s3cache $action -T json --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2
  >   hg -R server s3cache $action -T json --config s3wireprotocache.bucket=
  > done
  abort: the store cannot be used: listing failed: An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist (create the bucket or correct bucket)
  abort: the store cannot be used: listing failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT2/hg-cache"
  abort: no bucket is configured
  (set s3wireprotocache.bucket, or s3wireprotocache.store)
  abort: the store cannot be used: listing failed: An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist (create the bucket or correct bucket)
  abort: the store cannot be used: listing failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT2/hg-cache"
  abort: no bucket is configured
  (set s3wireprotocache.bucket, or s3wireprotocache.store)
  abort: the store cannot be used: listing failed: An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist (create the bucket or correct bucket)
  abort: the store cannot be used: listing failed: Could not connect to the endpoint URL: "http://$LOCALIP:$HGPORT2/hg-cache"
  abort: no bucket is configured
  (set s3wireprotocache.bucket, or s3wireprotocache.store)
  [255]

Credentials that may not delete, or not see to uploads

  $ put some/cache/$S/v2/filesdata/2222222222222222222222222222222222222222 2000
  $ startproxy refuse=POST
  $ hg -R server s3cache purge --all --yes --config s3wireprotocache.endpoint-url=http://127.0.0.1:$HGPORT2
  abort: the store cannot be used: deletion failed: * (glob)
  (0 of 1 objects were deleted; purge again)
  [255]
  $ stopproxy
  $ hg -R server s3cache list | wc -l | tr -d ' '
  1
