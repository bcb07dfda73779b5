"""``hg s3cache check``: does all work that serving from the bucket needs?"""

import contextlib

import hgdemandimport
from mercurial import error

from .. import crossing
from .. import service as servicemod
from ..cache import key as cachekey
from ..objectstore.finding import FAILED, OK, Finding
from . import common

SETTINGS = "settings"


def run(ui, _repo, opts):
    """Print a line for each finding; 1 if one of them is a failure."""
    failed = False
    with common.formatter(ui, b"check", opts) as fm, contextlib.closing(
        _findings(ui)
    ) as findings:
        for finding in findings:
            failed = failed or finding.status == FAILED
            _show(fm, finding)
            # One that waits for a timeout must not hide the others.
            ui.flush()
    return 1 if failed else 0


def _findings(ui):
    try:
        service = servicemod.start(ui)
    except error.Abort as err:
        yield Finding(
            SETTINGS,
            FAILED,
            crossing.to_str(err.message),
            crossing.to_str(err.hint or b""),
        )
        return
    settings = service.settings
    if not settings.store.bucket:
        raise common.no_bucket()
    yield Finding(SETTINGS, OK)
    # boto3 is there, since the store was made; modules of its own must not be
    # lazy ones.
    with hgdemandimport.deactivated():
        from ..objectstore.s3check import S3Check
    check = S3Check(
        settings.store,
        cachekey.cache_folder(settings.prefix),
        settings.url_lifetime_seconds,
    )
    with contextlib.closing(check.run()) as findings:
        for finding in findings:
            yield finding


def _show(fm, finding):
    status, check, detail, hint = [
        common.to_local(text)
        for text in (finding.status, finding.check, finding.detail, finding.hint)
    ]
    fm.startitem()
    fm.data(check=check, status=status, detail=detail, hint=hint)
    fm.plain((b"%-8s %-16s %s" % (status, check, detail)).rstrip() + b"\n")
    if hint:
        fm.plain(b"%8s (%s)\n" % (b"", hint))
