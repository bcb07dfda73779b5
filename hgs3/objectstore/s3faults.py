"""What the answers of S3, and its silence, mean to whoever uses a store."""

import contextlib
import re

import botocore.exceptions

from .base import StoreUnavailable, StoreUnsupported
from .s3clients import one_line

#: What is being done, where it matters to what an operator has to change.
DELETING = "deletion"

_MISSING_CODES = frozenset(("404", "NoSuchKey", "NotFound"))

#: Answers that other credentials might change.
REFUSALS = frozenset(
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

#: Answers to a kind of request, or to a header, that a server does not know.
_UNKNOWN_CODES = frozenset(("501", "NotImplemented", "XNotImplemented"))
_UNKNOWN_STATUS = 501

#: The same in the words of a server that calls it a bad request.
_CONDITION_NAMED = re.compile(r"if-none-match|\bconditional", re.IGNORECASE)

#: A server without DeleteObjects, or one that wants it with a digest which
#: Amazon no longer asks for, and boto3 no longer sends.
_NO_BATCHES = frozenset(("405", "MethodNotAllowed", "MissingContentMD5"))

#: Two conditional requests have met; S3 asks for another try.
_CONFLICTS = frozenset(("409", "ConditionalRequestConflict", "OperationAborted"))

_EXISTING = frozenset(("412", "PreconditionFailed"))

#: What S3 answers, to what the operator can do about it.
HINTS = {
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

_DELETION_HINT = "check that the credentials allow s3:DeleteObject"


@contextlib.contextmanager
def translated_faults(doing, on_refusal):
    """Map each way in which boto3 can fail to StoreUnavailable.

    ``doing`` is a word for the reason. ``on_refusal()`` is called for an answer
    that other credentials might change.
    """
    try:
        yield
    except (StoreUnavailable, StoreUnsupported):
        raise
    except botocore.exceptions.ClientError as err:
        code = error_code(err)
        if code in REFUSALS:
            on_refusal()
        raise StoreUnavailable(failure(doing, code, err))
    except botocore.exceptions.NoCredentialsError:
        on_refusal()
        raise StoreUnavailable(
            "%s failed: no credentials found (set access-key-id and "
            "secret-access-key, or profile)" % doing
        )
    except Exception as err:
        # Not a list of classes: a connection that breaks at an awkward place,
        # or an answer that is no S3 answer, comes out of boto3, urllib3 and
        # http.client as many things, RecursionError among them. Each means
        # that the store gave no answer that can be used.
        raise StoreUnavailable("%s failed: %s" % (doing, one_line(err))) from err


def failure(doing, code, what):
    """The reason for an answer with an error code: what, and what to change."""
    hint = HINTS.get(code)
    if doing == DELETING and code in ("403", "AccessDenied"):
        hint = _DELETION_HINT
    return "%s failed: %s%s" % (doing, one_line(what), " (%s)" % hint if hint else "")


def check_deleted(response, wanted_count):
    """Raise StoreUnavailable unless all went that DeleteObjects was to delete.

    ``response`` is boto3's; a status of 200 says nothing of the single keys.
    """
    errors = [
        each
        for each in response.get("Errors", ())
        if each.get("Code") not in _MISSING_CODES
    ]
    if errors:
        code = errors[0].get("Code", "")
        what = "%s for %s, %d of %d objects in all" % (
            code,
            errors[0].get("Key"),
            len(errors),
            wanted_count,
        )
        raise StoreUnavailable(failure(DELETING, code, what))
    confirmed = len(response.get("Deleted", ())) + len(response.get("Errors", ()))
    if confirmed < wanted_count:
        # Any XML looks to boto3 like an answer that names nothing.
        raise StoreUnavailable(
            "%s failed: the answer confirms %d of %d objects"
            % (DELETING, confirmed, wanted_count)
        )


def error_code(err):
    """The S3 error code of a ClientError; a HEAD has only the HTTP status."""
    return str(err.response.get("Error", {}).get("Code", ""))


def is_missing(err):
    """Whether a ClientError says that there is no such thing."""
    return error_code(err) in _MISSING_CODES


def is_unknown(err):
    """Whether a ClientError says that the server does not know such a request."""
    return _status(err) == _UNKNOWN_STATUS or error_code(err) in _UNKNOWN_CODES


def refuses_condition(err):
    """Whether a ClientError is about a conditional PUT as such."""
    if is_unknown(err):
        return True
    return _status(err) in (400, 405, 422) and bool(
        _CONDITION_NAMED.search(_message(err))
    )


def refuses_batch(err):
    """Whether a ClientError means that objects are to be deleted one by one."""
    return (
        is_unknown(err)
        or error_code(err) in _NO_BATCHES
        or (_status(err) == 400 and "content-md5" in _message(err).lower())
    )


def is_conflict(err):
    return error_code(err) in _CONFLICTS


def is_existing(err):
    """Whether a ClientError says that If-None-Match found an object."""
    return error_code(err) in _EXISTING


def was_retried(err):
    """Whether boto3 sent the request before, and got no usable answer."""
    return err.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def _status(err):
    return err.response.get("ResponseMetadata", {}).get("HTTPStatusCode")


def _message(err):
    return str(err.response.get("Error", {}).get("Message", ""))
