"""Ranges of history covered by blocks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgs3.cache import blocks
from hgs3.cache.blocks import Block, Cover, Layout, State, Wanted


def wanted(first, length, outside=()):
    revisions = [rev for rev in range(first, length) if rev not in outside]
    return Wanted(revisions, sorted(outside), Layout.plain(length))


def present(block):
    return State.PRESENT


def missing(block):
    return State.MISSING


def sizes(found):
    return [block.size for block in found]


def test_a_clone_is_made_of_ever_smaller_blocks_and_a_tail():
    found = blocks.ideal(wanted(0, 40_809))
    assert sizes(found) == [32768, 4096, 2048, 1024, 512, 361]
    assert found[0].start == 0 and found[-1].end == 40_809


def test_a_pull_begins_with_a_block_that_the_client_has_in_part():
    # 3 of 128 are there already, which is less than two more requests cost
    found = blocks.ideal(wanted(1027, 2048))
    assert found[0] == Block(1024, 1024)
    found = blocks.ideal(wanted(1024 + 100, 1280))
    assert found == [Block(1088, 64), Block(1152, 128)]


@pytest.mark.parametrize("first, is_used", [(1072, True), (1073, False)])
def test_a_block_of_which_next_to_nothing_is_new_is_not_used(first, is_used):
    found = blocks.ideal(wanted(first, 1088))
    assert found == ([Block(1024, 64)] if is_used else [])


@pytest.mark.parametrize(
    "length, expected",
    [
        (1024 + 15, []),
        (1024 + 16, [16]),
        # no more objects than without it, and those would stay
        (1024 + 64 + 15, [64]),
        (1024 + 64 + 16, [80]),
        (1024 + 128 + 64, [192]),
        (1024 + 256, [256]),
        (1024 + 511, [511]),
        (1024 + 512 + 16, [512, 16]),
    ],
)
def test_a_tail_takes_the_place_of_several_blocks(length, expected):
    found = blocks.ideal(wanted(1024, length))
    assert sizes(found) == expected
    assert [is_tail for is_tail in map(blocks.is_tail, found)] == [
        size not in (64, 256, 512) for size in expected
    ]


def test_a_tail_that_is_missing_is_made_up_of_what_there_is():
    want = wanted(0, 40_809)
    ideal = blocks.ideal(want)
    assert blocks.alternatives(ideal) == [
        Block(40_448, 256),
        Block(40_704, 64),
        Block(40_768, 41),
    ]

    def state(block):
        return State.MISSING if block.size in (361, 64) else State.PRESENT

    cover = blocks.cover(want, ideal, state)
    assert [(step.start, step.end, bool(step.block)) for step in cover.steps[5:]] == [
        (40_448, 40_704, True),
        (40_704, 40_768, False),
        (40_768, 40_809, True),
    ]
    # What stays is missed, too; the smaller tail is of no use beside this one.
    assert cover.missing == [Block(40_448, 361), Block(40_704, 64)]


def test_who_has_most_of_a_tail_gets_a_smaller_one():
    found = blocks.ideal(wanted(1024 + 256 + 10, 1024 + 256 + 64 + 30))
    assert found == [Block(1280, 94)]


def test_nothing_that_must_not_be_given_is_in_a_block():
    found = blocks.ideal(wanted(0, 4096, outside={70, 3000}))
    for block in found:
        assert not any(block.start <= rev < block.end for rev in (70, 3000))
    assert Block(128, 128) in found and Block(0, 64) in found


def test_of_what_is_missing_the_halves_are_used():
    asked = []

    def state(block):
        asked.append(block)
        return State.MISSING if block.size == 1024 else State.PRESENT

    want = wanted(0, 1024)
    cover = blocks.cover(want, blocks.ideal(want), state)
    assert [step.block for step in cover.steps] == [Block(0, 512), Block(512, 512)]
    assert cover.missing == [Block(0, 1024)]
    assert len(asked) <= 5


def test_an_empty_store_is_asked_for_few_blocks():
    asked = set()

    def state(block):
        asked.add(block)
        return State.MISSING

    want = wanted(0, 40_809)
    ideal = blocks.ideal(want)
    cover = blocks.cover(want, ideal, state)
    assert cover.missing == ideal + blocks.alternatives(ideal)[:-1]
    assert [(step.start, step.end) for step in cover.steps] == [(0, 40_809)]
    assert len(asked) <= 3 * len(cover.missing)


def test_what_cannot_be_made_is_replaced_by_its_parts():
    want = wanted(0, 256)

    def state(block):
        return State.UNFIT if block.size > 64 or block.start == 64 else State.PRESENT

    cover = blocks.cover(want, blocks.ideal(want), state)
    assert [(step.start, step.end, bool(step.block)) for step in cover.steps] == [
        (0, 64, True),
        (64, 128, False),
        (128, 192, True),
        (192, 256, True),
    ]
    assert cover.missing == []


def test_inline_parts_that_meet_are_one():
    cover = Cover()
    cover.add_range(0, 5)
    cover.add_range(5, 9)
    cover.add_block(Block(64, 64), 64, 128)
    cover.add_range(128, 130)
    assert [(step.start, step.end) for step in cover.steps] == [
        (0, 9),
        (64, 128),
        (128, 130),
    ]


def test_all_complete_blocks_that_end_after_a_revision():
    assert list(blocks.complete(300)) == [
        Block(0, 64),
        Block(64, 64),
        Block(128, 64),
        Block(192, 64),
        Block(0, 128),
        Block(128, 128),
        Block(0, 256),
    ]
    assert list(blocks.complete(300, 200)) == [
        Block(192, 64),
        Block(128, 128),
        Block(0, 256),
    ]
    assert list(blocks.complete(63)) == []


def test_a_layout_begins_anew_with_each_chunk():
    # the second chunk holds three fewer, the third two more
    layout = Layout([0, 1024, 2045, 3071], 3100)
    assert layout.position(2044) == 2044
    assert layout.position(2045) == 2048
    assert [layout.position(rev) for rev in (3068, 3069, 3070)] == [3071] * 3
    assert layout.end == 3072 + 29
    assert layout.bounds(Block(2048 - 64, 64)) == (1984, 2045)
    assert layout.bounds(Block(3072 - 64, 64)) == (3005, 3071)
    assert layout.bounds(Block(2048, 1024)) == (2045, 3071)
    assert layout.bounds(Block(3072, 64)) == (3071, 3100)
    assert layout.bounds(Block(4096, 64)) == (3100, 3100)


def test_a_plain_layout_says_nothing_new():
    for length in (0, 1, 1024, 1025, 5000):
        layout = Layout.plain(length)
        assert layout.end == length
        for rev in range(0, length, 100):
            assert layout.position(rev) == layout.revision(rev) == rev


def test_blocks_of_a_mirror_are_those_of_the_first_server():
    """It lacks three changesets of the first chunk, and has all others."""
    mirror = Layout([0, 1021, 2045, 3069], 4093)
    want = Wanted(list(range(4093)), [], mirror)
    assert blocks.ideal(want) == blocks.ideal(wanted(0, 4096)) == [Block(0, 4096)]
    assert mirror.bounds(Block(2048, 512)) == (2045, 2557)


@st.composite
def layouts(draw, length):
    sizes = draw(st.lists(st.integers(1, 1200), max_size=3))
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    starts = [start for start in starts if start < max(length, 1)]
    return Layout(starts + list(range(starts[-1] + 1024, length, 1024)), length)


@st.composite
def wishes(draw):
    """Revisions of a history, some had, some wanted, some neither."""
    length = draw(st.integers(1, 3000))
    runs = draw(st.lists(st.tuples(st.integers(1, 700), st.sampled_from("hwwwo"))))
    kinds = "".join(kind * count for count, kind in runs)[:length].ljust(length, "w")
    return (
        Wanted(
            [rev for rev, kind in enumerate(kinds) if kind == "w"],
            [rev for rev, kind in enumerate(kinds) if kind == "o"],
            draw(layouts(length)),
        ),
        kinds,
    )


@settings(max_examples=300, deadline=None)
@given(wishes(), st.randoms(use_true_random=False))
def test_a_client_gets_what_it_wants_and_nothing_that_it_must_not_get(wish, chance):
    want, kinds = wish
    states = {}

    def state(block):
        return states.setdefault(block, chance.choice(list(State)))

    ideal = blocks.ideal(want)
    cover = blocks.cover(want, ideal, state)
    got = []
    end = 0
    for step in cover.steps:
        assert step.start >= end
        end = step.end
        if step.block is None:
            got += want.within(step.start, step.end)
        else:
            assert (step.start, step.end) == want.layout.bounds(step.block)
            assert states[step.block] is State.PRESENT
            assert "o" not in kinds[step.start : step.end]
            got += [rev for rev in range(step.start, step.end) if kinds[rev] == "w"]
    assert got == want.revisions
    assert all(states[block] is State.MISSING for block in cover.missing)
    for block in ideal:
        assert block.end <= want.layout.end
        assert want.count(block) >= min(
            blocks.WORTHWHILE, block.size - block.size // blocks.DUPLICATES_SHARE
        )
