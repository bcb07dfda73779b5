"""Deltas that say how their result begins."""

from hypothesis import given
from hypothesis import strategies as st
from mercurial import mdiff
from test_v1_segment import Repository

from hgs3.cache.blocks import Block
from hgs3.wireproto import v1deltas

texts = st.lists(st.sampled_from([b"a\n", b"b", b"\x01\n", b"c" * 20 + b"\n"])).map(
    b"".join
)


def first_hunk(delta):
    start, end, size = v1deltas._HUNK.unpack_from(delta)
    return start, end, delta[v1deltas._HUNK.size :][:size]


@given(texts, texts)
def test_the_result_is_the_same(old, new):
    delta = mdiff.textdiff(old, new)
    changed = v1deltas.with_beginning(delta, new[: v1deltas.BEGINNING])
    assert mdiff.patches(old, [changed]) == new
    if len(new) >= v1deltas.BEGINNING and len(old) >= v1deltas.BEGINNING:
        start, _end, _inserted = first_hunk(changed)
        assert start < v1deltas.BEGINNING


def test_what_begins_anew_stays_as_it_is():
    delta = mdiff.textdiff(b"a\nb\n", b"c\nb\n")
    assert v1deltas.with_beginning(delta, b"c\n") == delta
    # a full text, as for one that is based on something censored
    full = mdiff.replacediffheader(4, 3) + b"new"
    assert v1deltas.with_beginning(full, b"ne") == full
    assert v1deltas.with_beginning(b"", b"x") == b""


def test_the_first_delta_of_each_file_in_a_segment_says_how_it_begins(tmp_path):
    """A client of 7.2 would have to make the whole text to know it."""
    repository = Repository(tmp_path / "server")
    path = repository.path / "long"
    for number in range(8):
        lines = ["line %d\n" % each for each in range(100)]
        lines[50] = "changed %d\n" % number
        path.write_text("".join(lines))
        repository.hg("commit", "-q", "-A", "-m", str(number))
    repository.hg("phase", "-p", "-r", "all()")
    deltas = repository.deltas(Block(4, 4), "long")
    starts = [first_hunk(delta) for delta in deltas]
    assert starts[0] == (0, 2, b"li")
    assert all(start > 0 for start, _end, _text in starts[1:])
    (tmp_path / "segment.hg").write_bytes(repository.bundle(Block(4, 4)))
    client = Repository(tmp_path / "client")
    client.hg("pull", "-q", "-r", "3", str(repository.path))
    client.hg("unbundle", "-q", str(tmp_path / "segment.hg"))
    assert client.nodes("all()") == repository.nodes("all()")
    client.hg("verify", "-q")


class Emitted:
    """What a filelog emits."""

    def __init__(self, node, base, delta=None, text=None):
        self.node, self.basenode = node, base
        self.delta, self.revision = delta, text


@given(st.lists(texts, min_size=1, max_size=8))
def test_what_is_remembered_of_a_text_is_its_beginning(versions):
    beginnings = v1deltas.Beginnings()
    before = versions[0]
    assert beginnings.note(Emitted(b"0", b"", text=before)) == before[:2]
    for number, version in enumerate(versions[1:], 1):
        delta = mdiff.textdiff(before, version)
        node, base = (b"%d" % each for each in (number, number - 1))
        assert beginnings.note(Emitted(node, base, delta)) in (version[:2], None)
        before = version


def test_nothing_is_known_of_a_text_that_has_not_gone_by():
    delta = mdiff.textdiff(b"a\nb\n", b"a\nc\n")
    assert v1deltas.Beginnings().note(Emitted(b"1", b"0", delta)) is None
