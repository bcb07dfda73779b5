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
    given = v2request.FileData(SERVER, REPO, None, args).may_be_served()
    assert given == served


def test_a_file_that_may_not_be_read_is_not_served():
    def refuse(repo, proto, path):
        raise FileAccessError(path)

    server = types.SimpleNamespace(FileAccessError=FileAccessError, getfilestore=refuse)
    args = {b"fields": {b"revision"}, b"path": b"a", b"nodes": [NODE]}
    assert not v2request.FileData(server, REPO, None, args).may_be_served()


TEE = """
import types
from mercurial import ui, wireprototypes
from mercurial.utils import cborutil
from hgs3.cache.coalesce import Coalescer
from hgs3.wireproto import v2, v2making

settings = types.SimpleNamespace(
    repo_id=b"id", prefix="", minimum_object_bytes=0, commands={"filedata"}
)
store = types.SimpleNamespace(keeps_objects=True)
service = types.SimpleNamespace(settings=settings, store=store)
repo = types.SimpleNamespace(ui=ui.ui(), root=b"/repo")

def tee(*objs):
    cacher = v2.makecacher(
        service, None, wireprototypes, repo, None, b"filedata", {},
        encodefn=cborutil.streamencode, redirecttargets=[],
    )
    turn = Coalescer(None, print).enter("key")
    making = cacher._making = v2making.Making(turn, None)
    sent = [each for obj in objs for each in cacher.onobject(obj)]
    sent += cacher._flush()
    making.spool.complete()
    kept = b"".join(making.spool.chunks())
    assert kept == b"".join(each.data for each in sent)
    return sent, cborutil.decodeall(kept)

large = b"x" * 10000000
sent, kept = tee({b"a": 1}, large, {b"b": 2})
print([each.data is large for each in sent])
assert kept == [{b"a": 1}, large, {b"b": 2}]

chunks = [b"one", b"two" * 10000, b"three"]
stream = wireprototypes.indefinitebytestringresponse(iter(chunks))
sent, kept = tee({b"a": 1}, stream, b"x" * 70000)
a, *parts, x = kept
assert (a, b"".join(parts), x) == ({b"a": 1}, b"".join(chunks), b"x" * 70000)

sent, kept = tee(*range(100000))
assert kept == list(range(100000))
print(len(sent) < 20)
"""


def test_what_is_teed_is_what_goes_out():
    """And a copy of each file revision would cost a busy server its memory."""
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
    # What comes before the large one goes out with the large one's head.
    assert (result.stdout.decode(), result.returncode) == (
        "[False, True, False]\nTrue\n",
        0,
    )
