"""A process whose wall clock or whose disk obeys a test: small libraries that are preloaded."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pytest

_SOURCES = Path(__file__).resolve().parents[1] / "native"
_COMPILERS = ("cc", "gcc", "clang")


@functools.cache
def library(name: str) -> Path:
    """tests/native/`name`.c, compiled. Skips the test where that cannot be."""
    if sys.platform != "linux":
        pytest.skip("a library is preloaded like this on Linux alone")
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        pytest.skip("no C compiler here (cc, gcc or clang)")
    folder = Path(tempfile.mkdtemp(prefix="tradebot-native-", dir=_temporary_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / f"{name}.so"
    source = _SOURCES / f"{name}.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-lm"],
        check=True,
        timeout=60,
    )
    return library


def _temporary_folder() -> str:
    """One whose path LD_PRELOAD can name: it separates libraries by spaces and colons.

    Skips the test where there is none.
    """
    for folder in (tempfile.gettempdir(), "/tmp"):
        if not re.search(r"[\s:]", folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    pytest.skip("LD_PRELOAD takes no path with a space or colon, as TMPDIR is, and /tmp is closed")


class WallClock:
    """The wall clock of processes that are started with `environment`; their others are real."""

    def __init__(self, folder: Path) -> None:
        self.library = library("wall_clock")
        self.path = folder / "wall-clock"
        self.path.write_bytes(struct.pack("d", 0.0))
        self.offset = 0.0

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "TEST_WALL_CLOCK": str(self.path)}

    def now(self) -> float:
        """Epoch seconds as those processes see them."""
        return time.time() + self.offset

    def move(self, seconds: float) -> None:
        """Step by so many seconds, now and for every process."""
        self._set(self.offset + seconds)

    def set_to(self, when: str) -> None:
        """Make it this moment, given in ISO 8601."""
        self._set(datetime.fromisoformat(when).timestamp() - time.time())

    def _set(self, offset: float) -> None:
        self.offset = offset
        with self.path.open("r+b") as file:  # never truncated: others have it mapped
            file.write(struct.pack("d", offset))


class LogDisk:
    """The disk under bot.log, for processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        self._library = library("log_disk")
        self._path = folder / "log-disk"
        self._path.write_bytes(bytes(16))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "TEST_LOG_DISK": str(self._path)}

    def obey(self, *, milliseconds: int = 0, error: int = 0, halves: int = 0) -> None:
        """From now on each write takes so long, fails so, or so many times takes half of a line.

        A negative number of `halves`: all of it but the last byte.
        """
        with self._path.open("r+b") as file:
            file.write(struct.pack("iii", milliseconds, error, halves))

    @property
    def begun(self) -> int:
        """Writes that were begun so far."""
        (count,) = struct.unpack("i", self._path.read_bytes()[12:16])
        return int(count)


def preloaded(*parts: WallClock | LogDisk) -> dict[str, str]:
    """An environment with all of these at work."""
    merged = dict(os.environ)
    libraries = []
    for part in parts:
        merged.update(part.environment)
        libraries.append(part.environment["LD_PRELOAD"])
    merged["LD_PRELOAD"] = " ".join(libraries)
    return merged
