"""What the web command of short URLs answers, whatever the store does."""

import pytest
from mercurial.hgweb import common as hgwebcommon
from mercurial.hgweb import request as requestmod
from shorturls import BASE, BASIC, BODY, NAME, Presigning

from hgs3 import generation, service
from hgs3.objectstore.base import StoreResting, StoreUnavailable
from hgs3.wireproto import s3get


@pytest.fixture
def site(make_site):
    return make_site(Presigning())


def test_a_client_is_sent_on(site):
    answer = site.fill().ask()
    assert (answer.code, answer.body) == (302, b"")
    assert answer.headers["location"] == "https://s3.example.com/%s?for=900" % site.key
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == "0"
    assert "etag" not in answer.headers
    assert site.ask(method="HEAD").code == 302
    assert site.events == []


def test_other_requests_are_none_of_ours(site):
    environment = {"SERVER_NAME": "x", "SERVER_PORT": "1", "REQUEST_METHOD": "GET"}
    environment.update({"wsgi.url_scheme": "http", "wsgi.input": None})
    for path in ("", "/", "/s3get2/x", "/rev/s3get"):
        req = requestmod.parserequestfromenv(dict(environment, PATH_INFO=path))
        asked = s3get._handlewsgirequest(lambda *args: args, 1, req, 2, 3)
        assert asked == (1, req, 2, 3)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods(site, method):
    answer = site.fill().ask(method=method, CONTENT_LENGTH="0")
    assert answer.code == 405 and answer.headers["allow"] == "GET, HEAD"
    assert site.store.requests == [("put", site.key)]


def test_permission_comes_first(site):
    site.refusal = hgwebcommon.ErrorResponse(
        401, b"read not authorized", [(b"WWW-Authenticate", b"Basic")]
    )
    for path in (None, "/s3get/forged", "/s3get"):
        answer = site.ask(path)
        assert (answer.code, answer.message) == (401, "read not authorized")
        assert answer.headers["www-authenticate"] == "Basic"
    assert site.store.requests == []


@pytest.mark.parametrize(
    "path", ["/s3get", "/s3get/", "/s3get/x", "/s3get/%s/x", "/s3get/%sA"]
)
def test_what_is_no_short_url(site, path):
    token = site.url.rpartition(b"/")[2].decode()
    answer = site.fill().ask(path.replace("%s", token))
    assert answer.code == 403 and token not in answer.message
    assert site.store.requests == [("put", site.key)] and site.events == []


def test_one_that_has_expired(site, monkeypatch):
    monkeypatch.setattr(s3get.time, "time", lambda: 2_000_000_000)
    assert site.ask().message == "the short url has expired"
    assert site.ask().code == 403


def test_one_of_a_kind_that_is_not_known(site):
    url = s3get.url_for(site.service, site.repo, BASE, "x", NAME)
    assert site.ask(url[len(BASE) :].decode()).code == 403


def test_after_a_censoring_it_is_no_good(site):
    site.fill()
    generation.settle(site.repo.svfs, generation.unsettle(site.repo.svfs), b"censor")
    assert site.ask().code == 403
    again = s3get.url_for(site.service, site.repo, BASE, s3get.SEGMENT, NAME)
    assert site.ask(again[len(BASE) :].decode()).code == 302


def test_an_object_that_is_gone(site):
    answer = site.ask()
    assert (answer.code, answer.message) == (404, "the object is gone")
    assert site.reasons() == [("error", b"getbundle", site.key, s3get.GONE)]


def test_one_that_was_missed_before_it_was_stored(site):
    """By another process, which then named it."""
    assert site.service.existence.look([site.key], 60) == {site.key: None}
    assert site.fill().ask().code == 302


def test_what_is_known_to_be_there_is_not_asked_for_again(site):
    site.fill()
    assert [site.ask().code for _each in range(3)] == [302] * 3
    assert [method for method, _key in site.store.requests] == ["put", "head"]


def failing(error=StoreUnavailable):
    def before(method, key):
        raise error("%s failed" % method)

    return before


@pytest.mark.parametrize("error", [StoreUnavailable, StoreResting])
def test_a_client_may_reach_a_store_that_we_do_not(site, error):
    site.store.before = failing(error)
    assert site.ask().code == 302
    assert site.reasons() == [("error", b"getbundle", site.key, "head failed")]


