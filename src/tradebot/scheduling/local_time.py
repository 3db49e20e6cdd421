"""From a wall clock's reading to an instant, on the two odd days of the year as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clocks of a zone jump at the instant `at` (UTC)."""

    at: datetime
    before: datetime
    """What they would have shown (naive)."""
    after: datetime
    """What they show instead: later in spring, earlier in autumn."""

    @property
    def jump(self) -> timedelta:
        """How far they jump; negative when an hour comes twice."""
        return self.after - self.before


def clock_changes(zone: tzinfo, since: datetime, until: datetime) -> Iterator[ClockChange]:
    """The jumps of the clocks in `zone` after `since` and up to `until` (aware), ascending."""
    low = since.astimezone(UTC)
    end = until.astimezone(UTC)
    while low < end:
        high = min(low + _HALF_DAY, end)
        if _offset(low, zone) != _offset(high, zone):
            at = _first_with_another_offset(low, high, zone)
            shown = at.replace(tzinfo=None)
            yield ClockChange(at, shown + _offset(low, zone), shown + _offset(at, zone))
        low = high


def _first_with_another_offset(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first whole second with another offset than `low` has; `high` has one."""
    low, old = low.replace(microsecond=0), _offset(low, zone)
    before, after = 0, -(-(high - low) // _SECOND)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(low + middle * _SECOND, zone) == old:
            before = middle
        else:
            after = middle
    return low + after * _SECOND


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


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
