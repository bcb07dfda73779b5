"""The address of a repository, as the client of a request wrote it."""

import hgui
import pytest
from mercurial.hgweb import request as requestmod

from hgs3.wireproto import requestscope

assert hgui.ROOT  # it has made Mercurial's modules usable

ENVIRONMENT = {
    "REQUEST_METHOD": "GET",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "QUERY_STRING": "cmd=getbundle",
    "SERVER_NAME": "inner",
    "SERVER_PORT": "8000",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
    "wsgi.input": None,
    "HTTP_HOST": "hg.example.com:8000",
}


def base_url(reponame=None, altbaseurl=None, **environment):
    request = requestmod.parserequestfromenv(
        dict(ENVIRONMENT, **environment), reponame=reponame, altbaseurl=altbaseurl
    )
    return requestscope.base_url(request)


def test_it_is_what_the_client_wrote():
    assert base_url() == b"http://hg.example.com:8000"
    assert base_url(HTTP_HOST="[::1]:8000") == b"http://[::1]:8000"
    https = {"wsgi.url_scheme": "https", "SERVER_PORT": "443"}
    assert base_url(HTTP_HOST="hg", **https) == b"https://hg"


def test_a_client_that_names_no_host():
    assert base_url(HTTP_HOST="") is None
    assert base_url(HTTP_HOST="", SERVER_PORT="80") == b"http://inner"


def test_another_port_of_this_machine_leads_here():
    assert base_url(HTTP_HOST="localhost:9000") == b"http://localhost:9000"
    assert base_url(HTTP_HOST="127.0.0.1:9000") == b"http://127.0.0.1:9000"
    assert base_url(HTTP_HOST="[::1]:9000") == b"http://[::1]:9000"
    assert base_url(HTTP_HOST="localhost.example.com:9000") is None


@pytest.mark.parametrize(
    "sign",
    [
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"HTTP_VIA": "1.1 front"},
        {"HTTP_HOST": "hg.example.com"},
        {"HTTP_HOST": "hg.example.com:8443"},
        {"HTTP_HOST": "[fe80::1]"},
        {"wsgi.url_scheme": "https", "HTTP_HOST": "hg.example.com"},
    ],
    ids=str,
)
def test_a_request_that_shows_that_it_came_through_another_server(sign):
    assert base_url(**sign) is None


def test_prefixes():
    assert base_url(SCRIPT_NAME="/hg/") == b"http://hg.example.com:8000/hg"
    assert (
        base_url(b"a/repo", SCRIPT_NAME="/hg", PATH_INFO="/a/repo/s3get/x")
        == b"http://hg.example.com:8000/hg/a/repo"
    )


def test_a_path_with_other_letters_is_quoted():
    assert base_url(SCRIPT_NAME="/a b%?#") == (
        b"http://hg.example.com:8000/a%20b%25%3F%23"
    )


@pytest.mark.parametrize(
    "host",
    [
        "a b",
        "a/b",
        "a@b",
        "a?b",
        "a#b",
        "a\\b",
        "a:b",
        "a:1:2",
        "a\tb",
        "]",
        "[x",
        "a'",
    ],
)
def test_what_is_no_host_is_not_given_to_anybody(host):
    assert base_url(HTTP_HOST=host) is None


@pytest.mark.parametrize(
    "header",
    ["FORWARDED", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO"]
    + ["X_REAL_IP"],
)
def test_what_comes_through_another_server_may_have_been_written_otherwise(header):
    environment = {"HTTP_" + header: "x"}
    assert base_url(**environment) is None
    # hgwebdir is told.
    assert (
        base_url(
            b"repo", b"https://hg.example.com/all", PATH_INFO="/repo", **environment
        )
        == b"https://hg.example.com/all/repo"
    )


@pytest.mark.parametrize(
    "baseurl, url",
    [
        (b"https://hg.example.com/all/", b"https://hg.example.com/all/repo"),
        (b"http://hg.example.com:81", b"http://hg.example.com:81/repo"),
        (b"/all", b"http://hg.example.com:8000/all/repo"),
        (b"ftp://hg.example.com/", None),
    ],
)
def test_web_baseurl_is_heeded(baseurl, url):
    assert base_url(b"repo", baseurl, PATH_INFO="/repo") == url


def test_the_request_of_a_thread():
    request = requestmod.parserequestfromenv(ENVIRONMENT)
    seen = []

    def orig(self, req, res):
        seen.append(requestscope.current())
        yield b"one"

    assert requestscope.current() is None
    assert list(requestscope.run_wsgi(orig, None, request, None)) == [b"one"]
    assert seen == [request]
    assert requestscope.current() is None
