"""Where blocks begin in mirrors, and what can go wrong with the list of that."""

import os

import pytest
from hgui import make_ui
from memorystore import MemoryStore
from mercurial import hg
from test_v1_segment import Repository

from hgs3.cache import blocks
from hgs3.cache import key as cachekey
from hgs3.objectstore.base import StoreUnavailable, StoreUnsupported
from hgs3.wireproto import v1history, v1layout


class Settings:
    prefix = ""
    repo_id = b"shared"


class Service:
    settings = Settings()

    def __init__(self, store):
        self.store = store


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(blocks, "CHUNK", 16)
    monkeypatch.setattr(v1layout, "_MAX_SERVED", 8 * 16)


@pytest.fixture
def repository(tmp_path, small_chunks):
    found = Repository(tmp_path / "main")
    found.hg("debugbuilddag", "-n", "+100:a +3 <a +140")
    found.hg("phase", "-p", "-r", "all()")
    return found


def opened(repository):
    return hg.repository(make_ui(), os.fsencode(repository.path)).filtered(b"served")


def starts(repo):
    return list(v1layout.of(repo)._starts)


def chunks(repo):
    """What is served of each chunk, as sets of nodes, without the empty ones."""
    history = v1history.History(repo)
    found = []
    for start in range(0, history.layout.end, 16):
        revisions = history.revisions(blocks.Block(start, 16))
        found.append(frozenset(history.nodes(revisions)))
    return [each for each in found if each]


def key(repo, count):
    return cachekey.list_key("", cachekey.repo_digest(b"shared"), count)


def cloned(repository, path, *more):
    path.parent.mkdir(exist_ok=True)
    mirror = Repository(path)
    mirror.hg("pull", "-q", *more, str(repository.path))
    return mirror


def test_the_first_server_numbers_them_as_they_are(repository):
    store = MemoryStore()
    repo = opened(repository)
    v1layout.update(Service(store), repo)
    assert starts(repo) == list(range(0, 243, 16))
    assert [key.rsplit("/", 2)[1:] for key in store.objects] == [["list-1", "15"]]
    before = list(store.requests)
    v1layout.update(Service(store), repo)
    assert store.requests == before  # it has all of it


@pytest.mark.parametrize(
    "dag, secret",
    [("+100:a +3 <a +140", "100:102"), ("+10:a +51 <a +100", "10:60")],
    ids=["a few", "more than a chunk"],
)
def test_a_mirror_is_in_step_again_after_what_it_lacks(
    dag, secret, tmp_path, small_chunks
):
    repository = Repository(tmp_path / "main")
    repository.hg("debugbuilddag", "-n", dag)
    repository.hg("phase", "-p", "-r", "all()")
    repository.hg("phase", "-f", "-s", "-r", secret)
    store = MemoryStore()
    first = opened(repository)
    v1layout.update(Service(store), first)
    mirror = opened(cloned(repository, tmp_path / "mirror"))
    assert len(mirror) < len(first.unfiltered())
    own = chunks(mirror)
    v1layout.update(Service(store), mirror)
    assert set(chunks(mirror)) == set(chunks(first))
    assert set(own) != set(chunks(first))


def test_a_mirror_that_has_more_is_in_step_again_after_it(repository, tmp_path):
    store = MemoryStore()
    mirror = cloned(repository, tmp_path / "mirror", "-r", "50")
    for number in range(40):
        (mirror.path / "own").write_text(str(number))
        mirror.hg("commit", "-q", "-A", "-m", str(number))
    mirror.hg("pull", "-q", str(repository.path))
    v1layout.update(Service(store), opened(repository))
    v1layout.update(Service(store), opened(mirror))
    shared = set(chunks(opened(repository))) & set(chunks(opened(mirror)))
    assert len(shared) >= len(chunks(opened(repository))) - 2


@pytest.mark.parametrize("fault", [StoreUnavailable("down"), StoreUnsupported("no")])
@pytest.mark.parametrize("method", ["list", "read", "put_if_absent", "delete"])
def test_a_store_that_fails_leaves_what_there_was(method, fault, repository):
    if method == "delete" and isinstance(fault, StoreUnsupported):
        fault = StoreUnavailable("may not delete")
    store = MemoryStore()
    service = Service(store)
    repo = opened(repository)
    for count in (3, 4):
        nodes = [repo.changelog.node(rev) for rev in range(17, 17 + count)]
        store.put_if_absent(key(repo, count), v1layout._body(nodes), {})

    def before(called, _key):
        if called == method:
            raise fault

    store.before = before
    v1layout.update(service, repo)
    if method in ("list", "read"):
        assert starts(repo) == list(range(0, 243, 16))
    else:
        assert starts(repo)[:5] == [0, 17, 18, 19, 20]
    store.before = lambda called, _key: None
    v1layout.update(service, repo)
    assert starts(repo)[:5] == [0, 17, 18, 19, 20]


def test_what_is_no_list_is_replaced(repository):
    store = MemoryStore()
    repo = opened(repository)
    for count, body in (
        (15, b"nonsense"),
        (7, v1layout._body([b"x" * 20])),
        (2, v1layout._body([repo.changelog.node(rev) for rev in (20, 40)])),
    ):
        store.put_if_absent(key(repo, count), body, {})
    for name in ("\u00b2", "x", "0", "-1"):
        store.put_if_absent(key(repo, 2)[:-1] + name, b"", {})
    v1layout.update(Service(store), repo)
    assert starts(repo)[:4] == [0, 20, 40, 56]
    assert key(repo, 7) not in store.objects
    assert store.objects[key(repo, len(starts(repo)) - 1)]


def test_a_list_of_another_history_says_nothing(repository):
    store = MemoryStore()
    repo = opened(repository)
    for count in (20, 500):
        nodes = [b"%020d" % number for number in range(count)]
        store.put_if_absent(key(repo, count), v1layout._body(nodes), {})
        v1layout.update(Service(store), repo)
        assert starts(repo) == list(range(0, 243, 16))


def test_a_copy_that_cannot_be_used_does_no_harm(repository):
    store = MemoryStore()
    repo = opened(repository)
    folder = repository.path / ".hg" / "cache" / "hg-s3" / "segment-list"
    folder.mkdir(parents=True)
    assert starts(repo) == list(range(0, 243, 16))
    v1layout.update(Service(store), repo)
    assert starts(repo) == list(range(0, 243, 16))
    assert store.objects
