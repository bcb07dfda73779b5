"""Clients of either Mercurial that have each repository twice: one for each of the
two servers that are compared."""

import json
import pathlib
import shutil

from v1_clients import HERE, ROOT, SSH, HgProcess

CONFIG = """
[ui]
ssh = %(ssh)s
[http]
timeout = 120
[storage]
# It guesses by the delta of a file's revision whether to swap the parents.
revlog.issue6528.fix-incoming = no
[experimental]
httppeer.advertise-v2 = no
"""

HELPER_CONFIG = """
[extensions]
v1_helper = %(here)s/v1_helper.py
try_helper = %(here)s/try_helper.py
[experimental]
evolution = all
"""


class TryClient:
    """One version of Mercurial. ``env`` is a folder's name below .venv, ``arena`` has
    the servers and stops what is started here."""

    def __init__(self, env, arena):
        self.folder = pathlib.Path(arena.folder, "client-" + env)
        self.folder.mkdir()
        hg = ROOT / ".venv" / env / "bin" / "hg"
        if not hg.exists():
            # Not a skip: it would go unnoticed for ever.
            raise FileNotFoundError(
                "no %s: run python3 tools/setup_env.py %s" % (hg, env)
            )
        ssh = self.folder / "ssh"
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        self.hg = HgProcess(hg, self.folder, "client", CONFIG % {"ssh": ssh})
        arena.stop_at_end(self.hg)
        config = HELPER_CONFIG % {"here": HERE}
        self._helper = arena.stop_at_end(HgProcess(hg, self.folder, "helper", config))

    def commit(self, path, specification):
        """The hex node of a new changeset of a repository."""
        words = ("-R", path, "differential-commit", json.dumps(specification))
        return self._helper.check(*words).decode()

    def tell(self, path):
        """What try_helper.py tells of a repository."""
        return json.loads(self._helper.check("-R", path, "differential-tell"))

    def set_bookmarks(self, path, bookmarks):
        """Have these (name to hex node) and no others."""
        words = ("-R", path, "differential-set-bookmarks", json.dumps(bookmarks))
        self._helper.check(*words)

    def inspect(self, path):
        """All that v1_helper.py tells of a repository, but what depends on the order
        in which its changesets came."""
        told = json.loads(self._helper.check("-R", path, "differential-inspect"))
        for revisions in told["storage"].values():
            for revision in revisions.values():
                # The changeset that brought it, of several that have it.
                revision.pop()
        # Where a changeset removes .hgtags, Mercurial's cache is right or not by
        # what was pulled before.
        del told["tags"]
        # What the last transaction leaves behind, which may be one of ours.
        del told["files"]
        return told

    def empty(self, path):
        """Make it an empty repository."""
        shutil.rmtree(str(path), ignore_errors=True)
        self._helper.check("init", path)
