"""Trading sessions by the wall clock: /ref/v1/instruments/tradingschedule/{Uic}/{AssetType}.

With `trading_hours="always"` everything is open all the time, in sessions of a day. With
`exchange` US shares trade from 09:30 to 16:00 New York time on weekdays and FX from Sunday 17:04 to
Friday 16:59 New York time (the hours that Saxo's own schedule endpoint was seen to give); exchange
holidays are not modelled. Sessions abut and cover yesterday to the day after tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from tradebot.simulator.web import JsonObject, timestamp

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tradebot.simulator.instruments import Instrument
    from tradebot.simulator.options import SimulatorOptions

SHARE_DAY = (
    (time(7, 0), "PreTrading"),
    (time(9, 30), "AutomatedTrading"),
    (time(16, 0), "PostTrading"),
    (time(17, 0), "Closed"),
)
FX_OPENS, FX_CLOSES = time(17, 4), time(16, 59)
SUNDAY, FRIDAY, SATURDAY = 6, 4, 5


def _new_york() -> ZoneInfo:
    from zoneinfo import ZoneInfo  # only wanted when hours are kept

    return ZoneInfo("America/New_York")


def _changes(instrument: Instrument, day: date) -> Iterator[tuple[time, str]]:
    """When the state changes on a day, in New York time."""
    weekday = day.weekday()
    if not instrument.is_fx:
        yield from SHARE_DAY if weekday < SATURDAY else ()
        return
    if weekday == SUNDAY or weekday < FRIDAY:
        yield FX_OPENS, "AutomatedTrading"
    if weekday == FRIDAY:
        yield FX_CLOSES, "Closed"


def sessions(
    options: SimulatorOptions, instrument: Instrument, now: float
) -> list[tuple[float, float, str]]:
    """(start, end, state) in order, without gaps, from before `now` until after it."""
    today = datetime.fromtimestamp(now, UTC)
    if options.trading_hours == "always":
        midnight = today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        edges = [midnight + 86400 * n for n in range(-1, 3)]
        return [(start, end, "AutomatedTrading") for start, end in pairwise(edges)]
    zone = _new_york()
    first = today.astimezone(zone).date() - timedelta(days=4)
    changes = [
        (datetime.combine(day, at, zone).timestamp(), state)
        for day in (first + timedelta(days=n) for n in range(10))
        for at, state in _changes(instrument, day)
    ]
    spans = [(a[0], b[0], a[1]) for a, b in pairwise(changes)]
    current = next(n for n, span in enumerate(spans) if span[1] > now)
    return spans[current : current + 5]


def is_open(options: SimulatorOptions, instrument: Instrument, now: float) -> bool:
    """Is the instrument in its normal trading session?"""
    if options.trading_hours == "always":
        return True
    return any(
        start <= now < end and state == "AutomatedTrading"
        for start, end, state in sessions(options, instrument, now)
    )


def schedule(options: SimulatorOptions, instrument: Instrument, now: float) -> JsonObject:
    """The answer of the endpoint, also found in details as `TradingSessions`."""
    if options.trading_hours == "always":
        zone = {"TimeZone": 0, "TimeZoneAbbreviation": "UTC", "TimeZoneOffset": "00:00:00"}
    else:
        local = datetime.fromtimestamp(now, _new_york())
        hours = (local.utcoffset() or timedelta()).total_seconds() / 3600
        zone = {
            "TimeZone": 3,
            "TimeZoneAbbreviation": local.tzname() or "",
            "TimeZoneOffset": f"{hours:+03.0f}:00:00",
        }
    return {
        "Sessions": [
            {"EndTime": timestamp(end), "StartTime": timestamp(start), "State": state}
            for start, end, state in sessions(options, instrument, now)
        ],
        **zone,
    }
