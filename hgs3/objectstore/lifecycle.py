"""What the lifecycle rules of a bucket will do to cached objects.

The rules are those of the answer to GetBucketLifecycleConfiguration (Amazon
S3 API reference), as boto3 gives it.
"""

import dataclasses
import typing

from .finding import OK, WARNING, Finding

CHECK = "lifecycle"

#: Storage classes out of which nothing can be read until it is restored.
ARCHIVES = frozenset(("GLACIER", "DEEP_ARCHIVE"))

#: A URL may be used for a while after the look-up, so nothing may vanish while
#: somebody is about to fetch it. S3 counts in whole days.
TOO_SOON_DAYS = 1

DAY_SECONDS = 24 * 3600


@dataclasses.dataclass(frozen=True)
class Rule:
    """An enabled rule, as far as it can concern an object without tags."""

    name: str
    #: Beginning of the keys that it is for.
    prefix: str
    #: Whether it is for objects of some sizes only.
    some_sizes: bool = False
    expire_days: typing.Optional[int] = None
    #: Objects expire when a certain day has come, however young they are.
    expire_on_date: bool = False
    archive: bool = False
    abort_upload_days: typing.Optional[int] = None


def rules(answer: typing.Mapping[str, typing.Any]) -> typing.List[Rule]:
    """The enabled rules of ``answer`` that can be about objects of ours."""
    found = []
    for entry in answer.get("Rules", ()):
        if entry.get("Status") != "Enabled":
            continue
        rule_filter = entry.get("Filter") or {}
        # Several conditions come in one more layer.
        conditions = rule_filter.get("And") or rule_filter
        if conditions.get("Tag") or conditions.get("Tags"):
            continue  # our objects have none
        expiration = entry.get("Expiration") or {}
        aborting = entry.get("AbortIncompleteMultipartUpload") or {}
        found.append(
            Rule(
                name=entry.get("ID", ""),
                # Before there were filters, the prefix was the rule's own.
                prefix=conditions.get("Prefix", entry.get("Prefix")) or "",
                some_sizes="ObjectSizeGreaterThan" in conditions
                or "ObjectSizeLessThan" in conditions,
                expire_days=expiration.get("Days"),
                expire_on_date="Date" in expiration,
                archive=any(
                    transition.get("StorageClass") in ARCHIVES
                    for transition in entry.get("Transitions", ())
                ),
                abort_upload_days=aborting.get("DaysAfterInitiation"),
            )
        )
    return found


def judge(
    found: typing.Sequence[Rule], folder: str, needed_seconds: int = 0
) -> Finding:
    """What ``found`` means for objects whose keys begin with ``folder``, and which
    clients may fetch within ``needed_seconds`` after a look-up."""
    touching = [
        rule
        for rule in found
        if folder.startswith(rule.prefix) or rule.prefix.startswith(folder)
    ]
    dangers = list(_dangers(touching, needed_seconds))
    if dangers:
        return Finding(
            CHECK,
            WARNING,
            "; ".join(dangers),
            "let rules only expire objects below %s, and leave more than a day and "
            "than url-lifetime and short-url-lifetime" % folder,
        )
    covering = [
        rule
        for rule in touching
        if folder.startswith(rule.prefix) and not rule.some_sizes
    ]
    expiry = min(_days(rule.expire_days for rule in covering), default=None)
    aborting = min(_days(rule.abort_upload_days for rule in covering), default=None)
    detail = "%s, %s" % (
        "no rule expires what is below %s" % folder
        if expiry is None
        else "what is below %s expires after %d days" % (folder, expiry),
        "nor aborts incomplete multipart uploads"
        if expiry is None and aborting is None
        else "no rule aborts incomplete multipart uploads"
        if aborting is None
        else "incomplete multipart uploads are aborted after %d" % aborting,
    )
    if expiry is not None and aborting is not None:
        return Finding(CHECK, OK, detail)
    return Finding(
        CHECK,
        WARNING,
        detail,
        "add a lifecycle rule for the prefix %s, or purge by hand" % folder,
    )


def _dangers(touching, needed_seconds):
    for rule in touching:
        if rule.archive:
            yield "rule '%s' moves objects to an archive" % rule.name
        if rule.expire_on_date:
            yield "rule '%s' expires objects on a fixed day" % rule.name
        if rule.expire_days is None:
            continue
        if rule.expire_days <= TOO_SOON_DAYS:
            yield "rule '%s' expires objects within a day" % rule.name
        elif rule.expire_days * DAY_SECONDS <= needed_seconds:
            # Each object would be taken for one that is about to go.
            yield (
                "rule '%s' expires objects after %d days, and a URL may be good "
                "for longer" % (rule.name, rule.expire_days)
            )


def _days(values):
    return [value for value in values if value is not None]
