"""What the local files of bundles may take up, and what is added to them."""

import errno
import os
import time

import pytest
from bundleworker import SIZE, Bundle, bundles_in, never
from filestores import age

from hgs3.trybundles import bundleroom
from hgs3.trybundles.bundlecache import BundleCache, BundleUnavailable


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


def used(cache, *bundles, seconds=0):
    """Each a while after the one before; the last ``seconds`` ago."""
    for number, bundle in enumerate(reversed(bundles)):
        age(bundle.path(cache), seconds + 10 * number)


def there(cache, bundles):
    return [
        number
        for number, bundle in enumerate(bundles)
        if os.path.exists(os.path.join(cache._path, bundle.sha256))
    ]


def test_those_go_that_were_not_used_for_the_longest_time(make):
    cache = make(10 * SIZE)
    bundles = [Bundle(number) for number in range(12)]
    used(cache, *bundles[:10], seconds=1000)
    bundles[0].path(cache, never)
    bundles[10].path(cache)
    assert there(cache, bundles) == [0, 3, 4, 5, 6, 7, 8, 9, 10]
    bundles[11].path(cache)
    assert there(cache, bundles) == [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_of_what_is_in_use_no_more_goes_than_has_to(make):
    cache = make(10 * SIZE)
    bundles = [Bundle(number) for number in range(11)]
    used(cache, *bundles[:10])
    bundles[10].path(cache)
    assert there(cache, bundles) == list(range(1, 11))


def test_one_that_is_larger_than_the_limit_stays_for_the_moment(make):
    cache = make(SIZE)
    bundles = [Bundle(1, 3 * SIZE), Bundle(2)]
    assert bundles[0].read(cache) == bundles[0].data
    assert there(cache, bundles) == [0]
    assert bundles[1].read(cache) == bundles[1].data
    assert there(cache, bundles) == [1]


def test_without_a_limit(make):
    cache, bundles = make(0), [Bundle(number) for number in range(30)]
    used(cache, *bundles, seconds=100_000)
    assert len(there(cache, bundles)) == 30


def test_a_use_is_noted_once_a_minute(make, monkeypatch):
    cache, bundle = make(), Bundle(1)
    path, noted = bundle.path(cache), []
    utime = os.utime
    monkeypatch.setattr(os, "utime", lambda *args: noted.append(utime(*args)))
    for seconds, times in ((0, 0), (50, 0), (70, 1), (0, 0), (-70, 1)):
        then = time.time() - seconds
        utime(path, (then, then))
        del noted[:]
        bundle.path(cache, never)
        bundle.path(cache, never)
        assert len(noted) == times


def test_one_that_is_used_while_others_go_stays(make, monkeypatch):
    cache = make(10 * SIZE)
    bundles = [Bundle(number) for number in range(11)]
    used(cache, *bundles[:10], seconds=1000)
    remove = bundleroom.remove

    def use_then_remove(path):
        bundles[1].path(cache, never)
        return remove(path)

    monkeypatch.setattr(bundleroom, "remove", use_then_remove)
    bundles[10].path(cache)
    assert there(cache, bundles) == [1] + list(range(3, 11))


def test_the_folder_is_walked_seldom(make, monkeypatch):
    walks, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: walks.append(path) or scandir(path))
    for number in range(50):
        # As many processes, each of which adds one.
        cache = make(100 * SIZE)
        Bundle(number).path(cache)
    assert len(walks) == 1
    with cache._room._space.locked() as count:
        assert count.bytes == 50 * SIZE
        count.write(count.bytes, count.swept - bundleroom.SWEEP_SECONDS - 60)
    Bundle(50).path(make())
    assert len(walks) == 2


def test_leftovers_go_after_an_hour(make, folder):
    Bundle(1).path(make())
    old, new, other = [
        folder / name
        for name in ("0" * 64 + ".%016d.tmp" % 1, "0" * 64 + ".%016d.tmp" % 2, "x.tmp")
    ]
    for path in (old, new, other):
        path.write_bytes(b"half")
        age(path, bundleroom.LEFTOVER_SECONDS + 60)
    age(new, 60)
    (folder / "space").unlink()
    Bundle(2).path(make())
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


def test_one_that_is_evicted_while_it_is_open_is_read_to_its_end(make):
    cache, bundle = make(2 * SIZE), Bundle(1)
    with open(bundle.path(cache), "rb") as file:
        used(cache, bundle, seconds=1000)
        Bundle(2).path(cache)
        Bundle(3).path(cache)
        assert there(cache, [bundle]) == []
        assert file.read() == bundle.data


def test_one_that_is_evicted_before_it_is_opened_is_fetched_again(make):
    cache, bundle = make(), Bundle(1)
    evictions = [1, 1]

    def opener(path):
        if evictions:
            evictions.pop()
            os.unlink(path)
        return open(path, "rb")

    def opened():
        return cache.open_with(bundle.sha256, SIZE, bundle.fetch, opener)

    with opened() as file:
        assert file.read() == bundle.data
    assert bundle.fetches == 3
    evictions.extend([1, 1, 1])
    with pytest.raises(BundleUnavailable, match="evicted"):
        opened()


# What was just made


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(Bundle(1).data)
    return path


@pytest.mark.parametrize("links", [True, False])
def test_what_was_just_made_is_not_fetched(make, folder, source, monkeypatch, links):
    def link(*_args):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    if not links:
        monkeypatch.setattr(os, "link", link)
    cache, bundle = make(), Bundle(1)
    # Also when it is there already, even as the same file.
    for _time in range(3):
        bundle.add(cache, source)
    assert bundles_in(folder) == [bundle.sha256]
    assert os.path.samefile(str(source), bundle.path(cache, never)) is links
    source.unlink()
    assert bundle.read(cache, never) == bundle.read(make(), never) == bundle.data
    with cache._room._space.locked() as count:
        assert count.bytes == SIZE


def test_what_is_added_takes_the_place_of_what_is_damaged(make, folder, source):
    cache, bundle = make(), Bundle(1)
    bundle.path(cache)
    (folder / bundle.sha256).write_bytes(bytes(SIZE))
    bundle.add(cache, source)
    assert bundle.read(cache, never) == bundle.data


def test_what_is_added_evicts_others(make, source):
    cache, bundle, others = make(SIZE), Bundle(1), [Bundle(2), Bundle(3)]
    used(cache, *others, seconds=1000)
    bundle.add(cache, source)
    assert there(cache, [bundle] + others) == [0]


def test_what_cannot_be_added_is_said_once(make, folder, source, said):
    cache = make()
    for _time in range(3):
        Bundle(2).add(cache, source.with_name("none"))
    Bundle(2, SIZE - 1).add(cache, source)
    assert len(said) == 1 and "No such file" in said[0]
    assert bundles_in(folder) == []
    other = make()
    Bundle(2, SIZE - 1).add(other, source)
    assert len(said) == 2 and "another size" in said[1]
    assert bundles_in(folder) == []


def test_room_that_cannot_be_counted_is_said_once(make, folder, said):
    folder.mkdir()
    (folder / "space").mkdir()
    cache = make(SIZE)
    for number in range(3):
        bundle = Bundle(number)
        assert bundle.read(cache) == bundle.data
    assert len(said) == 2 and not any("\n" in each for each in said)
