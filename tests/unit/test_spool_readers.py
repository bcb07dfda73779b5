"""A spool that is read by many: files, references, the disk, S3."""

import errno
import gc
import os
import tempfile

import pytest
from stores import MEDIA_TYPE, METADATA

from hgs3.cache.spool import (
    DISK_BUFFER_BYTES,
    Spool,
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


class TestReader:
    def test_it_is_a_file(self, spool):
        spool.write(b"0123456789")
        with spool.reader() as reader:
            assert reader.readable() and reader.seekable() and not reader.writable()
            assert (reader.read(4), reader.tell()) == (b"0123", 4)
            assert (reader.seek(-2, os.SEEK_END), reader.read()) == (8, b"89")
            assert (reader.seek(2), reader.read1()) == (2, b"23456789")
            assert (reader.seek(-3, os.SEEK_CUR), reader.read(None)) == (7, b"789")
            assert reader.read(5) == reader.read() == b""
            reader.seek(100)
            assert reader.read() == reader.read(1) == b""
            with pytest.raises(ValueError):
                reader.seek(-1)
            reader.seek(1)
            buffer = bytearray(5)
            assert (reader.readinto(buffer), buffer) == (5, b"12345")
        assert reader.closed
        reader.close()
        for use in (reader.read, lambda: reader.seek(0)):
            with pytest.raises(ValueError):
                use()

    def test_each_has_its_own_position(self, spool):
        spool.write(b"0123456789")
        one, two = spool.reader(), spool.reader()
        assert one.read(3) == b"012"
        assert two.read(5) == b"01234"
        spool.write(b"x")
        assert one.read() == b"3456789x"
        assert two.tell() == 5

    def test_it_sees_what_is_in_no_file_yet(self, spool):
        reader = spool.reader()
        for number in range(20):
            spool.write(b"%d" % number * 30_000)
            assert reader.read(CHUNK_BYTES * 10) == b"%d" % number * 30_000

    def test_a_read_is_whole_across_file_and_tail(self):
        """S3 refuses parts that are too small."""
        spool = Spool(memory_bytes=0)
        body = os.urandom(DISK_BUFFER_BYTES * 2 + 1000)
        for start in range(0, len(body), 5000):
            spool.write(body[start : start + 5000])
        with spool.reader() as reader:
            assert reader.read(len(body)) == body
            reader.seek(DISK_BUFFER_BYTES - 10)
            assert len(reader.read(DISK_BUFFER_BYTES + 500)) == DISK_BUFFER_BYTES + 500
        spool.close()

    def test_one_that_reads_while_it_moves_to_the_disk(self):
        """It may have taken the tail, and not yet what it wants of it."""
        spool = Spool()
        spool.write(b"body")
        view = spool._view
        spool.move_to_disk()
        spool.write(b"more")
        assert view == (0, b"body") and spool._view == (4, b"more")
        spool.close()

    def test_a_reader_of_what_is_closed(self, spool):
        spool.close()
        with pytest.raises(SpoolFull):
            spool.reader()

    def test_a_disk_that_fails(self, spool, monkeypatch):
        spool.write(b"body")
        spool.complete()
        spool.move_to_disk()
        reader = spool.reader()

        def fail(*_args):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(SpoolFull, match="Input/output error"):
            reader.read()

    def test_a_file_that_was_cut(self, spool):
        spool.write(b"body")
        spool.complete()
        spool.move_to_disk()
        os.ftruncate(spool.descriptor, 2)
        reader = spool.reader()
        with pytest.raises(SpoolFull, match="cut"):
            reader.read()


class TestReferences:
    def test_the_last_one_gives_all_back(self):
        before = open_files()
        spool = Spool(memory_bytes=10)
        spool.write(b"x" * 100)
        one, two = spool.reader(), spool.reader()
        spool.complete()
        spool.close()
        spool.close()
        assert one.read() == b"x" * 100
        one.close()
        one.close()
        assert open_files() == before + 1 and not spool.closed
        assert two.read() == b"x" * 100
        two.close()
        assert open_files() == before and spool.closed

    def test_memory_goes_too(self):
        spool = Spool()
        spool.write(b"x" * 1000)
        spool.complete()
        reader = spool.reader()
        spool.close()
        assert reader.read() == b"x" * 1000
        reader.close()
        assert spool._view == (0, b"")

    def test_a_forgotten_reader_closes_itself(self):
        spool = Spool()
        spool.reader()
        chunks = spool.follow()
        spool.close()
        assert not spool.closed
        # Not even begun.
        del chunks
        gc.collect()
        assert spool.closed

    def test_chunks_of_the_writer_end_with_it(self):
        """A client has gone; its response lives until the garbage collector
        comes by."""
        spool = Spool(memory_bytes=0)
        spool.write(b"x" * CHUNK_BYTES * 2)
        chunks = spool.chunks()
        next(chunks)
        spool.close()
        assert spool.closed
        with pytest.raises(SpoolFull, match="closed"):
            next(chunks)


def test_watchers_are_told_of_what_others_must_know():
    seen = []
    spool = Spool(memory_bytes=10)
    spool.watch(lambda: seen.append((spool.descriptor is None, spool.completed)))
    spool.write(b"x" * 10)
    assert seen == []
    spool.write(b"x")
    assert seen == [(False, False)]
    spool.write(b"x" * DISK_BUFFER_BYTES * 2)
    spool.complete()
    spool.complete()
    assert seen == [(False, False), (False, True)]
    spool.close()
    assert len(seen) == 2 and spool.descriptor is None


@pytest.mark.parametrize("size", [1000, 20 * 1024 * 1024])
def test_a_spool_goes_up_to_s3_while_others_read_it(moto_store, size, tmp_path):
    """With one PUT, and in parts."""
    spool = Spool(memory_bytes=4000)
    body = os.urandom(1000) * (size // 1000)
    follower = spool.follow()
    for start in range(0, len(body), 100_000):
        spool.write(body[start : start + 100_000])
    spool.complete()
    with spool.reader() as reader:
        moto_store.put(
            "a/spool", reader, len(body), MEDIA_TYPE, METADATA, spool.sha256_hex
        )
    spool.close()
    assert b"".join(follower) == body
    assert b"".join(moto_store.read("a/spool")) == body
    assert spool.closed


def test_nothing_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = Spool(memory_bytes=0)
    spool.write(b"x" * 100)
    chunks = spool.follow(slice_seconds=0.01)
    next(chunks)
    assert os.listdir(str(tmp_path)) == []
    chunks.close()
    spool.close()
