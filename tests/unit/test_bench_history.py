"""What the traces know of a repository without asking its server."""

import pathlib
import sys

import benchpath  # noqa: F401  (finds the modules below)
import clonerun
import hgui  # noqa: F401  (makes the modules of Mercurial usable)
import history
import pytest

HG = pathlib.Path(sys.executable).with_name("hg")


def hg(*arguments):
    return clonerun.hg_output(HG, *arguments)


def commit(path, name):
    (path / name).write_text(name)
    hg("commit", "-q", "-A", "-m", name, "-u", "test", "-R", path)


@pytest.fixture
def repository(tmp_path):
    """0 - 1 - 2 - 4 (merge of 2 and 3) - 5, with 3 on 1 and 5 as 4 had it."""
    path = tmp_path / "repository"
    hg("init", path)
    for name in "abc":
        commit(path, name)
    hg("update", "-q", "-r", "1", "-R", path)
    commit(path, "d")
    hg("update", "-q", "-r", "2", "-R", path)
    hg("merge", "-q", "-r", "3", "-R", path)
    hg("commit", "-q", "-m", "merge", "-u", "test", "-R", path)
    hg("branch", "-q", "other", "-R", path)
    hg("commit", "-q", "-m", "same manifest", "-u", "test", "-R", path)
    return path


def nodes(path):
    output = hg("log", "-R", path, "-r", "all()", "-T", "{node}\n")
    return output.split()


def test_the_nodes_in_their_order(repository):
    served = history.ServedHistory(repository)
    assert [node.hex() for node in served.changesets] == nodes(repository)
    assert len(set(served.manifests)) == len(served.manifests) == 5


def test_what_a_state_lacks(repository):
    served = history.ServedHistory(repository)
    changesets, manifests = served.since(3)
    assert changesets == served.changesets[3:]
    assert manifests == served.manifests[3:]
    assert served.since(5) == (served.changesets[5:], [])


def test_states_of_one_head(repository):
    assert history.ServedHistory(repository).single_headed == [1, 2, 3, 5, 6]


def test_a_push_is_seen(repository):
    served = history.ServedHistory(repository)
    commit(repository, "later")
    served.refresh()
    assert [node.hex() for node in served.changesets] == nodes(repository)
    assert len(served.manifests) == 6


def test_pushes_end_at_the_tip_and_make_no_head(repository):
    line = [nodes(repository)[revision] for revision in (0, 1, 2, 4, 5)]
    points = history.push_points(repository, 2, 2)
    assert points == [line[1], line[3], line[4]]


def test_too_short_a_history_is_refused(repository):
    with pytest.raises(ValueError, match="too few"):
        history.push_points(repository, 3, 2)


def test_pushes_shorter_than_branches_are_refused(repository):
    with pytest.raises(ValueError, match="branches are longer"):
        history.push_points(repository, 5, 1)


def test_pushes_of_different_sizes(repository):
    line = [nodes(repository)[revision] for revision in (0, 1, 2, 4, 5)]
    # The merge brings two, and is not divided.
    assert history.points_of_pushes(repository, [1, 1, 1]) == line[1:]
    assert history.points_of_pushes(repository, [2, 3]) == [line[0], line[2], line[4]]
    assert history.points_of_pushes(repository, [2]) == line[3:]


def test_more_pushes_than_history_are_refused(repository):
    with pytest.raises(ValueError, match="too few"):
        history.points_of_pushes(repository, [5, 5])
