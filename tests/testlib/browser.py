"""A Chromium without a window, driven by W3C WebDriver (https://www.w3.org/TR/webdriver2/).

    with Browser(*find_chromium()) as browser:
        browser.open(url)
        browser.click("a.older")

It talks to nobody but 127.0.0.1, and keeps what it writes in a folder that goes with
it. Scripts of pages do not run; those of a test do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import tempfile
import time
import typing
import urllib.error
import urllib.request

from . import processes
from .servers import clean_environment

#: The key under which WebDriver has the id of an element.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
#: Of the driver: a browser may take long to start on a busy machine.
TIMEOUT_SECONDS = 180

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever else it may want to ask for, there is nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    # The same on every machine.
    "--force-device-scale-factor=1",
    "--lang=en",
)


def find_chromium() -> tuple[str, str] | None:
    """The paths of Chromium and of its driver; None where one of them is missing."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class BrowserFailed(Exception):
    """The driver refused; the text is what it said."""


class Browser:
    def __init__(self, browser: str, driver: str) -> None:
        self._browser = browser
        self._driver = driver
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="hg-s3-browser-"))
        self._process: processes.ServerProcess | None = None
        self._url = self._session = ""

    def __enter__(self) -> Browser:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()

    def _start(self) -> None:
        folder = str(self._folder)
        environment = clean_environment(HOME=folder, TMPDIR=folder)
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self._process = processes.ServerProcess(
            [self._driver, "--port=0"], self._folder / "driver.log", environment
        )
        match = self._process.wait_for_line(
            r"started successfully on port (?P<port>\d+)"
        )
        self._url = "http://127.0.0.1:%s" % match.group("port")
        options = {
            "binary": self._browser,
            "args": [*ARGUMENTS, "--user-data-dir=%s/profile" % folder],
            "prefs": {"profile.managed_default_content_settings.javascript": 2},
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        answer = self._ask("POST", "/session", capabilities={"alwaysMatch": wanted})
        self._session = "/session/%s" % answer["sessionId"]

    def stop(self) -> None:
        """Ends the browser, and its driver. May be called twice."""
        try:
            if self._session:
                with contextlib.suppress(BrowserFailed, OSError):
                    self._ask("DELETE", self._session)
            self._session = ""
        finally:
            if self._process is not None:
                browsers = processes.children(self._process.pid)
                self._process.stop()
                for pid in browsers:
                    self._kill(pid)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _kill(self, pid: int) -> None:
        """What a driver that was in trouble has left."""
        with contextlib.suppress(OSError):
            arguments = pathlib.Path("/proc/%d/cmdline" % pid).read_text()
            if str(self._folder) in arguments:
                os.kill(pid, signal.SIGKILL)

    def open(self, url: str) -> None:
        """Returns when it is loaded, with its styles and images."""
        self._do("/url", url=url)

    def resize(self, width: int, height: int, is_phone: bool = False) -> None:
        """Of what is shown of a page, in pixels of CSS."""
        parameters = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": is_phone,
        }
        command = "Emulation.setDeviceMetricsOverride"
        self._do("/goog/cdp/execute", cmd=command, params=parameters)

    def run(self, script: str) -> typing.Any:
        """What the body of a function in JavaScript returns."""
        return self._do("/execute/sync", script=script, args=[])

    def texts(self, selector: str) -> list[str]:
        """The text that is shown of each element."""
        return [self._of(each, "/text") for each in self._elements(selector)]

    def click(self, selector: str) -> None:
        """The first element."""
        self._of_first(selector, "/click")

    def follow(self, selector: str) -> None:
        """Click on the first element, and wait for what it leads to."""
        self.run("document.documentElement.id = 'left'")
        self.click(selector)
        limit = time.monotonic() + TIMEOUT_SECONDS
        script = (
            "return document.documentElement.id !== 'left'"
            " && document.readyState === 'complete'"
        )
        while not self.run(script):
            if time.monotonic() > limit:
                raise BrowserFailed("%s leads nowhere" % selector)
            time.sleep(0.02)

    def type(self, selector: str, text: str) -> None:
        """Into the first element, in the place of what is there."""
        self._of_first(selector, "/clear")
        self._of_first(selector, "/value", text=text)

    def location(self) -> str:
        return self._ask("GET", self._session + "/url")

    def messages(self) -> list[str]:
        """What has come to the console since the last call."""
        return [each["message"] for each in self._do("/se/log", type="browser")]

    def screenshot(self) -> bytes:
        """What is shown of the page, a PNG."""
        return base64.b64decode(self._ask("GET", self._session + "/screenshot"))

    def _elements(self, selector: str) -> list[str]:
        found = self._do("/elements", using="css selector", value=selector)
        return [each[ELEMENT] for each in found]

    def _of_first(self, selector: str, command: str, **values: str) -> None:
        found = self._elements(selector)
        if not found:
            raise BrowserFailed("no %s on the page" % selector)
        self._do("/element/%s%s" % (found[0], command), **values)

    def _of(self, element: str, command: str) -> str:
        return self._ask("GET", "%s/element/%s%s" % (self._session, element, command))

    def _do(self, command: str, **values: typing.Any) -> typing.Any:
        return self._ask("POST", self._session + command, **values)

    def _ask(self, method: str, path: str, **values: typing.Any) -> typing.Any:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=json.dumps(values).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json; charset=utf-8"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as answer:
            with answer:
                said = json.load(answer)["value"]
            raise BrowserFailed("%s: %s" % (said["error"], said["message"])) from None
