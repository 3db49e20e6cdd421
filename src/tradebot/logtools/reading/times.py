"""Points in time as a person types them, and as a line of the log has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

AWAY = re.compile(r"([-+])([0-9]+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
EXPECTED = "2025-12-17T07:12Z, 2025-12-17, 07:12, today, yesterday, tomorrow, -2h, -3d or +2h"


def parse_time(text: str, now: datetime, zone: tzinfo | None = UTC) -> datetime:
    """An aware UTC time from RFC 3339, a date, a time of today, a word, `-2h` before `now` or
    `+2h` after it. What names no zone is meant in `zone`; None is the machine's own.

    Raises ValueError and OverflowError.
    """
    if away := AWAY.fullmatch(text):
        distance = timedelta(**{_UNITS[away[3]]: int(away[2])})
        return now.astimezone(UTC) + (distance if away[1] == "+" else -distance)
    today = now.astimezone(zone).date()
    if text in _DAYS:
        moment = datetime.combine(today + timedelta(days=_DAYS[text]), time(0))
    elif _CLOCK.fullmatch(text):
        moment = datetime.combine(today, time.fromisoformat(text))
    else:
        moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        # A naive time's `astimezone` takes it for the machine's own.
        moment = moment if zone is None else moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """The timestamp of a line at this aware time: UTC, milliseconds. Stamps sort as text."""
    # Not `strftime`: it writes the year 999 with three digits, which sorts behind 2025.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shifted(moment: datetime, distance: timedelta) -> datetime:
    """So much later, or earlier; at the ends of the calendar no further than they are."""
    try:
        return moment + distance
    except OverflowError:
        if distance > timedelta():
            return datetime.max.replace(tzinfo=UTC)
        return datetime.min.replace(tzinfo=UTC)


def moment_of(timestamp: str) -> datetime:
    """The aware UTC time of a line's timestamp. Raises ValueError for one that never was."""
    return datetime.fromisoformat(timestamp)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one timestamp to another; 0.0 where one of them is no time."""
    try:
        return (moment_of(later) - moment_of(earlier)).total_seconds()
    except ValueError:
        return 0.0
