"""Short URLs of objects that are files: they are given, whole or in part, or
the server in front is told where they are."""

import os

import pytest
from shorturls import BASIC, BODY, Presigning

from hgs3.objectstore.base import StoreUnavailable
from hgs3.wireproto import objectanswer, s3get


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "objects of all")


@pytest.fixture
def folder_site(make_site, folder):
    return lambda **items: make_site(store="file:" + folder, **items)


def test_a_folder_gives_its_objects_itself(folder_site):
    site = folder_site().fill()
    answer = site.ask()
    assert (answer.code, answer.body) == (200, BODY)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(BODY))
    head = site.ask(method="HEAD", HTTP_RANGE="bytes=0-0")
    assert (head.code, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize(
    "asked, start, end",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("Bytes=10-19 ", 10, 20),
        ("bytes=255999-", 255_999, 256_000),
        ("bytes=100000-", 100_000, 256_000),
        ("bytes=0-999999999999", 0, 256_000),
        ("bytes=-1", 255_999, 256_000),
        ("bytes=-999999", 0, 256_000),
    ],
)
def test_a_part_of_a_file(folder_site, asked, start, end):
    answer = folder_site().fill().ask(HTTP_RANGE=asked)
    assert (answer.code, answer.body) == (206, BODY[start:end])
    assert answer.headers["content-range"] == "bytes %d-%d/256000" % (start, end - 1)
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=256000-256001", "bytes=-0"])
def test_a_part_that_is_not_there(folder_site, asked):
    answer = folder_site().fill().ask(HTTP_RANGE=asked)
    assert (answer.code, answer.body) == (416, b"")
    assert answer.headers["content-range"] == "bytes */256000"


@pytest.mark.parametrize(
    "asked",
    ["bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1"]
    + ["bytes=%s-" % ("9" * 5000)],
    ids=lambda text: text[:16],
)
def test_what_asks_for_the_whole(folder_site, asked):
    assert folder_site().fill().ask(HTTP_RANGE=asked).code == 200


def test_there_is_nothing_that_an_if_range_could_name(folder_site):
    site = folder_site().fill()
    assert site.ask(HTTP_RANGE="bytes=0-0", HTTP_IF_RANGE='"x"').code == 200


def test_an_empty_object(folder_site):
    site = folder_site().fill(b"")
    answer = site.ask()
    assert (answer.code, answer.body) == (200, b"")
    assert site.ask(HTTP_RANGE="bytes=0-").code == 416


def test_a_file_that_goes_before_it_is_opened(folder_site, monkeypatch):
    site = folder_site().fill()
    path = site.store.body_path(site.key)
    monkeypatch.setattr(site.store, "body_path", lambda key: path + "-gone")
    answer = site.ask(HTTP_RANGE="bytes=0-0")
    assert answer.code == 404 and "content-range" not in answer.headers
    assert site.reasons() == [("error", b"getbundle", site.key, s3get.GONE)]


def test_a_file_that_is_shorter_than_it_was(folder_site):
    site = folder_site().fill()
    path = site.store.body_path(site.key)
    failed = []
    chunks = objectanswer._part_of_file(path, 255_999, 256_001)
    with pytest.raises(StoreUnavailable):
        failed.extend(chunks)
    assert b"".join(failed) == BODY[-1:]


def test_the_server_in_front_sends_the_file(folder_site):
    site = folder_site(sendfile_header="X-Sendfile").fill()
    answer = site.ask(HTTP_RANGE="bytes=0-0")
    assert (answer.code, answer.body) == (200, b"")
    quoted = site.store.body_path(site.key).replace("%", "%25").replace(" ", "%20")
    assert answer.headers["x-sendfile"] == quoted.replace("+", "%2B")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert os.path.isfile(site.store.body_path(site.key))


def test_the_server_in_front_has_the_folder_at_a_uri(folder_site, folder):
    site = folder_site(sendfile_header="X-Accel-Redirect: /hg-s3/").fill()
    path = site.store.body_path(site.key)[len(folder) + 1 :]
    where = "/hg-s3/" + path.replace("%", "%25").replace("+", "%2B")
    assert site.ask().headers["x-accel-redirect"] == where


def test_a_bucket_has_no_files_for_the_server_in_front(make_site):
    site = make_site(Presigning(), sendfile_header="X-Sendfile").fill()
    assert "x-sendfile" not in site.ask(**BASIC).headers
    assert site.ask().code == 302
