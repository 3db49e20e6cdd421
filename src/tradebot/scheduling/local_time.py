"""From a wall clock's reading to an instant, on the two odd days of the year as well."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def to_utc(reading: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which clocks in `zone` show `reading` (naive) or a later reading.

    A reading that comes twice, when summer time ends, is the first of the two; one that is skipped,
    when it begins, is the instant of the skip: a window from 02:30 opens when the clock goes from
    02:00 to 03:00, since from then on it shows more than 02:30.
    """
    first = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == reading:
        return first
    return _instant_of_skip(reading, zone)


def _instant_of_skip(reading: datetime, zone: ZoneInfo) -> datetime:
    """Find the jump of the clock over `reading`, to the second."""
    before = reading.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = reading.replace(tzinfo=zone, fold=0).astimezone(UTC)
    low, high = 0, int((after - before) / _SECOND)
    while low < high:
        middle = (low + high) // 2
        shown = (before + middle * _SECOND).astimezone(zone).replace(tzinfo=None)
        low, high = (low, middle) if shown >= reading else (middle + 1, high)
    return before + low * _SECOND


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The date in `zone` at this instant."""
    return moment.astimezone(zone).date()
