"""An extension of a client: what ``hg push`` sends is what ``$BADPUSH`` says is wrong.

The changegroup is built by hand, of the changesets that are to be pushed, each
revision whole. Everything else is the stock client's doing, so that what is printed
is what a user would see. ``$BADPUSH`` is the name of a function below with - for _, or
``good``, which shows that all others are refused for what they are named after.
"""

import os
import struct
import typing

from mercurial import bundle2, changegroup, exchange, extensions, phases
from mercurial.node import nullid
from mercurial.utils import storageutil

UNKNOWN = 20 * b"\x11"

#: Of revlogs: the content is elsewhere, as that of large files.
EXTSTORED = 1 << 13


class Revision(typing.NamedTuple):
    node: bytes
    p1: bytes
    p2: bytes
    link: bytes
    text: bytes
    flags: int = 0

    def rehashed(self, **changed):
        """With other content, and the hash of that."""
        new = self._replace(**changed)
        return new._replace(node=storageutil.hashrevisionsha1(new.text, new.p1, new.p2))

    def damaged(self):
        """With content that the hash is not of, as long as what it should be."""
        return self._replace(text=self.text[:-1] + bytes([self.text[-1] ^ 1]))


class Push:
    """What is sent: three groups of revisions, and how."""

    def __init__(self, repo, nodes):
        self.version = b"02"
        self.changesets, self.manifests = [], []
        #: Path to revisions.
        self.files = {}
        for node in nodes:
            ctx = repo[node]
            self.changesets.append(_revision(repo.changelog, node, node))
            storage = repo.manifestlog.getstorage(b"")
            self.manifests.append(_revision(storage, ctx.manifestnode(), node))
            for path in ctx.files():
                storage = repo.file(path)
                if path in ctx:
                    new = _revision(storage, ctx.filenode(path), node)
                    self.files.setdefault(path, []).append(new)
        #: Called with the bundler, before and after the changegroup.
        self.before = self.after = lambda bundler: None
        #: Of the changegroup's bytes, those that are sent.
        self.cut = lambda data: data
        self.copies = 1
        self.parameters = {}
        #: Of the bytes of everything.
        self.stream = lambda data: data

    def changegroup(self):
        groups = [self._group(self.changesets), self._group(self.manifests)]
        if self.version == b"03":
            # No folders.
            groups.append(changegroup.closechunk())
        for path, revisions in sorted(self.files.items()):
            groups.append(changegroup.chunkheader(len(path)) + path)
            groups.append(self._group(revisions))
        return self.cut(b"".join(groups) + changegroup.closechunk())

    def _group(self, revisions):
        chunks = []
        for each in revisions:
            header = each.node + each.p1 + each.p2 + nullid + each.link
            if self.version == b"03":
                header += struct.pack(">H", each.flags)
            # All of nothing is replaced by the text.
            delta = struct.pack(">lll", 0, 0, len(each.text)) + each.text
            size = len(header) + len(delta)
            chunks += [changegroup.chunkheader(size), header, delta]
        return b"".join(chunks) + changegroup.closechunk()

    def generate(self, bundler):
        self.before(bundler)
        for _copy in range(self.copies):
            part = bundler.newpart(b"changegroup", data=self.changegroup())
            part.addparam(b"version", self.version)
            for name, value in self.parameters.items():
                part.addparam(name, value)
        self.after(bundler)


def _revision(storage, node, link):
    p1, p2 = storage.parents(node)
    return Revision(node, p1, p2, link, bytes(storage.rawdata(node)))


def extsetup(ui):
    name = os.environ.get("BADPUSH")
    if not name:
        return
    damage = KINDS[name]
    pushes = []

    def changesets(pushop, bundler):
        if b"changesets" in pushop.stepsdone:
            return None
        pushop.stepsdone.add(b"changesets")
        push = Push(pushop.repo.unfiltered(), pushop.outgoing.missing)
        damage(push)
        pushes.append(push)
        push.generate(bundler)

        def reply(op):
            pushop.cgresult = op.records[b"changegroup"][0][b"return"]

        return reply

    def getchunks(orig, bundler):
        data = b"".join(orig(bundler))
        # Others are for the client's own use.
        return iter([pushes[-1].stream(data) if pushes else data])

    exchange.b2partsgenmapping[b"changeset"] = changesets
    extensions.wrapfunction(bundle2.bundle20, "getchunks", getchunks)


# What may be wrong, each a function of a Push


def good(push):
    pass


def changeset_hash(push):
    push.changesets[-1] = push.changesets[-1].damaged()


def manifest_hash(push):
    push.manifests[-1] = push.manifests[-1].damaged()


def file_hash(push):
    path = max(push.files)
    push.files[path][-1] = push.files[path][-1].damaged()


