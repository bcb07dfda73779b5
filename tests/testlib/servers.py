"""The servers of a test or a benchmark, each a child process on 127.0.0.1:
moto's S3 and `hg serve`.

    with MotoServer() as store, HgServer('hg', repository, {}) as server:
        ...
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
import tempfile
import types
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from . import processes
from .processes import ServerFailed

__all__ = [
    "HgServer",
    "HgwebdirServer",
    "MotoServer",
    "ServerFailed",
    "clean_environment",
]

HOST = "127.0.0.1"
# Proxies of the user's environment would be asked for 127.0.0.1 too; HG* and
# AWS_* would change what is measured.
UNWANTED_PREFIXES = (
    "HG",
    "AWS_",
    "PYTHONPATH",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "all_proxy",
)


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would change the behaviour of hg,
    boto3 or moto, plus `extra`.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(UNWANTED_PREFIXES)
    }
    return {**kept, "LC_ALL": "C.UTF-8", **extra}


class _Server:
    """What both servers share: a private folder, a child process, and its end."""

    def __init__(self, log_path: str | os.PathLike[str] | None) -> None:
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="hg-s3-server-"))
        self.log_path = (
            pathlib.Path(log_path) if log_path else self._folder / "server.log"
        )
        self._process: processes.ServerProcess | None = None
        self.url = ""
        self.port = 0

    def _start(
        self, command: list[str], environment: dict[str, str], address: str
    ) -> None:
        self._process = processes.ServerProcess(command, self.log_path, environment)
        match = self._process.wait_for_line(address)
        self.port = int(match.group("port"))
        self.url = f"http://{HOST}:{self.port}"

    @property
    def process(self) -> processes.ServerProcess:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_seconds(self) -> float:
        """CPU time of the server process in seconds, all threads."""
        return processes.cpu_seconds(self.pid)

    def peak_rss_bytes(self) -> int:
        """The most resident memory the server process ever had, in bytes."""
        return processes.peak_rss_bytes(self.pid)

    def log(self) -> str:
        """Everything the server has printed."""
        return self.process.log()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after a time limit; the private folder goes
        too. May be called twice.
        """
        try:
            if self._process is not None:
                self._process.stop()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        raise NotImplementedError

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()


