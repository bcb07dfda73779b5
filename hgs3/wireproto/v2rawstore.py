"""``rawstorefiledata``: the changelog and the manifest log as they are on disk.

It is what ``hg clone --stream`` asks for: the answer is a copy of files, so
that what it depends on is those files.
"""

import hashlib

from mercurial import streamclone, util

from .v2request import Request

#: What a client may ask for, to how the names of the files begin.
_PREFIXES = {b"changelog": b"00changelog", b"manifestlog": b"00manifest"}


class RawStoreFileData(Request):
    #: It says what the files are at that moment.
    is_repeatable = False

    def __init__(self, server, repo, proto, args):
        super().__init__(server, repo, proto, args)
        self._files = None

    def state(self):
        state = super().state()
        self._files = state[b"files"] = self._describe()
        return state

    def is_still_true(self):
        # The state was taken without the lock under which the command looks at
        # the files, and the command may have read them while they changed.
        return self._describe() == self._files

    def _meaning(self):
        return {
            b"files": sorted(set(self._args[b"files"])),
            b"pathfilter": self._args[b"pathfilter"],
        }

    def _is_visible(self):
        # Not without the operator's consent where it would show secrets.
        return streamclone.allowservergeneration(self._repo) and set(
            self._args[b"files"]
        ) <= set(_PREFIXES)

    def _describe(self):
        """Names, sizes and what is in the indexes.

        An index holds the node and the length of each revision. Not the sizes
        alone: two servers of one repository that got their changesets in
        another order have files of the same sizes.
        """
        repo = self._repo.unfiltered()
        prefixes = tuple(_PREFIXES[name] for name in set(self._args[b"files"]))
        files = []
        for _type, name, size_bytes in repo.store.topfiles():
            if name.startswith(prefixes):
                digest = b""
                if name.endswith(b".i"):
                    digest = _sha256(repo.svfs, name, size_bytes)
                files.append([name, size_bytes, digest])
        return {
            b"files": sorted(files),
            b"tip": repo.changelog.tip(),
            b"heads": sorted(repo.changelog.heads()),
            b"requirements": sorted(repo.requirements),
        }


def _sha256(vfs, name, size_bytes):
    digest = hashlib.sha256()
    with vfs(name, b"rb", auditpath=False) as file:
        for chunk in util.filechunkiter(file, limit=size_bytes):
            digest.update(chunk)
    return digest.digest()
