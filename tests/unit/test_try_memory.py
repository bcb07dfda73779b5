"""What overlays leave to the next one, and what they give back."""

import pytest
from mercurial import error
from test_try_overlay import bundle, made, make, repository  # noqa: F401

from hgs3.trybundles import basetexts, memory
from hgs3.trybundles import overlay as overlaymod


@pytest.fixture(autouse=True)
def nothing_known():
    basetexts._texts.clear()
    yield
    basetexts._texts.clear()


def manifests(overlay):
    return overlay.manifestlog.getstorage(b"")


def texts(overlay):
    storage = manifests(overlay)
    return [storage.rawdata(storage.node(rev)) for rev in range(len(storage))]


def test_a_text_is_what_it_was_without_it(repository, bundle):  # noqa: F811
    plain = make(repository, bundle)
    expected = texts(plain)
    basetexts.remember(plain)
    overlaymod.close(plain)
    primed = make(repository, bundle)
    storage = manifests(primed)
    first = storage.repotiprev + 1
    assert storage.rawdata(storage.node(first)) == expected[first]
    assert texts(primed) == expected
    overlaymod.close(primed)


def test_a_wrong_text_would_be_found_out(repository, bundle):  # noqa: F811
    """So the text is used; and what comes out is compared with its hash."""
    one = make(repository, bundle)
    basetexts.remember(one)
    (node,) = basetexts._texts
    basetexts._texts[node] = b"something else\n"
    other = make(repository, bundle)
    storage = manifests(other)
    with pytest.raises(error.Error):
        storage.rawdata(storage.node(storage.repotiprev + 1))
    for each in (one, other):
        overlaymod.close(each)


def test_they_do_not_grow_beyond_the_limit(repository, bundle, monkeypatch):  # noqa: F811
    monkeypatch.setattr(basetexts, "_MOST_BYTES", 100)
    basetexts._texts.update((b"%020d" % n, b"x" * 60) for n in range(3))
    overlay = make(repository, bundle)
    basetexts.remember(overlay)
    assert sum(map(len, basetexts._texts.values())) <= 100
    overlaymod.close(overlay)


def test_memory_is_given_back_from_time_to_time(monkeypatch):
    calls, now = [], [1000.0]
    monkeypatch.setattr(memory, "_malloc_trim", calls.append)
    monkeypatch.setattr(memory, "_given_back_at", 0.0)
    monkeypatch.setattr(memory.time, "monotonic", lambda: now[0])
    for seconds in (0, 1, memory._SECONDS_BETWEEN - 1, 1):
        now[0] += seconds
        memory.collect()
    assert calls == [0, 0]


def test_another_c_library_has_no_such_thing(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: object())
    assert memory._find_malloc_trim() is None
    monkeypatch.setattr(memory, "_malloc_trim", None)
    memory.collect()
