"""The local files of bundles, as one process uses them."""

import errno
import os
import pathlib
import shutil
import stat
import tempfile

import pytest
import stores
from bundleworker import SIZE, Bundle, bundles_in, never, read
from filestores import NOBODY, as_nobody, in_child

from hgs3.trybundles import bundlecache
from hgs3.trybundles.bundlecache import (
    BundleCache,
    BundleDamaged,
    BundleUnavailable,
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "bundles"


@pytest.fixture
def said():
    return []


@pytest.fixture
def make(folder, said):
    """A cache as another process would make it."""
    return lambda limit_bytes=0: BundleCache(str(folder), limit_bytes, said.append)


def test_fetched_once_then_known(make, folder):
    cache, bundle = make(), Bundle(1)
    path = bundle.path(cache)
    assert read(path) == bundle.data
    assert (path, bundle.fetches) == (str(folder / bundle.sha256), 1)
    assert bundle.path(cache, never) == path
    # Another process finds it on the disk.
    assert bundle.path(make(), never) == path
    assert bundles_in(folder) == [bundle.sha256]


def test_nobody_else_can_read_it(make, folder):
    path = Bundle(1).path(make())
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(str(folder)).st_mode) == 0o700


def test_an_empty_bundle(make):
    assert Bundle(1, 0).read(make()) == b""


