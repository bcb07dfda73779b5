"""Names and metadata are a contract: objects outlive the release that wrote
them, and operators write lifecycle rules about them.
"""

import hashlib

import pytest

from hgs3.cache import key
from hgs3.objectstore import filenames

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


def test_the_key_of_a_push():
    assert key.try_key("hg", REPO, SHA) == "hgtry/%s/%s" % (REPO, SHA)
    assert key.try_key("a/b/", REPO, SHA).startswith(key.try_folder("a/b/", REPO))
    assert not key.try_key("", REPO, SHA).startswith(key.cache_folder(""))


PREFIXES = [
    "",
    "hg",
    "hg/",
    "a/b-",
    "re",
    "try/",
    "cache/",
    "try/%s/" % REPO,
    "x" * 200,
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_folder_keeps_pushes_and_nothing_else(prefix):
    """Whatever the operator has for a prefix."""
    segment = key.object_key(prefix, REPO, "v1", "getbundle", SHA)
    response = key.object_key(prefix, REPO, "v2", "filesdata", SHA[:40])
    disposable = [
        segment,
        response,
        key.lease_key(segment),
        key.lease_key(response),
        key.list_key(prefix, REPO, 7),
    ]
    assert not any(filenames.is_kept(filenames.name_of(each)) for each in disposable)
    assert filenames.is_kept(filenames.name_of(key.try_key(prefix, REPO, SHA)))


def test_metadata():
    assert key.metadata("filesdata", REPO, 12, SHA) == {
        "command": "filesdata",
        "repo-id": REPO,
        "format-version": "2",
        "size": "12",
        "sha256": SHA,
    }
    for name, value in key.metadata("filesdata", REPO, 12, SHA).items():
        assert name == name.lower()
        assert value.isascii()


def test_the_media_type_is_what_clients_take():
    assert key.MEDIA_TYPE == "application/mercurial-cbor"
