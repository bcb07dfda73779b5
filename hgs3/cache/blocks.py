"""How a range of history is covered by aligned blocks of it.

Revisions are numbered in the order of a repository. A block of size s holds the
revisions from k * s to (k + 1) * s, s being a power of two from SMALLEST to
LARGEST. Once the history has passed it, it never changes; so whoever pulls
whatever can be given the same blocks. What comes after the last of them is a
*tail*: a block that is cut off at the end of the history, and is another one after
the next push.
"""

import bisect
import dataclasses
import enum
import typing

#: In revisions.
SMALLEST = 64
LARGEST = 32768

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
    """The revisions from ``start`` to before ``end``."""

    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    def halves(self) -> typing.Tuple["Block", "Block"]:
        half = self.size // 2
        return Block(self.start, half), Block(self.start + half, half)


def around(revision: int, size: int) -> Block:
    """The block of ``size`` that holds ``revision``."""
    return Block(revision - revision % size, size)


def sizes() -> typing.Iterator[int]:
    """All sizes of a block, the largest first."""
    size = LARGEST
    while size >= SMALLEST:
        yield size
        size //= 2


def complete(
    length: int, begin: int = 0, largest: typing.Optional[int] = None
) -> typing.Iterator[Block]:
    """All blocks of a history of ``length`` revisions that end after ``begin``,
    the small ones first."""
    for size in reversed(list(sizes())):
        if largest is not None and size > largest:
            return
        for start in range(begin - begin % size, length - size + 1, size):
            yield Block(start, size)


class Wanted:
    """The revisions that a client is to get, and what else is in their way.

    ``revisions`` and ``outside`` are sorted lists. ``outside`` are those that
    the client neither has nor is to get; ``length`` is that of the history.
    """

    def __init__(
        self,
        revisions: typing.Sequence[int],
        outside: typing.Sequence[int],
        length: int,
    ) -> None:
        self.revisions = revisions
        self._outside = outside
        self._length = length

    def within(self, start: int, end: int) -> typing.Sequence[int]:
        """Those from ``start`` to before ``end``."""
        first = bisect.bisect_left(self.revisions, start)
        return self.revisions[first : bisect.bisect_left(self.revisions, end)]

    def count(self, block: Block) -> int:
        return bisect.bisect_left(self.revisions, block.end) - bisect.bisect_left(
            self.revisions, block.start
        )

    def is_tail(self, block: Block) -> bool:
        return block.size < SMALLEST

    def tail(self) -> typing.Optional[Block]:
        """What is after the last of the smallest blocks, if anything."""
        start = self._length - self._length % SMALLEST
        return Block(start, self._length - start) if start < self._length else None

    def may_use(self, block: Block) -> bool:
        """Whether ``block`` is complete, holds nothing that the client must not
        get, and is worth it."""
        if block.end > self._length:
            return False
        first = bisect.bisect_left(self._outside, block.start)
        if first < len(self._outside) and self._outside[first] < block.end:
            return False
        count = self.count(block)
        if block.size <= SMALLEST:
            return count >= WORTHWHILE
        return block.size - count <= block.size // DUPLICATES_SHARE


@dataclasses.dataclass
class Step:
    """A part of an answer: ``block``, or, where there is none, the revisions
    that are wanted from ``start`` to before ``end``."""

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

    def add_block(self, block: Block) -> None:
        self.steps.append(Step(block.start, block.end, block))

    def add_range(self, start: int, end: int) -> None:
        if self.steps and self.steps[-1].block is None:
            self.steps[-1].end = end
        else:
            self.steps.append(Step(start, end))


def ideal(wanted: Wanted) -> typing.List[Block]:
    """The blocks to use if all of them are in the store: few, and no overlap."""
    found: typing.List[Block] = []
    covered = 0
    position = 0
    revisions = wanted.revisions
    tail = wanted.tail()
    while position < len(revisions):
        revision = revisions[position]
        for size in sizes():
            block = around(revision, size)
            if block.start >= covered and wanted.may_use(block):
                found.append(block)
                break
        else:
            block = around(revision, SMALLEST)
            if tail is not None and block.start == tail.start and wanted.may_use(tail):
                found.append(tail)
        covered = block.end
        position = bisect.bisect_left(revisions, covered, position)
    return found


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
        if wanted.within(position, block.start):
            result.add_range(position, block.start)
        _cover_block(wanted, block, state, result, is_known_missing=False)
        position = block.end
    if wanted.revisions and wanted.revisions[-1] >= position:
        result.add_range(position, wanted.revisions[-1] + 1)
    return result


def _cover_block(wanted, block, state, result, is_known_missing):
    found = state(block) if wanted.may_use(block) else State.UNFIT
    if found is State.PRESENT:
        result.add_block(block)
        return
    if found is State.MISSING and not is_known_missing:
        result.missing.append(block)
        is_known_missing = True
    if block.size > SMALLEST and _is_divisible(wanted, block, state, found):
        for half in block.halves():
            if wanted.count(half):
                _cover_block(wanted, half, state, result, is_known_missing)
    else:
        result.add_range(block.start, block.end)


def _is_divisible(wanted, block, state, found):
    """Whether to look into halves: not further and further for what is just
    not there, which would ask the store for each of them."""
    if found is State.UNFIT:
        return True
    return any(
        wanted.may_use(half) and state(half) is not State.MISSING
        for half in block.halves()
    )
