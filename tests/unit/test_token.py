"""Tokens of short URLs: what was made is read, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgs3.cache import token as tokenmod
from hgs3.cache.token import TokenError, TokenExpired, TokenForged

SECRET = b"s" * 32
REPO = "0123456789abcdef0123456789abcdef"
NOW = 1_700_000_000
NAME = bytes(range(20))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

names = st.binary(max_size=100)
kinds = st.sampled_from("sbx")
seconds = st.integers(0, 2**32 - 1)


def make(name=NAME, kind="s", expires=NOW + 1, context=b"", secret=SECRET, repo=REPO):
    return tokenmod.make(secret, repo, kind, name, expires, context)


def read(token, now=NOW, context=b"", secret=SECRET, repo=REPO):
    return tokenmod.read(secret, repo, token, now, context)


@given(names, kinds, seconds, st.binary(max_size=40))
def test_what_was_made_is_read(name, kind, expires, context):
    token = make(name, kind, expires, context)
    assert set(token) <= set(ALPHABET)
    if expires:
        assert read(token, expires - 1, context) == (kind, name)
    with pytest.raises(TokenExpired):
        read(token, expires, context)


def test_a_segment_has_a_short_one():
    assert len(make()) == 56


def test_it_expires_at_its_second():
    token = make(expires=NOW)
    assert read(token, NOW - 0.01)
    with pytest.raises(TokenExpired):
        read(token, NOW)


@given(names, st.data())
def test_no_altered_one_is_read(name, data):
    token = make(name)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != token[place]))
    with pytest.raises(TokenForged):
        read(token[:place] + other + token[place + 1 :])


def test_there_is_one_form_of_each():
    """Of every length, bits that are left over at the end included."""
    for length in range(0, 24):
        token = make(b"n" * length)
        for last in ALPHABET:
            if last != token[-1]:
                with pytest.raises(TokenForged):
                    read(token[:-1] + last)
        for other in (
            token + "=",
            token + "==",
            token + "A",
            token[:-1],
            token + "\n",
            " " + token,
            token[:8] + "\n" + token[8:],
            token[:8] + "*" + token[8:],
        ):
            with pytest.raises(TokenForged):
                read(other)


def test_the_alphabet_is_that_of_urls():
    # A token with each of the two letters that differ.
    for number in range(200):
        token = make(b"%d" % number)
        standard = token.replace("-", "+").replace("_", "/")
        if standard != token:
            with pytest.raises(TokenForged):
                read(standard)


@given(st.text(max_size=400))
def test_no_text_is_one(text):
    with pytest.raises(TokenForged):
        read(text)


@given(st.binary(max_size=200))
def test_no_bytes_are_one(raw):
    token = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(TokenForged):
        read(token)


@pytest.mark.parametrize(
    "token",
    ["", "A", "=", "é", "\udcff", "A" * 56, "A" * 10_000_000, "\x00" * 56],
    ids=lambda token: ascii(token)[:20],
)
def test_what_is_no_token(token):
    with pytest.raises(TokenForged):
        read(token)


@pytest.mark.parametrize(
    "other",
    [
        {"secret": b"t" * 32},
        {"repo": REPO[::-1]},
        {"context": b"after a censoring"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_it_is_good_for_one_repository_as_it_is(other):
    with pytest.raises(TokenForged):
        read(make(), **other)
    assert read(make(**other), **other) == ("s", NAME)


@given(st.binary(max_size=6), st.binary(max_size=6), st.binary(max_size=6))
def test_nothing_moves_from_the_context_into_the_name(one, other, rest):
    if one != other:
        token = make(rest, context=one)
        with pytest.raises(TokenForged):
            read(token, context=other)


def test_another_kind_is_another_token():
    assert make(kind="s") != make(kind="b")
    assert read(make(kind="b")) == ("b", NAME)


def test_a_later_version_is_not_taken_for_this_one(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tokenmod, "VERSION", 2)
        later = make()
    with pytest.raises(TokenForged):
        read(later)


def test_a_token_is_in_no_message():
    token = make(expires=NOW)
    for call in (lambda: read(token), lambda: read(token, secret=b"other")):
        with pytest.raises(TokenError) as caught:
            call()
        assert token not in str(caught.value)
