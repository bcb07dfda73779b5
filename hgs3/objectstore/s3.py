"""Amazon S3 and the servers that speak its API, by boto3.

Importing this module imports boto3. Make one :class:`S3Store` a process and
set of settings: a client costs 0.15 s and keeps a pool of connections.
"""

import base64
import contextlib
import hashlib
import itertools
import math
import time
import typing

import boto3.s3.transfer
import botocore.exceptions

from . import s3faults
from .base import CHUNK_BYTES, ObjectStore, StoreUnavailable, StoreUnsupported
from .s3answers import content_length, is_archived, listed_objects, object_info
from .s3clients import S3Clients, credentials_exist, one_line
from .s3settings import S3Settings

#: A larger body goes up in parts; S3 shows it when the last one is confirmed.
MULTIPART_BYTES = 16 * 1024 * 1024
#: One part is held in memory while it is sent. S3 takes no smaller ones.
PART_BYTES = 5 * 1024 * 1024

#: The most that S3 takes in one DeleteObjects.
DELETE_BATCH_KEYS = 1000
#: How often a conditional PUT is sent while others get in its way.
CONFLICT_ATTEMPTS = 4

#: How long to wait before credentials that are not there are searched again.
#: A search may wait a second for a metadata service.
CREDENTIALS_SEARCH_SECONDS = 30.0

#: A URL is given to several for this part of its lifetime, and these seconds at
#: most: a herd comes for the same objects, and to sign is half of what it costs
#: to send one there. Not for longer: it ends with the session that signed it.
SHARED_PART = 1 / 16
SHARED_SECONDS = 60.0
#: And so many of them, which are dropped all at once.
SHARED_URLS = 1000

_REDIRECTS = frozenset((301, 302, 307, 308))

#: Error codes after which boto3 asks where the bucket is. A HEAD has no body
#: to put a code in: there, it takes any 400 for a wrong region, and so do we.
_WRONG_REGION = frozenset(("PermanentRedirect", "AuthorizationHeaderMalformed", "400"))


