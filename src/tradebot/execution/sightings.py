"""What the broker shows of our orders: open orders and audit log, read together, judged once.

`GET port/v1/orders/me` holds only orders that still stand; a filled, cancelled or rejected one is
in `GET cs/v1/audit/orderactivities` alone. Neither can be filtered by ExternalReference, so both
are read whole and matched here. Statuses are judged as the pair Status/SubStatus: a
``Placed/Rejected`` is a rejection and a ``Cancelled/Requested`` not yet a cancellation (Saxo
learn/audit-orderactivities).
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tradebot.execution.references import PREFIX
from tradebot.model import ExecutionOutcome, OrderState, Verdict
from tradebot.saxo.messages import OpenOrder
from tradebot.saxo.reference_messages import OrderActivity
from tradebot.vocabulary.reasons import FailureReason


class OrderStanding(enum.StrEnum):
    """How an order stands at the broker (`reconcile_result=`)."""

    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NOT_PLACED = "not_placed"
    UNKNOWN = "unknown"


_LIVE = {
    OrderStanding.WORKING: OrderState.WORKING,
    OrderStanding.PARTIAL: OrderState.PARTIAL,
    OrderStanding.FILLED: OrderState.FILLED,
}
_GONE = {
    OrderStanding.REJECTED: FailureReason.REJECTED_AFTER_ACCEPTANCE,
    OrderStanding.CANCELLED: FailureReason.CANCELLED,
    OrderStanding.EXPIRED: FailureReason.EXPIRED,
    OrderStanding.NOT_PLACED: FailureReason.NOT_PLACED,
}
_TERMINAL_ROWS = {
    ("FinalFill", "Confirmed"): OrderStanding.FILLED,
    ("Cancelled", "Confirmed"): OrderStanding.CANCELLED,
    ("Expired", "Confirmed"): OrderStanding.EXPIRED,
    ("DoneForDay", "Confirmed"): OrderStanding.EXPIRED,
    ("Placed", "Rejected"): OrderStanding.REJECTED,
}
_UNDECIDED = frozenset({"LockedPlacementPending", "Unknown"})
"""Open orders whose placement is not decided: they may still be rejected (status values: Saxo's
reference of port/v1/orders)."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_STANDING_ROWS = frozenset(
    {("Placed", "Confirmed"), ("Working", "Confirmed"), ("Changed", "Confirmed")}
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One order as the broker shows it."""

    order_id: str
    external_reference: str | None
    standing: OrderStanding
    filled_quantity: Decimal = Decimal(0)
    average_price: float | None = None
    first_seen: datetime | None = None
    """The time of its oldest row, or of the order itself."""

    @property
    def verdict_is_final(self) -> bool:
        """Does the broker say how it ended?"""
        return self.standing is OrderStanding.FILLED or self.standing in _GONE

    def verdict(self) -> Verdict | None:
        """How the intent ended; None while that is not known."""
        state = _LIVE.get(self.standing)
        if state is None and self.standing not in _GONE:
            return None
        return Verdict(
            outcome=ExecutionOutcome.FAILED if state is None else ExecutionOutcome.SUCCESS,
            failure_reason=None if state else _GONE[self.standing],
            order_id=self.order_id or None,
            order_state=state,
            filled_quantity=self.filled_quantity,
            average_price=self.average_price,
        )


@dataclass(frozen=True, slots=True)
class BrokerOrders:
    """Open orders and audit rows of one moment, by order."""

    sightings: tuple[Sighting, ...]
    open_ids: frozenset[str] = frozenset()
    """Which of them are among the open orders."""

    def find(self, reference: str, order_id: str | None = None) -> Sighting | None:
        """The order with this id where the broker named one, else the one with this reference.

        An id whose order bears another reference is somebody else's, whatever an answer said. Of
        several orders with one reference (another copy of the bot may have sent the same decision)
        one that was not rejected counts before one that was.
        """
        for sighting in self.sightings:
            whose = sighting.external_reference or reference
            if order_id is not None and (sighting.order_id, whose) == (order_id, reference):
                return sighting
        found = [s for s in self.sightings if s.external_reference == reference]
        found.sort(key=lambda sighting: sighting.standing is OrderStanding.REJECTED)
        return found[0] if found else None

    def ours(self) -> list[Sighting]:
        """Every order with a reference of our form, whoever placed it."""
        return [s for s in self.sightings if (s.external_reference or "").startswith(PREFIX)]


def combine(open_orders: Sequence[OpenOrder], activities: Sequence[OrderActivity]) -> BrokerOrders:
    """One sighting per order id. Where both tell of an order, an ending in the audit log counts."""
    children = {row.order_id for row in activities if _is_child(row.order_relation)}
    children |= {order.order_id for order in open_orders if _is_child(order.order_relation)}
    rows: dict[str, list[OrderActivity]] = defaultdict(list)
    for row in activities:
        if row.order_id not in children:
            rows[row.order_id].append(row)
    seen = {order_id: _from_rows(order_id, history) for order_id, history in rows.items()}
    for order in open_orders:
        if order.order_id not in children and _is_better(order, seen.get(order.order_id)):
            seen[order.order_id] = _from_open(order)
    return BrokerOrders(tuple(seen.values()), frozenset(order.order_id for order in open_orders))


def _is_child(relation: str | None) -> bool:
    """A stop or limit that a person attached to one of our orders carries its reference (seen
    from real servers), and is not ours."""
    return (relation or "").startswith("IfDoneSlave")


def _is_better(order: OpenOrder, sighting: Sighting | None) -> bool:
    if sighting is None or sighting.standing is OrderStanding.UNKNOWN:
        return True
    return sighting.standing is OrderStanding.WORKING and bool(order.filled_amount)


def _from_open(order: OpenOrder) -> Sighting:
    filled = _plain(order.filled_amount)
    standing = OrderStanding.PARTIAL if filled else OrderStanding.WORKING
    if order.status == "Filled":
        standing = OrderStanding.FILLED
        filled = filled or _plain(order.amount)
    elif order.status in _UNDECIDED and not filled:
        standing = OrderStanding.UNKNOWN
    return Sighting(
        order.order_id, order.external_reference, standing, filled, first_seen=order.order_time
    )


def _from_rows(order_id: str, history: Iterable[OrderActivity]) -> Sighting:
    standing = OrderStanding.UNKNOWN
    reference: str | None = None
    filled = summed = Decimal(0)
    price: float | None = None
    # A row may be on two pages, when others came in between; without a LogId it cannot be told.
    once = {row.log_id or number: row for number, row in enumerate(history)}.values()
    ordered = sorted(once, key=lambda row: (row.activity_time or _LONG_AGO, _number(row.log_id)))
    for row in ordered:
        reference = row.external_reference or reference
        summed += _plain(row.fill_amount)
        sum_so_far = _plain(row.filled_amount) or summed
        if (row.status, row.sub_status) == ("FinalFill", "Confirmed") and not sum_so_far:
            sum_so_far = _plain(row.amount)  # the broker leaves out fields; final means all
        if sum_so_far >= filled and row.average_price is not None:
            price = row.average_price
        filled = max(filled, sum_so_far)
        standing = _next_standing(standing, row, filled)
    return Sighting(order_id, reference, standing, filled, price, ordered[0].activity_time)


def _next_standing(before: OrderStanding, row: OrderActivity, filled: Decimal) -> OrderStanding:
    pair = (row.status or "", row.sub_status or "")
    if before is OrderStanding.FILLED:
        return before  # all of it: nothing that follows takes it back
    if pair in _TERMINAL_ROWS:
        return _TERMINAL_ROWS[pair]
    if before in (OrderStanding.WORKING, OrderStanding.PARTIAL, OrderStanding.UNKNOWN):
        if filled:
            return OrderStanding.PARTIAL
        if pair in _STANDING_ROWS:
            return OrderStanding.WORKING
    return before


def _number(log_id: str | None) -> int:
    return int(log_id) if log_id and log_id.isdecimal() else 0


def _plain(quantity: Decimal | None) -> Decimal:
    """Without the ``.0`` that the broker writes behind whole numbers; 0 for None."""
    if quantity is None:
        return Decimal(0)
    whole = quantity.to_integral_value()
    return whole if whole == quantity else quantity.normalize()
