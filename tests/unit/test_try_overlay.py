"""Overlays: nothing is written, nobody shares one, and none is stale."""

import os
import shutil
import threading

import pytest
from hgui import make_ui
from mercurial import error, hg
from test_v1_segment import Repository

from hgs3.trybundles import overlay as overlaymod


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a repository, and an uncompressed bundle of five changesets on
    top of it. To make them takes longer than any test."""
    folder = tmp_path_factory.mktemp("made")
    base = Repository(folder / "main")
    base.hg("debugbuilddag", "-n", "+20")
    base.hg("phase", "-p", "-r", "all()")
    other = Repository(folder / "other")
    other.hg("pull", "-q", str(base.path))
    other.hg("update", "-q", "tip")
    for number in range(5):
        (folder / "other" / ("file%d" % number)).write_text("text %d" % number)
        other.hg("commit", "-qAm", "top%d" % number)
    other.hg("bundle", "-q", "--base", "19", "-t", "none-v1", str(folder / "top.hg"))
    return folder


@pytest.fixture
def repository(made, tmp_path):
    shutil.copytree(str(made / "main"), str(tmp_path / "main"))
    found = Repository.__new__(Repository)
    found.path = tmp_path / "main"
    return found


@pytest.fixture
def bundle(made):
    """The path of the bundle."""
    return str(made / "top.hg")


def opened(repository):
    return hg.repository(make_ui(), os.fsencode(repository.path)).filtered(b"served")


def make(repository, bundle):
    return overlaymod.make(opened(repository), os.fsencode(bundle))


def files(repository):
    found = {}
    for folder, _folders, names in os.walk(str(repository.path / ".hg")):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as stream:
                found[path] = stream.read()
    return found


def use_caches(overlay):
    """All that writes what it finds out about a repository into its caches."""
    served = overlay.filtered(b"served")
    served.branchmap()
    served.tags()
    for revision in served:
        served[revision].branch()
        served.revbranchcache().branchinfo(revision)
    served.revbranchcache().write()
    overlay.tags()
    overlay.branchmap()


def test_it_has_the_bundle_on_top(repository, bundle):
    overlay = make(repository, bundle)
    served = overlay.filtered(b"served")
    assert len(served) == 25
    assert {served[rev].phasestr() for rev in range(20, 25)} == {b"draft"}
    assert {served[rev].phasestr() for rev in range(20)} == {b"public"}
    assert overlaymod.is_one(served) and not overlaymod.is_one(opened(repository))


def test_nothing_is_written(repository, bundle):
    before = files(repository)
    overlay = make(repository, bundle)
    use_caches(overlay)
    overlaymod.close(overlay)
    assert files(repository) == before


def test_it_would_write_without_protection(repository, bundle, monkeypatch):
    """What the test before looks at is really there."""
    monkeypatch.setattr(overlaymod, "_protect", lambda overlay: None)
    before = files(repository)
    overlay = make(repository, bundle)
    use_caches(overlay)
    assert files(repository) != before


@pytest.mark.parametrize("name", ["lock", "wlock"])
def test_it_is_never_locked(repository, bundle, name):
    overlay = make(repository, bundle)
    for repo in (overlay, overlay.filtered(b"served")):
        with pytest.raises(error.LockUnavailable):
            getattr(repo, name)(wait=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda vfs: vfs(b"new", b"wb"),
        lambda vfs: vfs(b"new", b"ab"),
        lambda vfs: vfs(b"new", b"wb", atomictemp=True),
        lambda vfs: vfs.write(b"new", b"data"),
        lambda vfs: vfs.unlink(b"old"),
        lambda vfs: vfs.rename(b"old", b"new"),
        lambda vfs: vfs.mkdir(b"folder"),
    ],
)
def test_each_way_to_write_is_an_oserror(repository, bundle, call):
    overlay = make(repository, bundle)
    folder = repository.path / ".hg" / "cache"
    folder.mkdir(exist_ok=True)
    (folder / "old").write_bytes(b"old")
    with pytest.raises(OSError):
        call(overlay.cachevfs)
    assert overlay.cachevfs.tryunlink(b"old") is False
    assert overlay.cachevfs.read(b"old") == b"old"
    assert not (folder / "new").exists() and not (folder / "folder").exists()


class Counting:
    """A pool whose bundle is opened by whoever asks; counts how often."""

    def __init__(self, repository, bundle, limit):
        self.pool = overlaymod.Pool(limit)
        self.repository = repository
        self.bundle = bundle
        self.opened = 0

    def take(self, name="name"):
        def open_bundle(opener):
            self.opened += 1
            return opener(self.bundle)

        return self.pool.take(opened(self.repository), name, open_bundle)


def test_an_overlay_is_used_again(repository, bundle):
    counting = Counting(repository, bundle, 2)
    first = counting.take()
    used = first.repo
    first.give_back()
    again = counting.take()
    assert again.repo is used and counting.opened == 1


def test_two_at_once_never_share_one(repository, bundle):
    counting = Counting(repository, bundle, 2)
    first, second = counting.take(), counting.take()
    assert first.repo is not second.repo and counting.opened == 2
    first.give_back()
    # Nor does who gives back twice make it to be lent twice.
    first.give_back()
    third, fourth = counting.take(), counting.take()
    assert third.repo is not fourth.repo


def test_what_nobody_uses_is_bounded(repository, bundle):
    counting = Counting(repository, bundle, 2)
    leases = [counting.take(number) for number in range(5)]
    descriptors = len(os.listdir("/proc/self/fd"))
    for lease in leases:
        lease.give_back()
    assert len(counting.pool._idle) == 2
    assert len(os.listdir("/proc/self/fd")) < descriptors


def test_none_is_kept_where_none_is_wanted(repository, bundle):
    counting = Counting(repository, bundle, 0)
    counting.take().give_back()
    counting.take().give_back()
    assert counting.opened == 2 and not counting.pool._idle


def commit(repository):
    repository.hg("update", "-q", "0")
    (repository.path / "new").write_text("new")
    repository.hg("commit", "-qAm", "new")


def retract(repository):
    repository.hg("phase", "-f", "-d", "-r", "tip")


@pytest.mark.parametrize("change", [commit, retract])
def test_a_repository_that_has_changed_gets_another(repository, bundle, change):
    counting = Counting(repository, bundle, 2)
    counting.take().give_back()
    change(repository)
    lease = counting.take()
    assert counting.opened == 2
    assert len(lease.repo) == len(opened(repository)) + 5
    lease.give_back()
    # The old one is not kept.
    assert len(counting.pool._idle) == 1


def test_threads(repository, bundle):
    """Each sees whole revisions, though all read the same bundle."""
    counting = Counting(repository, bundle, 4)
    wrong = []

    def work():
        for _again in range(5):
            lease = counting.take()
            served = lease.repo.filtered(b"served")
            texts = [served[20 + n][b"file%d" % n].data() for n in range(5)]
            if texts != [b"text %d" % n for n in range(5)]:
                wrong.append(texts)
            lease.give_back()

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
