"""The slots of a schedule as triggers: each a first start, repeated every so many minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tradebot.deploy.coverage import covering_hours
from tradebot.deploy.grid import DAY, HOUR, starts_of_day
from tradebot.deploy.model import Schedule
from tradebot.errors import UsageError

MINUTE = 60
MAX_TRIGGERS = 48
"""Documented: a task has at most so many."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Launch:
    """One trigger. Times are seconds after midnight UTC, lengths are seconds."""

    first: int
    interval: int | None
    """None: it starts the program once."""
    duration: int | None = None
    """None: for ever."""
    days: frozenset[int] | None = None
    """Days of the week (0 is Monday); None: not bound to days."""


def launches(schedule: Schedule, now: datetime) -> tuple[Launch, ...]:
    """The triggers that start a run in every slot, or (narrow) in every slot in which the window
    can be open. Raises UsageError for a cadence that Windows cannot keep."""
    starts = frozenset(starts_of_day(schedule.cadence, schedule.offset))
    if schedule.cadence < MINUTE:
        raise UsageError(
            f"SCHEDULE_CADENCE is {schedule.cadence:g} s, and the Windows Task Scheduler starts a "
            "task once a minute at most: set SCHEDULE_CADENCE=1m or more"
        )
    period = _period(starts)
    hours = covering_hours(schedule.hours, now) if schedule.narrow else None
    if hours is None:
        found = tuple(Launch(first, period) for first in sorted(starts) if first < period)
    else:
        found = tuple(_within(starts, period, hours))
    if len(found) > MAX_TRIGGERS:
        raise UsageError(
            f"a cadence of {schedule.cadence:g} s would take {len(found)} triggers, and a Windows "
            f"task has {MAX_TRIGGERS} at most: set SCHEDULE_CADENCE to whole minutes"
        )
    return found


def _period(starts: frozenset[int]) -> int:
    """The shortest whole number of minutes after which the starts of a day repeat: the interval
    that is certain to be kept, since Windows shows and takes minutes."""
    for minutes in range(1, DAY // MINUTE + 1):
        period = minutes * MINUTE
        if DAY % period == 0 and all((start + period) % DAY in starts for start in starts):
            return period
    raise AssertionError("a day repeats after a day")


def _within(
    starts: Iterable[int], period: int, hours: Mapping[int, frozenset[int]]
) -> Iterator[Launch]:
    days_of: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for day, wanted in hours.items():
        for run in _runs(sorted(s for s in starts if s // HOUR in wanted), period):
            days_of[run].add(day)
    for (first, count), days in sorted(days_of.items()):
        # One start more than needed, at its end: the repetition includes it, and the slot is taken
        # or the window closed. Never a whole day, or two triggers would fire at the same moment.
        length = min(count * period, DAY - period) if count > 1 else None
        yield Launch(first, period if length else None, length, frozenset(_local(days, first)))


def _runs(starts: list[int], period: int) -> Iterator[tuple[int, int]]:
    """First start and number of each row of starts that are one period apart."""
    left = set(starts)
    for start in starts:
        if start in left:
            count = 0
            while start + count * period in left:
                left.remove(start + count * period)
                count += 1
            yield start, count


def _local(days: Iterable[int], first: int) -> Iterator[int]:
    """The days, and their neighbours where it is another day somewhere on earth: it is not
    documented whether Windows reads the day of a UTC trigger in UTC or in the machine's zone."""
    for day in days:
        yield day
        if first >= 10 * HOUR:  # up to UTC+14
            yield (day + 1) % 7
        if first < 12 * HOUR:  # down to UTC-12
            yield (day - 1) % 7
