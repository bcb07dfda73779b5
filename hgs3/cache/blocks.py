"""How a range of history is covered by aligned blocks of it.

Changesets have *positions*, which are their revision numbers in the repository
that served them first (see :class:`Layout`). A block of size s holds the positions
from k * s to (k + 1) * s, s being a power of two from SMALLEST to LARGEST. Once the
history has passed it, it never changes; so whoever pulls whatever can be given
the same blocks. What comes after the last of them is a *tail*: a block that is cut
off at the end of the history, and is another one after the next push.
"""

import bisect
import dataclasses
import enum
import typing

#: In positions.
SMALLEST = 64
LARGEST = 32768

#: A tail begins where a block of at most this size would: instead of as many as
#: four blocks and a smaller tail, there is one object, for the same few
#: clients that come between two pushes.
LARGEST_TAIL = 512

#: How often a layout says where a position is, in positions.
CHUNK = 1024

#: A block may hold what the client has already: that much of it, at most,
#: or, of the smallest ones, all but so many revisions. Below that, making them
#: costs less than sending a client to get them.
DUPLICATES_SHARE = 8
WORTHWHILE = 16


class State(enum.Enum):
    """What the store says of a block."""

    PRESENT = "present"
    MISSING = "missing"
    #: It cannot be made, and need not be tried again.
    UNFIT = "unfit"


class Block(typing.NamedTuple):
    """The positions from ``start`` to before ``end``."""

    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    def halves(self) -> typing.Tuple["Block", "Block"]:
        half = self.size // 2
        return Block(self.start, half), Block(self.start + half, half)


def around(position: int, size: int) -> Block:
    """The block of ``size`` that holds ``position``."""
    return Block(position - position % size, size)


def is_tail(block: Block) -> bool:
    """Whether it is a block that a history has not passed."""
    return block.size < SMALLEST or bool(block.size & (block.size - 1))


def sizes() -> typing.Iterator[int]:
    """All sizes of a block, the largest first."""
    size = LARGEST
    while size >= SMALLEST:
        yield size
        size //= 2


def complete(
    length: int, begin: int = 0, largest: typing.Optional[int] = None
) -> typing.Iterator[Block]:
    """All blocks of a history of ``length`` positions that end after ``begin``,
    the small ones first."""
    for size in reversed(list(sizes())):
        if largest is not None and size > largest:
            return
        for start in range(begin - begin % size, length - size + 1, size):
            yield Block(start, size)


def is_combined(block: Block) -> bool:
    """Whether it is a tail that holds complete blocks, too."""
    return is_tail(block) and block.size > SMALLEST


class Layout:
    """Which revisions of a repository are at which positions.

    Two repositories may hold the same changesets under other revision numbers:
    one has some more, or got two branches the other way round. A layout lets them
    have the same blocks nevertheless: position ``i * CHUNK`` is that of
    revision ``starts[i]``, and the others follow it. The order is that of
    revisions; so any layout is a right one, and a better one finds more blocks
    that others have made.

    ``starts`` is a growing sequence, of which the first is 0, and ``length`` the
    number of revisions. A chunk may hold fewer revisions than positions, or
    more: its last position is then that of several.
    """

    def __init__(self, starts: typing.Sequence[int], length: int) -> None:
        self._starts = starts
        self.length = length
        #: The position after that of the last revision.
        self.end = self.position(length - 1) + 1 if length else 0

    @classmethod
    def plain(cls, length: int) -> "Layout":
        """Each position is that of its revision."""
        return cls(range(0, max(length, 1), CHUNK), length)

    def position(self, revision: int) -> int:
        chunk = bisect.bisect_right(self._starts, revision) - 1
        return chunk * CHUNK + min(revision - self._starts[chunk], CHUNK - 1)

    def revision(self, position: int) -> int:
        """The first one that is at ``position`` or after it; ``length`` if none
        is."""
        chunk, offset = divmod(position, CHUNK)
        if chunk >= len(self._starts):
            return self.length
        end = self.length
        if chunk + 1 < len(self._starts):
            end = self._starts[chunk + 1]
        return min(self._starts[chunk] + offset, end)

    def bounds(self, block: Block) -> typing.Tuple[int, int]:
        """The first revision of a block, and the one after its last."""
        return self.revision(block.start), self.revision(block.end)

    def tails(self) -> typing.Iterator[Block]:
        """What is after the last block of a size, the longest first."""
        before = -1
        for size in sizes():
            start = self.end - self.end % size
            tail = Block(start, self.end - start)
            if size <= LARGEST_TAIL and start not in (before, self.end):
                before = start
                if is_tail(tail):
                    yield tail


def parts_of_tail(tail: Block) -> typing.List[Block]:
    """What a tail consists of: blocks that are complete, and at the end a shorter
    tail, unless it is too short to be worth it."""
    parts = []
    start = tail.start
    for size in sizes():
        if start + size <= tail.end and start % size == 0:
            parts.append(Block(start, size))
            start += size
    if tail.end - start >= WORTHWHILE:
        parts.append(Block(start, tail.end - start))
    return parts


