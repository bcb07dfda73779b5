"""A response on its way into the store: in memory, on disk, on a full disk."""

import errno
import hashlib
import os
import subprocess
import sys
import tempfile

import pytest

from hgs3.cache.spool import MEMORY_BYTES, Spool, SpoolFull
from hgs3.objectstore.base import CHUNK_BYTES


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """An empty folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def filled(chunks, **options):
    spool = Spool(**options)
    for chunk in chunks:
        spool.write(chunk)
    return spool


@pytest.mark.parametrize(
    "chunks, in_memory",
    [
        ([], True),
        ([b"x" * 10], True),
        ([b"x" * 4, b"x" * 6], True),
        ([b"x" * 11], False),
        ([b"x" * 10, b"x"], False),
        ([b"x" * 10, b""], True),
    ],
)
def test_it_moves_to_the_disk_beyond_its_limit(chunks, in_memory, temporary):
    spool = filled(chunks, memory_bytes=10)
    size = sum(map(len, chunks))
    assert spool.size_bytes == size
    assert spool.memory_bytes == (size if in_memory else 0)
    assert b"".join(spool.chunks()) == b"".join(chunks)


def test_its_limit_is_at_most_what_the_issue_asks_for():
    assert MEMORY_BYTES <= 8 * 1024 * 1024
    spool = filled([b"x" * MEMORY_BYTES])
    assert spool.memory_bytes == MEMORY_BYTES
    spool.write(b"x")
    assert spool.memory_bytes == 0
    spool.close()


@pytest.mark.parametrize("limit", [0, 5, 1000])
def test_digest_and_size_are_of_all_that_was_written(limit, temporary):
    chunks = [b"one", b"", b"two", b"three" * 10]
    spool = filled(chunks, memory_bytes=limit)
    body = b"".join(chunks)
    assert spool.size_bytes == len(body)
    assert spool.sha256_hex == hashlib.sha256(body).hexdigest()
    reader = spool.reader()
    assert reader.read() == body
    # Again from the start, as a second attempt of an upload needs it.
    reader.seek(0)
    assert reader.read() == body
    spool.complete()
    assert spool.sha256_hex == hashlib.sha256(body).hexdigest()
    # A completed one may still move, and be asked when all is given back.
    spool.move_to_disk()
    reader.close()
    spool.close()
    assert spool.sha256_hex == hashlib.sha256(body).hexdigest()


def test_it_may_be_moved_to_the_disk_at_any_time(temporary):
    spool = filled([b"before "], memory_bytes=100)
    spool.move_to_disk()
    assert spool.memory_bytes == 0
    spool.move_to_disk()
    spool.write(b"after")
    assert spool.reader().read() == b"before after"
    assert spool.size_bytes == 12
    spool.close()


def test_chunks_are_small_and_close_the_spool(temporary):
    spool = filled([b"x" * (CHUNK_BYTES * 2 + 1)], memory_bytes=0)
    assert [len(chunk) for chunk in spool.chunks()] == [CHUNK_BYTES, CHUNK_BYTES, 1]
    assert spool.closed


def test_chunks_that_are_dropped_half_way_close_the_spool(temporary):
    spool = filled([b"x" * (CHUNK_BYTES * 2)])
    chunks = spool.chunks()
    next(chunks)
    assert not spool.closed
    chunks.close()
    assert spool.closed


def test_it_may_be_closed_twice(temporary):
    for spool in (filled([b"x"]), filled([b"x"], memory_bytes=0)):
        spool.close()
        spool.close()


def test_on_disk_it_has_no_name(temporary):
    """A killed process leaves nothing behind."""
    spool = filled([b"x" * 100_000], memory_bytes=10)
    spool.complete()
    assert os.fstat(spool.descriptor).st_size == 100_000
    assert os.listdir(str(temporary)) == []
    spool.close()


class TestFullDisk:
    @pytest.fixture(autouse=True)
    def full(self, monkeypatch):
        """/dev/full takes what Python buffers, and refuses to write it."""
        monkeypatch.setattr(
            tempfile, "TemporaryFile", lambda *args, **options: open("/dev/full", "w+b")
        )

    def test_a_large_write(self):
        spool = Spool(memory_bytes=10)
        with pytest.raises(SpoolFull, match="No space left"):
            spool.write(b"x" * 1_000_000)
        spool.close()
        spool.close()

    def test_a_write_that_moves_what_is_in_memory(self):
        spool = filled([b"x" * 1_000_000])
        with pytest.raises(SpoolFull, match="No space left"):
            spool.move_to_disk()
        spool.close()

    def test_what_was_only_buffered_is_noticed_before_it_is_read(self):
        spool = filled([b"x" * 11], memory_bytes=10)
        with pytest.raises(SpoolFull, match="No space left"):
            spool.complete()
        spool.close()

    def test_reading_back(self):
        spool = filled([b"x" * 11], memory_bytes=10)
        with pytest.raises(SpoolFull, match="No space left"):
            list(spool.chunks())
        spool.close()

    def test_afterwards_it_is_of_no_use(self):
        spool = filled([b"x" * 11], memory_bytes=10)
        for _ in range(2):
            with pytest.raises(SpoolFull, match="No space left"):
                spool.complete()
        with pytest.raises(SpoolFull, match="No space left"):
            spool.write(b"more")
        spool.close()

    def test_a_complete_one_that_cannot_move_stays_in_memory(self):
        spool = filled([b"x" * 1_000_000])
        spool.complete()
        with pytest.raises(SpoolFull, match="No space left"):
            spool.move_to_disk()
        assert spool.memory_bytes == 1_000_000
        assert spool.reader().read() == b"x" * 1_000_000
        assert spool.sha256_hex == hashlib.sha256(b"x" * 1_000_000).hexdigest()
        spool.close()

    def test_closing_says_nothing(self):
        filled([b"x" * 11], memory_bytes=10).close()


def test_no_place_for_temporary_files(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    spool = Spool(memory_bytes=10)
    with pytest.raises(SpoolFull, match="Read-only"):
        spool.write(b"x" * 11)
    spool.close()


LIMITED = """
import resource
from hgs3.cache.spool import DISK_BUFFER_BYTES, Spool, SpoolFull
limit = 10 * DISK_BUFFER_BYTES
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
spool = Spool(memory_bytes=10)
try:
    for _ in range(%s): spool.write(b"x" * %s)
    print("written")
    spool.complete()
except SpoolFull as err:
    print(spool.size_bytes // DISK_BUFFER_BYTES, err)
spool.close()
"""


@pytest.mark.parametrize(
    "pieces, size, said",
    [
        # Larger than the buffer: the kernel is asked, and refuses, at once.
        ("100", "(2 * DISK_BUFFER_BYTES)", ["10 [Errno %d]" % errno.EFBIG]),
        # The last of it is still in the buffer when all is written.
        ("21", "(DISK_BUFFER_BYTES // 2)", ["written", "10 [Errno %d]" % errno.EFBIG]),
    ],
)
def test_a_real_limit_of_the_system(pieces, size, said, tmp_path):
    """No fake: the kernel refuses to make the file longer."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED % (pieces, size)],
        stdout=subprocess.PIPE,
        env=dict(os.environ, TMPDIR=str(tmp_path)),
        timeout=60,
        check=True,
    )
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(said)
    assert all(map(str.startswith, lines, said)), lines
    assert os.listdir(str(tmp_path)) == []
