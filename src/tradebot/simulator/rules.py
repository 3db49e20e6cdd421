"""What the broker refuses an order for, in the order in which it looks.

Error codes are those documented in Saxo's reference for trade/v2/orders. Three stages: the shape of
the request (400 InvalidModelState), then the instrument, the size and the price, then the money.
The precheck is more lenient than the placement, as seen from real servers: it does not look at the
side of the market, and it answers a lack of money with Ok *and* an ErrorInfo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradebot.simulator.broker import Broker
from tradebot.simulator.instruments import Instrument, find
from tradebot.simulator.netting import FX_MARGIN_RATE, funds, owned
from tradebot.simulator.quotes import price_of
from tradebot.simulator.schedules import is_open

MAX_REFERENCE = 50
ORDER_TYPES = {
    "Market", "Limit", "Stop", "StopIfTraded", "StopLimit", "TrailingStop",
    "TrailingStopIfTraded", "Algorithmic", "TriggerBreakout", "TriggerLimit", "TriggerStop",
    "Switch", "Traspaso", "TraspasoIn", "GuaranteedStop", "DealCapture",
}  # fmt: skip
DURATIONS = {
    "DayOrder", "GoodTillCancel", "GoodTillDate", "GoodForPeriod", "ImmediateOrCancel",
    "FillOrKill", "AtTheOpening", "AtTheClose",
}  # fmt: skip
STOPS = {"Stop", "StopIfTraded", "StopLimit", "TrailingStop", "TrailingStopIfTraded"}
CHILD_DISTANCE = 0.15
"""A related order further than this from its entry is refused, at placement only."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A business reason."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order request whose shape is right."""

    instrument: Instrument
    side: str
    amount: float
    order_type: str
    price: float | None
    stop_limit_price: float | None
    duration: Mapping[str, Any]
    reference: str | None


def check_shape(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with the properties themselves, by property."""
    problems: dict[str, list[str]] = {}

    def say(name: str, text: str) -> None:
        problems.setdefault(name, []).append(text)

    if not isinstance(body.get("ManualOrder"), bool):
        say(
            "ManualOrder",
            "The current platform requires ManualOrder to be specified as true or false"
            " on all orders",
        )
    reference = body.get("ExternalReference")
    if reference is not None and not isinstance(reference, str):
        say("ExternalReference", "Must be a string")
    elif reference is not None and len(reference) > MAX_REFERENCE:
        say("ExternalReference", f"Maximum length is {MAX_REFERENCE} characters")
    if isinstance(body.get("Uic"), bool) or not isinstance(body.get("Uic"), int):
        say("Uic", "Uic must be a whole number")
    if not isinstance(body.get("AssetType"), str):
        say("AssetType", "AssetType must be specified")
    if body.get("BuySell") not in ("Buy", "Sell"):
        say("BuySell", "BuySell must be Buy or Sell")
    if not _is_number(body.get("Amount")):
        say("Amount", "Amount must be a number")
    _check_order_type(body, say)
    return problems


def _check_order_type(body: Mapping[str, Any], say: Any) -> None:
    order_type = body.get("OrderType")
    if not _is_one_of(order_type, ORDER_TYPES):
        say("OrderType", "OrderType must be a valid order type")
    elif order_type != "Market" and body.get("OrderPrice") is None:
        say("OrderPrice", f"OrderPrice must be specified for order type {order_type}")
    if order_type == "StopLimit" and body.get("StopLimitPrice") is None:
        say("StopLimitPrice", "StopLimitPrice must be specified for order type StopLimit")
    for name in ("OrderPrice", "StopLimitPrice"):
        if body.get(name) is not None and not _is_number(body[name]):
            say(name, f"{name} must be a number")
    duration = body.get("OrderDuration")
    kind = duration.get("DurationType") if isinstance(duration, dict) else None
    if not _is_one_of(kind, DURATIONS):
        say("OrderDuration", "OrderDuration must have a valid DurationType")


