"""Requests: whose password would go along, and when they are over."""

import gc
import weakref

import hgui
import pytest
from mercurial.hgweb import request as requestmod

from hgs3.wireproto import redirect, requestscope

assert hgui.ROOT  # it has made Mercurial's modules usable

ENVIRONMENT = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/api",
    "QUERY_STRING": "",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
    "wsgi.input": None,
}


@pytest.mark.parametrize(
    "environment, sends",
    [
        ({}, False),
        ({"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"}, True),
        ({"HTTP_AUTHORIZATION": "basic dXNlcjpwYXNz"}, True),
        ({"HTTP_AUTHORIZATION": 'Digest username="user"'}, False),
        ({"HTTP_AUTHORIZATION": "Bearer token"}, False),
        ({"HTTP_AUTHORIZATION": "Basically token"}, False),
        ({"HTTP_AUTHORIZATION": " "}, False),
        # The header is what the client sends; the rest, what is made of it.
        ({"HTTP_AUTHORIZATION": "Bearer token", "REMOTE_USER": "user"}, False),
        ({"HTTP_AUTHORIZATION": "BASIC dXNlcjo=", "AUTH_TYPE": "SSL"}, True),
        ({"REMOTE_USER": "user"}, True),
        ({"REMOTE_USER": "user", "AUTH_TYPE": ""}, True),
        ({"REMOTE_USER": "user", "AUTH_TYPE": "Basic"}, True),
        ({"REMOTE_USER": "user", "AUTH_TYPE": "basic"}, True),
        ({"REMOTE_USER": "user", "AUTH_TYPE": "Digest"}, False),
        ({"REMOTE_USER": "user", "AUTH_TYPE": "SSL"}, False),
        ({"REMOTE_USER": ""}, False),
        ({"AUTH_TYPE": "Basic"}, False),
    ],
)
def test_who_would_send_a_password_along(environment, sends):
    request = requestmod.parserequestfromenv(dict(ENVIRONMENT, **environment))
    assert redirect.sends_password_along(request) == sends


class Callback:
    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1


def serving(callback, fault=None):
    def orig(self, req, res):
        requestscope.at_end(callback)
        yield b"one"
        if fault:
            raise fault
        yield b"two"

    return requestscope.run_wsgi(orig, None, None, None)


def test_a_request_that_is_served():
    callback = Callback()
    assert list(serving(callback)) == [b"one", b"two"]
    assert callback.calls == 1


def test_a_request_that_fails():
    callback = Callback()
    with pytest.raises(ValueError):
        list(serving(callback, ValueError()))
    assert callback.calls == 1


def test_a_client_that_goes_away():
    callback = Callback()
    chunks = serving(callback)
    next(chunks)
    assert callback.calls == 0
    del chunks
    assert callback.calls == 1


def test_a_server_that_closes_a_response_half_way():
    callback = Callback()
    chunks = serving(callback)
    next(chunks)
    chunks.close()
    assert callback.calls == 1
    assert list(chunks) == [] and callback.calls == 1


def test_a_request_that_is_closed_while_its_thread_serves_the_next():
    """So late does a server that keeps a response around close it."""
    first, second = Callback(), Callback()
    left = serving(first)
    next(left)
    chunks = serving(second)
    next(chunks)
    left.close()
    assert (first.calls, second.calls) == (1, 0)
    third = Callback()
    requestscope.at_end(third)
    assert list(chunks) == [b"two"]
    assert (first.calls, second.calls, third.calls) == (1, 1, 1)


def test_outside_of_a_request_nothing_is_kept():
    callback = Callback()
    requestscope.at_end(callback)
    list(serving(Callback()))
    assert callback.calls == 0


def test_a_thread_keeps_nothing_of_what_it_served():
    callback = Callback()
    kept = weakref.ref(callback)
    list(serving(callback))
    del callback
    gc.collect()
    assert kept() is None
