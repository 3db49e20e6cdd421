"""One clock for several processes, faster than the machine's, and moved on by a test.

It is a small file that each process maps: so the bot in one process and its broker in another see
the same time, and both see at once that a test moved it.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

_LAYOUT = struct.Struct("dddd")
_POLL_SECONDS = 0.05


class FastClock:
    """Time since `create`: `rate` seconds in each second of the machine, plus what it was moved.

    Both clocks, the wall's and the monotonic one, are moved alike: time passed.
    """

    def __init__(self, path: Path) -> None:
        self._stopping = False
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    @classmethod
    def create(cls, path: Path, start: datetime, *, rate: float) -> FastClock:
        """A clock that shows `start` now, in a file at `path`."""
        path.write_bytes(_LAYOUT.pack(start.timestamp(), time.monotonic(), rate, 0.0))
        return cls(path)

    def close(self) -> None:
        self._shared.close()

    def move(self, seconds: float) -> None:
        """So much time passes at once, for every process."""
        start, begun, rate, moved = self._values()
        self._shared[:] = _LAYOUT.pack(start, begun, rate, moved + seconds)

    def now(self) -> datetime:
        start, begun, rate, moved = self._values()
        return datetime.fromtimestamp(start + (time.monotonic() - begun) * rate + moved, UTC)

    def monotonic(self) -> float:
        _, begun, rate, moved = self._values()
        return (time.monotonic() - begun) * rate + moved

    def sleep(self, seconds: float) -> bool:
        end = self.monotonic() + seconds
        rate = self._values()[2]
        while not self._stopping:
            left = (end - self.monotonic()) / rate
            if left <= 0:
                return True
            time.sleep(min(left, _POLL_SECONDS))
        return False

    def request_stop(self) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping

    def _values(self) -> tuple[float, float, float, float]:
        start, begun, rate, moved = _LAYOUT.unpack_from(self._shared)
        return start, begun, rate, moved