class S3Store(ObjectStore):
    """One bucket.

    Raises StoreSettingsError when boto3 refuses the settings themselves (a
    profile that does not exist, for instance); makes no request.
    """

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._clients = S3Clients(settings, self._refuse_redirects)
        self._next_search = math.inf
        self._last_search = -math.inf
        self._asks_checksums = True
        self._deletes_batches = True
        #: (key, lifetime) to (URL, until when it is shared).
        self._shared_urls = {}

    @property
    def _client(self):
        if time.monotonic() >= self._next_search:
            self._search_credentials()
        return self._clients.private

    @property
    def _public_client(self):
        if time.monotonic() >= self._next_search:
            self._search_credentials()
        return self._clients.public

    def _search_credentials(self):
        """Make the clients anew, with the credentials that there are by now.

        boto3 looks for them once, when it makes a client. A role that is
        attached later, a metadata service that is slow when the machine boots,
        or a file that some tool rewrites every hour must not cost the cache
        until the next restart.
        """
        self._next_search = math.inf
        self._last_search = time.monotonic()
        if credentials_exist(self._settings):
            self._clients = S3Clients(self._settings, self._refuse_redirects)
            self._shared_urls = {}

    def _plan_search(self):
        """With the next request, but not too often; never for keys in settings."""
        if not self._settings.access_key_id:
            self._next_search = self._last_search + CREDENTIALS_SEARCH_SECONDS

    def head(self, key):
        with self._translated_faults("HEAD"):
            try:
                response = self._head_object(key)
            except botocore.exceptions.ClientError as err:
                if s3faults.is_missing(err):
                    return None
                raise
            return None if is_archived(response) else object_info(key, response)

    def _head_object(self, key):
        """Ask for the checksum, too, of servers that can bear the question."""
        place = {"Bucket": self._bucket, "Key": key}
        if self._asks_checksums:
            try:
                return self._client.head_object(ChecksumMode="ENABLED", **place)
            except botocore.exceptions.ClientError as err:
                if not s3faults.is_unknown(err):
                    raise
        try:
            response = self._client.head_object(**place)
        except botocore.exceptions.ClientError as err:
            if s3faults.is_missing(err):
                self._asks_checksums = False
            raise
        self._asks_checksums = False
        return response

    def read(self, key):
        with self._translated_faults("GET"):
            try:
                response = self._client.get_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if s3faults.is_missing(err):
                    return None
                raise
            # Without it, nobody could tell a body from the beginning of one.
            content_length(response, "GET")
            return self._chunks(response["Body"])

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        extra = self._extra(metadata, ContentType=content_type)
        body.seek(0)
        with self._translated_faults("PUT"):
            if size_bytes <= MULTIPART_BYTES:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentLength=size_bytes,
                    # S3 refuses a body that was damaged on its way.
                    ChecksumSHA256=_base64(bytes.fromhex(sha256_hex)),
                    **extra,
                )
                return
            self._client.upload_fileobj(
                body,
                self._bucket,
                key,
                ExtraArgs=extra,
                Config=boto3.s3.transfer.TransferConfig(
                    multipart_threshold=MULTIPART_BYTES,
                    multipart_chunksize=PART_BYTES,
                    # In this thread, part by part: bounded memory, and it
                    # still works while the interpreter shuts down, when no
                    # executor takes new work.
                    use_threads=False,
                ),
            )

    def put_if_absent(self, key, body, metadata):
        with self._translated_faults("conditional PUT"):
            for _attempt in range(CONFLICT_ATTEMPTS):
                try:
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=key,
                        Body=body,
                        ChecksumSHA256=_base64(hashlib.sha256(body).digest()),
                        IfNoneMatch="*",
                        **self._extra(metadata),
                    )
                    return True
                except botocore.exceptions.ClientError as err:
                    if s3faults.is_existing(err):
                        # It may be our own, by a first try whose answer is lost.
                        return s3faults.was_retried(err) and self._holds(key, body)
                    if s3faults.refuses_condition(err):
                        raise StoreUnsupported(
                            "the store knows no conditional PUT: %s" % one_line(err)
                        )
                    if not s3faults.is_conflict(err):
                        raise
        # Whoever was in the way each time has it.
        return False

    def _holds(self, key, body):
        """Whether the object at ``key`` has this body."""
        chunks = self.read(key)
        if chunks is None:
            return False
        found = b""
        with contextlib.closing(chunks):
            for chunk in chunks:
                found += chunk
                if not body.startswith(found):
                    return False
        return found == body

    def _extra(self, metadata, **others):
        """What each PUT says beside its body."""
        extra: typing.Dict[str, typing.Any] = {"Metadata": dict(metadata), **others}
        # "private" is what S3 does unasked, and a bucket whose ACLs are
        # disabled (the default since 2023) refuses a request that names it.
        if self._settings.acl != "private":
            extra["ACL"] = self._settings.acl
        return extra

    def delete(self, keys):
        rest = iter(keys)
        count = 0
        while True:
            # Outside of what translates faults: the keys may come from a
            # listing, which has its own.
            batch = list(itertools.islice(rest, DELETE_BATCH_KEYS))
            if not batch:
                return count
            with self._translated_faults(s3faults.DELETING):
                self._delete_batch(batch)
            count += len(batch)

    def _delete_batch(self, keys):
        if self._deletes_batches:
            objects = [{"Key": key} for key in dict.fromkeys(keys)]
            try:
                response = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects}
                )
            except botocore.exceptions.ClientError as err:
                if not s3faults.refuses_batch(err):
                    raise
                self._deletes_batches = False
            else:
                s3faults.check_deleted(response, len(objects))
                return
        for key in keys:
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if not s3faults.is_missing(err):
                    raise

    def list(self, prefix):
        with self._translated_faults("listing"):
            paginator = self._client.get_paginator("list_objects_v2")
            pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with self._translated_faults("listing"):
                page = next(pages, None)
                if page is None:
                    return
                found = listed_objects(page)
            yield from found

    def presign_get(self, key, lifetime_seconds):
        now = time.monotonic()
        # That of these credentials: others may come while this one signs.
        shared = self._shared_urls
        url, shared_until = shared.get((key, lifetime_seconds), ("", now))
        if now < shared_until:
            return url
        url = self._presign(key, lifetime_seconds)
        if len(shared) >= SHARED_URLS:
            shared.clear()
        seconds = min(lifetime_seconds * SHARED_PART, SHARED_SECONDS)
        shared[key, lifetime_seconds] = url, now + seconds
        return url

    def _presign(self, key, lifetime_seconds):
        # Makes no request, but asks for credentials, which a role's chain
        # may have to fetch.
        with self._translated_faults("presigning"):
            return self._public_client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=lifetime_seconds,
            )

    def public_base_url(self):
        return self._clients.public_base_url

    def probe(self):
        with self._translated_faults("HEAD"):
            try:
                response = self._client.head_bucket(Bucket=self._bucket)
            except botocore.exceptions.ClientError as err:
                if s3faults.is_missing(err):
                    raise StoreUnavailable(
                        "there is no bucket %s (%s)"
                        % (self._bucket, s3faults.HINTS["NoSuchBucket"])
                    )
                raise
        region = response.get("BucketRegion")
        if region and not self._settings.endpoint_url:
            self._check_region(region)

    def _check_region(self, region):
        if region != self._settings.region:
            raise StoreUnavailable(
                "bucket %s is in %s (correct region)" % (self._bucket, region)
            )

    def _refuse_redirects(self, response, **_kwargs):
        """Keep boto3 from following S3 to the region the bucket is really in.

        It would do so silently for our own requests, while the URLs that we
        presign for clients stay signed for the wrong region: every one of
        them would be refused, and a Mercurial client has no way back. Also,
        it follows a server that redirects for ever into a RecursionError.
        """
        if response is None:
            return  # no answer at all: left to boto3's own retries
        http, parsed = response
        code = str(parsed.get("Error", {}).get("Code", ""))
        if http.status_code not in _REDIRECTS and code not in _WRONG_REGION:
            return
        if code in s3faults.REFUSALS:
            self._plan_search()
        region = http.headers.get("x-amz-bucket-region")
        if region:
            what = "bucket %s is in %s, not in %s (correct region)" % (
                self._bucket,
                one_line(region),
                self._settings.region,
            )
        elif http.status_code in _REDIRECTS:
            what = "bucket %s is elsewhere (correct region or endpoint-url)" % (
                self._bucket
            )
        else:
            what = "the region is wrong, or a session token has expired"
        raise StoreUnavailable("S3 answers %d: %s" % (http.status_code, what))

    def _chunks(self, body):
        """Read a botocore StreamingBody to its announced end; always close it."""
        with self._translated_faults("GET"), contextlib.closing(body):
            while True:
                # At the end, raises IncompleteReadError if bytes are missing.
                chunk = body.read(CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk

    def _translated_faults(self, doing):
        return s3faults.translated_faults(doing, self._plan_search)


def _base64(digest):
    return base64.b64encode(digest).decode("ascii")