class Wanted:
    """The revisions that a client is to get, and what else is in their way.

    ``revisions`` and ``outside`` are sorted lists. ``outside`` are those that
    the client neither has nor is to get.
    """

    def __init__(
        self,
        revisions: typing.Sequence[int],
        outside: typing.Sequence[int],
        layout: Layout,
    ) -> None:
        self.revisions = revisions
        self.layout = layout
        self._outside = outside

    def within(self, start: int, end: int) -> typing.Sequence[int]:
        """Those from revision ``start`` to before ``end``."""
        first = bisect.bisect_left(self.revisions, start)
        return self.revisions[first : bisect.bisect_left(self.revisions, end)]

    def count(self, block: Block) -> int:
        start, end = self.layout.bounds(block)
        return bisect.bisect_left(self.revisions, end) - bisect.bisect_left(
            self.revisions, start
        )

    def may_use(self, block: Block) -> bool:
        """Whether ``block`` is complete, holds nothing that the client must not
        get, and is worth it."""
        if block.end > self.layout.end:
            return False
        start, end = self.layout.bounds(block)
        first = bisect.bisect_left(self._outside, start)
        if first < len(self._outside) and self._outside[first] < end:
            return False
        count = self.count(block)
        if block.size <= SMALLEST:
            return count >= WORTHWHILE
        return block.size - count <= block.size // DUPLICATES_SHARE


@dataclasses.dataclass
class Step:
    """A part of an answer, from revision ``start`` to before ``end``: ``block``,
    or, where there is none, what of them is wanted."""

    start: int
    end: int
    block: typing.Optional[Block] = None


@dataclasses.dataclass
class Cover:
    """``steps`` in the order of revisions, which is that of the history.
    ``missing`` are the blocks that would have been used, had they been there;
    a tail may be one of them."""

    steps: typing.List[Step] = dataclasses.field(default_factory=list)
    missing: typing.List[Block] = dataclasses.field(default_factory=list)

    def add_block(self, block: Block, start: int, end: int) -> None:
        self.steps.append(Step(start, end, block))

    def add_range(self, start: int, end: int) -> None:
        if self.steps and self.steps[-1].block is None:
            self.steps[-1].end = end
        else:
            self.steps.append(Step(start, end))


def ideal(wanted: Wanted) -> typing.List[Block]:
    """The blocks to use if all of them are in the store: few, and no overlap."""
    found: typing.List[Block] = []
    layout, revisions = wanted.layout, wanted.revisions
    tails = [
        tail
        for tail in layout.tails()
        # One object, and not two; otherwise it is not worth making.
        if (tail.size < SMALLEST or len(parts_of_tail(tail)) > 1)
        and wanted.may_use(tail)
    ]
    covered = index = 0
    while index < len(revisions):
        position = layout.position(revisions[index])
        candidates = [
            *(tail for tail in tails if tail.start <= position),
            *(around(position, size) for size in sizes()),
        ]
        for block in candidates:
            if block.start >= covered and wanted.may_use(block):
                found.append(block)
                break
        else:
            block = around(position, SMALLEST)
        covered = block.end
        index = bisect.bisect_left(revisions, layout.revision(covered), index)
    return found


def alternatives(blocks: typing.Iterable[Block]) -> typing.List[Block]:
    """What :func:`cover` may want to know of besides ``blocks``, most likely."""
    return [part for block in blocks if is_tail(block) for part in parts_of_tail(block)]


def cover(
    wanted: Wanted,
    blocks: typing.Iterable[Block],
    state: typing.Callable[[Block], State],
) -> Cover:
    """An answer to who wants ``wanted``, of what :func:`ideal` gave and the
    store has. Where it lacks a block, and has one of its halves, that is used."""
    result = Cover()
    position = 0
    for block in blocks:
        start, end = wanted.layout.bounds(block)
        if wanted.within(position, start):
            result.add_range(position, start)
        _cover_block(wanted, block, state, result, is_known_missing=False)
        position = end
    if wanted.revisions and wanted.revisions[-1] >= position:
        result.add_range(position, wanted.revisions[-1] + 1)
    return result


def _cover_block(wanted, block, state, result, is_known_missing):
    found = state(block) if wanted.may_use(block) else State.UNFIT
    start, end = wanted.layout.bounds(block)
    if found is State.PRESENT:
        result.add_block(block, start, end)
        return
    if found is State.MISSING and not is_known_missing:
        result.missing.append(block)
        is_known_missing = True
    if is_tail(block):
        _cover_tail(wanted, block, state, result)
    elif block.size > SMALLEST and _is_divisible(wanted, block, state, found):
        for half in block.halves():
            if wanted.count(half):
                _cover_block(wanted, half, state, result, is_known_missing)
    else:
        result.add_range(start, end)


def _cover_tail(wanted, tail, state, result):
    """By what will be used when it is no tail any more, too: that is missed
    where it is missing."""
    start, end = wanted.layout.bounds(tail)
    for part in parts_of_tail(tail):
        if part == tail:
            break
        if wanted.count(part):
            _cover_block(wanted, part, state, result, is_known_missing=is_tail(part))
        start = wanted.layout.bounds(part)[1]
    if wanted.within(start, end):
        result.add_range(start, end)


def _is_divisible(wanted, block, state, found):
    """Whether to look into halves: not further and further for what is just
    not there, which would ask the store for each of them."""
    if found is State.UNFIT:
        return True
    return any(
        wanted.may_use(half) and state(half) is not State.MISSING
        for half in block.halves()
    )
