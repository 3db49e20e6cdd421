"""The moments of a day at which a cadence starts its slots, in the forms schedulers write them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

DAY = 86400
HOUR = 3600


class Moments(NamedTuple):
    """All combinations of these hours, minutes and seconds; each ascending."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]


def starts_of_day(cadence: float, offset: float = 0) -> tuple[int, ...]:
    """Seconds after midnight UTC at which a slot begins: 0 to 86399, ascending.

    A cadence divides an hour or a day, so every day is alike. What no scheduler can express, a
    part of a second, is rounded up: a run must not start before its slot.
    """
    count = round(DAY / cadence)
    return tuple(sorted({-int(-(offset + n * cadence) // 1) % DAY for n in range(count)}))


def moments(starts: Iterable[int]) -> list[Moments]:
    """The same moments, folded: as few groups as their hours, minutes and seconds allow."""
    minutes_at: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for start in starts:
        hour, rest = divmod(start, HOUR)
        minute, second = divmod(rest, 60)
        minutes_at[hour, second].append(minute)
    seconds_at: defaultdict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)
    for (hour, second), minutes in minutes_at.items():
        seconds_at[hour, tuple(minutes)].append(second)
    hours_at: defaultdict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = defaultdict(list)
    for (hour, minutes_of), seconds in seconds_at.items():
        hours_at[minutes_of, tuple(sorted(seconds))].append(hour)
    return [Moments(tuple(hours), *key) for key, hours in hours_at.items()]


def step_of(values: Sequence[int], length: int) -> int | None:
    """The step with which `values` fill the whole range 0..length-1 from the first one on, as in
    `3/5`: 3, 8, 13 … None when they do not."""
    if len(values) == 1:
        return None
    step = values[1] - values[0]
    full = values[0] < step and list(values) == list(range(values[0], length, step))
    return step if full else None
