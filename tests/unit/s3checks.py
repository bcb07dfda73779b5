"""Run the checks of a bucket, as the tests of them do."""

from stores import SECRET, s3_settings

from hgs3.objectstore.finding import FAILED, WARNING
from hgs3.objectstore.s3check import S3Check

FOLDER = "some/cache/"
LIFETIME_SECONDS = 600


def check(url, bucket, **others):
    """{check: Finding}, in order."""
    settings = s3_settings(url, bucket, **others)
    found = list(S3Check(settings, FOLDER, LIFETIME_SECONDS).run())
    for finding in found:
        text = finding.detail + finding.hint
        assert "\n" not in text and SECRET not in text and "X-Amz-" not in text
        # Whoever reads it is told what to do.
        assert finding.hint or finding.status not in (FAILED, WARNING)
    return {finding.check: finding for finding in found}
