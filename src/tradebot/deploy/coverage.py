"""The hours of the week in which a trading window can ever be open, for a narrowed schedule.

A superset, valid for the whole year: in a zone with summer time the window has two places in UTC,
and the schedule covers both. What is too much, the bot itself skips, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from tradebot.scheduling.hours import HoursConfig, open_intervals

Hours = Mapping[int, frozenset[int]]
"""Day of the week (0 is Monday) to hours of that day; days without any are left out."""
_YEAR = timedelta(days=371)
_HOUR = timedelta(hours=1)


def covering_hours(config: HoursConfig, now: datetime, zone: tzinfo = UTC) -> Hours | None:
    """The hours, as a clock in `zone` reads them, in which the window is open on some day of the
    coming year. None when the mode has no window: then nothing may be left out.

    Holidays do not count: they move from year to year, and leaving one in costs nothing.
    """
    if config.mode != "fixed":
        return None
    found: defaultdict[int, set[int]] = defaultdict(set)
    for begin, end in open_intervals(now, now + _YEAR, replace(config, holidays=None)):
        moment = begin.replace(minute=0, second=0, microsecond=0)
        while moment < end:
            # Both ends of the hour: a zone may be off by a part of one.
            for edge in (max(moment, begin), min(moment + _HOUR, end) - timedelta(microseconds=1)):
                local = edge.astimezone(zone)
                found[local.weekday()].add(local.hour)
            moment += _HOUR
    return {day: frozenset(found[day]) for day in sorted(found)}


def whole_week() -> Hours:
    return {day: frozenset(range(24)) for day in range(7)}
