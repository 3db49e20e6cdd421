"""Holidays and half days of a market or a country, by way of the `holidays` library.

Imported only when TRADING_HOLIDAYS is set: the library costs a tenth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tradebot.scheduling.local_time import day_of, to_utc

# Where a market's own day begins and in which zone the library gives its early closes (Euronext's
# are all in Central European Time). Any other calendar is taken to follow TIMEZONE.
_ZONES = {
    "XNYS": "America/New_York",
    "XNAS": "America/New_York",
    "XCME": "America/Chicago",
    "XSIF": "America/New_York",
    "XTSE": "America/Toronto",
    "XMEX": "America/Mexico_City",
    "BVMF": "America/Sao_Paulo",
    "XBUE": "America/Argentina/Buenos_Aires",
    "XBOG": "America/Bogota",
    "ENX": "Europe/Paris",
    "XETR": "Europe/Berlin",
    "XFRA": "Europe/Berlin",
    "XLON": "Europe/London",
    "XMAD": "Europe/Madrid",
    "XSWX": "Europe/Zurich",
    "XWAR": "Europe/Warsaw",
    "XIST": "Europe/Istanbul",
    "XJSE": "Africa/Johannesburg",
    "XASX": "Australia/Sydney",
    "XNZE": "Pacific/Auckland",
    "XHKG": "Asia/Hong_Kong",
    "XJPX": "Asia/Tokyo",
    "XKRX": "Asia/Seoul",
    "XSES": "Asia/Singapore",
    "XSHG": "Asia/Shanghai",
    "XSHE": "Asia/Shanghai",
    "XTAI": "Asia/Taipei",
    "XBOM": "Asia/Kolkata",
    "XNSE": "Asia/Kolkata",
}
_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d\d))?\s*(?:(a|p)\.?m\b)?", re.IGNORECASE)
# A half day whose hour the library does not know ends at noon: rather too early than too late.
_NOON = time(12)

# What the library lacks. Deutsche Börse shortens the last trading day of each year, which is the
# last weekday before 31 December, to 14:00 (Eurex circulars 092/20 and 107/21 on 30 December 2020
# and 2021: "shortened trading hours" on Xetra, reference time 14:00 CET). It is announced anew each
# November; assumed for later years as well: rather too early than too late.
_LAST_DAY_OF_YEAR = {"XETR": time(14), "XFRA": time(14)}


class HolidayCalendar(Protocol):
    """When a market is closed although the week's plan says open."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone that the market's days are counted in."""

    def closes(self, day: date) -> time | None:
        """The local time from which that day is closed (00:00 on a holiday); None: a full day."""

    def name(self, day: date) -> str | None:
        """What a day that is closed, or closes early, is called."""


class LibraryCalendar:
    """A calendar of the `holidays` library. `code` is a market (XNYS) or a country (DK)."""

    def __init__(self, code: str, default_zone: str) -> None:
        import holidays

        self._half_days: Any = {}
        if code in holidays.list_supported_financial():
            self._holidays: Any = holidays.financial_holidays(code)
            if "half_day" in self._holidays.supported_categories:
                self._half_days = holidays.financial_holidays(code, categories=("half_day",))
        else:
            self._holidays = holidays.country_holidays(code)
        market = getattr(self._holidays, "market", "")
        self.zone = ZoneInfo(_ZONES.get(market, default_zone))
        self._last_close = _LAST_DAY_OF_YEAR.get(market)

    def closes(self, day: date) -> time | None:
        if day in self._holidays:
            return time(0)
        if day in self._half_days:
            return early_close(self._half_days[day])
        return self._last_close if day == _last_trading_day(day.year) else None

    def name(self, day: date) -> str | None:
        for names in (self._holidays, self._half_days):
            if day in names:
                return str(names[day])
        return None if self.closes(day) is None else "last trading day of the year"


def _last_trading_day(year: int) -> date:
    """The last weekday before 31 December, which is no trading day in Frankfurt."""
    day = date(year, 12, 30)
    return day - timedelta(days=max(0, day.weekday() - 4))


def early_close(name: str) -> time:
    """The hour in a half day's name, such as "Christmas Eve (markets close at 1:00pm)"."""
    match = _CLOCK.search(name.partition("(")[2])
    if match is None:
        return _NOON
    hour, half = int(match[1]), (match[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, int(match[2] or 0))


@cache
def holiday_calendar(code: str, default_zone: str) -> HolidayCalendar:
    """The calendar for TRADING_HOLIDAYS. Raises NotImplementedError for an unknown code."""
    return LibraryCalendar(code, default_zone)


def closures(
    calendar: HolidayCalendar, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime, time]]:
    """The stretches in which the calendar is closed, ascending, as (from, to, local closing time).

    They are those of every market day touched by [since, until), not cut to it.
    """
    day = day_of(since, calendar.zone)
    last = day_of(until, calendar.zone)
    while day <= last:
        closing = calendar.closes(day)
        following = day + timedelta(days=1)
        if closing is not None:
            begin = to_utc(datetime.combine(day, closing), calendar.zone)
            yield begin, to_utc(datetime.combine(following, time(0)), calendar.zone), closing
        day = following
