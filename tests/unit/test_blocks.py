"""Ranges of history covered by blocks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgs3.cache import blocks
from hgs3.cache.blocks import Block, Cover, State, Wanted


def wanted(first, length, outside=()):
    revisions = [rev for rev in range(first, length) if rev not in outside]
    return Wanted(revisions, sorted(outside), length)


def present(block):
    return State.PRESENT


def missing(block):
    return State.MISSING


def sizes(found):
    return [block.size for block in found]


def test_a_clone_is_made_of_ever_smaller_blocks_and_a_tail():
    found = blocks.ideal(wanted(0, 40_809))
    assert sizes(found) == [32768, 4096, 2048, 1024, 512, 256, 64, 41]
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


@pytest.mark.parametrize("length, has_tail", [(1088 + 15, False), (1088 + 16, True)])
def test_a_tail_is_worth_it_from_some_changesets_on(length, has_tail):
    found = blocks.ideal(wanted(1024, length))
    assert found[0] == Block(1024, 64)
    assert [block.end for block in found[1:]] == ([length] if has_tail else [])


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
    assert cover.missing == ideal
    assert [(step.start, step.end) for step in cover.steps] == [(0, 40_809)]
    assert len(asked) <= 3 * len(ideal)


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
    cover.add_block(Block(64, 64))
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


@st.composite
def wishes(draw):
    """Revisions of a history, some had, some wanted, some neither."""
    length = draw(st.integers(1, 1200))
    runs = draw(st.lists(st.tuples(st.integers(1, 300), st.sampled_from("hwwwo"))))
    kinds = "".join(kind * count for count, kind in runs)[:length].ljust(length, "w")
    return (
        Wanted(
            [rev for rev, kind in enumerate(kinds) if kind == "w"],
            [rev for rev, kind in enumerate(kinds) if kind == "o"],
            length,
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
            assert (step.start, step.end) == (step.block.start, step.block.end)
            assert states[step.block] is State.PRESENT
            assert "o" not in kinds[step.start : step.end]
            got += [rev for rev in range(step.start, step.end) if kinds[rev] == "w"]
    assert got == want.revisions
    assert all(states[block] is State.MISSING for block in cover.missing)
    for block in ideal:
        assert block.end <= len(kinds)
        assert kinds[block.start : block.end].count("w") >= min(
            blocks.WORTHWHILE, block.size - block.size // blocks.DUPLICATES_SHARE
        )