@pytest.mark.parametrize("name", ["", "../x", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_no_digest_is_no_path(make, folder, name):
    with pytest.raises(ValueError):
        make().path(name, 1, never)
    assert not folder.exists()


# What is on the disk and is wrong

DAMAGES = {
    "cut": lambda data: data[:-1],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"x",
    "zeros": lambda data: bytes(len(data)),
    "one byte": lambda data: data[:-1] + b"!",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_fetched_anew_by_another_process(make, folder, damage):
    bundle = Bundle(1)
    path = pathlib.Path(bundle.path(make()))
    path.write_bytes(DAMAGES[damage](bundle.data))
    cache = make()
    assert bundle.read(cache) == bundle.data and bundle.fetches == 2
    assert bundle.read(cache) == bundle.data and bundle.fetches == 2
    assert bundles_in(folder) == [bundle.sha256]


def test_the_size_is_looked_at_each_time(make):
    cache, bundle = make(), Bundle(1)
    os.truncate(bundle.path(cache), 10)
    assert bundle.read(cache) == bundle.data and bundle.fetches == 2


def test_another_file_is_read_before_it_is_used(make, folder):
    cache, bundle = make(), Bundle(1)
    path = bundle.path(cache)
    other = folder / "other"
    other.write_bytes(bytes(SIZE))
    os.replace(str(other), path)
    assert bundle.read(cache) == bundle.data and bundle.fetches == 2


def test_what_is_known_is_bounded(make, monkeypatch):
    monkeypatch.setattr(bundlecache, "_KNOWN", 3)
    cache = make()
    for number in range(10):
        Bundle(number).path(cache)
    assert len(cache._known) == 3
    assert Bundle(0).path(cache, never)


# What is fetched and is wrong

WRONG = {
    "nothing": [],
    "short": [lambda bundle: bundle.data[:-1]],
    "long": [lambda bundle: bundle.data, lambda bundle: b"x"],
    "another": [lambda bundle: Bundle(2).data],
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_the_bundle_is_damaged(make, folder, name):
    cache, bundle = make(), Bundle(1)

    def fetch(stream):
        for part in WRONG[name]:
            stream.write(part(bundle))

    with pytest.raises(BundleDamaged) as raised:
        bundle.path(cache, fetch)
    assert raised.value.sha256 == bundle.sha256
    assert raised.value.reason and len(raised.value.reason.splitlines()) == 1
    assert bundles_in(folder) == []
    assert bundle.read(cache) == bundle.data


def test_no_more_is_written_than_there_is_to_be(make, folder):
    bundle, written = Bundle(1), []

    def endless(stream):
        while True:
            written.append(stream.write(bytes(10_000)))

    with pytest.raises(BundleDamaged, match="longer"):
        bundle.path(make(), endless)
    assert sum(written) == SIZE


@pytest.mark.parametrize(
    "fault", [KeyError("ours"), OSError(errno.ECONNRESET, "reset"), KeyboardInterrupt()]
)
def test_what_fetch_raises_passes_on(make, folder, fault):
    cache, bundle = make(), Bundle(1)

    def fetch(stream):
        stream.write(bundle.data[:100])
        raise fault

    with pytest.raises(type(fault)) as raised:
        bundle.path(cache, fetch)
    assert raised.value is fault
    assert bundles_in(folder) == []
    assert bundle.read(cache) == bundle.data


# No place for it


def test_a_fetch_that_says_that_the_disk_is_full(make, folder):
    def fetch(stream):
        raise OSError(errno.ENOSPC, "No space left on device", "/spool")

    with pytest.raises(BundleUnavailable, match="No space left on device: /spool"):
        Bundle(1).path(make(), fetch)
    assert bundles_in(folder) == []


@pytest.mark.parametrize("size_bytes", [1_000, 500_000])
def test_a_full_disk(make, folder, size_bytes):
    """As far as a process can be told: it notices at once, or when all is written."""

    def use():
        import resource

        cache, bundle = make(), Bundle(1, size_bytes)
        Bundle(2, 10).path(cache)
        _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
        try:
            bundle.path(cache)
        except BundleUnavailable as err:
            return err.reason, Bundle(2, 10).read(cache, never) == Bundle(2, 10).data

    reason, still_there = in_child(use)
    assert "File too large" in reason and len(reason.splitlines()) == 1
    assert still_there and bundles_in(folder) == [Bundle(2, 10).sha256]


def test_a_fault_of_the_disk_that_fetch_swallows(make, monkeypatch):
    bundle = Bundle(1)

    def fetch(stream):
        stream._file.close()
        stream._file = open("/dev/full", "wb", buffering=0)
        for _time in range(2):
            try:
                stream.write(b"x")
            except BundleUnavailable:
                continue

    with pytest.raises(BundleUnavailable, match="No space left"):
        bundle.path(make(), fetch)


def test_a_folder_that_cannot_be_one(tmp_path, said):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "bundles"):
        cache = BundleCache(str(path), 0, said.append)
        with pytest.raises(BundleUnavailable):
            Bundle(1).path(cache)
        Bundle(1).add(cache, tmp_path / "file")
    assert len(said) == 2 and not any("\n" in each for each in said)


@pytest.fixture
def open_parent():
    """A folder that other users can reach, and may write to if root runs this."""
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        if os.geteuid() == 0:
            os.chown(parent, NOBODY, NOBODY)
        yield parent


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_folder_that_may_only_be_read(open_parent, is_locked):
    path = os.path.join(open_parent, "bundles")
    bundle, other = Bundle(1), Bundle(2)

    def use():
        bundle.path(BundleCache(path, 0, print))
        for name in os.listdir(path):
            os.chmod(os.path.join(path, name), 0o400 if is_locked else 0o600)
        os.chmod(path, 0o500)
        try:
            cache = BundleCache(path, 0, print)
            for _time in range(2):
                assert bundle.read(cache, never) == bundle.data
            other.path(cache)
        except BundleUnavailable as err:
            return err.reason
        finally:
            os.chmod(path, 0o700)
        return None

    reason = as_nobody(use)
    assert "Permission denied" in reason and len(reason.splitlines()) == 1


def test_what_root_makes_by_hand_the_server_can_use(open_parent):
    path = os.path.join(open_parent, "bundles")
    bundles = [Bundle(1), Bundle(2), Bundle(3)]
    cache = BundleCache(path, 0, print)
    bundles[0].path(cache)
    made = os.path.join(open_parent, "made")
    with open(made, "wb") as file:
        file.write(bundles[1].data)
    bundles[1].add(cache, made)

    def use():
        said = []
        cache = BundleCache(path, 2 * SIZE, said.append)
        assert [each.read(cache) for each in bundles] == [each.data for each in bundles]
        return [each.fetches for each in bundles], said

    # The first was fetched by root.
    assert as_nobody(use) == ([1, 0, 1], [])


def test_a_folder_that_vanishes_is_made_again(make, folder):
    cache, bundle = make(), Bundle(1)
    bundle.path(cache)
    shutil.rmtree(str(folder))
    assert bundle.read(cache) == bundle.data and bundle.fetches == 2


def test_a_folder_that_vanishes_during_a_fetch(make, folder):
    cache, bundle = make(), Bundle(1)

    def fetch(stream):
        bundle.fetch(stream)
        shutil.rmtree(str(folder))

    with pytest.raises(BundleUnavailable, match="No such file"):
        bundle.path(cache, fetch)
    assert bundle.read(cache) == bundle.data


def test_a_system_without_flock(make, monkeypatch):
    monkeypatch.setattr("hgs3.objectstore.filespace.fcntl", None)
    with pytest.raises(BundleUnavailable, match="flock"):
        Bundle(1).path(make())


def test_threads_fetch_once(make):
    cache, bundle = make(), Bundle(1)
    found = stores.in_threads(8, lambda _number: bundle.read(cache))
    assert found == [bundle.data] * 8 and bundle.fetches == 1
