"""The trading windows of TRADING_HOURS_MODE=fixed, as stretches of UTC time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tradebot.scheduling.calendars import HolidayCalendar, closures, holiday_calendar
from tradebot.scheduling.local_time import day_of, to_utc

Interval = tuple[datetime, datetime]
"""Aware UTC times: open from the first, closed from the second on."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Week:
    """The plan: on these days a window opens at `start` and closes at `end`, in `zone`.

    `end` before `start` means the next day; the same, 24 hours later. A window belongs to the day
    on which it opens; holidays cut it by the market's own calendar days.
    """

    days: frozenset[int]
    """0 is Monday."""
    start: time
    end: time
    zone: ZoneInfo
    calendar: HolidayCalendar | None = None

    def planned(self, day: date) -> Interval | None:
        """The window that opens on `day`, holidays not yet considered."""
        if day.weekday() not in self.days:
            return None
        last = day if self.end > self.start else day + _DAY
        begin = to_utc(datetime.combine(day, self.start), self.zone)
        end = to_utc(datetime.combine(last, self.end), self.zone)
        return (begin, end) if begin < end else None

    def open(self, since: datetime, until: datetime) -> Iterator[Interval]:
        """What is left of the windows that overlap [since, until), ascending, not cut to it."""
        # A window may have begun on the day before, and a clock may be a day off around a skip.
        day = day_of(since, self.zone) - 2 * _DAY
        while day <= day_of(until, self.zone):
            window = self.planned(day)
            day += _DAY
            if window is not None:
                yield from (
                    part for part in self._without_holidays(window) if _overlap(part, since, until)
                )

    def _without_holidays(self, window: Interval) -> Iterator[Interval]:
        begin, end = window
        if self.calendar is not None:
            for closed_from, closed_to, _ in closures(self.calendar, begin, end):
                if closed_from >= end:
                    break
                if begin < closed_from:
                    yield begin, closed_from
                begin = max(begin, closed_to)
        if begin < end:
            yield begin, end

    def closed_from(self, moment: datetime) -> time | None:
        """On a holiday or the closed part of a half day: the market's time it closed at."""
        if self.calendar is None:
            return None
        found = closures(self.calendar, moment, moment)
        return next((closing for begin, end, closing in found if begin <= moment < end), None)

    def around(self, now: datetime) -> Interval | None:
        """The planned window that contains `now`, holidays not considered."""
        today = day_of(now, self.zone)
        for back in range(3):
            window = self.planned(today - back * _DAY)
            if window is not None and window[0] <= now < window[1]:
                return window
        return None


def _overlap(interval: Interval, since: datetime, until: datetime) -> bool:
    return interval[0] < until and interval[1] > since


def make_week(
    days: frozenset[int], start: time, end: time, timezone: str, holidays: str | None
) -> Week:
    """A week from settings."""
    calendar = None if holidays is None else holiday_calendar(holidays, timezone)
    return Week(days, start, end, ZoneInfo(timezone), calendar)
