"""The file that a push is kept as, and the object that it becomes.

The file is an uncompressed bundle of Mercurial's first format, ``HG10UN`` and a
changegroup of version 01. The object is the same with Zstandard, ``HG10ZS``:
clients can be sent to it by a ``remote-changegroup`` part. Its name is the SHA-256 of
the file.

In a changegroup of version 01 each revision is a delta against the one before it in
its group, and the first one against its first parent.
"""

import hashlib
import math
import typing

from mercurial import changegroup, exchange, mdiff, util
from mercurial.i18n import _
from mercurial.node import bin, hex, nullid

from .. import compat
from ..objectstore.base import CHUNK_BYTES

FILE_MAGIC = b"HG10UN"
OBJECT_MAGIC = b"HG10ZS"
COMPRESSION = b"ZS"
VERSION = b"01"

#: Of changegroups; all others have a list of folders before that of files.
_WITHOUT_TREES = (b"01", b"02")

#: Of the object, as ``remote-changegroup`` names them.
DIGEST_TYPES = ("sha1", "sha512")

#: What bundles of this kind are called in the database.
FORMAT = "HG10"


class Unfit(Exception):
    """The changegroup cannot be kept; the argument says why, one line of bytes."""

    #: What to do about it, bytes; None where there is nothing.
    hint: typing.Optional[bytes] = None


class TooLarge(Unfit):
    """It is over a limit that the operator has set."""

    hint = _(b"limits are s3try.max-bundle-size and s3try.max-changesets")


class Damaged(Unfit):
    """It is not what a client makes of a repository that is in order."""

    hint = _(
        b"see whether 'hg verify' finds fault with the repository pushed from, and the "
        b"operator of the server with that one"
    )


class Content(typing.NamedTuple):
    """``changesets`` are (node, p1, p2, node of the manifest), in their order;
    ``manifests`` the nodes (a set) of those that there are, ``files`` those of each
    path that there are revisions of."""

    changesets: typing.List[tuple]
    manifests: typing.Set[bytes]
    files: typing.Dict[bytes, set]


class Converter:
    """Writes the file of a changegroup, whatever its version, and looks at every
    revision in it while it does.

    ``overlay`` has the changegroup on top of the repository. Raises Unfit, and
    what Mercurial raises for a revision that is not what its node says:
    error.RevlogError, LookupError and others.
    """

    def __init__(self, overlay, unpacker, stream, most_changesets):
        self._overlay = overlay
        self._unpacker = unpacker
        self._stream = stream
        self._digest = hashlib.sha256()
        self._most = most_changesets
        self._meaningful = ~compat.neutral_revision_flags()
        self._changesets = []
        self._links = set()
        self.size_bytes = 0

    @property
    def sha256_hex(self):
        return self._digest.hexdigest()

    def convert(self):
        """Write it all; returns a Content."""
        unpacker, overlay = self._unpacker, self._overlay
        self._write(FILE_MAGIC)
        unpacker.changelogheader()
        self._group(overlay.changelog, self._note)
        unpacker.manifestheader()
        manifests = set(self._group(overlay.manifestlog.getstorage(b"")))
        if unpacker.version not in _WITHOUT_TREES and unpacker.filelogheader():
            raise Unfit(b"it has tree manifests, which bundles cannot hold")
        files = {}
        for header in iter(unpacker.filelogheader, {}):
            path = header[b"filename"]
            self._write(changegroup.chunkheader(len(path)), path)
            files.setdefault(path, set()).update(self._group(overlay.file(path)))
        self._write(changegroup.closechunk())
        return Content(self._changesets, manifests, files)

    def _note(self, delta, text):
        if len(self._changesets) == self._most:
            raise TooLarge(b"it has more than %d changesets" % self._most)
        manifest = bin(text[:40])
        self._look_at_changeset(delta.node, manifest)
        self._changesets.append((delta.node, delta.p1, delta.p2, manifest))

    def _look_at_changeset(self, node, manifest):
        """Its hash says nothing of whether it can be read, and one that cannot ends
        each pull and each page of it."""
        try:
            changeset = self._overlay.changelog.changelogrevision(node)
            is_right = (
                changeset.manifest == manifest
                and math.isfinite(changeset.date[0])
                and all(changeset.extra)
                and all(changeset.files)
            )
        except (ValueError, LookupError, TypeError):
            is_right = False
        if not is_right:
            raise Damaged(b"changeset %s is malformed" % hex(node))

    def _group(self, storage, note=None):
        """Copy one group of revisions of ``storage``; returns their nodes."""
        # A filelog has a revlog; a manifest log has one, too, which is that of the
        # repository alone.
        revlog = storage if hasattr(storage, "repotiprev") else storage._revlog
        nodes = {}
        before, before_text = None, None
        for delta in compat.deltas(self._unpacker):
            self._check(delta, revlog, nodes)
            if delta.flags & self._meaningful:
                raise Unfit(
                    b"revision %s has flags (large files by reference, censored), "
                    b"which bundles cannot hold" % hex(delta.node)
                )
            # Compares its hash, too.
            text = revlog.rawdata(delta.node)
            if note is not None:
                note(delta, text)
            base = delta.p1 if before is None else before
            data = delta.delta
            # What the repository has already is not made from this delta, so
            # nothing is known of it.
            if delta.base != base or revlog.rev(delta.node) <= revlog.repotiprev:
                base_text = revlog.rawdata(base) if before is None else before_text
                data = mdiff.textdiff(base_text, text)
            header = delta.node + delta.p1 + delta.p2 + delta.link
            size = len(header) + len(data)
            self._write(changegroup.chunkheader(size), header, data)
            nodes[delta.node] = True
            before, before_text = delta.node, text
        self._write(changegroup.closechunk())
        return nodes

    def _check(self, delta, revlog, seen):
        """What is said of a revision beside its content. Of one that the repository
        has, or that comes twice, nothing else would be looked at."""
        if delta.node in seen:
            raise Damaged(b"revision %s comes twice" % hex(delta.node))
        parents = delta.p1, delta.p2
        if parents[0] == nullid:
            # Some logs say the other one first then.
            parents = parents, parents[::-1]
        else:
            parents = (parents,)
        if revlog.parents(delta.node) not in parents:
            raise Damaged(b"revision %s has other parents" % hex(delta.node))
        if revlog is self._overlay.changelog:
            self._links.add(delta.node)
        if delta.link not in self._links:
            raise Damaged(b"revision %s is of no changeset" % hex(delta.node))

    def _write(self, *pieces):
        for data in pieces:
            self._stream.write(data)
            self._digest.update(data)
            self.size_bytes += len(data)


