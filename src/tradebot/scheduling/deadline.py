"""The run's own deadline: no new order after it.

Kept on two clocks, and the stricter one counts: the wall clock may be stepped, and the monotonic
one stands still while the machine sleeps.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tradebot.clock import Clock

DEFAULT_SECONDS = 240.0
"""Without a slot."""
SHARE_OF_CADENCE = 0.8
"""With one, counted from its beginning, so that a run is over before the next one starts."""
HANG_GRACE_SECONDS = 30.0
"""After the deadline, before a process that no longer reacts is ended from within."""


def longest_run(configured: float | None, cadence: float) -> timedelta:
    """From a run's start until it is over for certain, with a slot or without: its deadline has
    passed, and its watchdog has had its time. `configured` is CYCLE_DEADLINE_SECONDS."""
    own = configured or max(DEFAULT_SECONDS, cadence * SHARE_OF_CADENCE)
    return timedelta(seconds=own + HANG_GRACE_SECONDS)


class Deadline:
    """Runs from its creation. Times are in seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._wall_end = clock.now() + timedelta(seconds=seconds)
        self._monotonic_end = clock.monotonic() + seconds

    @classmethod
    def for_run(
        cls,
        clock: Clock,
        *,
        configured: float | None = None,
        slot: datetime | None = None,
        cadence: float | None = None,
    ) -> Deadline:
        """The deadline of a run that starts now.

        `configured` (CYCLE_DEADLINE_SECONDS) counts from now. Otherwise it is 80 % of the cadence
        from the slot's beginning, or 240 s from now for a run without a slot.
        """
        if configured is not None:
            return cls(clock, configured)
        if slot is None or cadence is None:
            return cls(clock, DEFAULT_SECONDS)
        end = slot + timedelta(seconds=cadence * SHARE_OF_CADENCE)
        return cls(clock, (end - clock.now()).total_seconds())

    def time_left(self) -> float:
        """Seconds until the deadline by the stricter clock; 0 when it has passed."""
        wall = (self._wall_end - self._clock.now()).total_seconds()
        return max(0.0, min(wall, self._monotonic_end - self._clock.monotonic()))

    @property
    def passed(self) -> bool:
        return self.time_left() <= 0

    @property
    def at(self) -> datetime:
        """When it is, by the wall clock as it was set at the start."""
        return self._wall_end