class MotoServer(_Server):
    """moto's standalone S3 server: bodies in memory, no signature checked
    (plain HTTP requests work).

    `executable` is `moto_server`; by default the one next to this Python, else
    the one on PATH.
    """

    def __init__(
        self,
        port: int = 0,
        log_path: str | os.PathLike[str] | None = None,
        executable: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(log_path)
        self._port = port
        self._executable = (
            os.fspath(executable) if executable else _executable_named("moto_server")
        )

    def start(self) -> None:
        """Raises ServerFailed with moto's output when it does not come up."""
        command = [self._executable, "-H", HOST, "-p", str(self._port)]
        # moto wants credentials to be there, whatever they are, as soon as it
        # makes a client itself.
        environment = clean_environment(
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", PYTHONUNBUFFERED="1"
        )
        self._start(command, environment, r"Running on http://[^:\s]+:(?P<port>\d+)")

    def create_bucket(self, name: str) -> None:
        """Make bucket `name` (moto forgives one that is there)."""
        self._request("PUT", f"/{name}")

    def put_public(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object that may be read without a signature."""
        headers = {"x-amz-acl": "public-read"}
        self._request("PUT", f"/{bucket}/{key}", body, headers)

    def objects(self, bucket: str) -> list[tuple[str, int]]:
        """(key, bytes) of every object of a bucket, in the order of keys;
        HTTPError when there is no such bucket.
        """
        found: list[tuple[str, int]] = []
        token = None
        while True:
            query = {
                "list-type": "2",
                **({"continuation-token": token} if token else {}),
            }
            answer = xml.etree.ElementTree.fromstring(
                self._request("GET", f"/{bucket}?{urllib.parse.urlencode(query)}")
            )
            for entry in answer.iterfind("{*}Contents"):
                found.append(
                    (
                        entry.findtext("{*}Key") or "",
                        int(entry.findtext("{*}Size") or 0),
                    )
                )
            token = answer.findtext("{*}NextContinuationToken")
            if not token:
                return sorted(found)

    def access_log(self) -> list[str]:
        """One line a request that moto has answered, oldest first; queries
        (signatures) are cut off.
        """
        lines = []
        for line in self.log().splitlines():
            if " HTTP/1." in line and '"' in line:
                head, _quote, request = line.partition('"')
                target, _space, rest = request.partition(" HTTP/1.")
                lines.append(f'{head}"{target.partition("?")[0]} HTTP/1.{rest}')
        return lines

    def _request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> bytes:
        # A body without a type is a form to urllib, and then to moto as well.
        request = urllib.request.Request(
            self.url + target,
            method=method,
            data=body if method == "PUT" else None,
            headers={"Content-Type": "application/octet-stream", **(headers or {})},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=60
        ) as response:
            return response.read()


class HgServer(_Server):
    """`hg serve` of one repository, in the foreground, with `config` as its
    whole configuration.

    config is {'section.name': value}; the repository's own .hg/hgrc still
    counts, and nothing is written to it. The environment holds no HG* or AWS_*
    variable but those of `environment`.
    """

    def __init__(
        self,
        hg: str | os.PathLike[str],
        repo_path: str | os.PathLike[str],
        config: dict[str, str],
        port: int = 0,
        log_path: str | os.PathLike[str] | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(log_path)
        self._hg = os.fspath(hg)
        self._repo_path = os.fspath(repo_path)
        self._config = config
        self._port = port
        self._environment = environment or {}

    def start(self) -> None:
        """Raises ServerFailed with hg's output when it does not serve."""
        hgrc = self._folder / "hgrc"
        hgrc.touch(mode=0o600)  # it holds keys
        hgrc.write_text(_as_hgrc(self._config))
        environment = clean_environment(
            HGRCPATH=os.fspath(hgrc), HGPLAIN="1", HGENCODING="utf-8"
        )
        environment.update(self._environment)
        command = [
            self._hg,
            "serve",
            *self._what(),
            "-a",
            HOST,
            "-p",
            str(self._port),
        ]
        command += ["-A", os.fspath(self._folder / "access.log"), "--print-url"]
        self._start(command, environment, r"^https?://[^/\s]*:(?P<port>\d+)/")

    def _what(self) -> list[str]:
        return ["-R", self._repo_path]

    def access_log(self) -> list[str]:
        """One line a request that hg has answered, oldest first."""
        path = self._folder / "access.log"
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []


class HgwebdirServer(HgServer):
    """`hg serve` of every repository below folder `collection`, those that come
    later too: ``/NAME`` is the repository in ``collection/NAME``.

    For each request it opens the repository anew.
    """

    def __init__(
        self,
        hg: str | os.PathLike[str],
        collection: str | os.PathLike[str],
        config: dict[str, str],
    ) -> None:
        # A repository that it does not know yet is looked for at once.
        super().__init__(hg, collection, {**config, "web.refreshinterval": "0"})

    def _what(self) -> list[str]:
        path = self._folder / "web.conf"
        path.write_text(f"[collections]\n{self._repo_path} = {self._repo_path}\n")
        return ["--web-conf", os.fspath(path)]


def _as_hgrc(config: dict[str, str]) -> str:
    lines = []
    for name, value in config.items():
        section, dot, item = name.partition(".")
        if not dot or "\n" in value:
            raise ValueError(f"not a setting of one line: {name}")
        lines.append(f"[{section}]\n{item} = {value}\n")
    return "".join(lines)


def _executable_named(name: str) -> str:
    beside = pathlib.Path(sys.executable).with_name(name)
    found = os.fspath(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(
            f"{name} is neither beside {sys.executable} nor on PATH"
        )
    return found
