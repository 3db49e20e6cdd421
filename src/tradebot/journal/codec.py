"""How values stand in the journal: fixed-width UTC texts that sort, decimals without exponent."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def time_text(moment: datetime) -> str:
    """``2017-03-06T00:00:00.000000Z``. `moment` must be aware."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> datetime:
    """The inverse of `time_text`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def maybe_time(text: str | None) -> datetime | None:
    return None if text is None else time_of(text)


def decimal_text(value: Decimal) -> str:
    return format(value, "f")
