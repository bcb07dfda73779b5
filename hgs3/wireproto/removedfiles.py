"""Let ``filesdata`` serve histories in which files were removed.

Works round a bug of wire protocol version 2 as Mercurial 5.9 to 6.0 serve it:
with ``haveparents``, ``wireprotov2server.filesdata`` looks every path of
``ctx.files()`` up in the changeset's manifest. A changeset names the files
that it removes among its files, its manifest does not have them any more, and
the command fails with "No such manifest entry". So the first removal in a
history made every clone of it fail, for every client.

The paths that are gone have no file revision to send, so it is enough that
the command does not see them. Nothing changes on clients.
"""

from .repoproxy import RepoProxy


def serve_removed_files(commands):
    """Put the fix round ``filesdata`` in ``wireprotov2server.COMMANDS``."""
    entry = commands[b"filesdata"]
    filesdata = entry.func

    def wrapped(repo, proto, **args):
        return filesdata(_PresentFilesRepo(repo), proto, **args)

    entry.func = wrapped


class _PresentFilesRepo(RepoProxy):
    """A repository whose changesets name only files that they still have."""

    def __getitem__(self, changeid):
        ctx = self._repo[changeid]
        files = ctx.files

        def presentfiles():
            # Read before by the command; the manifest log caches it.
            manifest = ctx.manifestctx().read()
            return [path for path in files() if path in manifest]

        ctx.files = presentfiles
        return ctx
