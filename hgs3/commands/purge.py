"""``hg s3cache purge``: delete what the bucket holds of a repository."""

import hgdemandimport
from mercurial import error, util
from mercurial.i18n import _

from ..objectstore.base import StoreUnavailable, StoreUnsupported
from ..objectstore.s3settings import S3Settings
from . import common

#: What S3 deletes by one request.
BATCH_OBJECTS = 1000


def run(ui, repo, opts):
    """Delete, or say what ``--yes`` would delete.

    1 when what is left over of uploads could not be seen to.
    """
    oldest_kept = _oldest_kept(opts)
    service = common.service_with_store(ui)
    with common.store_faults_abort():
        objects = [
            item
            for item in common.repo_objects(ui, service, repo)
            if item.modified < oldest_kept
        ]
    really = bool(opts.get("yes"))
    if really:
        _delete(ui, service, [item.key for item in objects])
    uploads, complaint = _purge_uploads(
        service, common.repo_folder(service, repo), oldest_kept, really
    )
    _report(ui, opts, really, objects, uploads)
    if complaint is not None:
        ui.warn(
            _(
                b"warning: incomplete uploads were not dealt with: %s\n"
                b"(allow s3:ListBucketMultipartUploads and "
                b"s3:AbortMultipartUpload)\n"
            )
            % common.to_local(complaint)
        )
        return 1
    return 0


def _oldest_kept(opts):
    """Seconds since the epoch: what is older is to be deleted."""
    everything, days = opts.get("all"), opts.get("older_than")
    if bool(everything) == bool(days):
        raise error.InputError(
            _(b"s3cache purge takes one of --all and --older-than"),
            hint=_(b"see 'hg help s3cache'"),
        )
    if everything:
        return float("inf")
    return common.days_ago(days, _(b"give a number above 0, or --all"))


def _delete(ui, service, keys):
    deleted = 0

    def hint():
        return _(b"%d of %d objects were deleted; purge again") % (deleted, len(keys))

    with common.store_faults_abort(hint), ui.makeprogress(
        _(b"deleting"), unit=_(b"objects"), total=len(keys)
    ) as progress:
        progress.update(0)
        while deleted < len(keys):
            deleted += service.store.delete(keys[deleted : deleted + BATCH_OBJECTS])
            progress.update(deleted)


def _purge_uploads(service, folder, oldest_kept, really):
    """Abort what was begun in ``folder`` before ``oldest_kept`` and not ended.

    Returns how many there were, and None or why that is not known. Not a
    reason to end the command: some stores do not know the requests, and some
    credentials do not allow them. Only a bucket has any.
    """
    if not isinstance(service.settings.store, S3Settings):
        return 0, None
    with hgdemandimport.deactivated():
        from ..objectstore.s3maintenance import S3Maintenance
    bucket = S3Maintenance(service.settings.store)
    number = 0
    try:
        for upload in list(bucket.incomplete_uploads(folder)):
            if upload.started >= oldest_kept or not upload.key.startswith(folder):
                continue
            if really:
                bucket.abort_upload(upload)
            number += 1
    except StoreUnsupported:
        return 0, None
    except StoreUnavailable as err:
        return number, err.reason
    return number, None


def _report(ui, opts, really, objects, uploads):
    size_bytes = sum(item.size_bytes for item in objects)
    with common.formatter(ui, b"purge", opts) as fm:
        fm.startitem()
        fm.data(
            deleted=really,
            objects=len(objects),
            bytes=size_bytes,
            uploads=uploads,
        )
        fm.plain(
            (
                _(b"deleted %d objects (%s) and %d incomplete uploads\n")
                if really
                else _(b"would delete %d objects (%s) and %d incomplete uploads\n")
            )
            % (len(objects), util.bytecount(size_bytes), uploads)
        )
        if not really and (objects or uploads):
            fm.plain(_(b"(use --yes to delete them)\n"))
