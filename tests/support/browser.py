"""A real browser without a window, spoken to over its own pipe: no port, no driver, no package.

Everything it is asked for, and everything it complains of, is written down.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

_LAUNCHER = """
import fcntl, os, sys
high = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 20) for number in sys.argv[1:3]]
os.dup2(high[0], 3)
os.dup2(high[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""It expects its commands at 3 and writes its answers to 4."""

_ANSWER_SECONDS = 60.0
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-default-apps", "--disable-extensions", "--mute-audio",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Trouble(Exception):
    """The browser refused a command, or gave no answer in time."""


class Page:
    """One tab. `requests` are the addresses it asked for, `complaints` what its console says."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        browser.pages[session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol and its answer."""
        return self._browser.send(method, parameters, self._session)

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        self._browser.happened.discard((self._session, "Page.loadEventFired"))
        self.send("Page.navigate", url=path.absolute().as_uri())
        self._browser.wait_for((self._session, "Page.loadEventFired"))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise Trouble(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def look_like(
        self, width: int, height: int, *, dark: bool = False, phone: bool = False
    ) -> None:
        """A screen of so many CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def without_scripts(self) -> None:
        """From the next load on."""
        self.send("Emulation.setScriptExecutionDisabled", value=True)

    def type_into(self, selector: str, text: str) -> None:
        """As a person at a keyboard would."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.send("Input.insertText", text=text)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of what is to be seen, or of the whole page."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        answer = self.send("Page.printToPDF", printBackground=True)
        return base64.b64decode(answer["data"])

    def take(self, event: str, parameters: dict[str, Any]) -> None:
        """Write down what the browser says of its own accord."""
        if event == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(str(parameters["args"]))
        elif event == "Log.entryAdded":
            self.complaints.append(str(parameters["entry"]))


class Browser:
    """The process. Use `browser()`."""

    def __init__(self, process: subprocess.Popen[bytes], to_it: int, from_it: int) -> None:
        self._process = process
        self._to_it, self._from_it = to_it, from_it
        self._numbers = itertools.count(1)
        self._rest = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self.pages: dict[str, Page] = {}
        self.happened: set[tuple[str, str]] = set()

    def new_page(self) -> Page:
        """An empty tab."""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        return Page(self, attached["sessionId"])

    def send(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        """One command and its answer."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to_it, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _ANSWER_SECONDS
        while number not in self._answers:
            self._listen(end, method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise Trouble(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: tuple[str, str]) -> None:
        """Until a page has said so."""
        end = time.monotonic() + _ANSWER_SECONDS
        while event not in self.happened:
            self._listen(end, event[1])

    def _listen(self, end: float, what: str) -> None:
        ready, _, _ = select.select([self._from_it], [], [], max(0.0, end - time.monotonic()))
        data = os.read(self._from_it, 1 << 20) if ready else b""
        if not data:
            raise Trouble(f"no answer to {what}; the browser ended: {self._process.poll()}")
        *messages, self._rest = (self._rest + data).split(b"\0")
        for raw in messages:
            message = json.loads(raw)
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                session = message.get("sessionId", "")
                self.happened.add((session, message["method"]))
                if session in self.pages:
                    self.pages[session].take(message["method"], message["params"])


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in an empty folder; it ends with the block."""
    assert PROGRAM is not None, "there is no browser"
    its_in, to_it = os.pipe()
    from_it, its_out = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _LAUNCHER, str(its_in), str(its_out), PROGRAM,
         *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(its_in, its_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(its_in)
    os.close(its_out)
    running = Browser(process, to_it, from_it)
    try:
        yield running
    finally:
        with contextlib.suppress(Trouble, OSError):
            running.send("Browser.close", {})
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait(20)
        os.close(to_it)
        os.close(from_it)
