"""One bundle out of several, to be laid over a repository at once.

A bundle repository takes one changegroup. Deltas are copied as they are: with
version 02 each says what it is against.
"""

from mercurial import bundle2, changegroup

from .. import compat
from . import bundlefile

_VERSION = b"02"


def stitch(ui, paths, stream):
    """Write the bundle of all that the bundle files at ``paths`` hold to a binary
    ``stream``. What one holds that came before is left out."""
    bundler = bundle2.bundle20(ui)
    part = bundler.newpart(b"changegroup", data=_chunks(ui, paths))
    part.addparam(b"version", _VERSION)
    for data in bundler.getchunks():
        stream.write(data)


def _chunks(ui, paths):
    unpackers = [bundlefile.unpacker_of(ui, path) for path in paths]
    try:
        for header in ("changelogheader", "manifestheader"):
            seen = set()
            for unpacker in unpackers:
                getattr(unpacker, header)()
                for chunk in _group(unpacker, seen):
                    yield chunk
            yield changegroup.closechunk()
        for chunk in _files(unpackers):
            yield chunk
        yield changegroup.closechunk()
    finally:
        for unpacker in unpackers:
            unpacker.close()


def _files(unpackers):
    """A changegroup names each file once: those of the same name come together."""
    places = {}
    for unpacker in unpackers:
        for header in iter(unpacker.filelogheader, {}):
            places.setdefault(header[b"filename"], []).append(
                (unpacker, unpacker.tell())
            )
            for _delta in compat.deltas(unpacker):
                pass
    for path, found in sorted(places.items()):
        yield changegroup.chunkheader(len(path))
        yield path
        seen = set()
        for unpacker, position in found:
            unpacker.seek(position)
            for chunk in _group(unpacker, seen):
                yield chunk
        yield changegroup.closechunk()


def _group(unpacker, seen):
    for delta in compat.deltas(unpacker):
        if delta.node in seen:
            continue
        seen.add(delta.node)
        head = delta.node + delta.p1 + delta.p2 + delta.base + delta.link
        yield changegroup.chunkheader(len(head) + len(delta.delta))
        yield head
        yield delta.delta
