"""The one place that time comes from. Tests and the simulator pass another clock.

Wall time says when something happened; monotonic time says how long it took. A deadline needs
both: the wall clock may be stepped, the monotonic one may stop while a machine sleeps.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a run may ask about time."""

    def now(self) -> datetime:
        """The wall clock, as an aware UTC datetime."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never steps back."""

    def sleep(self, seconds: float) -> bool:
        """Wait. False when a stop was asked for and the wait was cut short (or not begun)."""

    def request_stop(self) -> None:
        """End the current and every later sleep at once. Safe to call from a signal handler."""

    @property
    def stopping(self) -> bool:
        """Was a stop asked for?"""


class SystemClock:
    """The machine's own clock.

    The stop flag is polled rather than waited for: an Event that a signal handler sets while the
    main thread holds its lock in `wait()` can deadlock.
    """

    _POLL_SECONDS = 0.05

    def __init__(self) -> None:
        self._stopping = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not self._stopping:
            left = end - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(left, self._POLL_SECONDS))
        return False

    def request_stop(self) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping


class ManualClock:
    """A clock that moves only when told to, or by sleeping. For tests; safe with threads."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._monotonic = 0.0
        self._stopping = False
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Step the wall clock alone, as NTP or a person does."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> bool:
        if self._stopping:
            return False
        self.advance(max(0.0, seconds))
        return True

    def request_stop(self) -> None:
        self._stopping = True

    @property
    def stopping(self) -> bool:
        return self._stopping
