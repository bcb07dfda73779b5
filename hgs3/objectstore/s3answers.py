"""What the answers of S3 say of objects, as the types of base.py."""

import base64
import binascii
import datetime
import email.utils
import re

from .base import ListedObject, ObjectInfo, StoreUnavailable

#: Where an object cannot be read from until somebody has it restored.
_ARCHIVES = frozenset(("GLACIER", "DEEP_ARCHIVE"))

_EXPIRY_DATE = re.compile(r'expiry-date="([^"]*)"')

_SHA256_BYTES = 32


def object_info(key, response):
    """The ObjectInfo of boto3's answer to a HEAD.

    Raises StoreUnavailable if the length is missing.
    """
    now = _answered_at(response)
    return ObjectInfo(
        key=key,
        size_bytes=content_length(response, "HEAD"),
        metadata=dict(response["Metadata"]),
        age_seconds=_age_seconds(response, now),
        expires_in_seconds=_expires_in_seconds(response, now),
        sha256_hex=_sha256_hex(response),
    )


def listed_objects(page):
    """The ListedObjects of one page of boto3's ListObjectsV2.

    Raises StoreUnavailable for a page that does not say whether it is the
    last (any XML looks to boto3 like an empty one), or where the next one is.
    """
    if "IsTruncated" not in page:
        raise StoreUnavailable("listing failed: the answer is no listing")
    if page["IsTruncated"] and not page.get("NextContinuationToken"):
        raise StoreUnavailable("listing failed: the answer ends in the middle")
    return [
        ListedObject(
            key=each["Key"],
            size_bytes=each["Size"],
            modified=each["LastModified"].timestamp(),
        )
        for each in page.get("Contents", ())
    ]


def is_archived(response):
    """Whether a lifecycle rule has put the object where no GET reaches it."""
    if response.get("StorageClass") not in _ARCHIVES and not response.get(
        "ArchiveStatus"
    ):
        return False
    return 'ongoing-request="false"' not in response.get("Restore", "")


def content_length(response, doing):
    """The length of a body in bytes; StoreUnavailable if it is not said."""
    length = response.get("ContentLength")
    if length is None:
        raise StoreUnavailable("%s failed: the answer names no length" % doing)
    return length


def _answered_at(response):
    """When the store answered, by its own clock; None when it does not say.

    The clock of this machine is no substitute: the two may be minutes apart.
    """
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return http_date(headers.get("date", ""))


def _age_seconds(response, now):
    written = response.get("LastModified")
    if now is None or written is None:
        return 0.0
    # Whole seconds, perhaps of two machines: the future means "just now".
    return max(0.0, (now - written).total_seconds())


def _expires_in_seconds(response, now):
    """From ``x-amz-expiration: expiry-date="...", rule-id="..."`` (HeadObject)."""
    stated = _EXPIRY_DATE.search(response.get("Expiration", ""))
    expiry = http_date(stated.group(1)) if stated else None
    if now is None or expiry is None:
        return None
    return (expiry - now).total_seconds()


def _sha256_hex(response):
    """The checksum of the whole body.

    That of a body which came in parts covers the checksums of the parts. S3
    says so in ChecksumType; other servers only by the ``-N`` after it.
    """
    if response.get("ChecksumType") == "COMPOSITE":
        return None
    try:
        digest = base64.b64decode(response.get("ChecksumSHA256", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == _SHA256_BYTES else None


def http_date(text):
    """A date of HTTP: a datetime with a time zone, or None for what is no date."""
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        # Which one depends on the version of Python.
        return None
    if date.tzinfo is None:
        # "-0000" and no zone at all: RFC 9110 knows no other than GMT.
        date = date.replace(tzinfo=datetime.timezone.utc)
    return date