def unpacker_of(ui, path):
    """The changegroup unpacker of the bundle file at ``path`` (str or bytes), of
    either format. Closing one of the first format closes the file; that of another one
    goes with it."""
    stream = open(path, "rb")
    bundle = exchange.readbundle(ui, stream, path)
    if isinstance(bundle, changegroup.cg1unpacker):
        return bundle
    for part in bundle.iterparts(seekable=True):
        version = part.params.get(b"version", VERSION)
        return changegroup.getunbundler(version, part, b"UN")
    raise Unfit(b"it holds no changegroup")


def nodes(ui, path):
    """The nodes of the changesets in the bundle file at ``path``, in order."""
    unpacker = unpacker_of(ui, path)
    try:
        unpacker.changelogheader()
        return [delta.node for delta in compat.deltas(unpacker)]
    finally:
        unpacker.close()


def write_object(path, stream):
    """Write the object of the file at ``path`` to a binary ``stream``.

    Returns its hashlib digests by name, those of DIGEST_TYPES and ``sha256``.
    """
    digests = {name: hashlib.new(name) for name in DIGEST_TYPES + ("sha256",)}

    def write(data):
        stream.write(data)
        for digest in digests.values():
            digest.update(data)

    with open(path, "rb") as source:
        source.seek(len(FILE_MAGIC))
        write(OBJECT_MAGIC)
        chunks = iter(lambda: source.read(CHUNK_BYTES), b"")
        for data in util.compengines.forbundletype(COMPRESSION).compressstream(chunks):
            write(data)
    return digests


def read_object(chunks, stream):
    """The other way round: from the ``chunks`` of an object to a binary ``stream``.

    Raises Unfit for what is no such object, and what the decompressor raises for
    one that is damaged.
    """
    source = util.chunkbuffer(chunks)
    if source.read(len(OBJECT_MAGIC)) != OBJECT_MAGIC:
        raise Unfit(b"the object is no bundle")
    stream.write(FILE_MAGIC)
    reader = util.compengines.forbundletype(COMPRESSION).decompressorreader(source)
    for data in iter(lambda: reader.read(CHUNK_BYTES), b""):
        stream.write(data)
