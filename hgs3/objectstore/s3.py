"""Amazon S3 and the servers that speak its API, by boto3.

Importing this module imports boto3. Make one :class:`S3Store` a process and
set of settings: a client costs 0.15 s and keeps a pool of connections.
"""

import base64
import contextlib
import re
import typing
import urllib.parse

import boto3
import boto3.s3.transfer
import botocore
import botocore.client
import botocore.exceptions
import botocore.session

from .base import (
    CHUNK_BYTES,
    ObjectInfo,
    ObjectStore,
    StoreSettingsError,
    StoreUnavailable,
)
from .leanloader import LeanLoader
from .s3settings import S3Settings

#: A larger body goes up in parts; S3 shows it when the last one is confirmed.
MULTIPART_BYTES = 16 * 1024 * 1024
#: One part is held in memory while it is sent. S3 takes no smaller ones.
PART_BYTES = 5 * 1024 * 1024

#: A request is tried this often. The second try is for a pooled connection
#: that the other side has closed meanwhile; more would keep a client waiting.
ATTEMPTS = 2

_MISSING_CODES = frozenset(("404", "NoSuchKey", "NotFound"))

_REDIRECTS = frozenset((301, 302, 307, 308))

#: Error codes after which boto3 asks where the bucket is. A HEAD has no body
#: to put a code in: there, it takes any 400 for a wrong region, and so do we.
_WRONG_REGION = frozenset(("PermanentRedirect", "AuthorizationHeaderMalformed", "400"))

_QUERY = re.compile(r"\?[^\s\"']*")

#: What S3 answers, to what the operator can do about it.
_HINTS = {
    "NoSuchBucket": "create the bucket or correct s3wireprotocache.bucket",
    "403": "check the credentials and that they allow s3:GetObject, "
    "s3:PutObject and s3:ListBucket",
    "AccessDenied": "check that the credentials allow s3:GetObject, "
    "s3:PutObject and s3:ListBucket",
    "InvalidAccessKeyId": "check s3wireprotocache.access-key-id",
    "SignatureDoesNotMatch": "check s3wireprotocache.secret-access-key",
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
        session = _make_session(settings)
        self._client = _make_client(session, settings, settings.endpoint_url)
        self._public_client = self._client
        if settings.public_endpoint_url:
            self._public_client = _make_client(
                session, settings, settings.public_endpoint_url
            )
        self._client.meta.events.register_first(
            "needs-retry.s3", self._refuse_redirects
        )
        self._public_base_url = _base_url(
            session,
            settings,
            settings.public_endpoint_url or settings.endpoint_url,
        )

    def head(self, key):
        with _translated_faults("HEAD"):
            try:
                response = self._client.head_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if _code(err) in _MISSING_CODES:
                    return None
                raise
            return ObjectInfo(
                key=key,
                size_bytes=response["ContentLength"],
                metadata=dict(response["Metadata"]),
            )

    def read(self, key):
        with _translated_faults("GET"):
            try:
                response = self._client.get_object(Bucket=self._bucket, Key=key)
            except botocore.exceptions.ClientError as err:
                if _code(err) in _MISSING_CODES:
                    return None
                raise
            return _chunks(response["Body"])

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
        with _translated_faults("PUT"):
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
        with _translated_faults("presigning"):
            return self._public_client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=lifetime_seconds,
            )

    def public_base_url(self):
        return self._public_base_url

    def probe(self):
        with _translated_faults("HEAD"):
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
                "bucket %s is in %s (correct s3wireprotocache.region)"
                % (self._bucket, region)
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
        region = http.headers.get("x-amz-bucket-region", "another region")
        raise StoreUnavailable(
            "S3 answers %s: bucket %s is in %s, not in %s (correct "
            "s3wireprotocache.region)"
            % (
                http.status_code,
                self._bucket,
                _one_line(region),
                self._settings.region,
            )
        )


