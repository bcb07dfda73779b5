"""The settings of each request: read once, as long as they are the same."""

import pytest
from hgui import make_ui
from mercurial import error

from hgs3 import settings


def test_settings_are_remembered_by_what_is_set():
    one = settings.remembered(make_ui(bucket="b-1"))
    assert one == settings.load(make_ui(bucket="b-1"))
    assert settings.remembered(make_ui(bucket="b-1")) is one
    assert settings.remembered(make_ui(bucket="b-2")) == settings.load(
        make_ui(bucket="b-2")
    )
    for _again in range(2):
        with pytest.raises(error.Abort):
            settings.remembered(make_ui(bucket="b"))


def test_not_too_many_are_remembered(monkeypatch):
    monkeypatch.setattr(settings, "REMEMBERED", 2)
    for number in range(5):
        bucket = "b-%d" % number
        assert settings.remembered(make_ui(bucket=bucket)).store.bucket == bucket
    assert len(settings._remembered) <= 2
