"""What is in the store and must not be given: damaged objects, and such as may
be deleted too soon. And what is not to be there at all: what nobody repeats."""

import base64
import email.utils
import hashlib
import time

import pytest
import v2bench
from v2bench import SLOWLY, Asking, has, names

from testlib import faultproxy as fp

pytestmark = v2bench.without_version_2

DAY_SECONDS = 24 * 3600


@pytest.fixture(scope="module")
def answer(v2_repository, moto, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncached")
    with v2bench.Server(folder, v2_repository, moto, "", "") as server:
        return server.ask(v2_repository.file("f0"))[0]


@pytest.fixture
def request_(v2_repository):
    return v2_repository.file("f0")


def replace(where, body, metadata, checksum):
    headers = dict(metadata)
    if checksum:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        headers["x-amz-checksum-sha256"] = digest
        headers["x-amz-sdk-checksum-algorithm"] = "SHA256"
    v2bench.http("PUT", where, body, **headers)


def other(body):
    return body[:-1] + bytes([body[-1] ^ 1])


#: What becomes of a body, of our metadata, whether the store has computed a
#: SHA-256, whether the client follows a redirect, and what the log says.
DAMAGES = {
    "longer": (lambda body: body + b"x", True, False, True, "damaged"),
    "half of it": (lambda body: body[: len(body) // 2], True, False, True, "damaged"),
    "empty": (lambda body: b"", True, False, True, "damaged"),
    "other bytes, by their checksum": (other, True, True, True, "damaged"),
    "other bytes, as they are read": (other, True, False, False, "damaged"),
    "without metadata": (lambda body: body, False, False, True, None),
    "a stranger's": (lambda body: b"welcome", False, True, False, None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_object_is_made_anew(
    damage, make_server, moto, bucket, request_, answer
):
    change, keeps_metadata, checksum, redirect, said = DAMAGES[damage]
    server = make_server()
    key = server.key_of(request_)
    where = "%s/%s/%s" % (moto.url, bucket, key)
    body = v2bench.http("GET", where)
    metadata = v2bench.metadata(where) if keeps_metadata else {}
    replace(where, change(body), metadata, checksum)
    assert server.ask(request_, redirect) == (answer, False)
    expected = ["miss", "stored"] if said is None else [said, "miss", "stored"]
    assert names(server.new_events(key, has("stored"))) == expected
    assert v2bench.http("GET", where) == body
    assert server.ask(request_) == (answer, True)


def expires_in(seconds):
    date = email.utils.formatdate(time.time() + seconds, usegmt=True)
    return 'header x-amz-expiration expiry-date="%s", rule-id="r"' % date


def it_is_later(seconds):
    return "header Date " + email.utils.formatdate(time.time() + seconds, usegmt=True)


#: url-lifetime is 900 s, and long enough for any machine.
EXPIRIES = {
    "a rule deletes it too soon": ("0", expires_in, 300, False),
    "a rule would have deleted it": ("0", expires_in, -DAY_SECONDS, False),
    "a rule deletes it later": ("0", expires_in, DAY_SECONDS, True),
    "too old for object-lifetime": ("1", it_is_later, DAY_SECONDS - 300, False),
    "much too old": ("1", it_is_later, 9 * DAY_SECONDS, False),
    "young enough": ("1", it_is_later, DAY_SECONDS // 2, True),
    "old, and nobody deletes": ("0", it_is_later, 99 * DAY_SECONDS, True),
}


@pytest.mark.parametrize("expiry", EXPIRIES)
def test_an_object_that_may_be_deleted_too_soon_is_stored_anew(
    expiry, make_server, store_proxy, request_, answer
):
    lifetime_days, header, seconds, is_hit = EXPIRIES[expiry]
    server = make_server(object_lifetime=lifetime_days)
    key = server.key_of(request_)
    store_proxy.done.clear()
    store_proxy.rule = lambda head: (
        header(seconds) if head.first[0] == "HEAD" else fp.PASS
    )
    assert server.ask(request_) == (answer, is_hit)
    expected = ["hit"] if is_hit else ["miss", "stored"]
    assert names(server.new_events(key, has(expected[-1]))) == expected
    puts = [
        target
        for _action, method, target in store_proxy.done
        if method == "PUT" and target.endswith(key)
    ]
    assert len(puts) == (0 if is_hit else 1)
    store_proxy.rule = lambda head: fp.PASS
    assert server.ask(request_) == (answer, True)
    assert names(server.new_events(key, has("hit"))) == ["hit"]


@pytest.mark.parametrize("minimum", [1, 2])
def test_what_is_asked_for_often_enough_by_anybody_is_stored(
    minimum, make_server, request_, answer
):
    """Two processes count together."""
    servers = [make_server(min_occurrences=str(minimum)) for _each in range(2)]
    for number in range(minimum):
        server = servers[number % 2]
        assert server.ask(request_) == (answer, False)
        found = server.new_events(None, has("skipped-rare"))
        assert names(found) == ["miss", "skipped-rare"]
        assert server.stored_keys() == []
    server, last = servers[minimum % 2], servers[(minimum + 1) % 2]
    assert server.ask(request_) == (answer, False)
    assert names(server.new_events(None, has("stored"))) == ["miss", "stored"]
    assert last.ask(request_) == (answer, True)
    assert names(last.new_events(None, has("hit"))) == ["hit"]


def test_a_herd_counts_as_many(make_server, v2_repository, tmp_path, request_):
    gate = tmp_path / "gate"
    servers = [
        make_server(min_occurrences="2", extension=SLOWLY % str(gate))
        for _each in range(2)
    ]
    herd = [Asking(servers[0], request_) for _each in range(2)]
    try:
        servers[0].new_events(None, has("miss", "miss"))
        herd.append(Asking(servers[1], request_))
        servers[1].new_events(None, has("miss"))
    finally:
        gate.touch()
    answers = [asking.answer() for asking in herd]
    assert len({digest for digest, _redirected in answers}) == 1
    assert sorted(redirected for _digest, redirected in answers) == [False, True, True]
    found = servers[0].new_events(None, has("stored", "hit"))
    found += servers[1].new_events(None, has("hit"))
    assert sorted(names(found)) == ["hit", "hit", "stored"]
