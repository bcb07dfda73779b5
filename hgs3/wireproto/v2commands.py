"""The commands of wire protocol version 2 whose responses are cached."""

from .. import settings
from .v2rawstore import RawStoreFileData
from .v2request import ChangesetData, FileData, FilesData, ManifestData

#: What a request for each of them depends on.
REQUESTS = {
    b"changesetdata": ChangesetData,
    b"manifestdata": ManifestData,
    b"filesdata": FilesData,
    b"filedata": FileData,
    b"rawstorefiledata": RawStoreFileData,
}

#: Part of what upstream hashes into a key; its own commands have it, too.
LOCAL_VERSION = 1

#: How many items a client is told to ask for at a time, unless the operator
#: says so. Mercurial's defaults put a whole history into one response, whose
#: key changes with each push; docs/benchmarks.md has how these were chosen.
BATCH_SIZES = {
    b"server.filesdata.recommended-batch-size": 5000,
    b"server.manifestdata.recommended-batch-size": 20000,
}


def make_cacheable(server, is_ours):
    """Give each command in ``server.COMMANDS`` a key function.

    Upstream, two of them have none. ``is_ours(cacher)`` tells our cacher from
    those of other extensions, which keep what they have.
    """
    for command in REQUESTS:
        entry = server.COMMANDS[command]
        ours = server.makecommandcachekeyfn(command, LOCAL_VERSION, allargs=True)
        entry.cachekeyfn = _key_function(entry.cachekeyfn, ours, is_ours)


def _key_function(theirs, ours, is_ours):
    def cachekeyfn(repo, proto, cacher, **args):
        if not is_ours(cacher):
            return theirs and theirs(repo, proto, cacher, **args)
        try:
            return ours(repo, proto, cacher, **args)
        except Exception:
            # Arguments that are wrong, in one of a hundred ways. The command
            # runs without a cache, and says itself what it thinks of them.
            repo.ui.traceback()
            return None

    return cachekeyfn


def recommend_batch_sizes(ui):
    """Set ours where the operator has set none."""
    for name, size in BATCH_SIZES.items():
        settings.set_default(ui, b"experimental", name, size)
