"""Bundles of blocks, and what blocks are called."""

import io
import os
import pathlib
import subprocess
import sys

import pytest
from hgui import make_ui
from mercurial import exchange, hg, scmutil
from mercurial.node import hex

from hgs3 import generation
from hgs3.cache.blocks import Block
from hgs3.wireproto import v1history, v1segment
from testlib.servers import clean_environment

HG = pathlib.Path(sys.executable).with_name("hg")
#: Branches, merges, and every changeset with files of its own.
DAG = "+20:a +10 <a +10:b *a/b +20 <b +6"


class Repository:
    def __init__(self, path):
        self.path = path
        self.hg("init", str(path), cwd=None)

    def hg(self, *args, cwd=""):
        return subprocess.run(
            [str(HG)] + list(args),
            cwd=self.path if cwd == "" else cwd,
            env=clean_environment(HGRCPATH=os.devnull, HGPLAIN="1", HGUSER="test"),
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ).stdout.decode()

    def nodes(self, revset):
        return sorted(self.hg("log", "-r", revset, "-T", "{node}\n").split())

    def pull(self, source, revset):
        for node in source.nodes(revset):
            self.hg("pull", "-q", "-r", node, str(source.path))

    def served(self):
        repo = hg.repository(make_ui(), os.fsencode(self.path))
        return repo.filtered(b"served")

    def history(self):
        return v1history.History(self.served())

    def bundle(self, block, beginnings=None):
        repo = self.served()
        history = v1history.History(repo)
        return b"".join(v1segment.chunks(repo, history, block, beginnings))

    def deltas(self, block, path, beginnings=None):
        """Of the file at ``path``, as they are in the bundle of ``block``."""
        bundle = io.BytesIO(self.bundle(block, beginnings))
        unpacker = exchange.readbundle(make_ui(), bundle, b"bundle")
        unpacker.changelogheader()
        for _delta in unpacker.deltaiter():
            pass
        unpacker.manifestheader()
        for _delta in unpacker.deltaiter():
            pass
        for header in iter(unpacker.filelogheader, {}):
            found = [compat_delta(delta) for delta in unpacker.deltaiter()]
            if header[b"filename"] == os.fsencode(path):
                return found
        return []


@pytest.fixture
def repository(tmp_path):
    found = Repository(tmp_path / "server")
    found.hg("debugbuilddag", "-mn", DAG)
    found.hg("phase", "-p", "-r", "all()")
    return found


def compat_delta(delta):
    """The binary patch of what ``deltaiter`` yields."""
    return delta[5] if isinstance(delta, tuple) else delta.delta  # hg <= 6.0


def text(nodes):
    return sorted(hex(node).decode() for node in nodes)


@pytest.mark.parametrize(
    "block", [Block(0, 16), Block(16, 16), Block(32, 32), Block(40, 2)]
)
def test_a_segment_gives_its_changesets_to_who_has_their_ancestors(
    block, repository, tmp_path
):
    (tmp_path / "segment.hg").write_bytes(repository.bundle(block))
    wanted = repository.nodes("%d:%d" % (block.start, block.end - 1))
    client = Repository(tmp_path / "client")
    bases = "parents(%d:%d) - %d:%d" % ((block.start, block.end - 1) * 2)
    client.pull(repository, bases)
    before = client.nodes("all()")
    client.hg("unbundle", "-q", str(tmp_path / "segment.hg"))
    assert client.nodes("all()") == sorted(before + wanted)
    client.hg("verify", "-q")
    # and once more, to who has all of it
    client.hg("unbundle", "-q", str(tmp_path / "segment.hg"))
    client.hg("verify", "-q")


def test_what_is_hidden_or_secret_is_in_no_segment(repository):
    before = repository.history()
    last = before.layout.length - 1
    repository.hg("phase", "-f", "-s", "-r", "%d" % last)
    after = repository.history()
    assert after.name(Block(0, last + 1)) != before.name(Block(0, last + 1))
    assert after.name(Block(0, last)) == before.name(Block(0, last))
    assert last not in after.revisions(Block(0, last + 1))
    assert after.name(Block(last, 1)) is None


