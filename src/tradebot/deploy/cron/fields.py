"""A cadence as cron's five fields, in the daemon's own time zone.

The hours stay `*` wherever clocks change: a line with hours of its own is one that cron leaves out
or repeats in those nights. A wake-up too many costs nothing, since the bot counts slots in UTC: it
finds the slot taken and says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo

from tradebot.deploy.coverage import covering_hours
from tradebot.deploy.grid import HOUR, moments, starts_of_day, step_of
from tradebot.deploy.model import Schedule
from tradebot.errors import UsageError

MINUTE = 60
_DAYS = 371
"""Looked ahead: a year and a week."""


def offsets(zone: tzinfo, now: datetime) -> frozenset[timedelta]:
    """Every offset from UTC that clocks in `zone` have in the coming year."""
    seen = (
        (now + timedelta(days=day)).astimezone(zone).utcoffset() or timedelta()
        for day in range(_DAYS)
    )
    return frozenset(seen)


def time_fields(cadence: float, offset: float, zone: tzinfo, now: datetime) -> tuple[str, str]:
    """The minutes and the hours at which every slot of the cadence begins.

    Raises UsageError for a cadence that is no whole number of minutes.
    """
    if cadence % MINUTE:
        raise UsageError(
            f"SCHEDULE_CADENCE: cron starts runs at whole minutes, and {cadence:g} s is no whole "
            "number of them; take 1m or a multiple of it, or use systemd, which can do seconds: "
            "tradebot schedule install systemd"
        )
    shifts = offsets(zone, now)
    starts = {
        (start + round(shift.total_seconds())) % (24 * HOUR)
        for start in starts_of_day(cadence, offset)
        for shift in shifts
    }
    groups = moments(sorted(starts))
    minutes = sorted({minute for group in groups for minute in group.minutes})
    hours = sorted({hour for group in groups for hour in group.hours})
    free = len(shifts) > 1 or len(hours) == 24
    return listed(minutes, 60), "*" if free else listed(hours, 24)


def seconds_after(cadence: float, offset: float) -> int:
    """How long after the full minute a slot begins.

    The command sleeps for so long: a run that came before its slot would belong to the one before,
    which is taken, and its own slot would never have a run.
    """
    return starts_of_day(cadence, offset)[0] % MINUTE


def day_field(schedule: Schedule, zone: tzinfo, now: datetime) -> str:
    """The days of the week, as the daemon counts them, on which the window may be open; `*` when
    the schedule is not narrow or has no window."""
    covered = covering_hours(schedule.hours, now, zone) if schedule.narrow else None
    if not covered:
        return "*"
    # Slots begin before noon of their hour as well as after: the hours decide about the day only.
    days = sorted((day + 1) % 7 for day in covered)
    return "*" if len(days) == 7 else listed(days, 0)


def listed(values: Sequence[int], length: int) -> str:
    """Ascending numbers, as short as cron can write them: `*`, `*/5`, `3-59/5`, `1-5`, `0,30`.

    `length` is the size of the whole range, 0 where there are no steps.
    """
    if length and list(values) == list(range(length)):
        return "*"
    step = step_of(values, length) if length else None
    if step is not None and len(values) > 2:
        return f"*/{step}" if values[0] == 0 else f"{values[0]}-{length - 1}/{step}"
    return ",".join(_runs(values))


def _runs(values: Collection[int]) -> list[str]:
    """Consecutive numbers joined: 1,2,3,5 is 1-3,5."""
    runs: list[list[int]] = []
    for value in values:
        if runs and runs[-1][-1] + 1 == value:
            runs[-1].append(value)
        else:
            runs.append([value])
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
