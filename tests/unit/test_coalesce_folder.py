"""A Coalescer whose folder, or whose disk, cannot be used."""

import hashlib
import json
import os

import pytest
from herds import KEY, coalescer, leader_and_follower, soon

from hgs3.cache import hostlock
from hgs3.cache.coalesce import Outcome


class TestAFolderThatCannotBeUsed:
    """Not by permissions: root may do anything."""

    def both_of_one_process(self, pool):
        leader, follower = leader_and_follower(pool)
        leader.finish(Outcome.STORED)
        assert follower.wait(soon()) is Outcome.STORED
        follower.leave()
        assert pool._rounds == {}

    def test_a_file_in_its_place(self, tmp_path):
        (tmp_path / "locks").write_text("a file")
        said = []
        pool = coalescer(tmp_path / "locks", said)
        for _ in range(3):
            self.both_of_one_process(pool)
        (line,) = said
        assert line.startswith("cannot use %s, other proc" % (tmp_path / "locks"))

    @pytest.mark.parametrize("call", ["open", "pwrite", "makedirs", "flock"])
    def test_a_system_that_refuses(self, call, tmp_path, monkeypatch):
        said = []
        pool = coalescer(tmp_path / "locks", said)

        def refuse(*_args, **_options):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(hostlock.fcntl if call == "flock" else os, call, refuse)
            self.both_of_one_process(pool)
        assert len(said) == 1 and "No space left" in said[0]
        if call != "makedirs":
            left = [] if call != "flock" else [_lock_name()]
            assert os.listdir(str(tmp_path / "locks")) == left

    def test_it_is_tried_again_later(self, tmp_path):
        now = [0.0]
        said = []
        blocker = tmp_path / "locks"
        blocker.write_text("a file")
        pool = coalescer(blocker, said, clock=lambda: now[0])
        pool.enter(KEY).finish(Outcome.STORED)
        blocker.unlink()
        pool.enter(KEY).finish(Outcome.STORED)
        assert not blocker.exists()
        now[0] = 61.0
        turn = pool.enter(KEY)
        assert len(os.listdir(str(blocker))) == 1
        # As a second process would be.
        other = coalescer(blocker)
        follower = other.enter(KEY)
        assert not follower.leads
        turn.finish(Outcome.COMPLETE)
        assert follower.wait(soon()) is Outcome.COMPLETE
        follower.leave()
        assert len(said) == 1

    def test_a_folder_that_is_removed_comes_back(self, tmp_path):
        now = [0.0]
        folder = tmp_path / "locks"
        pool = coalescer(folder, clock=lambda: now[0])
        turn = pool.enter(KEY)
        (name,) = os.listdir(str(folder))
        (folder / name).unlink()
        folder.rmdir()
        turn.finish(Outcome.STORED)
        self.both_of_one_process(pool)
        now[0] = 200.0
        # The first to find it gone, and the one that makes it again.
        self.both_of_one_process(pool)
        now[0] = 300.0
        self.both_of_one_process(pool)
        assert folder.stat().st_mode & 0o777 == 0o700

    def test_a_disk_that_fills_up_later(self, tmp_path, monkeypatch):
        """The outcome cannot be told to others, who then know no better than
        that the leader is gone."""
        said = []
        pool, other = coalescer(tmp_path, said), coalescer(tmp_path)
        leader, follower, elsewhere = *leader_and_follower(pool), other.enter(KEY)
        assert not elsewhere.leads

        def refuse(*_args):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", refuse)
            leader.finish(Outcome.STORED)
        assert follower.wait(soon()) is Outcome.STORED
        assert elsewhere.wait(soon()) is Outcome.FAILED
        assert len(said) == 1 and os.listdir(str(tmp_path)) == []
        follower.leave()
        elsewhere.leave()


def _lock_name():
    return hashlib.sha256(json.dumps(KEY).encode("ascii")).hexdigest()[:40] + ".lock"