def truncated_changegroup(push):
    push.cut = lambda data: data[: len(data) // 2]


def no_end(push):
    push.cut = lambda data: data[:-4]


def negative_length(push):
    push.cut = lambda data: struct.pack(">l", -5) + data[4:]


def huge_length(push):
    push.cut = lambda data: struct.pack(">l", 0x7FFFFFFF) + data[4:]


def no_manifest(push):
    push.manifests.pop()


def no_file(push):
    push.files.pop(max(push.files))


def no_changesets(push):
    push.changesets.clear()


def nothing(push):
    push.changesets.clear()
    push.manifests.clear()
    push.files.clear()


def unknown_parent(push):
    _only_first(push, p1=UNKNOWN)


def unknown_link(push):
    push.manifests[0] = push.manifests[0]._replace(link=UNKNOWN)


def _only_first(push, **changed):
    """One changeset, with something else in it, and what it names."""
    old = push.changesets[0]
    new = old.rehashed(**changed)
    new = new._replace(link=new.node)

    def kept(revisions):
        return [
            each._replace(link=new.node) for each in revisions if each.link == old.node
        ]

    push.changesets[:] = [new]
    push.manifests[:] = kept(push.manifests)
    files = {path: kept(revisions) for path, revisions in push.files.items()}
    push.files = {path: revisions for path, revisions in files.items() if revisions}


def nonsense_changeset(push):
    _only_first(push, text=b"this is no changeset")


def only_a_manifest(push):
    _only_first(push, text=push.changesets[0].text[:40] + b"\n")


def _line(push, number, line):
    lines = push.changesets[0].text.split(b"\n")
    lines[number] = line
    _only_first(push, text=b"\n".join(lines))


def no_utf8(push):
    _line(push, 1, b"\xff\xfe")


def no_date(push):
    _line(push, 2, b"")


def bad_date(push):
    _line(push, 2, b"yesterday 0")


def no_number(push):
    _line(push, 2, b"nan 0")


def long_manifest(push):
    _line(push, 0, push.changesets[0].text[:40] + b"00")


def empty_changeset(push):
    _only_first(push, text=b"")


def bad_extra(push):
    _line(push, 2, b"0 0 branch")


def nonsense_manifest(push):
    manifest = push.manifests[0].rehashed(text=b"this is no manifest\n")
    text = manifest.node.hex().encode() + push.changesets[0].text[40:]
    _only_first(push, text=text)
    push.manifests[:] = [manifest._replace(link=push.changesets[0].node)]


def flags(push):
    push.version = b"03"
    path = max(push.files)
    push.files[path][-1] = push.files[path][-1]._replace(flags=EXTSTORED)


def trees(push):
    push.version = b"03"
    push.parameters[b"treemanifest"] = b"1"


def version(push):
    push.version = b"99"


def parameter(push):
    push.parameters[b"hgs3-unknown"] = b"1"


def two_changegroups(push):
    push.copies = 2


def unknown_part(push):
    push.after = lambda bundler: bundler.newpart(b"hgs3:unknown", data=b"data")


def unknown_part_first(push):
    push.before = lambda bundler: bundler.newpart(b"hgs3:unknown", data=b"data")


def stream_parameter(push):
    push.before = lambda bundler: bundler.addparam(b"Unknown", b"1")


def compression(push):
    push.before = lambda bundler: bundler.addparam(b"Compression", b"??")


def half_a_stream(push):
    push.stream = lambda data: data[: len(data) // 2]


def magic(push):
    push.stream = lambda data: b"HG99" + data[4:]


def _pushkey(**parameters):
    def damage(push):
        def add(bundler):
            part = bundler.newpart(b"pushkey")
            for name, value in parameters.items():
                part.addparam(name.encode(), value)

        push.after = add

    return damage


def _data(kind, data):
    def damage(push):
        push.after = lambda bundler: bundler.newpart(kind, data=data)

    return damage


def _bookmark(name, node=UNKNOWN):
    return node + struct.pack(">H", len(name)) + name


def bookmark_at_new(name):
    def damage(push):
        data = _bookmark(name, push.changesets[-1].node)
        _data(b"bookmarks", data)(push)

    return damage


KINDS = {
    each.__name__.replace("_", "-"): each
    for each in (
        *(good, changeset_hash, manifest_hash, file_hash, no_manifest, no_file),
        *(truncated_changegroup, no_end, negative_length, huge_length),
        *(no_changesets, nothing, unknown_parent, unknown_link, nonsense_changeset),
        *(
            only_a_manifest,
            no_utf8,
            no_date,
            bad_date,
            no_number,
            bad_extra,
            long_manifest,
            empty_changeset,
            nonsense_manifest,
        ),
        *(flags, trees, version, parameter),
        *(two_changegroups, unknown_part, unknown_part_first, stream_parameter),
        *(compression, half_a_stream, magic),
    )
}
_MARK = {"namespace": b"bookmarks", "key": b"mark"}
KINDS.update(
    {
        "pushkey-empty": _pushkey(),
        "pushkey-no-new": _pushkey(old=b"", **_MARK),
        "pushkey-no-hash": _pushkey(old=b"", new=b"not hexadecimal", **_MARK),
        "pushkey-short": _pushkey(old=b"", new=b"abcd", **_MARK),
        "pushkey-unknown": _pushkey(old=b"", new=UNKNOWN.hex().encode(), **_MARK),
        "pushkey-gone": _pushkey(old=UNKNOWN.hex().encode(), new=b"", **_MARK),
        "pushkey-namespace": _pushkey(
            namespace=b"obsolete", key=b"a", old=b"", new=b""
        ),
        "bookmarks-short": _data(b"bookmarks", b"short"),
        "bookmarks-no-name": _data(b"bookmarks", _bookmark(b"mark")[:-2]),
        "bookmarks-unknown": _data(b"bookmarks", _bookmark(b"mark")),
        "bookmarks-empty-name": bookmark_at_new(b""),
        "bookmarks-newline": bookmark_at_new(b"a\nb"),
        "bookmarks-no-utf8": bookmark_at_new(b"\xff\xfe"),
        "bookmarks-long": bookmark_at_new(b"m" * 300),
        "phases-short": _data(b"phase-heads", b"short"),
        "phases-number": _data(b"phase-heads", struct.pack(">i20s", 77, UNKNOWN)),
        "phases-secret": _data(
            b"phase-heads", struct.pack(">i20s", phases.secret, UNKNOWN)
        ),
        "markers": _data(b"obsmarkers", b"\x01nonsense"),
    }
)
