"""What the last push was, as the repository itself keeps it."""

import io
import json
import os

import pytest
from hgui import make_ui
from mercurial import hg

from hgs3.pushes import journal
from hgs3.pushes.journal import Entry


@pytest.fixture
def repo(tmp_path):
    return hg.repository(make_ui(), os.fsencode(tmp_path / "repo"), create=True)


def entry(name, nodes=1, others=()):
    return Entry(name, "J\xf6rg \udcff\n", 1000, ("%040x" % 1,) * nodes, others)


def write(repo, *entries):
    for each in entries:
        with repo.lock(), repo.transaction(b"test") as tr:
            with journal.Journal(repo, tr) as written:
                written.add(each)


def break_off(repo, new):
    with pytest.raises(ZeroDivisionError), repo.lock(), repo.transaction(b"test") as tr:
        with journal.Journal(repo, tr) as written:
            written.add(new)
        raise ZeroDivisionError


def text_of(repo):
    return repo.svfs.tryread(journal.FILE_NAME)


def test_there_was_none_yet(repo):
    assert journal.read(repo) is None
    break_off(repo, entry("a"))
    assert journal.read(repo) is None and not text_of(repo)


def test_the_last_one_is_read(repo):
    write(repo, entry("a"))
    assert journal.read(repo) == entry("a")
    write(repo, entry("b"), entry("c", others=("%040x" % 2,)))
    assert journal.read(repo) == entry("c", others=("%040x" % 2,))


# As long as what is read at once, and about that.
@pytest.mark.parametrize("nodes", [0, 80, 90, 91, 92, 93, 94, 95, 200, 5000])
def test_lines_of_any_length(repo, nodes):
    for before in ([], [entry("a")], [entry("a", 5000)]):
        write(repo, *before, entry("b", nodes))
        assert journal.read(repo) == entry("b", nodes)


def test_a_transaction_that_is_broken_off(repo):
    write(repo, entry("a"))
    text = text_of(repo)
    break_off(repo, entry("b", 1000))
    assert journal.read(repo) == entry("a") and text_of(repo) == text


def test_the_file_stays_short(repo, monkeypatch):
    monkeypatch.setattr(journal, "MAX_BYTES", 300)
    for number in range(10):
        write(repo, entry("%d" % number))
        assert journal.read(repo) == entry("%d" % number)
        assert text_of(repo).count(b"\n") <= 3
    while len(text_of(repo)) <= journal.MAX_BYTES:
        write(repo, entry("a"))
    text = text_of(repo)
    break_off(repo, entry("b"))
    assert text_of(repo) == text


def test_what_was_written_before_there_were_lines(repo):
    old = dict(token="a", user="me", date=1, nodes=["%040x" % 1], others=[])
    with repo.svfs(journal.FILE_NAME, b"wb") as file:
        file.write(json.dumps(old).encode())
    assert journal.read(repo) == Entry("a", "me", 1, ("%040x" % 1,))
    write(repo, entry("b"))
    assert journal.read(repo) == entry("b")


def test_a_file_that_is_cut_off_while_it_is_read():
    # It was as long a moment before.
    assert journal._last_line(io.BytesIO(b"x" * 10), 10**6) in (b"", b"x" * 10)


def test_a_file_that_a_copy_of_the_repository_has_too(repo, tmp_path):
    write(repo, entry("a"))
    before = text_of(repo)
    other = tmp_path / "other"
    os.link(repo.svfs.join(journal.FILE_NAME), other)
    write(repo, entry("b"))
    assert journal.read(repo) == entry("b")
    assert other.read_bytes() == before


def test_a_new_file_has_the_permissions_of_its_folder(tmp_path):
    folder = tmp_path / "repo"
    made = hg.repository(make_ui(), os.fsencode(folder), create=True)
    os.chmod(made.spath, 0o2770)
    repo = hg.repository(make_ui(), os.fsencode(folder))
    umask = os.umask(0o077)
    try:
        write(repo, entry("a"))
    finally:
        os.umask(umask)
    assert repo.svfs.stat(journal.FILE_NAME).st_mode & 0o777 == 0o660


@pytest.mark.parametrize("token", ['"\\u00e9"', '"a\\u0000"', '""', "1", "null"])
def test_a_token_that_nobody_has_given(repo, token):
    line = '\n{"token": %s, "user": "u", "date": 1, "nodes": [], "others": []}' % token
    with repo.svfs(journal.FILE_NAME, b"wb") as file:
        file.write(line.encode())
    assert journal.read(repo) is None


@pytest.mark.parametrize("text", [b"x", b"\n", b"\n{", b"\n[]", b'\n{"token": "a"}'])
def test_what_nobody_has_written(repo, text):
    with repo.svfs(journal.FILE_NAME, b"wb") as file:
        file.write(text)
    assert journal.read(repo) is None
    write(repo, entry("b"))
    assert journal.read(repo) == entry("b")
