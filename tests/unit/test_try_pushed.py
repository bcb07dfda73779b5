"""What a push says beside its changesets does not fill the memory."""

import io
import struct

import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import pytest

from hgs3.trybundles import pushed as pushedmod
from hgs3.trybundles.bundlefile import Unfit


def phase_heads(count):
    return b"".join(struct.pack(">i20s", 0, b"%020d" % n) for n in range(count))


@pytest.fixture
def limited(monkeypatch):
    monkeypatch.setattr(pushedmod, "_MOST_SMALL_BYTES", 24 * 10)
    return pushedmod.Pushed("unused", 0)


def test_heads_up_to_the_limit(limited):
    limited._take_phases(None, io.BytesIO(phase_heads(10)))
    assert limited.public == [b"%020d" % n for n in range(10)]


def test_more_heads_are_refused(limited):
    with pytest.raises(Unfit):
        limited._take_phases(None, io.BytesIO(phase_heads(11)))


@pytest.mark.parametrize("size", [None, -1, 24 * 10 + 1])
def test_all_at_once_is_limited_too(limited, size):
    part = pushedmod._Small(io.BytesIO(phase_heads(1000)))
    with pytest.raises(Unfit):
        part.read(size)
    assert part._part.tell() <= 24 * 10 + 1
