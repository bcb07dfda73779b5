"""How the repository of the benchmarks is laid out."""

import benchpath  # noqa: F401  (finds the modules below)
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import history_plan
import pytest
import release_trees
import small_edits
from release_trees import Change

LINES = [b"line %d\n" % number for number in range(60)]


def make_tree(folder, contents):
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return release_trees.read_tree(folder)


def edited(*numbers):
    """The lines with those changed, far enough from each other."""
    lines = list(LINES)
    for number in numbers:
        lines[number] = b"changed %d\n" % number
    return b"".join(lines)


@pytest.fixture
def trees(tmp_path):
    """Two releases: many files with three edits each, one added, one removed."""
    files = {"dir/f%02d" % number: edited() for number in range(40)}
    old = make_tree(tmp_path / "1.0", {**files, "gone": b"this goes\n"})
    files = {name: edited(3, 20, 40) for name in files}
    return [old, make_tree(tmp_path / "2.0", {**files, "new": b"another\n"})]


def steps_of(edits, path):
    return [unit[-1].source for unit in edits if unit[-1].path == path]


def test_a_file_is_edited_once_for_each_place_that_differs(trees):
    units = release_trees.units_between(*trees)
    edits = small_edits.single_edits(trees[0], units)
    contents = [source.read() for source in steps_of(edits, b"dir/f07")]
    assert contents == [edited(3), edited(3, 20), edited(3, 20, 40)]


def test_whole_changes_stay_whole(trees):
    units = release_trees.units_between(*trees)
    edits = small_edits.single_edits(trees[0], units)
    assert len(edits) == 40 * 3 + 2
    assert [source.read() for source in steps_of(edits, b"new")] == [b"another\n"]
    assert steps_of(edits, b"gone") == [None]


def test_the_edits_of_a_file_are_spread_over_the_release(trees):
    units = release_trees.units_between(*trees)
    edits = small_edits.single_edits(trees[0], units)
    paths = [unit[-1].path for unit in edits]
    first, second, third = (
        number for number, path in enumerate(paths) if path == b"dir/f07"
    )
    # A third of the release apart, but for the few changes that come once.
    assert abs(second - first - 40) <= 2 and abs(third - second - 40) <= 2


def contents_after(plan):
    """Path to content after the last changeset; parents are checked on the way."""
    states = []
    for planned in plan:
        state = dict(states[planned.parents[0]]) if planned.parents[0] >= 0 else {}
        for change in planned.changes:
            if change.source is None:
                state.pop(change.path, None)
            else:
                state[change.path] = change.source.read()
        states.append(state)
    return states[-1]


@pytest.mark.parametrize("minimum", [10, 100], ids=["files", "edits"])
def test_a_plan_ends_with_the_last_release(trees, minimum):
    plan = history_plan.make_plan(["1.0", "2.0"], trees, minimum)
    assert minimum <= len(plan) <= 1.2 * minimum + 10
    assert contents_after(plan) == {
        path: source.read() for path, source in trees[1].items()
    }


def test_what_merges_are_made_of_does_not_conflict(trees):
    plan = history_plan.make_plan(["1.0", "2.0"], trees, 100)
    merges = [planned for planned in plan if planned.parents[1] >= 0]
    assert merges
    for merge in merges:
        main, side = (ancestors(plan, parent) for parent in merge.parents)
        paths = [
            {change.path for number in branch for change in plan[number].changes}
            for branch in (main - side, side - main)
        ]
        assert paths[0].isdisjoint(paths[1])


def ancestors(plan, position):
    found, left = set(), [position]
    while left:
        number = left.pop()
        if number >= 0 and number not in found:
            found.add(number)
            left.extend(plan[number].parents)
    return found


def change_of(name):
    return (Change(name, None),)


def test_no_branch_where_both_sides_touch_the_same_file():
    plan = history_plan.Plan()
    plan.add_release("1.0", [change_of(b"f%d" % (n % 3)) for n in range(50)])
    assert len(plan.changesets) == 50
    assert all(planned.parents[1] < 0 for planned in plan.changesets)


def test_more_than_there_is_to_change_is_refused(trees):
    with pytest.raises(ValueError, match="add --releases"):
        history_plan.make_plan(["1.0", "2.0"], trees, 1000)
