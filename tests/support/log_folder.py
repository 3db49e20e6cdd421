"""Processes that log into one folder, and what is found there afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradebot.observability.line import LogLine, parse
from tradebot.observability.rotation import LOCK_NAME

_WRITER = Path(__file__).with_name("log_writer.py")
_LONGEST_WAIT_SECONDS = 60.0


def until(happens: Callable[[], bool]) -> None:
    """Wait for it; fails after a minute."""
    end = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not happens():
        assert time.monotonic() < end, "it did not happen within a minute"
        time.sleep(0.005)


class Writers:
    """Processes of `log_writer`, which log into `folder` until `stop`.

    Used in a `with`, none of them is left behind, however the test ends.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = dict(os.environ if environment is None else environment)
        self._stop = folder.parent / "stop"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *, session: Mapping[str, Any] | None = None, **options: Any) -> None:
        given = {
            "folder": str(self.folder),
            "name": name,
            "stop": str(self._stop),
            "session": dict(session or {}),
            **options,
        }
        self.running[name] = subprocess.Popen(
            [sys.executable, str(_WRITER), json.dumps(given)], env=self._environment
        )

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.running):
            self.kill(name)

    def kill(self, name: str) -> None:
        """SIGKILL, wherever it is."""
        process = self.running.pop(name)
        process.kill()
        process.wait(60)

    def stop(self) -> None:
        """Let all of them end by themselves; each must end well."""
        self._stop.touch()
        self.stop_when_done()
        self._stop.unlink()

    def stop_when_done(self) -> None:
        """Wait until each has written all that it was to write; each must end well."""
        codes = {name: process.wait(60) for name, process in self.running.items()}
        self.running.clear()
        assert set(codes.values()) <= {0}, codes

    def told(self, name: str) -> dict[str, bool]:
        """What each call of a process answered, by the line's text."""
        path = self.folder.parent / f"{name}.told"
        if not path.exists():
            return {}
        whole = path.read_text(encoding="ascii").splitlines(keepends=True)
        rows = [line.split() for line in whole if line.endswith("\n")]
        return {f"{name} {number}": answer == "1" for number, answer in rows}

    def wait_for_more(self, lines: int) -> None:
        """Until every running process has come so many calls further."""
        before = {name: len(self.told(name)) for name in self.running}
        until(lambda: all(len(self.told(name)) >= before[name] + lines for name in self.running))


def names(folder: Path) -> list[str]:
    """The log files of a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != LOCK_NAME)


def lines_of(path: Path) -> list[LogLine]:
    """Every line of a file; fails when one does not parse or the last is not ended."""
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n") or not text, f"{path.name} ends in {text[-80:]!r}"
    return [parse(line) for line in text.split("\n")[:-1]]


def found(folder: Path) -> dict[str, list[LogLine]]:
    """The lines of each file. A file may be moved away while we look: then we look again.

    So may the end of a line be on its way: a reader can see a write by pages.
    """
    for left in range(99, -1, -1):
        with contextlib.suppress(FileNotFoundError):
            try:
                return {name: lines_of(folder / name) for name in names(folder)}
            except AssertionError:
                if not left:
                    raise
                time.sleep(0.01)
    raise AssertionError("files move faster than they can be read")


def texts(folder: Path) -> Counter[str]:
    """How often each text stands in the folder's files."""
    return Counter(
        line.fields["msg"] for lines in found(folder).values() for line in lines
        if "msg" in line.fields
    )  # fmt: skip
