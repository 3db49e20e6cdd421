"""Price bars: /chart/v3/charts, and the same under /chart/v1 for older clients.

Shapes as documented in Saxo's reference for chart/v3/charts. Only daily bars are history; longer
horizons are put together from them, and shorter ones are drawn along each day's path from its open
over its extremes to its close, so that a client that asks for hours gets consistent bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from tradebot.simulator.broker import Broker, Call
from tradebot.simulator.instruments import Instrument, find
from tradebot.simulator.market import DayBar
from tradebot.simulator.prices import day as day_of
from tradebot.simulator.web import (
    JsonObject,
    Reply,
    empty,
    error,
    json_reply,
    parse_time,
    timestamp,
)

DAY, WEEK, MONTH, QUARTER, YEAR = 1440, 10080, 43200, 129600, 518400
HORIZONS = {
    1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 240, 300, 360, 480, DAY, WEEK, MONTH, QUARTER, YEAR,
}  # fmt: skip
MAX_COUNT = 1200
DATA_VERSION = 18927390
"""Constant: the history is never revised."""


def chart(call: Call) -> Reply:
    """GET /chart/v3/charts."""
    request = call.request
    instrument = find(request.value("AssetType"), request.value("Uic"))
    if instrument is None:
        return empty(404)
    horizon, count = request.value("Horizon"), request.value("Count", str(MAX_COUNT))
    if not horizon.isdecimal() or int(horizon) not in HORIZONS:
        return _bad("Horizon", f"The horizon '{horizon}' is not supported")
    if not count.isdecimal() or not 1 <= int(count) <= MAX_COUNT:
        return _bad("Count", f"Count must be from 1 to {MAX_COUNT}")
    mode = request.value("Mode")
    moment = parse_time(request.value("Time")) if request.value("Time") else None
    if request.value("Time") and moment is None:
        return _bad("Time", "Time must be an ISO 8601 time")
    if mode not in ("", "UpTo", "From") or (mode == "From" and moment is None):
        return _bad("Mode", "Mode must be UpTo or From, and From needs Time")
    bars = select(call.broker, instrument, int(horizon), int(count), mode, moment)
    return json_reply(_answer(call, instrument, int(horizon), bars))


def _bad(field: str, message: str) -> Reply:
    text = "One or more properties of the request are invalid!"
    return error(400, "InvalidModelState", text, {field: [message]})


def select(
    broker: Broker,
    instrument: Instrument,
    horizon: int,
    count: int,
    mode: str,
    moment: float | None,
) -> list[tuple[float, DayBar]]:
    """The asked-for bars with their start times, oldest first. Both modes include `moment`."""
    cursor = broker.market.cursor
    if mode == "From" and moment is not None:
        start = _index_at(moment, cursor) - 1
        kept = [
            bar
            for bar in make(broker, instrument, horizon, range(max(0, start), cursor + 1))
            if bar[0] >= moment
        ]
        return kept[:count]
    whole = 1 + horizon // DAY  # so that the bar around `moment` has all its days
    last = cursor if moment is None else min(cursor, _index_at(moment, cursor) + whole)
    days = range(max(0, last + 1 - _days_for(horizon, count)), last + 1)
    kept = [
        bar for bar in make(broker, instrument, horizon, days) if moment is None or bar[0] <= moment
    ]
    return kept[-count:]


def _days_for(horizon: int, count: int) -> int:
    """At least how many days hold `count` bars."""
    if horizon < DAY:
        return count * horizon // DAY + 3
    return (count + 2) * (horizon // DAY)


def _index_at(moment: float, cursor: int) -> int:
    """The number of the first day that ends after `moment`, at most the cursor."""
    low, high = 0, cursor
    while low < high:
        middle = (low + high) // 2
        if _midnight(day_of(middle)) + 86400 > moment:
            high = middle
        else:
            low = middle + 1
    return low


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def make(
    broker: Broker, instrument: Instrument, horizon: int, days: range
) -> Iterator[tuple[float, DayBar]]:
    """Bars of any horizon from daily ones."""
    daily = (broker.market.bar(instrument, index) for index in days)
    if horizon == DAY:
        yield from ((_midnight(bar.day), bar) for bar in daily)
    elif horizon > DAY:
        yield from _joined(daily, horizon)
    else:
        for bar in daily:
            yield from _split(bar, horizon, instrument.price_decimals)


def _period(day: date, horizon: int) -> date:
    """The first day of the week, month, quarter or year that `day` lies in."""
    if horizon == WEEK:
        return day - timedelta(days=day.weekday())
    months = {MONTH: 1, QUARTER: 3, YEAR: 12}[horizon]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _joined(daily: Iterator[DayBar], horizon: int) -> Iterator[tuple[float, DayBar]]:
    current: DayBar | None = None
    for bar in daily:
        start = _period(bar.day, horizon)
        if current is None or current.day != start:
            if current is not None:
                yield _midnight(current.day), current
            current = DayBar(start, bar.open, bar.high, bar.low, bar.close, bar.volume)
        else:
            current = DayBar(
                start,
                current.open,
                max(current.high, bar.high),
                min(current.low, bar.low),
                bar.close,
                current.volume + bar.volume,
            )
    if current is not None:
        yield _midnight(current.day), current


def _split(bar: DayBar, horizon: int, digits: int) -> Iterator[tuple[float, DayBar]]:
    """A day in equal parts along open, nearer extreme, other extreme, close."""
    rising = bar.close >= bar.open
    path = (bar.open, bar.low, bar.high, bar.close)
    if not rising:
        path = (bar.open, bar.high, bar.low, bar.close)

    def at(share: float) -> float:
        leg = min(2, int(share * 3))
        return path[leg] + (path[leg + 1] - path[leg]) * (share * 3 - leg)

    parts = DAY // horizon
    for n in range(parts):
        begin, end = n / parts, (n + 1) / parts
        inside = [p for k, p in ((1 / 3, path[1]), (2 / 3, path[2])) if begin < k < end]
        first, last = round(at(begin), digits), round(at(end), digits)
        yield (
            _midnight(bar.day) + 60 * horizon * n,
            DayBar(
                bar.day,
                first,
                max([first, last, *inside]),
                min([first, last, *inside]),
                last,
                round(bar.volume / parts),
            ),
        )


def _answer(
    call: Call, instrument: Instrument, horizon: int, bars: list[tuple[float, DayBar]]
) -> JsonObject:
    groups = call.groups() or {"Data"}
    answer: JsonObject = {"DataVersion": DATA_VERSION + instrument.uic}
    if "ChartInfo" in groups:
        delay = 0 if instrument.is_fx else call.broker.options.quote_delay_minutes
        answer["ChartInfo"] = {
            "DelayedByMinutes": delay,
            "ExchangeId": instrument.exchange.exchange_id,
            "FirstSampleTime": timestamp(_midnight(day_of(0))),
            "Horizon": horizon,
        }
    if "Data" in groups:
        shape = _quoted if instrument.is_fx else _traded
        answer["Data"] = [shape(instrument, start, bar) for start, bar in bars]
    if "DisplayAndFormat" in groups:
        display = instrument.display()
        del display["OrderDecimals"]
        answer["DisplayAndFormat"] = display
    return answer


def _quoted(instrument: Instrument, start: float, bar: DayBar) -> JsonObject:
    """A bar of bid and ask prices, without volume."""
    digits, half = instrument.price_decimals, instrument.half_spread
    sides: JsonObject = {}
    for name, price in (
        ("Close", bar.close),
        ("High", bar.high),
        ("Low", bar.low),
        ("Open", bar.open),
    ):
        sides[f"{name}Ask"] = round(price + half, digits)
        sides[f"{name}Bid"] = round(price - half, digits)
    return {**sides, "Time": timestamp(start)}


def _traded(_instrument: Instrument, start: float, bar: DayBar) -> JsonObject:
    """A bar of traded prices."""
    return {
        "Close": bar.close,
        "High": bar.high,
        "Interest": 0.0,
        "Low": bar.low,
        "Open": bar.open,
        "Time": timestamp(start),
        "Volume": bar.volume,
    }
