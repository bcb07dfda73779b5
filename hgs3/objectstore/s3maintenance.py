"""What an operator's commands ask of a bucket, beyond what serving needs.

Only Amazon S3 and its closest relatives know these requests, or allow them to
everybody; so nothing here is a promise of every ObjectStore.
"""

import dataclasses
import time
import typing

import botocore.exceptions

from . import lifecycle, s3faults
from .base import StoreUnavailable, StoreUnsupported
from .s3 import S3Store
from .s3answers import http_date
from .s3clients import one_line

#: A request that is not for this kind of thing, in the words of some stores.
_NOT_ALLOWED = "MethodNotAllowed"


@dataclasses.dataclass(frozen=True)
class IncompleteUpload:
    """A multipart upload that was begun: nobody sees it, its parts are paid for."""

    key: str
    upload_id: str
    #: When it was begun, in seconds since the epoch.
    started: float


class S3Maintenance(S3Store):
    """A bucket as its operator sees it.

    ``now()`` is the clock of this machine, in seconds since the epoch. Every
    method raises StoreUnavailable as those of S3Store do.
    """

    def __init__(self, settings, now: typing.Callable[[], float] = time.time) -> None:
        self._now = now
        #: By how much the clock of the store is ahead of ours, by its last
        #: answer (HTTP's Date, so in whole seconds); None as long as none
        #: came with a date.
        self.clock_ahead_seconds: typing.Optional[float] = None
        #: The bucket's region as an answer named it, or None.
        self.bucket_region: typing.Optional[str] = None
        super().__init__(settings)

    def _refuse_redirects(self, response, **kwargs):
        # Called with each answer, errors included. One that is refused for its
        # date is the very one whose date is of interest.
        if response is not None:
            headers = response[0].headers
            date = http_date(headers.get("Date", ""))
            if date is not None:
                self.clock_ahead_seconds = date.timestamp() - self._now()
            self.bucket_region = (
                headers.get("x-amz-bucket-region") or self.bucket_region
            )
        super()._refuse_redirects(response, **kwargs)

    def incomplete_uploads(self, prefix: str) -> typing.Iterator[IncompleteUpload]:
        """The multipart uploads below ``prefix`` that are neither completed nor
        aborted (ListMultipartUploads).

        Raises StoreUnsupported, too, where the store does not know the request.
        """
        with self._translated_faults("listing uploads"):
            try:
                yield from self._incomplete_uploads(prefix)
            except botocore.exceptions.ClientError as err:
                if s3faults.is_unknown(err) or s3faults.error_code(err) == _NOT_ALLOWED:
                    raise StoreUnsupported("the store lists no multipart uploads")
                raise

    def _incomplete_uploads(self, prefix):
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for upload in page.get("Uploads", ()):
                yield IncompleteUpload(
                    upload["Key"],
                    upload["UploadId"],
                    upload["Initiated"].timestamp(),
                )

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """Delete the parts of ``upload``; no harm if it has ended meanwhile."""
        with self._translated_faults("aborting an upload"):
            try:
                self._client.abort_multipart_upload(
                    Bucket=self._bucket, Key=upload.key, UploadId=upload.upload_id
                )
            except botocore.exceptions.ClientError as err:
                if s3faults.error_code(err) != "NoSuchUpload":
                    raise

    def policy_is_public(self) -> bool:
        """Whether the bucket's policy lets strangers in (GetBucketPolicyStatus)."""
        answer = self._ask(self._client.get_bucket_policy_status, "NoSuchBucketPolicy")
        return bool(answer.get("PolicyStatus", {}).get("IsPublic"))

    def lifecycle_rules(self) -> typing.List[lifecycle.Rule]:
        """The rules that can concern us (GetBucketLifecycleConfiguration)."""
        answer = self._ask(
            self._client.get_bucket_lifecycle_configuration,
            "NoSuchLifecycleConfiguration",
        )
        return lifecycle.rules(answer)

    def _ask(self, question, nothing_code):
        """The answer of boto3 about the bucket; {} for an error ``nothing_code``.

        Few may ask, and few stores know: what to allow is not worth a hint.
        """
        with self._translated_faults("the request"):
            try:
                return question(Bucket=self._bucket)
            except botocore.exceptions.ClientError as err:
                code = s3faults.error_code(err)
                if code == nothing_code:
                    return {}
                raise StoreUnavailable("the store does not say (%s)" % one_line(code))
