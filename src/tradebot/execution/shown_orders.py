"""Orders as the broker shows them, with what they are for: for people who compare and decide.

A `Sighting` says how an order stands; a person who says "that one is ours" must be held against
instrument, side and size as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tradebot.execution.account import TradingAccount
from tradebot.execution.sightings import Sighting, combine
from tradebot.model import Action, InstrumentId
from tradebot.saxo.messages import OpenOrder
from tradebot.saxo.reference_messages import OrderActivity

_SIDES = {"Buy": Action.BUY, "Sell": Action.SELL}


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """One order at the broker. What the broker left out is None."""

    sighting: Sighting
    instrument: InstrumentId | None = None
    side: Action | None = None
    amount: Decimal | None = None
    """As last changed, in base units."""

    @property
    def order_id(self) -> str:
        return self.sighting.order_id

    @property
    def reference(self) -> str | None:
        return self.sighting.external_reference


def shown_orders(
    open_orders: Sequence[OpenOrder],
    activities: Sequence[OrderActivity],
    account: TradingAccount,
) -> tuple[ShownOrder, ...]:
    """One entry per order of `account`, from all open orders and the rows of the audit log.

    Related orders are left out: a stop that a person attaches to one of our orders carries its
    reference (seen from real servers) and is not ours.
    """
    mine = [order for order in open_orders if is_of(order, account)]
    found = {s.order_id: ShownOrder(s) for s in combine(mine, activities).sightings}
    rows: list[OpenOrder | OrderActivity] = [*activities, *mine]
    for row in rows:
        if row.order_id in found:
            found[row.order_id] = _with_facts(found[row.order_id], row)
    return tuple(found.values())


def is_of(order: OpenOrder, account: TradingAccount) -> bool:
    """The list of open orders is the client's, whatever the account."""
    return order.account_key in (None, account.account_key) and (
        account.account_id is None or order.account_id in (None, account.account_id)
    )


def _with_facts(order: ShownOrder, row: OpenOrder | OrderActivity) -> ShownOrder:
    instrument = order.instrument
    if row.uic is not None and row.asset_type is not None:
        instrument = InstrumentId(row.asset_type, row.uic)
    return replace(
        order,
        instrument=instrument,
        side=_SIDES.get(row.buy_sell or "", order.side),
        amount=order.amount if row.amount is None else row.amount,
    )