def test_a_block_is_called_by_its_changesets_in_any_order(repository, tmp_path):
    """The mirror has pulled the same branches in another order."""
    mirror = Repository(tmp_path / "mirror")
    for revset in ("15", "25", "35", "tip", "heads(all())"):
        mirror.pull(repository, revset)
    assert mirror.nodes("all()") == repository.nodes("all()")
    order = "{node}\n"
    assert mirror.hg("log", "-T", order) != repository.hg("log", "-T", order)
    length = len(repository.nodes("all()"))
    ours, theirs = repository.history(), mirror.history()
    same = []
    for size in range(1, length + 1):
        block = Block(0, size)
        is_same = text(ours.nodes(ours.revisions(block))) == text(
            theirs.nodes(theirs.revisions(block))
        )
        assert (ours.name(block) == theirs.name(block)) == is_same
        same.append(is_same)
    assert same[-1] and not all(same)


def test_another_generation_has_other_names(repository):
    before = repository.history().name(Block(0, 16))
    generation.unsettle(repository.served().svfs)
    assert repository.history().name(Block(0, 16)) != before


def test_what_replaces_stripped_changesets_has_another_name(repository):
    """Also where nobody has begun another generation."""
    last = repository.history().layout.length - 1
    block = Block(last - 1, 2)
    before = repository.history().name(block)
    strip = ["--config", "extensions.strip=", "strip", "-q", "--no-backup"]
    repository.hg(*strip, "%d" % last)
    repository.hg("update", "-q", "%d" % (last - 1))
    (repository.path / "other").write_text("other")
    repository.hg("commit", "-q", "-A", "-m", "other")
    assert repository.history().name(block) != before


def test_what_a_client_gets_and_must_not_get(repository):
    history = repository.history()
    changelog = repository.served().changelog
    heads = [changelog.node(25)]
    wanted = history.wanted(heads, [changelog.node(5)])
    assert list(wanted.revisions) == list(range(6, 26))
    outside = repository.nodes("not ::25 and not ::5")
    assert text(changelog.node(rev) for rev in wanted._outside) == outside
    assert history.wanted(heads, [changelog.node(20)]) is None
    everything = history.wanted([], [])
    assert list(everything.revisions) == list(range(len(changelog)))
    assert list(everything._outside) == []


def test_common_changesets_that_are_not_here_say_nothing(repository):
    history = repository.history()
    assert list(history.wanted([], [b"\x11" * 20]).revisions) == list(
        history.wanted([], []).revisions
    )


def test_a_block_that_mercurial_makes_wrongly_is_unfit(tmp_path):
    """The manifest of a changeset without files is no revision at all, but
    Mercurial takes it for the one before the first."""
    found = Repository(tmp_path / "empty")
    (found.path / "a").write_text("a")
    found.hg("commit", "-q", "-A", "-m", "a")
    found.hg("update", "-q", "null")
    found.hg("branch", "-q", "other")
    found.hg("commit", "-q", "-m", "without files")
    found.hg("update", "-q", "0")
    (found.path / "b").write_text("b")
    found.hg("commit", "-q", "-A", "-m", "b")
    with pytest.raises(v1segment.Unfit, match="another base"):
        found.bundle(Block(1, 2))


def test_a_block_with_flags_is_unfit(repository):
    config = ["--config", "extensions.censor="]
    repository.hg("update", "-q", "-r", "tip")
    (repository.path / "secret").write_text("secret")
    repository.hg("commit", "-q", "-A", "-m", "secret")
    number = len(repository.nodes("all()")) - 1
    repository.hg("rm", "secret")
    repository.hg("commit", "-q", "-m", "removed")
    repository.hg(*config, "censor", "-r", str(number), "secret")
    with pytest.raises(v1segment.Unfit, match="has flags"):
        repository.bundle(Block(number, 1))
    assert repository.bundle(Block(0, 16)).startswith(b"HG10ZS")


def test_a_repository_with_tree_manifests_has_no_segments(tmp_path):
    path = tmp_path / "trees"
    subprocess.run(
        [str(HG), "--config", "experimental.treemanifest=1", "init", str(path)],
        env=clean_environment(HGRCPATH=os.devnull),
        check=True,
    )
    repo = hg.repository(make_ui(), os.fsencode(path))
    assert not v1segment.is_possible(repo)
    assert scmutil.istreemanifest(repo)
