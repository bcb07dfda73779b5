"""A bucket or a folder: which store the settings choose."""

import os

import pytest
from hgui import make_ui
from test_settings import load, refusal

from hgs3 import settings
from hgs3.objectstore.filesettings import FileSettings


def test_a_folder_instead_of_a_bucket():
    loaded = load(store="file:/var/cache/hg-s3", store_size="5GB", prefix="p/")
    assert loaded.store == FileSettings("/var/cache/hg-s3", 5 * 1024**3)
    assert loaded.prefix == "p/"
    assert load(store="file:/x").store.limit_bytes == 10 * 1024**3
    assert load(store="file:/x", store_size="0").store.limit_bytes == 0
    assert {loaded: 1}[loaded] == 1
    assert load(store="file:///x").store.path == "/x"
    assert load(store=" file:/with space/x ").store.path == "/with space/x"


def test_a_path_is_that_of_the_system():
    path = load(store="file:/d\u00e9p\u00f4t").store.path
    assert os.fsencode(path) == "/d\u00e9p\u00f4t".encode()


def test_one_store_only():
    message, hint = refusal(store="file:/x", bucket="hg-cache")
    assert message == (
        "s3wireprotocache.store and s3wireprotocache.bucket are both set"
    )
    assert "s3wireprotocache.bucket" in hint and "s3wireprotocache.store" in hint


@pytest.mark.parametrize(
    "items, on",
    [({}, False), ({"bucket": "hg-cache"}, True), ({"store": "file:/x"}, True)],
)
def test_whether_there_is_a_store(items, on):
    assert settings.is_on(make_ui(**items)) is on
    assert load(**items).store.is_configured is on
