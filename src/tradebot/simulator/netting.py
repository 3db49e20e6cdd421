"""Positions and cash: what a fill does to them.

Every fill opens a position; opposite positions in one instrument then close each other, oldest
first. With `FifoRealTime` that happens at the fill, with `FifoEndOfDay` when the next market day
begins. Shares are paid for at the fill; FX is held on margin and its profit is booked when it
closes. Money moves through a ledger: an entry counts as booked (CashBalance) two market days
later and is in TransactionsNotBooked until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.simulator.broker import Broker
from tradebot.simulator.instruments import INSTRUMENTS, Instrument
from tradebot.simulator.quotes import price_of

SETTLEMENT_BARS = 2
FX_MARGIN_RATE = 1 / 30
"""What FX majors need as margin for a retail client."""


def book(broker: Broker, amount: float, what: str) -> None:
    """Move money; positive amounts come in."""
    if amount:
        broker.state.insert("ledger", bar=broker.market.cursor, amount=amount, what=what)


def open_position(
    broker: Broker, instrument: Instrument, order: Mapping[str, Any], amount: float, price: float,
    now: float, fee: float,
) -> int:  # fmt: skip
    """The position that a fill opens: `amount` is signed, `fee` positive. Its id."""
    number = broker.state.next_number("position", 310)
    if not instrument.is_fx:
        book(broker, -amount * price, f"order {order['order_id']}")
    book(broker, -fee, f"commission {order['order_id']}")
    broker.state.insert(
        "positions",
        position_id=number,
        order_id=order["order_id"],
        reference=order["reference"],
        correlation=order["correlation"],
        asset_type=instrument.asset_type,
        uic=instrument.uic,
        amount=amount,
        price=price,
        opened=now,
        cost=-fee,
    )
    return number


def net(broker: Broker, instrument: Instrument, now: float) -> None:
    """Let opposite positions close each other, oldest first."""
    while True:
        rows = broker.state.all(
            "SELECT * FROM positions WHERE asset_type = ? AND uic = ? ORDER BY position_id",
            (instrument.asset_type, instrument.uic),
        )
        sides = [next((r for r in rows if (r["amount"] > 0) is up), None) for up in (True, False)]
        if sides[0] is None or sides[1] is None:
            return
        first, second = sorted((sides[0], sides[1]), key=lambda r: int(r["position_id"]))
        _close(broker, instrument, first, second, now)


def _close(
    broker: Broker,
    instrument: Instrument,
    opening: Mapping[str, Any],
    closing: Mapping[str, Any],
    now: float,
) -> None:
    amount = min(abs(opening["amount"]), abs(closing["amount"]))
    sign = 1 if opening["amount"] > 0 else -1
    profit = round(sign * amount * (closing["price"] - opening["price"]), 6)
    costs = []
    for row in (opening, closing):
        share = row["cost"] * amount / abs(row["amount"])
        costs.append(round(share, 6))
        left = row["amount"] - amount * (1 if row["amount"] > 0 else -1)
        if abs(left) < 1e-9:
            broker.state.run("DELETE FROM positions WHERE position_id = ?", (row["position_id"],))
        else:
            broker.state.run(
                "UPDATE positions SET amount = ?, cost = cost - ? WHERE position_id = ?",
                (left, share, row["position_id"]),
            )
    if instrument.is_fx:
        book(broker, profit, f"closing {opening['position_id']}")
    broker.state.insert(
        "closed_positions",
        opening_id=opening["position_id"],
        closing_id=closing["position_id"],
        asset_type=instrument.asset_type,
        uic=instrument.uic,
        amount=sign * amount,
        open_price=opening["price"],
        close_price=closing["price"],
        profit=profit,
        cost_open=costs[0],
        cost_close=costs[1],
        opened=opening["opened"],
        closed=now,
        opening_reference=opening["reference"],
        closing_reference=closing["reference"],
    )


def net_all(broker: Broker, now: float) -> None:
    """End of the market day, for accounts that net then."""
    for instrument in INSTRUMENTS.values():
        net(broker, instrument, now)


def owned(broker: Broker, instrument: Instrument) -> float:
    """The signed amount held in an instrument."""
    row = broker.state.one(
        "SELECT coalesce(sum(amount), 0) FROM positions WHERE asset_type = ? AND uic = ?",
        (instrument.asset_type, instrument.uic),
    )
    return float(row[0])


@dataclass(frozen=True, slots=True)
class Funds:
    """The account in US dollars, valued at the current prices."""

    booked: float
    not_booked: float
    blocked: float
    """Reserved for share purchases that are still working."""
    share_value: float
    fx_profit: float
    fx_exposure: float

    @property
    def margin(self) -> float:
        return self.fx_exposure * FX_MARGIN_RATE

    @property
    def available(self) -> float:
        """Cash that may still be spent."""
        return self.booked + self.not_booked + self.fx_profit - self.margin - self.blocked

    @property
    def total(self) -> float:
        return self.booked + self.not_booked + self.share_value + self.fx_profit


def funds(broker: Broker) -> Funds:
    """What the account is worth and what of it is free."""
    settled = broker.market.cursor - SETTLEMENT_BARS
    booked, waiting = broker.state.one(
        "SELECT coalesce(sum(amount) FILTER (WHERE bar <= ?), 0),"
        " coalesce(sum(amount) FILTER (WHERE bar > ?), 0) FROM ledger",
        (settled, settled),
    )
    shares = profit = exposure = 0.0
    for instrument in INSTRUMENTS.values():
        rows = broker.state.all(
            "SELECT amount, price FROM positions WHERE asset_type = ? AND uic = ?",
            (instrument.asset_type, instrument.uic),
        )
        if not rows:
            continue
        price = price_of(broker, instrument)
        held = sum(row["amount"] for row in rows)
        value = sum(row["amount"] * (price.bid if row["amount"] > 0 else price.ask) for row in rows)
        if instrument.is_fx:
            profit += value - sum(row["amount"] * row["price"] for row in rows)
            exposure += abs(held) * price.mid
        else:
            shares += value
    return Funds(
        booked=float(broker.state.get("initial_balance")) + booked,
        not_booked=float(waiting),
        blocked=_blocked(broker),
        share_value=shares,
        fx_profit=profit,
        fx_exposure=exposure,
    )


def _blocked(broker: Broker) -> float:
    blocked = 0.0
    for row in broker.state.all(
        "SELECT asset_type, uic, amount - filled AS open, price FROM orders"
        " WHERE status = 'Working' AND side = 'Buy' AND asset_type != 'FxSpot'"
    ):
        for instrument in INSTRUMENTS.values():
            if instrument.asset_type == row["asset_type"] and instrument.uic == row["uic"]:
                price = row["price"] or price_of(broker, instrument).ask
                blocked += row["open"] * price + broker.commission(instrument)
    return blocked
