"""``hg s3cache list`` and ``stat``: what the bucket holds of a repository."""

import dataclasses
import time

from mercurial import templatefilters, util
from mercurial.i18n import _

from ..cache import key as cachekey
from . import common

#: What is below a repository's folder, and is no response.
OTHER = "other"
TOTAL = "total"


def run_list(ui, repo, opts):
    """A line an object: command, size, age and key."""
    wanted = opts.get("command")
    rows = [
        (command, item)
        for command, item in _commands_and_objects(ui, repo)
        if not wanted or common.to_local(command) == wanted
    ]
    now = time.time()
    with common.formatter(ui, b"list", opts) as fm:
        for command, item in rows:
            fm.startitem()
            fm.data(
                command=common.to_local(command),
                key=common.to_local(item.key),
                bytes=item.size_bytes,
                age=_age_seconds(item.modified, now),
                date=fm.formatdate((item.modified, 0)),
            )
            fm.plain(
                b"%-16s %10s  %-14s %s\n"
                % (
                    common.to_local(command),
                    util.bytecount(item.size_bytes),
                    _age_in_words(item.modified),
                    common.to_local(item.key),
                )
            )
    return 0


@dataclasses.dataclass
class _Sum:
    objects: int = 0
    size_bytes: int = 0
    oldest: float = float("inf")
    newest: float = float("-inf")

    def add(self, item):
        self.objects += 1
        self.size_bytes += item.size_bytes
        self.oldest = min(self.oldest, item.modified)
        self.newest = max(self.newest, item.modified)


def run_stat(ui, repo, opts):
    """A line for each command, and one for all of them."""
    sums, total = {}, _Sum()
    for command, item in _commands_and_objects(ui, repo):
        sums.setdefault(command, _Sum()).add(item)
        total.add(item)
    now = time.time()
    with common.formatter(ui, b"stat", opts) as fm:
        for command, summed in sorted(sums.items()) + [(TOTAL, total)]:
            _show_sum(fm, command, summed, now)
    return 0


def _show_sum(fm, command, summed, now):
    fm.startitem()
    fm.data(
        command=common.to_local(command),
        objects=summed.objects,
        bytes=summed.size_bytes,
    )
    fm.plain(
        _(b"%-16s %8d objects  %10s")
        % (common.to_local(command), summed.objects, util.bytecount(summed.size_bytes))
    )
    if summed.objects:
        fm.data(
            oldest=_age_seconds(summed.oldest, now),
            newest=_age_seconds(summed.newest, now),
        )
        fm.plain(
            _(b"  oldest %s, newest %s")
            % (_age_in_words(summed.oldest), _age_in_words(summed.newest))
        )
    fm.plain(b"\n")


def _commands_and_objects(ui, repo):
    service = common.service_with_store(ui)
    folder = common.repo_folder(service, repo)
    with common.store_faults_abort():
        objects = common.repo_objects(ui, service, repo)
    return [(cachekey.command_of(folder, item.key) or OTHER, item) for item in objects]


def _age_seconds(modified, now):
    """Not negative, as it would be where the store's clock is ahead of ours."""
    return max(0, int(now - modified))


def _age_in_words(modified):
    return templatefilters.age((modified, 0))
