"""What a client pushes: its parts, taken in one after the other.

A push is a bundle2 (``hg help internals.bundle2``). Of its parts, some speak of
the repository as the client believes it to be: nothing in it will change, so they
are passed over. The changegroup goes into a file, since what decides about it comes
after it.
"""

import dataclasses
import typing

from mercurial import bookmarks, bundle2, encoding, error, phases
from mercurial.i18n import _
from mercurial.node import bin, nullid

from . import bundlefile

#: For which the code that Mercurial has does what is to be done.
_BY_MERCURIAL = frozenset((b"replycaps", b"pushvars", b"output"))

#: Of a changegroup part, what is understood, or says nothing of what it holds.
_KNOWN_PARAMETERS = frozenset((b"version", b"nbchanges", b"targetphase"))
_VERSIONS = frozenset((b"01", b"02", b"03"))

_MOVED_BY_PUSHKEY = b"bookmarks"

#: Of all else that a push says, which is kept in memory: heads and bookmarks.
_MOST_SMALL_BYTES = 8 << 20


@dataclasses.dataclass
class Pushed:
    """``changegroup`` is the id of the part of that name, None without one.

    ``bookmarks`` is name to new node (None: it is to go), ``expected`` name to the
    node that the client has seen it at, ``public`` the heads of what is public at
    the client.
    """

    path: str
    limit_bytes: int
    changegroup: typing.Optional[int] = None
    public: typing.List[bytes] = dataclasses.field(default_factory=list)
    bookmarks: dict = dataclasses.field(default_factory=dict)
    expected: dict = dataclasses.field(default_factory=dict)
    #: Ids of parts that want a reply each, when all is stored.
    pushkeys: typing.List[int] = dataclasses.field(default_factory=list)
    has_markers: bool = False

    def take(self, op, part):
        """Raises error.Abort, and BundleUnknownFeatureError for a part that has to
        be understood and is not."""
        taker = _TAKERS.get(part.type)
        if part.type in _BY_MERCURIAL:
            bundle2._processpart(op, part)
        elif taker is not None:
            taker(self, op, part)
        elif part.mandatory and not part.type.startswith(b"check:"):
            raise error.BundleUnknownFeatureError(parttype=part.type)

    def _take_changegroup(self, op, part):
        if self.changegroup is not None:
            raise error.Abort(_(b"a push to try holds one changegroup"))
        version = part.params.get(b"version", b"01")
        unknown = sorted(part.mandatorykeys - _KNOWN_PARAMETERS)
        if unknown or version not in _VERSIONS:
            raise error.Abort(
                _(b"try cannot keep a changegroup of this kind (%s)")
                % (b", ".join(unknown) or _(b"version %s") % version),
                hint=_(b"tree manifests, side data and narrow clones have no try"),
            )
        self.changegroup = part.id
        bundler = bundle2.bundle20(op.ui)
        copy = bundler.newpart(b"changegroup", data=self._limited(part))
        copy.addparam(b"version", version)
        with open(self.path, "wb") as stream:
            for data in bundler.getchunks():
                stream.write(data)

    def _limited(self, part):
        size = 0
        for data in iter(lambda: part.read(1 << 15), b""):
            size += len(data)
            if size > self.limit_bytes:
                raise bundlefile.TooLarge(
                    b"it is larger than %d bytes" % self.limit_bytes
                )
            yield data

    def _take_phases(self, op, part):
        self.public.extend(phases.binarydecode(_Small(part))[phases.public])

    def _take_bookmarks(self, op, part):
        self.bookmarks.update(bookmarks.binarydecode(op.repo, _Small(part)))

    def _take_expected(self, op, part):
        self.expected.update(bookmarks.binarydecode(op.repo, _Small(part)))

    def _take_pushkey(self, op, part):
        namespace, name, old, new = (
            encoding.tolocal(part.params[key])
            for key in (b"namespace", b"key", b"old", b"new")
        )
        if namespace == _MOVED_BY_PUSHKEY:
            self.bookmarks[name] = node_of(new)
            self.expected[name] = node_of(old)
            self.pushkeys.append(part.id)
        elif part.mandatory:
            # Phases, by clients before 4.4.
            raise error.Abort(_(b"a push to try changes no %s") % namespace)

    def _take_markers(self, op, part):
        self.has_markers = True


class _Small:
    """A part to be read that has no reason to be large."""

    def __init__(self, part):
        self._part = part
        self._left = _MOST_SMALL_BYTES

    def read(self, size=None):
        """Raises bundlefile.Unfit."""
        most = self._left + 1
        data = self._part.read(most if size is None or size < 0 else min(size, most))
        self._left -= len(data)
        if self._left < 0:
            raise bundlefile.Unfit(
                b"it has more than %d bytes of a kind" % _MOST_SMALL_BYTES
            )
        return data


def node_of(text):
    """Of a bookmark, as ``pushkey`` has it: None for none. Raises ValueError."""
    try:
        node = bin(text)
    except TypeError:  # hg <= 6.0
        raise ValueError("not a hash")
    if node and len(node) != len(nullid):
        raise ValueError("not a whole hash")
    return node or None


_TAKERS = {
    b"changegroup": Pushed._take_changegroup,
    b"phase-heads": Pushed._take_phases,
    b"bookmarks": Pushed._take_bookmarks,
    b"check:bookmarks": Pushed._take_expected,
    b"pushkey": Pushed._take_pushkey,
    b"obsmarkers": Pushed._take_markers,
}