def test_a_store_that_fails_whoever_is_not_sent_on(make_site):
    site = make_site(Presigning(), breaker_rest="7").fill()
    site.store.before = failing()
    answer = site.ask(**BASIC)
    assert answer.code == 503 and answer.headers["retry-after"] == "7"
    assert site.reasons() == [("error", b"getbundle", site.key, "head failed")]


def test_presigning_that_fails(site, monkeypatch):
    def presign_get(key, lifetime_seconds):
        raise StoreUnavailable("no credentials")

    monkeypatch.setattr(site.store, "presign_get", presign_get)
    assert site.fill().ask().code == 503
    assert site.reasons()[-1][-1] == "no credentials"


def test_a_client_that_would_send_its_password_along(site):
    answer = site.fill().ask(**BASIC)
    assert (answer.code, answer.body) == (200, BODY)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(BODY))
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers and "accept-ranges" not in answer.headers
    # From a bucket, a part costs as much as the whole.
    assert site.ask(HTTP_RANGE="bytes=0-9", **BASIC).code == 200
    head = site.ask(method="HEAD", **BASIC)
    assert (head.code, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(BODY))


def test_an_object_that_goes_before_it_is_read(site, monkeypatch):
    site.fill()
    monkeypatch.setattr(site.store, "read", lambda key: None)
    answer = site.ask(**BASIC)
    assert (answer.code, answer.message) == (404, "the object is gone")
    assert site.reasons() == [("error", b"getbundle", site.key, s3get.GONE)]


class Broken:
    """Reads of a body that break off after some of its chunks, each time."""

    def __init__(self, *lengths):
        self.lengths = list(lengths)

    def read(self, key):
        length = self.lengths.pop(0)
        if length is None:
            return None
        return self._chunks(length)

    def _chunks(self, length):
        for start in range(0, length, 1000):
            yield BODY[start : min(start + 1000, length)]
        if length < len(BODY):
            raise StoreUnavailable("broken off")


@pytest.mark.parametrize("lengths", [(0, 4500), (4500, 0), (4500, 9000), (4500, 1000)])
def test_a_body_that_breaks_off_is_gone_on_with(site, monkeypatch, lengths):
    monkeypatch.setattr(site.store, "read", Broken(*lengths, len(BODY)).read)
    answer = site.fill().ask(**BASIC)
    assert (answer.code, answer.body) == (200, BODY)
    assert site.events == []


def test_a_body_that_cannot_be_begun(site, monkeypatch):
    monkeypatch.setattr(site.store, "read", Broken(0, 0, 0).read)
    assert site.fill().ask(**BASIC).code == 503
    assert site.reasons() == [("error", b"getbundle", site.key, "broken off")]


@pytest.mark.parametrize("last, reason", [(0, "broken off"), (None, "the object went")])
def test_a_body_that_never_ends_is_no_whole_answer(site, monkeypatch, last, reason):
    monkeypatch.setattr(site.store, "read", Broken(4500, 0, last).read)
    site.fill()
    with pytest.raises(StoreUnavailable):
        site.ask(**BASIC)
    ((event, command, key, said),) = site.reasons()
    assert (event, command, key) == ("error", b"getbundle", site.key)
    assert said.startswith(reason)


def test_without_a_store(make_site):
    assert make_site(service.NullStore()).ask().code == 404


def test_without_a_secret_there_is_no_url_and_none_is_good(site, monkeypatch):
    monkeypatch.setattr(service, "url_secret", lambda *args: None)
    assert s3get.url_for(site.service, site.repo, BASE, s3get.SEGMENT, NAME) is None
    assert site.ask().code == 403


def test_urls_fit_into_a_part_or_there_is_none(site):
    def url(length):
        base = b"http://" + b"h" * (length - 7)
        return s3get.url_for(site.service, site.repo, base, s3get.SEGMENT, NAME)

    rest = len(site.url) - len(BASE)
    assert len(url(255 - rest)) == 255
    assert url(256 - rest) is None


def test_the_base_of_urls(make_site):
    site = make_site(Presigning(), public_url="https://hg.example.com/there/")
    assert s3get.base_url(site.service, site.repo) == b"https://hg.example.com/there"


def test_outside_of_a_request_there_is_no_base(site):
    assert s3get.base_url(site.service, site.repo) is None
