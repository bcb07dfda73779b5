"""Try all that serving from a bucket needs, with an object that is deleted.

Each finding names the setting to change. Nothing is raised for what a store
does: that is what is to be found out.
"""

import hashlib
import io
import secrets
import time
import typing
import urllib.parse

from . import lifecycle, plainhttp
from .base import StoreUnavailable, StoreUnsupported
from .finding import FAILED, OK, SKIPPED, UNKNOWN, WARNING, Finding
from .s3clients import credentials_source
from .s3maintenance import S3Maintenance
from .s3settings import S3Settings

CREDENTIALS = "credentials"
BUCKET = "bucket"
CLOCK = "clock"
PUT = "put"
CONDITIONAL_PUT = "conditional-put"
PRESIGNED_GET = "presigned-get"
UNSIGNED_GET = "unsigned-get"
DELETE = "delete"
POLICY = "policy"
LIFECYCLE = lifecycle.CHECK

#: Amazon S3 refuses requests that are dated further off than this.
CLOCK_LIMIT_SECONDS = 15 * 60
#: A clock that is this far off is not set by anything.
CLOCK_WARNING_SECONDS = 60

#: Enough to tell it from an error page, and no cost.
BODY_BYTES = 1024

_STATUS_OK = 200


class S3Check:
    """One run of all checks.

    ``folder`` is the beginning of the keys of cached objects, and of the test
    objects; ``url_lifetime_seconds`` that of presigned URLs; ``now()`` the
    clock of this machine in seconds since the epoch; ``needed_seconds`` how long
    after a look-up an object may still be fetched.
    """

    def __init__(
        self,
        settings: S3Settings,
        folder: str,
        url_lifetime_seconds: int,
        now: typing.Callable[[], float] = time.time,
        needed_seconds: int = 0,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._needed_seconds = max(url_lifetime_seconds, needed_seconds)
        self._url_lifetime_seconds = url_lifetime_seconds
        self._bucket = S3Maintenance(settings, now)
        self._body = secrets.token_bytes(BODY_BYTES)
        # Another name each time: two checks at once do not meet.
        self._key = "%scheck/%s" % (folder, secrets.token_hex(16))
        self._condition_key = self._key + "-once"
        #: Keys at which there may be an object of ours.
        self._to_delete: typing.Set[str] = set()

    def run(self) -> typing.Iterator[Finding]:
        """All findings, in the order in which things are needed.

        What was stored for the check is deleted when the iterator ends, is
        closed, or a check fails.
        """
        try:
            yield from self._findings()
        finally:
            self._clean_up()

    def _findings(self):
        checks = (
            (CREDENTIALS, None, self._check_credentials),
            (BUCKET, CREDENTIALS, self._check_bucket),
            # What is wrong with the bucket may be our clock.
            (CLOCK, CREDENTIALS, self._check_clock),
            (PUT, BUCKET, self._check_put),
            (CONDITIONAL_PUT, PUT, self._check_conditional_put),
            (PRESIGNED_GET, PUT, self._check_presigned_get),
            (UNSIGNED_GET, PUT, self._check_unsigned_get),
            (DELETE, PUT, self._check_delete),
            (POLICY, BUCKET, self._check_policy),
            (LIFECYCLE, BUCKET, self._check_lifecycle),
        )
        failed = set()
        for name, needed, check in checks:
            if needed in failed:
                failed.add(name)
                yield Finding(name, SKIPPED, "not tried, since it needs %s" % needed)
                continue
            finding = check()
            if finding.status == FAILED:
                failed.add(name)
            yield finding

    def _check_credentials(self):
        try:
            source = credentials_source(self._settings)
        except StoreUnavailable as err:
            return Finding(
                CREDENTIALS, FAILED, err.reason, "see to the place they come from"
            )
        if source is None:
            return Finding(
                CREDENTIALS,
                FAILED,
                "none found",
                "set s3wireprotocache.access-key-id and "
                "s3wireprotocache.secret-access-key, or s3wireprotocache.profile, "
                "or give this machine a role",
            )
        return Finding(CREDENTIALS, OK, source)

    def _check_bucket(self):
        try:
            self._bucket.probe()
        except StoreUnavailable as err:
            return Finding(
                BUCKET,
                FAILED,
                err.reason,
                "correct s3wireprotocache.bucket, region, endpoint-url or the "
                "credentials, or allow them s3:ListBucket",
            )
        region = self._bucket.bucket_region
        return Finding(
            BUCKET,
            OK,
            "%s, %s"
            % (
                self._settings.bucket,
                "in %s" % region if region else "the store names no region",
            ),
        )

    def _check_clock(self):
        ahead = self._bucket.clock_ahead_seconds
        if ahead is None:
            return Finding(CLOCK, UNKNOWN, "no answer of the store had a date")
        seconds = abs(ahead)
        detail = "this machine and the store are %d s apart" % seconds
        if seconds <= CLOCK_WARNING_SECONDS:
            return Finding(CLOCK, OK, detail)
        detail = "this machine is %d s %s the store" % (
            seconds,
            "behind" if ahead > 0 else "ahead of",
        )
        if seconds <= CLOCK_LIMIT_SECONDS:
            return Finding(CLOCK, WARNING, detail, "set the clock of this machine")
        return Finding(
            CLOCK,
            FAILED,
            detail,
            "set the clock of this machine: from %d s on requests and URLs are "
            "refused" % CLOCK_LIMIT_SECONDS,
        )

    def _check_put(self):
        self._to_delete.add(self._key)
        try:
            self._bucket.put(
                self._key,
                io.BytesIO(self._body),
                len(self._body),
                plainhttp.ACCEPT,
                {"command": "check"},
                hashlib.sha256(self._body).hexdigest(),
            )
        except StoreUnavailable as err:
            return Finding(
                PUT,
                FAILED,
                err.reason,
                "allow s3:PutObject below %s, and see s3wireprotocache.acl"
                % self._folder,
            )
        return Finding(PUT, OK, "%d bytes with their SHA-256" % len(self._body))

    def _check_conditional_put(self):
        off = "coalescing between hosts is off"
        hint = "nothing to do, unless several hosts share this bucket"
        self._to_delete.add(self._condition_key)
        try:
            first = self._put_once()
            second = self._put_once()
        except StoreUnsupported as err:
            return Finding(CONDITIONAL_PUT, WARNING, "%s: %s" % (off, err.reason), hint)
        except StoreUnavailable as err:
            return Finding(
                CONDITIONAL_PUT,
                FAILED,
                err.reason,
                "allow s3:PutObject and s3:GetObject below %s" % self._folder,
            )
        if not first:
            return Finding(
                CONDITIONAL_PUT,
                WARNING,
                "%s: the store sees an object where there is none" % off,
                hint,
            )
        if second:
            return Finding(
                CONDITIONAL_PUT,
                WARNING,
                "%s: the store ignores the condition" % off,
                hint,
            )
        return Finding(CONDITIONAL_PUT, OK, "a second one was refused")

    def _put_once(self):
        return self._bucket.put_if_absent(self._condition_key, self._body, {})

    def _check_presigned_get(self):
        hint = (
            "set s3wireprotocache.public-endpoint-url to the URL at which clients "
            "reach the store; a proxy in front of it must pass the Host header on"
        )
        try:
            url = self._bucket.presign_get(self._key, self._url_lifetime_seconds)
            answer = self._get(url)
        except StoreUnavailable as err:
            return Finding(
                PRESIGNED_GET,
                FAILED,
                "no answer at %s: %s" % (self._public_base_url(), err.reason),
                hint,
            )
        place = _place(url)
        if answer.status != _STATUS_OK:
            return Finding(
                PRESIGNED_GET,
                FAILED,
                "%s answers %d instead of the object" % (place, answer.status),
                hint + "; the credentials must allow s3:GetObject",
            )
        if answer.body != self._body:
            return Finding(
                PRESIGNED_GET,
                FAILED,
                "%s gives other bytes than were stored" % place,
                hint,
            )
        return Finding(PRESIGNED_GET, OK, "%s gives what was stored" % place)

    def _check_unsigned_get(self):
        try:
            url = self._bucket.presign_get(self._key, self._url_lifetime_seconds)
            answer = self._get(url.partition("?")[0])
        except StoreUnavailable as err:
            return Finding(UNSIGNED_GET, UNKNOWN, "no answer: %s" % err.reason)
        if answer.status != _STATUS_OK:
            return Finding(
                UNSIGNED_GET,
                OK,
                "without its signature the URL gives nothing (%d)" % answer.status,
            )
        if answer.body == self._body:
            return Finding(
                UNSIGNED_GET,
                FAILED,
                "anybody can read %s without a signature" % self._folder,
                "block public access to s3wireprotocache.bucket: cached responses "
                "hold the content of repositories",
            )
        return Finding(
            UNSIGNED_GET,
            WARNING,
            "without its signature the URL gives something else",
            "see what answers at s3wireprotocache.public-endpoint-url",
        )

    def _check_delete(self):
        keys = sorted(self._to_delete)
        try:
            self._bucket.delete(keys)
            left = [key for key in keys if self._bucket.head(key) is not None]
        except StoreUnavailable as err:
            reason = err.reason
        else:
            if not left:
                self._to_delete.clear()
                return Finding(DELETE, OK, "the test objects are gone")
            reason = "they are still there"
        # It was tried; a second time would say the same.
        self._to_delete.clear()
        return Finding(
            DELETE,
            FAILED,
            "%s; left behind: %s" % (reason, ", ".join(keys)),
            "allow s3:DeleteObject below %s" % self._folder,
        )

    def _check_policy(self):
        try:
            public = self._bucket.policy_is_public()
        except StoreUnavailable as err:
            return _not_needed(POLICY, err)
        if public:
            return Finding(
                POLICY,
                WARNING,
                "the policy of the bucket lets strangers in",
                "see that it never gives away what is below %s" % self._folder,
            )
        return Finding(POLICY, OK, "the policy of the bucket is not public")

    def _check_lifecycle(self):
        try:
            rules = self._bucket.lifecycle_rules()
        except StoreUnavailable as err:
            return _not_needed(LIFECYCLE, err)
        return lifecycle.judge(rules, self._folder, self._needed_seconds)

    def _get(self, url):
        # One byte more than there should be would be seen.
        return plainhttp.get(
            url,
            len(self._body) + 1,
            max(
                self._settings.connect_timeout_seconds,
                self._settings.read_timeout_seconds,
            ),
        )

    def _public_base_url(self):
        return self._bucket.public_base_url() or "the store"

    def _clean_up(self):
        """After a failure in the middle, or an interrupt."""
        if not self._to_delete:
            return
        try:
            self._bucket.delete(sorted(self._to_delete))
        except StoreUnavailable:
            # The finding about the fault is what counts. What may be left is
            # a kilobyte, which the lifecycle rule of the folder expires.
            return


def _not_needed(check, err):
    return Finding(check, UNKNOWN, "not needed: %s" % err.reason)


def _place(url):
    parts = urllib.parse.urlsplit(url)
    return "%s://%s" % (parts.scheme, parts.netloc)
