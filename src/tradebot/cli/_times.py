"""Points in time as a person types them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

import click

_AWAY = re.compile(r"([-+])([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
EXPECTED = "2025-12-17T07:12Z, 2025-12-17, 07:12, today, yesterday, tomorrow, -2h, -3d or +2h (UTC)"


def parse_time(text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """An aware UTC time from RFC 3339, a date, a time of today, a word, `-2h` before `now` or
    `+2h` after it. What names no zone is meant in `zone`.

    Raises ValueError and OverflowError.
    """
    if away := _AWAY.fullmatch(text):
        distance = timedelta(**{_UNITS[away[3]]: int(away[2])})
        return now.astimezone(UTC) + (distance if away[1] == "+" else -distance)
    today = now.astimezone(zone).date()
    if text in _DAYS:
        moment = datetime.combine(today + timedelta(days=_DAYS[text]), time(0))
    elif _CLOCK.fullmatch(text):
        moment = datetime.combine(today, time.fromisoformat(text))
    else:
        moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)


def moment(text: str) -> datetime:
    """`parse_time` at the time of the call, as the type of a click option."""
    try:
        return parse_time(text, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time that is understood; write {EXPECTED}"
        ) from None
