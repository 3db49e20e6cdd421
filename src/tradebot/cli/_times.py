"""Points in time as options of click commands."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from tradebot.logtools.reading.times import EXPECTED, parse_time


def moment(text: str) -> datetime:
    """`parse_time` at the time of the call, as the type of a click option."""
    try:
        return parse_time(text, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time that is understood; write {EXPECTED} (UTC)"
        ) from None
