"""``hg s3cache check``: does all work that serving from the store needs?"""

import contextlib

import hgdemandimport
from mercurial import error

from .. import crossing
from .. import service as servicemod
from ..cache import key as cachekey
from ..objectstore.filesettings import FileSettings
from ..objectstore.finding import FAILED, OK, Finding
from ..objectstore.s3settings import S3Settings
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
    if not settings.store.is_configured:
        raise common.no_store()
    yield Finding(SETTINGS, OK)
    # boto3 is there, if the store needs it, since that was made; modules of its
    # own must not be lazy ones.
    with hgdemandimport.deactivated():
        check = _CHECK_MAKERS[type(settings.store)](settings)
    with contextlib.closing(check.run()) as findings:
        for finding in findings:
            yield finding


def _s3_check(settings):
    from ..objectstore.s3check import S3Check

    return S3Check(
        settings.store,
        cachekey.cache_folder(settings.prefix),
        settings.url_lifetime_seconds,
        needed_seconds=settings.short_urls.lifetime_seconds,
    )


def _file_check(settings):
    from ..objectstore.filecheck import FileCheck

    return FileCheck(settings.store, cachekey.cache_folder(settings.prefix))


_CHECK_MAKERS = {S3Settings: _s3_check, FileSettings: _file_check}


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
