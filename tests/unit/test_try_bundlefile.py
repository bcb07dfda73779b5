"""What is made of a pushed changegroup, and what in it is refused."""

import hashlib
import io
import os

import pytest
from hgui import make_ui

# Fixtures.
from test_try_overlay import bundle, made, make, repository  # noqa: F401

from hgs3 import compat
from hgs3.trybundles import bundlefile
from hgs3.trybundles import overlay as overlaymod
from hgs3.trybundles.bundlefile import Unfit


class Groups:
    """An unpacker of the bundle at ``path``, whose first file has been altered by
    ``alter(list of Delta)``; and the changesets by ``alter_changesets``."""

    version = b"02"

    def __init__(self, path, alter=None, alter_changesets=None):
        unpacker = bundlefile.unpacker_of(make_ui(), path)
        unpacker.changelogheader()
        changesets = list(compat.deltas(unpacker))
        unpacker.manifestheader()
        groups = [changesets, list(compat.deltas(unpacker))]
        self._names = []
        for header in iter(unpacker.filelogheader, {}):
            self._names.append(header)
            groups.append(list(compat.deltas(unpacker)))
        unpacker.close()
        if alter is not None:
            groups[2] = alter(groups[2])
        if alter_changesets is not None:
            groups[0] = alter_changesets(groups[0])
        self._groups = groups
        self._names.append({})

    def changelogheader(self):
        return {}

    manifestheader = changelogheader

    def filelogheader(self):
        return self._names.pop(0)

    def deltaiter(self):
        for delta in self._groups.pop(0):
            yield tuple(delta)


def convert(repository, bundle, most=100, **altered):  # noqa: F811
    top = make(repository, bundle)
    stream = io.BytesIO()
    converter = bundlefile.Converter(top, Groups(bundle, **altered), stream, most)
    try:
        content = converter.convert()
    finally:
        overlaymod.close(top)
    assert converter.sha256_hex == hashlib.sha256(stream.getvalue()).hexdigest()
    assert converter.size_bytes == len(stream.getvalue())
    return content, stream.getvalue()


def test_a_bundle_of_that_format_stays_as_it_is(repository, bundle):  # noqa: F811
    content, data = convert(repository, bundle)
    with open(bundle, "rb") as stream:
        assert data == stream.read()
    assert len(content.changesets) == 5 and len(content.manifests) == 5
    assert sorted(content.files) == [b"file%d" % number for number in range(5)]


def test_deltas_against_other_bases_are_computed_anew(repository, bundle):  # noqa: F811
    """As Mercurial sends them: each against its parent, for instance."""
    _content, whole = convert(repository, bundle)

    def against_nothing(deltas):
        top = make(repository, bundle)
        found = []
        for delta in deltas:
            text = top.changelog.rawdata(delta.node)
            header = b"\0\0\0\0\0\0\0\0" + len(text).to_bytes(4, "big")
            found.append(delta._replace(base=20 * b"\0", delta=header + text))
        return found

    _content, data = convert(repository, bundle, alter_changesets=against_nothing)
    path = os.path.join(str(repository.path), "converted.hg")
    with open(path, "wb") as stream:
        stream.write(data)
    top = make(repository, path)
    served = top.filtered(b"served")
    assert [served[rev].description() for rev in range(20, 25)] == [
        b"top%d" % number for number in range(5)
    ]
    for revision in range(20, 25):
        served[revision].manifest()
    assert len(data) < 2 * len(whole)


OTHER = 20 * b"\x11"


@pytest.mark.parametrize(
    "alter, why",
    [
        (lambda deltas: deltas + deltas, b"comes twice"),
        (lambda deltas: [deltas[0]._replace(p1=OTHER)], b"other parents"),
        (lambda deltas: [deltas[0]._replace(p2=OTHER)], b"other parents"),
        (lambda deltas: [deltas[0]._replace(link=OTHER)], b"of no changeset"),
        (lambda deltas: [deltas[0]._replace(flags=1 << 15)], b"has flags"),
    ],
)
def test_what_is_said_of_a_revision_is_looked_at(
    repository,  # noqa: F811
    bundle,  # noqa: F811
    alter,
    why,
):
    with pytest.raises(Unfit) as caught:
        convert(repository, bundle, alter=alter)
    assert why in caught.value.args[0]


def test_a_changeset_with_other_parents(repository, bundle):  # noqa: F811
    def moved(deltas):
        return [deltas[0], deltas[1]._replace(p1=deltas[0].p1)] + deltas[2:]

    with pytest.raises(Unfit) as caught:
        convert(repository, bundle, alter_changesets=moved)
    assert b"other parents" in caught.value.args[0]


def test_too_many(repository, bundle):  # noqa: F811
    with pytest.raises(Unfit) as caught:
        convert(repository, bundle, most=4)
    assert b"more than 4 changesets" in caught.value.args[0]


def test_an_object_and_back(bundle, tmp_path):  # noqa: F811
    stream, again = io.BytesIO(), io.BytesIO()
    digests = bundlefile.write_object(bundle, stream)
    data = stream.getvalue()
    for name, digest in digests.items():
        assert digest.hexdigest() == hashlib.new(name, data).hexdigest()
    bundlefile.read_object(iter([data[:10], data[10:]]), again)
    with open(bundle, "rb") as source:
        assert again.getvalue() == source.read()


@pytest.mark.parametrize("data", [b"", b"HG", b"HG10GZ and more", b"HG20 and more"])
def test_what_is_no_object(data):
    with pytest.raises(Unfit):
        bundlefile.read_object(iter([data]), io.BytesIO())
