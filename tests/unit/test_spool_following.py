"""A spool that is read to its end while it is being written."""

import errno
import os
import random
import threading

import pytest
from stores import PATIENCE_SECONDS

from hgs3.cache.spool import (
    FOLLOW_BYTES,
    MEMORY_BYTES,
    Spool,
    SpoolFailed,
    SpoolFull,
)
from hgs3.objectstore.base import CHUNK_BYTES


@pytest.fixture(params=["in memory", "on disk"])
def spool(request):
    spool = Spool()
    if request.param == "on disk":
        spool.move_to_disk()
    yield spool
    spool.close()


def open_files():
    return len(os.listdir("/proc/self/fd"))


def run_all(*functions):
    """Each in a thread; what each returned or raised, in their order."""
    results = [None] * len(functions)

    def run(number):
        try:
            results[number] = functions[number]()
        except BaseException as err:
            results[number] = err

    threads = [
        threading.Thread(target=run, args=(number,), daemon=True)
        for number in range(len(functions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
    return results


class TestFollowing:
    def test_to_the_end(self, spool):
        body = os.urandom(CHUNK_BYTES * 2 + 1)
        chunks = spool.follow()
        spool.write(body)
        spool.complete()
        spool.close()
        sizes = []
        for chunk in chunks:
            sizes.append(len(chunk))
            assert body.startswith(chunk)
            body = body[len(chunk) :]
        assert (sizes, body) == ([CHUNK_BYTES, CHUNK_BYTES, 1], b"")
        assert spool.closed

    def test_it_gets_what_there_is_while_the_writer_thinks(self, spool):
        chunks = spool.follow(slice_seconds=0.01)
        for piece in (b"one", b"two" * CHUNK_BYTES, b"three"):
            spool.write(piece)
            got = b""
            while len(got) < len(piece):
                got += next(chunks)
            assert got == piece
        spool.complete()
        assert list(chunks) == []

    def test_it_asks_when_nothing_comes(self, spool):
        asked = []

        def on_wait():
            asked.append(1)
            if len(asked) == 3:
                raise TimeoutError

        chunks = spool.follow(on_wait, slice_seconds=0.01)
        spool.write(b"some")
        assert next(chunks) == b"some"
        assert asked == []
        with pytest.raises(TimeoutError):
            next(chunks)
        spool.close()
        assert spool.closed

    @pytest.mark.parametrize("how", ["failed", "closed", "full"])
    def test_a_writer_that_gives_up(self, how, spool, monkeypatch):
        spool.write(b"some")
        waits = threading.Event()
        follower = spool.follow(waits.set, slice_seconds=0.01)

        def follow():
            return b"".join(follower)

        def give_up():
            waits.wait(PATIENCE_SECONDS)
            if how == "failed":
                spool.fail("the command failed")
                spool.fail("another reason")
            elif how == "closed":
                spool.close()
            else:

                def fail(*_args):
                    raise OSError(errno.ENOSPC, "No space left on device")

                monkeypatch.setattr(os, "pwrite", fail)
                with pytest.raises(SpoolFull):
                    spool.write(b"x" * (MEMORY_BYTES + 1))

        reason = {
            "failed": "^the command failed$",
            "closed": "closed before its end",
            "full": "No space left",
        }[how]
        failure, _nothing = run_all(follow, give_up)
        with pytest.raises(SpoolFailed, match=reason):
            raise failure
        with pytest.raises(SpoolFull):
            spool.complete()

    def test_a_complete_one_cannot_fail_any_more(self, spool):
        spool.write(b"body")
        spool.complete()
        spool.complete()
        spool.fail("too late")
        assert b"".join(spool.follow()) == b"body"
        with pytest.raises(ValueError):
            spool.write(b"more")

    def test_a_sleeper_is_woken_by_the_end(self, spool):
        """It would sleep for an hour otherwise."""
        asleep = threading.Event()
        chunks = spool.follow(slice_seconds=3600.0)
        wait = spool._changed.wait

        def tell_and_wait(seconds):
            asleep.set()
            return wait(seconds)

        spool._changed.wait = tell_and_wait

        def write():
            asleep.wait(PATIENCE_SECONDS)
            spool.write(b"x" * FOLLOW_BYTES)
            spool.write(b"end")
            spool.complete()

        assert run_all(lambda: b"".join(chunks), write)[0] == (
            b"x" * FOLLOW_BYTES + b"end"
        )

    @pytest.mark.parametrize("seed", range(4))
    def test_many_get_what_is_written(self, seed):
        """Memory and disk, small and large pieces, readers that come early,
        in between and late, slow ones and fast ones."""
        dice = random.Random(seed)
        body = dice.randbytes(6_000_000)
        spool = Spool(memory_bytes=dice.choice([0, 100_000, 3_000_000]))
        before = open_files()
        pieces, start = [], 0
        while start < len(body):
            size = dice.choice([1, 10, 300, 5000, 300_000])
            pieces.append(body[start : start + size])
            start += size
        written = threading.Semaphore(0)

        def write():
            for piece in pieces:
                spool.write(piece)
                written.release()
            spool.complete()
            spool.close()

        def follow(chunks):
            return b"".join(chunks) == body

        def late(after):
            # Before the writer ends, since a closed spool gives no reader.
            with spool.reader():
                for _ in range(after):
                    written.acquire()
                return follow(spool.follow(slice_seconds=0.01))

        early = [spool.follow(slice_seconds=0.01) for _ in range(3)]
        hold = spool.reader()
        results = run_all(
            write,
            *[lambda chunks=chunks: follow(chunks) for chunks in early],
            lambda: late(len(pieces) // 4),
            lambda: late(len(pieces) // 3),
        )
        assert results == [None] + [True] * 5
        assert hold.read() == body
        hold.close()
        assert spool.closed and open_files() <= before

    def test_a_move_to_the_disk_under_readers(self):
        """Each byte says where it stands, so a reader that is led astray is
        found out."""
        body = b"".join(b"%07d\n" % number for number in range(0, 500_000, 8))
        for _ in range(5):
            spool = Spool()
            spool.write(body)
            spool.complete()
            ready = threading.Barrier(5, timeout=PATIENCE_SECONDS)

            def read(spool=spool, ready=ready):
                with spool.reader() as reader:
                    ready.wait()
                    for _ in range(10):
                        reader.seek(0)
                        while True:
                            at = reader.tell()
                            chunk = reader.read(1000)
                            assert chunk == body[at : at + 1000]
                            if not chunk:
                                break
                return True

            def move(spool=spool, ready=ready):
                ready.wait()
                spool.move_to_disk()

            assert run_all(move, read, read, read, read) == [None] + [True] * 4
            spool.close()
            assert spool.closed
