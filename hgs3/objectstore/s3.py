"""Amazon S3 and the servers that speak its API, by boto3.

Importing this module imports boto3. Make one :class:`S3Store` a process and
set of settings: a client costs 0.15 s and keeps a pool of connections.
"""

import base64
import contextlib
import math
import time
import typing

import boto3.s3.transfer
import botocore.exceptions

from .base import (
    CHUNK_BYTES,
    ObjectInfo,
    ObjectStore,
    StoreUnavailable,
)
from .s3clients import S3Clients, credentials_exist, one_line
from .s3settings import S3Settings

#: A larger body goes up in parts; S3 shows it when the last one is confirmed.
MULTIPART_BYTES = 16 * 1024 * 1024
#: One part is held in memory while it is sent. S3 takes no smaller ones.
PART_BYTES = 5 * 1024 * 1024

_MISSING_CODES = frozenset(("404", "NoSuchKey", "NotFound"))

#: How long to wait before credentials that are not there are searched again.
#: A search may wait a second for a metadata service.
CREDENTIALS_SEARCH_SECONDS = 30.0

_REDIRECTS = frozenset((301, 302, 307, 308))

#: Answers that other credentials might change.
_REFUSALS = frozenset(
    (
        "400",
        "403",
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
    )
)

#: Where an object cannot be read from until somebody has it restored.
_ARCHIVES = frozenset(("GLACIER", "DEEP_ARCHIVE"))

#: Error codes after which boto3 asks where the bucket is. A HEAD has no body
#: to put a code in: there, it takes any 400 for a wrong region, and so do we.
_WRONG_REGION = frozenset(("PermanentRedirect", "AuthorizationHeaderMalformed", "400"))

#: What S3 answers, to what the operator can do about it.
_HINTS = {
    "NoSuchBucket": "create the bucket or correct bucket",
    "403": "check the credentials and that they allow s3:GetObject, "
    "s3:PutObject and s3:ListBucket",
    "AccessDenied": "check that the credentials allow s3:GetObject, "
    "s3:PutObject and s3:ListBucket",
    "InvalidAccessKeyId": "check access-key-id",
    "SignatureDoesNotMatch": "check secret-access-key",
    "ExpiredToken": "the session token has expired",
    "RequestTimeTooSkewed": "check the clock of this machine",
}


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

    def _plan_search(self):
        """With the next request, but not too often; never for keys in settings."""
        if not self._settings.access_key_id:
            self._next_search = self._last_search + CREDENTIALS_SEARCH_SECONDS

    def head(self, key):
        with self._translated_faults("HEAD"):
            try:
                response = self._client.head_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if _code(err) in _MISSING_CODES:
                    return None
                raise
            if _is_archived(response):
                return None
            return ObjectInfo(
                key=key,
                size_bytes=_content_length(response, "HEAD"),
                metadata=dict(response["Metadata"]),
            )

    def read(self, key):
        with self._translated_faults("GET"):
            try:
                response = self._client.get_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if _code(err) in _MISSING_CODES:
                    return None
                raise
            # Without it, nobody could tell a body from the beginning of one.
            _content_length(response, "GET")
            return self._chunks(response["Body"])

    def put(self, key, body, size_bytes, content_type, metadata, sha256_hex):
        extra: typing.Dict[str, typing.Any] = {
            "ContentType": content_type,
            "Metadata": dict(metadata),
        }
        # "private" is what S3 does unasked, and a bucket whose ACLs are
        # disabled (the default since 2023) refuses a request that names it.
        if self._settings.acl != "private":
            extra["ACL"] = self._settings.acl
        body.seek(0)
        with self._translated_faults("PUT"):
            if size_bytes <= MULTIPART_BYTES:
                digest = base64.b64encode(bytes.fromhex(sha256_hex))
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentLength=size_bytes,
                    # S3 refuses a body that was damaged on its way.
                    ChecksumSHA256=digest.decode("ascii"),
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

    def presign_get(self, key, lifetime_seconds):
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
                if _code(err) in _MISSING_CODES:
                    raise StoreUnavailable(
                        "there is no bucket %s (%s)"
                        % (self._bucket, _HINTS["NoSuchBucket"])
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
        if code in _REFUSALS:
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

    @contextlib.contextmanager
    def _translated_faults(self, doing):
        """Map each way in which boto3 can fail to StoreUnavailable."""
        try:
            yield
        except StoreUnavailable:
            raise
        except botocore.exceptions.ClientError as err:
            code = _code(err)
            hint = _HINTS.get(code)
            if code in _REFUSALS:
                self._plan_search()
            raise StoreUnavailable(
                "%s failed: %s%s"
                % (doing, one_line(err), " (%s)" % hint if hint else "")
            )
        except botocore.exceptions.NoCredentialsError:
            self._plan_search()
            raise StoreUnavailable(
                "%s failed: no credentials found (set "
                "access-key-id and secret-access-key, or "
                "profile)" % doing
            )
        except Exception as err:
            # Not a list of classes: a connection that breaks at an awkward place,
            # or an answer that is no S3 answer, comes out of boto3, urllib3 and
            # http.client as many things, RecursionError among them. Each means
            # that the store gave no answer that can be used.
            raise StoreUnavailable("%s failed: %s" % (doing, one_line(err))) from err


def _is_archived(response):
    """Whether a lifecycle rule has put the object where no GET reaches it."""
    if response.get("StorageClass") not in _ARCHIVES and not response.get(
        "ArchiveStatus"
    ):
        return False
    return 'ongoing-request="false"' not in response.get("Restore", "")


def _content_length(response, doing):
    """The length of a body in bytes; StoreUnavailable if it is not said."""
    length = response.get("ContentLength")
    if length is None:
        raise StoreUnavailable("%s failed: the answer names no length" % doing)
    return length


def _code(err):
    """The S3 error code of a ClientError; a HEAD has only the HTTP status."""
    return str(err.response.get("Error", {}).get("Code", ""))
