"""A proxy on 127.0.0.1 that passes requests on, and alters one thing or other.

In a test::

    with AlterProxy(store.url) as proxy:
        proxy.refuse = lambda method, target: (403, "AccessDenied")
        ...use proxy.url...

In a shell, ``alterproxy.py PORT URL clock=SECONDS`` or ``... refuse=METHOD``,
until it is stopped.
"""

from __future__ import annotations

import email.utils
import http.client
import http.server
import sys
import threading
import time
import typing
import urllib.parse

#: Of one connection only.
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")
UPSTREAM_SECONDS = 60.0

Refusal = typing.Optional[typing.Tuple[int, str]]


class AlterProxy:
    """Passes all on as it is until its attributes say otherwise."""

    def __init__(self, upstream_url: str, port: int = 0) -> None:
        #: Of a method and a target: the status and the S3 error code that are
        #: answered instead of passing it on, or None.
        self.refuse: typing.Callable[[str, str], Refusal] = lambda method, target: None
        #: How far the clock of the store seems to be ahead.
        self.clock_ahead_seconds = 0.0
        #: Headers of requests that are not passed on, in lower case.
        self.dropped_headers: frozenset[str] = frozenset()
        #: Applied to the body of each answer.
        self.alter_body: typing.Callable[[str, bytes], bytes] = lambda method, body: (
            body
        )
        self.upstream = urllib.parse.urlsplit(upstream_url)
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> AlterProxy:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        """Until the process is stopped."""
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: AlterProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        refusal = self.owner.refuse(self.command, self.path)
        if refusal is not None:
            status, code = refusal
            self._answer(
                status,
                [("Content-Type", "application/xml")],
                f"<Error><Code>{code}</Code></Error>".encode(),
            )
            return
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in HOP_BY_HOP
            and name.lower() not in self.owner.dropped_headers
        }
        upstream = http.client.HTTPConnection(
            self.owner.upstream.hostname or "",
            self.owner.upstream.port,
            timeout=UPSTREAM_SECONDS,
        )
        try:
            # The host that the client has signed goes along with the rest.
            upstream.request(self.command, self.path, body, headers)
            response = upstream.getresponse()
            self._answer(
                response.status,
                response.getheaders(),
                self.owner.alter_body(self.command, response.read()),
            )
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            if name.lower() not in (*HOP_BY_HOP, "date"):
                self.send_header(name, value)
        now = time.time() + self.owner.clock_ahead_seconds
        self.send_header("Date", email.utils.formatdate(now, usegmt=True))
        self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def log_message(self, *_args: object) -> None:
        """Say nothing: tests look at what comes out of it."""


def main(port: str, url: str, *alterations: str) -> None:
    proxy = AlterProxy(url, int(port))
    for alteration in alterations:
        name, _equals, value = alteration.partition("=")
        if name == "clock":
            proxy.clock_ahead_seconds = float(value)
        elif name == "refuse":
            proxy.refuse = lambda method, _target, refused=value: (
                (403, "AccessDenied") if method == refused else None
            )
        else:
            sys.exit(f"unknown alteration {alteration}")
    proxy.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
