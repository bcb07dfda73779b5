"""A generation ends when content is taken away; see the .t tests for when."""

import os

import hgui
import pytest
from mercurial import vfs as vfsmod

from hgs3 import generation

assert hgui.ROOT  # it has made Mercurial's modules usable


class Repo:
    def __init__(self, path):
        path.mkdir(exist_ok=True)
        self.path = path
        self.svfs = vfsmod.vfs(os.fsencode(str(path)))


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "store")


def take_away(repo, *what):
    """The generation that is read meanwhile."""
    before = generation.unsettle(repo.svfs)
    meanwhile = generation.read(repo)
    generation.settle(repo.svfs, before, *what)
    return meanwhile


def test_a_repository_begins_without_one(repo):
    assert generation.read(repo) == b""
    assert os.listdir(str(repo.path)) == []


def test_each_is_another_and_none_comes_again(repo):
    seen = [b""]
    for _ in range(3):
        seen.append(take_away(repo, b"censor", b"n" * 20))
        seen.append(generation.read(repo))
    assert len(set(seen)) == len(seen)
    assert os.listdir(str(repo.path)) == ["hg-s3-generation"]


def test_servers_that_did_the_same_share_again(repo, tmp_path):
    other = Repo(tmp_path / "other")
    during = take_away(repo, b"strip", b"a" * 20, b"b" * 20)
    assert during != take_away(other, b"strip", b"a" * 20, b"b" * 20)
    assert generation.read(repo) == generation.read(other)


@pytest.mark.parametrize(
    "what",
    [
        (b"censor", b"a" * 20),
        (b"strip", b"b" * 20),
        (b"strip", b"a" * 20, b"b" * 20),
        (b"strip", b"a" * 10, b"a" * 10),
        (b"strip",),
    ],
)
def test_servers_that_did_something_else_do_not_share(repo, tmp_path, what):
    other = Repo(tmp_path / "other")
    take_away(repo, b"strip", b"a" * 20)
    take_away(other, *what)
    assert generation.read(repo) != generation.read(other)


def test_the_order_counts(repo, tmp_path):
    other = Repo(tmp_path / "other")
    for node in (b"a", b"b"):
        take_away(repo, b"censor", node)
    for node in (b"b", b"a"):
        take_away(other, b"censor", node)
    assert generation.read(repo) != generation.read(other)


def test_what_is_not_finished_shares_with_nobody(repo, tmp_path):
    """A fault, an aborted transaction, a killed process."""
    other = Repo(tmp_path / "other")
    generation.unsettle(repo.svfs)
    left = generation.read(repo)
    assert left.startswith(b"unsettled-")
    generation.unsettle(other.svfs)
    assert generation.read(other) != left
    for each in (repo, other):
        take_away(each, b"strip", b"a" * 20)
    assert generation.read(repo) not in (b"", left, generation.read(other))


def test_nothing_is_taken_away_where_that_cannot_be_noted(repo, monkeypatch):
    def refuse(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generation, "_write", refuse)
    with pytest.raises(OSError):
        generation.unsettle(repo.svfs)