def _is_number(value: object) -> bool:
    """A JSON number of a believable size; NaN is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15


def _is_one_of(value: object, words: set[str]) -> bool:
    return isinstance(value, str) and value in words


def ticket(broker: Broker, body: Mapping[str, Any]) -> Ticket | Refusal:
    """A well-shaped body as a ticket, unless account or instrument are wrong."""
    if body.get("AccountKey", broker.account_key) != broker.account_key:
        return Refusal("IllegalAccount", "Account is invalid")
    instrument = find(body["AssetType"], body["Uic"])
    if instrument is None:
        return Refusal("IllegalInstrumentId", "Instrument ID is invalid")
    price = body.get("OrderPrice")
    return Ticket(
        instrument=instrument,
        side=body["BuySell"],
        amount=float(body["Amount"]),
        order_type=body["OrderType"],
        price=None if price is None or body["OrderType"] == "Market" else float(price),
        stop_limit_price=body.get("StopLimitPrice"),
        duration=body["OrderDuration"],
        reference=body.get("ExternalReference"),
    )


def check_order(broker: Broker, order: Ticket, *, placing: bool) -> Refusal | None:
    """Type, duration, size, tick and market; `placing` adds what a precheck does not test."""
    return (
        _check_type(order)
        or _check_amount(order)
        or _check_price(order)
        or (_check_market(broker, order) if placing else None)
    )


def _check_type(order: Ticket) -> Refusal | None:
    durations = order.instrument.orders.get(order.order_type)
    if durations is None:
        return Refusal("OrderTypeNotSupported", f"Order type {order.order_type} is not supported")
    duration = order.duration["DurationType"]
    if duration not in durations:
        return Refusal("DurationNotSupported", f"Duration {duration} is not supported")
    if duration == "GoodTillDate" and not order.duration.get("ExpirationDateTime"):
        return Refusal("ExpirationDateRequired", "Expiration date is required")
    return None


def _check_amount(order: Ticket) -> Refusal | None:
    instrument = order.instrument
    if order.amount <= 0:
        return Refusal("IllegalAmount", "Amount must be larger than zero")
    if order.amount < instrument.minimum:
        return Refusal(
            "AmountBelowMinimumLotSize", f"Amount is below the minimum of {instrument.minimum:g}"
        )
    if not order.amount.is_integer() or (instrument.lot and order.amount % instrument.lot):
        return Refusal("AmountNotInLotSize", "Amount is not a multiple of the lot size")
    if order.amount > (50_000_000 if instrument.is_fx else 1_000_000):
        return Refusal("OrderSizeGreaterThanMaximumAllowed", "Order size is too large")
    return None


def _check_price(order: Ticket) -> Refusal | None:
    for price, kind in ((order.price, order.order_type), (order.stop_limit_price, "Limit")):
        if price is None:
            continue
        if price <= 0:
            return Refusal("OrderPriceOutsideLimit", "Order price must be larger than zero")
        # The shortest text of the float is what the client wrote: exact in decimal.
        if Decimal(repr(float(price))) % order.instrument.tick_for(kind, price):
            return Refusal(
                "PriceNotInTickSizeIncrements", "Price is not a multiple of the tick size"
            )
    return None


def _check_market(broker: Broker, order: Ticket) -> Refusal | None:
    if order.order_type == "Market" and not is_open(broker.options, order.instrument, broker.now()):
        return Refusal("MarketClosed", "Market is closed")
    if order.order_type in STOPS and order.price is not None:
        price = price_of(broker, order.instrument)
        wrong = order.price <= price.ask if order.side == "Buy" else order.price >= price.bid
        if wrong:
            return Refusal("OnWrongSideOfMarket", "Order price is on wrong side of market")
    return None


def check_child(parent: Ticket, child: Ticket) -> Refusal | None:
    """A related order against its entry; placement only."""
    if child.instrument is not parent.instrument or child.side == parent.side:
        return Refusal("WrongSideOfRelatedOrder", "Related order must close the entry order")
    entry, price = parent.price, child.price
    if entry and price and abs(price - entry) > CHILD_DISTANCE * entry:
        return Refusal("TooFarFromEntryOrder", "Order price is too far from the entry order")
    return None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order would cost, in US dollars."""

    commission: float
    value: float
    cash: float
    """Required from the free cash: the whole price of shares, the margin of FX."""
    margin: float


def estimate(broker: Broker, order: Ticket) -> Estimate:
    """At the order's own price, else at the market's."""
    price = price_of(broker, order.instrument)
    at = order.price or (price.ask if order.side == "Buy" else price.bid)
    value, fee = order.amount * at, broker.commission(order.instrument)
    if order.instrument.is_fx:
        held = owned(broker, order.instrument)
        after = abs(held + (order.amount if order.side == "Buy" else -order.amount))
        margin = max(0.0, after - abs(held)) * at * FX_MARGIN_RATE
        return Estimate(fee, value, margin + fee, margin)
    if order.side == "Sell":
        return Estimate(fee, value, 0.0, 0.0)
    return Estimate(fee, value, value + fee, value + fee)


def check_money(broker: Broker, order: Ticket) -> Refusal | None:
    """Enough shares to sell, or enough cash or margin to buy."""
    instrument = order.instrument
    if order.side == "Sell" and not instrument.is_fx:
        held = owned(broker, instrument)
        working = broker.state.one(
            "SELECT coalesce(sum(amount - filled), 0) FROM orders WHERE status = 'Working'"
            " AND side = 'Sell' AND asset_type = ? AND uic = ?",
            (instrument.asset_type, instrument.uic),
        )[0]
        if order.amount > held:
            return Refusal("NotOwned", "You do not own enough of this instrument")
        if order.amount > held - working:
            return Refusal(
                "SellOrdersAlreadyExistForOwnedContracts",
                "Sell orders already exist for the contracts you own",
            )
        return None
    needed = estimate(broker, order).cash
    if needed > 0 and needed > funds(broker).available:
        if instrument.is_fx:
            return Refusal("WouldExceedMargin", "Order would exceed the available margin")
        return Refusal("InsufficientCash", "Insufficient cash for trade")
    return None
