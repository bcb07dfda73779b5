"""Names and metadata are a contract: objects outlive the release that wrote
them, and operators write lifecycle rules about them.
"""

import hashlib

import pytest

from hgs3.cache import key
from hgs3.objectstore.base import ObjectInfo

REPO = "0123456789abcdef" * 2
SHA = "ab" * 32


def test_the_digest_of_a_repository():
    digest = key.repo_digest(b"/srv/hg/main")
    assert digest == hashlib.sha256(b"/srv/hg/main").hexdigest()[:32]
    assert key.repo_digest(b"/srv/hg/other") != digest
    # A path may be anything.
    assert len(key.repo_digest(b"\xff\x00 \n")) == 32


@pytest.mark.parametrize(
    "prefix, expected",
    [
        ("", "cache/%s/v2/filesdata/fed" % REPO),
        ("hg/", "hg/cache/%s/v2/filesdata/fed" % REPO),
        # As it is: nothing is put between, nothing is taken away.
        ("hg", "hgcache/%s/v2/filesdata/fed" % REPO),
        ("a//b c%2F/", "a//b c%%2F/cache/%s/v2/filesdata/fed" % REPO),
    ],
)
def test_the_key_of_an_object(prefix, expected):
    assert key.object_key(prefix, REPO, "v2", "filesdata", "fed") == expected


def test_one_repository_can_be_deleted_by_prefix():
    mine, yours = [
        key.object_key("p/", key.repo_digest(repo), "v2", "filedata", "x")
        for repo in (b"mine", b"yours")
    ]
    assert mine.startswith("p/cache/%s/" % key.repo_digest(b"mine"))
    assert not yours.startswith("p/cache/%s/" % key.repo_digest(b"mine"))


def test_metadata():
    assert key.metadata("filesdata", REPO, SHA) == {
        "command": "filesdata",
        "repo-id": REPO,
        "format-version": "1",
        "sha256": SHA,
    }
    for name, value in key.metadata("filesdata", REPO, SHA).items():
        assert name == name.lower()
        assert value.isascii()


def test_the_media_type_is_what_clients_take():
    assert key.MEDIA_TYPE == "application/mercurial-cbor"


def info(**changes):
    metadata = key.metadata("filesdata", REPO, SHA)
    metadata.update(changes.pop("metadata", {}))
    for name in changes.pop("without", ()):
        del metadata[name]
    return ObjectInfo(key="any", size_bytes=1, metadata=metadata)


def test_what_we_wrote_is_known():
    assert key.written_by_us(info(), "filesdata", REPO)


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"command": "filedata"}},
        {"metadata": {"repo-id": "f" * 32}},
        {"metadata": {"format-version": "2"}},
        {"metadata": {"format-version": ""}},
        {"metadata": {"sha256": SHA[:-1]}},
        {"metadata": {"sha256": ""}},
        {"metadata": {"another": "of a later release"}},
        {"without": ["sha256"]},
        {"without": ["command"]},
        {"without": ["repo-id"]},
        {"without": ["format-version"]},
        {"without": ["sha256", "command", "repo-id", "format-version"]},
    ],
)
def test_what_another_wrote_is_not_taken(changes):
    assert not key.written_by_us(info(**changes), "filesdata", REPO)


def test_another_release_takes_nothing_of_ours(monkeypatch):
    before = info()
    monkeypatch.setattr(key, "FORMAT_VERSION", 2)
    assert not key.written_by_us(before, "filesdata", REPO)
    assert key.metadata("filesdata", REPO, SHA)["format-version"] == "2"
