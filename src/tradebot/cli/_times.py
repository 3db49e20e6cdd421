"""Points in time as a person types them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import click

_AGO = re.compile(r"-([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCK = re.compile(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?")
EXPECTED = "2025-12-17T07:12Z, 2025-12-17, 07:12, today, yesterday, -2h or -3d (UTC)"


def parse_time(text: str, now: datetime) -> datetime:
    """An aware UTC time from RFC 3339, a date, a time of today, a word, or `-2h` before `now`.

    Raises ValueError.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return midnight
    if text == "yesterday":
        return midnight - timedelta(days=1)
    if ago := _AGO.fullmatch(text):
        return now.astimezone(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if _CLOCK.fullmatch(text):
        return datetime.combine(midnight, time.fromisoformat(text), tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment(text: str) -> datetime:
    """`parse_time` at the time of the call, as the type of a click option."""
    try:
        return parse_time(text, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time that is understood; write {EXPECTED}"
        ) from None