def _make_session(settings):
    botocore_session = botocore.session.Session()
    botocore_session.register_component("data_loader", LeanLoader())
    try:
        session = boto3.session.Session(
            botocore_session=botocore_session,
            aws_access_key_id=settings.access_key_id or None,
            aws_secret_access_key=settings.secret_access_key or None,
            aws_session_token=settings.session_token or None,
            profile_name=settings.profile or None,
            region_name=settings.region,
        )
        known = session.available_profiles
    except botocore.exceptions.BotoCoreError as err:
        raise StoreSettingsError("profile", _one_line(err))
    if settings.profile and settings.profile not in known:
        raise StoreSettingsError(
            "profile",
            "there is no profile %s in the configuration files of the AWS tools"
            % settings.profile,
        )
    return session


def _make_client(session, settings, endpoint_url, signature_version="s3v4"):
    config = botocore.client.Config(
        signature_version=signature_version,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # One connection for each thread of a busy server, not boto3's 10.
        max_pool_connections=64,
        # Bodies carry a SHA-256 of our own. Checksums that nobody asked for
        # are sent as trailers, which other S3 servers do not understand.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": _addressing_style(settings, endpoint_url)},
    )
    try:
        return session.client("s3", endpoint_url=endpoint_url or None, config=config)
    except botocore.exceptions.InvalidRegionError as err:
        raise StoreSettingsError("region", _one_line(err))
    except ValueError as err:
        raise StoreSettingsError("endpoint-url", _one_line(err))
    except botocore.exceptions.BotoCoreError as err:
        # What else can be wrong comes from the files that a profile is in.
        raise StoreSettingsError("profile", _one_line(err))


def _addressing_style(settings, endpoint_url):
    """Say "auto" in words that boto3 takes in the right way.

    Left to itself it presigns for the global host name of Amazon S3, which
    answers a young bucket of another region with a redirect that breaks the
    signature. Named styles give the region's own host. TLS certificates do
    not cover a bucket whose name holds dots as a virtual host.
    """
    style = settings.addressing_style
    if style == "auto" and not endpoint_url:
        return "path" if "." in settings.bucket else "virtual"
    return style


def _base_url(session, settings, endpoint_url):
    """``scheme://host[:port]/`` that requests for our bucket go to.

    Asked of boto3, which knows every rule for virtual hosts; unsigned, since
    a role's credentials may not be at hand yet.
    """
    client = _make_client(session, settings, endpoint_url, botocore.UNSIGNED)
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": settings.bucket, "Key": "-"}
    )
    parts = urllib.parse.urlsplit(url)
    return "%s://%s/" % (parts.scheme, parts.netloc)


def _chunks(body):
    """Read a botocore StreamingBody to its announced end; always close it."""
    with _translated_faults("GET"), contextlib.closing(body):
        while True:
            # At the end, raises IncompleteReadError if bytes are missing.
            chunk = body.read(CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


@contextlib.contextmanager
def _translated_faults(doing):
    """Map each way in which boto3 can fail to StoreUnavailable."""
    try:
        yield
    except StoreUnavailable:
        raise
    except botocore.exceptions.ClientError as err:
        code = _code(err)
        hint = _HINTS.get(code)
        raise StoreUnavailable(
            "%s failed: %s%s" % (doing, _one_line(err), " (%s)" % hint if hint else "")
        )
    except botocore.exceptions.NoCredentialsError:
        raise StoreUnavailable(
            "%s failed: no credentials found (set s3wireprotocache."
            "access-key-id and s3wireprotocache.secret-access-key, or "
            "s3wireprotocache.profile)" % doing
        )
    except Exception as err:
        # Not a list of classes: a connection that breaks at an awkward place,
        # or an answer that is no S3 answer, comes out of boto3, urllib3 and
        # http.client as many things, RecursionError among them. Each means
        # that the store gave no answer that can be used.
        raise StoreUnavailable("%s failed: %s" % (doing, _one_line(err))) from err


def _code(err):
    """The S3 error code of a ClientError; a HEAD has only the HTTP status."""
    return str(err.response.get("Error", {}).get("Code", ""))


def _one_line(err):
    """Render an exception for a log: no newline and no query string."""
    return _QUERY.sub("", " ".join(str(err).split())) or type(err).__name__
