"""Deltas that say how their result begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mercurial import filelog, mdiff
from test_v1_segment import Repository

from hgs3.cache.blocks import Block
from hgs3.wireproto import v1deltas, v1history, v1segment

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

    def __init__(self, node, base, delta=None, text=None, flags=0):
        self.node, self.basenode = node, base
        self.delta, self.revision = delta, text
        self.flags = flags


@given(st.lists(texts, min_size=1, max_size=8))
def test_what_is_remembered_of_a_text_is_its_beginning(versions):
    beginnings = v1deltas.Beginnings()
    before = versions[0]
    known = beginnings.note(b"f", Emitted(b"0", b"", text=before))
    assert known == before[:2]
    for number, version in enumerate(versions[1:], 1):
        delta = mdiff.textdiff(before, version)
        node, base = (b"%d" % each for each in (number, number - 1))
        found = beginnings.note(b"f", Emitted(node, base, delta))
        assert found in (version[:2], None)
        if known is not None and before[:2] == version[:2] == known and delta:
            start, _end, _text = first_hunk(delta)
            assert found is not None or start < v1deltas.BEGINNING
        known, before = found, version


def test_nothing_is_known_of_a_text_that_has_not_gone_by():
    delta = mdiff.textdiff(b"a\nb\n", b"a\nc\n")
    beginnings = v1deltas.Beginnings()
    assert beginnings.note(b"f", Emitted(b"1", b"0", delta)) is None
    beginnings.note(b"f", Emitted(b"0", b"", text=b"a\nb\n"))
    assert beginnings.note(b"f", Emitted(b"1", b"0", delta)) == b"a\n"
    assert beginnings.note(b"other", Emitted(b"1", b"0", delta)) is None
    censored = Emitted(b"2", b"", text=b"\x01\ncensored", flags=1 << 15)
    assert beginnings.note(b"f", censored) is None
    assert beginnings.note(b"f", Emitted(b"3", b"2", delta)) is None


def test_a_censored_twin_has_no_say_in_what_another_file_is(tmp_path):
    """Both have one content and so one node, and one of them has it no longer."""
    repository = Repository(tmp_path / "server")
    text = "".join("line %d\n" % number for number in range(100))
    for name in ("a", "b"):
        (repository.path / name).write_text(text)
    repository.hg("commit", "-q", "-A", "-m", "both")
    for number in range(3):
        (repository.path / "b").write_text(text.replace("line 50", "new %d" % number))
        repository.hg("commit", "-q", "-A", "-m", str(number))
    (repository.path / "a").write_text("other\n")
    repository.hg("commit", "-q", "-m", "of a")
    repository.hg("phase", "-p", "-r", "all()")
    repository.hg("--config", "extensions.censor=", "censor", "-r", "0", "a")
    repo = repository.served()
    history = v1history.History(repo)
    beginnings = v1deltas.Beginnings()
    with pytest.raises(v1segment.Unfit):
        list(v1segment.chunks(repo, history, Block(0, 1), beginnings))
    after = b"".join(v1segment.chunks(repo, history, Block(1, 3), beginnings))
    assert after == repository.bundle(Block(1, 3))
    (first, _second, _third) = repository.deltas(Block(1, 3), "b", beginnings)
    assert first_hunk(first) == (0, 2, b"li")


def test_what_one_segment_has_shown_is_known_for_the_next(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "server")
    for number in range(8):
        lines = ["line %d\n" % each for each in range(100)]
        lines[50] = "changed %d\n" % number
        (repository.path / "long").write_text("".join(lines))
        repository.hg("commit", "-q", "-A", "-m", str(number))
    repository.hg("phase", "-p", "-r", "all()")
    beginnings = v1deltas.Beginnings()
    repository.deltas(Block(0, 4), "long", beginnings)
    made = []
    monkeypatch.setattr(
        filelog.filelog, "rawdata", lambda self, node: made.append(node)
    )
    deltas = repository.deltas(Block(4, 4), "long", beginnings)
    assert first_hunk(deltas[0]) == (0, 2, b"li")
    assert not made
