"""What woke this process up, as systemd tells it: which timer, and how long ago it went off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 86400.0
"""Seconds. A larger or negative difference is no wake-up of ours, or a clock that was set."""


def wakeup_fields(environ: Mapping[str, str], started_at: datetime) -> dict[str, Any]:
    """`trigger_unit` and `trigger_delay_seconds` for the log; empty when no timer told us.

    Source: systemd.exec(5), TRIGGER_UNIT and TRIGGER_TIMER_REALTIME_USEC (since version 252).
    """
    unit = environ.get("TRIGGER_UNIT")
    at = environ.get("TRIGGER_TIMER_REALTIME_USEC", "")
    if not unit or not (at.isascii() and at.isdecimal() and len(at) <= 16):
        return {}
    delay = (started_at - _EPOCH - timedelta(microseconds=int(at))).total_seconds()
    if not 0 <= delay <= _LONGEST:
        return {"trigger_unit": unit}
    return {"trigger_unit": unit, "trigger_delay_seconds": round(delay, 3)}
