"""What is cached of wire protocol version 2, and at what cost."""

import os
import subprocess
import types

import hgui
import pytest
from stores import PATIENCE_SECONDS

from hgs3.wireproto import v2request

#: The one that has version 2; v2.py can be imported by no other.
HG60_PYTHON = hgui.ROOT / ".venv" / "hg-6.0.3" / "bin" / "python"


class FileAccessError(Exception):
    pass


NODE, HIDDEN = b"n" * 20, b"h" * 20
REVS = {NODE: 0, HIDDEN: 1}
SERVER = types.SimpleNamespace(
    FileAccessError=FileAccessError,
    getfilestore=lambda repo, proto, path: types.SimpleNamespace(
        rev=REVS.__getitem__, linkrev=lambda rev: rev
    ),
)
REPO = types.SimpleNamespace(changelog=types.SimpleNamespace(filteredrevs={1}))


@pytest.mark.parametrize(
    "fields, node, served",
    [
        ([b"revision"], NODE, True),
        ([b"parents", b"revision"], NODE, True),
        ([], NODE, True),
        ([b"revision"], HIDDEN, False),
        ([b"linknode"], NODE, False),
        ([b"linknode", b"parents", b"revision"], NODE, False),
    ],
)
def test_a_file_revision_may_be_served_but_not_where_it_came_from(fields, node, served):
    """A strip, or another order of pushes, gives it another linknode."""
    args = {b"fields": set(fields), b"path": b"a", b"nodes": [node]}
    given = v2request.may_be_served(SERVER, REPO, None, b"filedata", args)
    assert given == served


def test_a_file_that_may_not_be_read_is_not_served():
    def refuse(repo, proto, path):
        raise FileAccessError(path)

    server = types.SimpleNamespace(FileAccessError=FileAccessError, getfilestore=refuse)
    args = {b"fields": {b"revision"}, b"path": b"a", b"nodes": [NODE]}
    assert not v2request.may_be_served(server, REPO, None, b"filedata", args)


TEE = """
import types
from mercurial import ui, wireprototypes
from mercurial.utils import cborutil
from hgs3.objectstore.null import NullStore
from hgs3.wireproto import v2

class Empty(NullStore):
    keeps_objects = True

settings = types.SimpleNamespace(repo_id=b"id", prefix="", minimum_object_bytes=0)
health = types.SimpleNamespace(fine=lambda ui, kind: None)
taken = []
uploader = types.SimpleNamespace(submit=taken.append)
service = types.SimpleNamespace(
    settings=settings, store=Empty(), health=health, uploader=uploader
)
repo = types.SimpleNamespace(ui=ui.ui(), root=b"/repo")
cacher = v2.makecacher(
    service, None, wireprototypes, repo, None, b"filedata", {},
    encodefn=cborutil.streamencode, redirecttargets=[],
)
large = b"x" * 10000000
sent = []
with cacher:
    assert cacher.lookup() is None
    for obj in ({b"a": 1}, large):
        sent += cacher.onobject(obj)
    cacher.onfinished()
print([each.data is large for each in sent])
(upload,) = taken
kept = upload.spool.reader().read()
assert kept == b"".join(each.data for each in sent)
assert cborutil.decodeall(kept) == [{b"a": 1}, large]
"""


def test_a_large_object_goes_out_as_it_came():
    """A copy of each file revision would cost a busy server its memory."""
    if not HG60_PYTHON.exists():
        pytest.fail(
            "no %s: run python3 tools/setup_env.py hg-6.0.3" % HG60_PYTHON,
            pytrace=False,
        )
    result = subprocess.run(
        [str(HG60_PYTHON), "-c", TEE],
        cwd=str(hgui.ROOT),
        env=dict(os.environ, HGRCPATH=os.devnull),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE_SECONDS,
    )
    # Head and body of the large one each go out on their own.
    assert (result.stdout.decode(), result.returncode) == ("[False, False, True]\n", 0)
