"""How values stand in the journal: fixed-width UTC texts that sort, decimals without exponent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def time_text(moment: datetime) -> str:
    """``2017-03-06T00:00:00.000000Z``. `moment` must be aware."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_TIME_LENGTH = len("2017-03-06T00:00:00.000000Z")


def time_of(text: str) -> datetime:
    """The inverse of `time_text`. Raises ValueError for any other form."""
    if len(text) != _TIME_LENGTH or text[-1] != "Z":
        raise ValueError(f"{text!r} is no time of the journal's")
    return datetime.fromisoformat(text)  # a twentieth of strptime's time: a month has many rows


def maybe_time(text: str | None) -> datetime | None:
    return None if text is None else time_of(text)


def decimal_text(value: Decimal) -> str:
    return format(value, "f")
