"""When orders fill, and what follows from a fill.

A marketable order fills at the quote, at once or after `fill_delay_seconds`. What waits is looked
at on every new bar: a limit fills when the bar's range reaches it, at the opening if that is
better; a stop triggers likewise (a trailing stop stays where it was placed). A day order that was
placed on one bar lives through the next and expires at its end. A filled entry wakes its related
orders, and of those the first to fill cancels the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradebot.simulator.audit import record
from tradebot.simulator.broker import Broker
from tradebot.simulator.instruments import Instrument, find
from tradebot.simulator.market import DayBar
from tradebot.simulator.netting import net, net_all, open_position
from tradebot.simulator.quotes import price_of
from tradebot.simulator.rules import STOPS

NEVER_FILLS = "never"
CONFIRMED_LATER = "confirmed_later"
REJECTED_LATER = "rejected_later"
"""Plans that a fault gave the order; at `fill_at` it is confirmed (and may fill) or rejected."""


def find_order(broker: Broker, order_id: str) -> dict[str, Any] | None:
    """An order as it stands in the state, or None; whatever was sent as its id."""
    number = int(order_id) if order_id.isdecimal() and len(order_id) < 19 else -1
    rows = broker.state.all("SELECT * FROM orders WHERE order_id = ?", (number,))
    return rows[0] if rows else None


def order_row(broker: Broker, order_id: int) -> dict[str, Any]:
    """An order that is known to exist, as it stands now."""
    return broker.state.all("SELECT * FROM orders WHERE order_id = ?", (order_id,))[0]


def instrument_of(order: Mapping[str, Any]) -> Instrument:
    instrument = find(order["asset_type"], order["uic"])
    assert instrument is not None  # noqa: S101  (only known instruments can be ordered)
    return instrument


def does_not_fill(order: Mapping[str, Any]) -> bool:
    """Was it decided at placement that this order does not fill by itself, or not yet?"""
    return order["plan"] is not None


def is_pending(order: Mapping[str, Any]) -> bool:
    """Is it still open whether this order was placed at all?"""
    return order["plan"] in (CONFIRMED_LATER, REJECTED_LATER)


def market_price(broker: Broker, order: Mapping[str, Any]) -> float | None:
    """What the order would fill at right now, or None when it has to wait."""
    price = price_of(broker, instrument_of(order))
    buying = order["side"] == "Buy"
    at = price.ask if buying else price.bid
    limit = order["price"]
    if order["order_type"] in STOPS:
        if not order["triggered"]:
            return None
        limit = order["stop_limit_price"]
    if limit is None or (at <= limit if buying else at >= limit):
        return at
    return None


def fill_due(broker: Broker) -> None:
    """Fill every working order whose time has come. Runs at the start of each request."""
    now = broker.now()
    for due in broker.state.all(
        "SELECT * FROM orders WHERE status = 'Working' AND fill_at <= ? ORDER BY order_id", (now,)
    ):
        order = settle(broker, due) if is_pending(due) else due
        if order["status"] != "Working":
            continue
        price = None if does_not_fill(order) else market_price(broker, order)
        if price is None:
            broker.state.run(
                "UPDATE orders SET fill_at = NULL WHERE order_id = ?", (order["order_id"],)
            )
        else:
            fill(broker, order, price, min(now, order["fill_at"]))


def settle(broker: Broker, order: Mapping[str, Any]) -> dict[str, Any]:
    """Confirm or reject an order whose placement was left open; as it stands then."""
    rejected = order["plan"] == REJECTED_LATER
    broker.state.run(
        "UPDATE orders SET plan = NULL, status = ? WHERE order_id = ?",
        ("Rejected" if rejected else "Working", order["order_id"]),
    )
    record(broker, order, "Placed", "Rejected" if rejected else "Confirmed", now=order["fill_at"])
    return order_row(broker, order["order_id"])


def fill(
    broker: Broker,
    order: Mapping[str, Any],
    price: float,
    now: float,
    fraction: float | None = None,
) -> None:
    """Fill what is left of an order, or a `fraction` of its amount."""
    left = order["amount"] - order["filled"]
    part = left if fraction is None else min(left, max(1.0, float(int(order["amount"] * fraction))))
    filled = order["filled"] + part
    value = order["filled_value"] + part * price
    complete = filled >= order["amount"] - 1e-9
    instrument = instrument_of(order)
    signed = part if order["side"] == "Buy" else -part
    fee = broker.commission(instrument) if order["filled"] == 0 else 0.0
    position = open_position(broker, instrument, order, signed, price, now, fee)
    broker.state.run(
        "UPDATE orders SET filled = ?, filled_value = ?, status = ?, fill_at = NULL"
        " WHERE order_id = ?",
        (filled, value, "Filled" if complete else "Working", order["order_id"]),
    )
    record(
        broker,
        order,
        "FinalFill" if complete else "Fill",
        "Confirmed",
        now=now,
        extra={
            "FillAmount": part,
            "FilledAmount": filled,
            "ExecutionPrice": price,
            "AveragePrice": round(value / filled, 6),
            "PositionId": str(position),
        },
    )
    if broker.options.netting_profile == "FifoRealTime":
        net(broker, instrument, now)
    if complete:
        _after_fill(broker, order, now)


def _after_fill(broker: Broker, order: Mapping[str, Any], now: float) -> None:
    """Wake the related orders of an entry; cancel the other leg of a pair."""
    broker.state.run(
        "UPDATE orders SET status = 'Working', bar = ? WHERE parent = ? AND status = 'Parked'",
        (broker.market.cursor, order["order_id"]),
    )
    if order["relation"] in ("Oco", "IfDoneSlaveOco"):
        for other in broker.state.all(
            "SELECT * FROM orders WHERE order_id != ? AND status IN ('Working', 'Parked')"
            " AND relation = ? AND (parent = ? OR (parent IS NULL AND correlation = ?))",
            (order["order_id"], order["relation"], order["parent"], order["correlation"]),
        ):
            close(broker, other, "Cancelled", now)


def close(broker: Broker, order: Mapping[str, Any], status: str, now: float) -> None:
    """End an order without a (further) fill: `status` is Cancelled or Expired."""
    broker.state.run(
        "UPDATE orders SET status = ?, fill_at = NULL WHERE order_id = ?",
        (status, order["order_id"]),
    )
    extra = {"FilledAmount": order["filled"]} if order["filled"] else None
    record(broker, order, status, "Confirmed", now=now, extra=extra)


def new_day(broker: Broker) -> None:
    """Match what waits against the bar that the cursor has just moved to."""
    now = broker.now()
    if broker.options.netting_profile == "FifoEndOfDay":
        net_all(broker, now)
    for stale in broker.state.all(
        "SELECT * FROM orders WHERE status = 'Working' ORDER BY order_id"
    ):
        order = order_row(broker, stale["order_id"])  # an earlier fill may have cancelled it
        if order["status"] != "Working" or does_not_fill(order):
            continue
        price = bar_price(broker, order, broker.market.bar(instrument_of(order)))
        if price is not None:
            fill(broker, order, price, now)
        elif json.loads(order["duration"])["DurationType"] == "DayOrder":
            close(broker, order, "Expired", now)


def bar_price(broker: Broker, order: Mapping[str, Any], bar: DayBar) -> float | None:
    """What a waiting order fills at within a bar; None when the bar does not reach it."""
    buying = order["side"] == "Buy"
    if order["order_type"] in STOPS and not order["triggered"]:
        stop = order["price"]
        if bar.high < stop if buying else bar.low > stop:
            return None
        if order["order_type"] == "StopLimit":
            broker.state.run(
                "UPDATE orders SET triggered = 1 WHERE order_id = ?", (order["order_id"],)
            )
            return market_price(broker, {**order, "triggered": 1})
        return float(max(stop, bar.open) if buying else min(stop, bar.open))
    limit = order["stop_limit_price"] if order["order_type"] in STOPS else order["price"]
    if limit is None:
        return bar.open
    if bar.low > limit if buying else bar.high < limit:
        return None
    return float(min(limit, bar.open) if buying else max(limit, bar.open))
