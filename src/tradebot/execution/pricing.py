"""Prices on the tick: the limit of a marketable order."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tradebot.model import Action, Quote
from tradebot.saxo.reference_messages import InstrumentDetails


def marketable_limit(
    side: Action, quote: Quote, details: InstrumentDetails, max_slippage_bps: int
) -> float:
    """A limit that trades at once, and at most `max_slippage_bps` worse than the quote.

    On the tick, always: rounded so that the allowed slippage is not exceeded, except where the
    first tick at or beyond the touch is further away than that. Never zero or less.
    """
    buying = side is Action.BUY
    touch = Decimal(str(quote.ask if buying else quote.bid))
    slip = touch * max_slippage_bps / Decimal(10_000)
    limit = touch + slip if buying else touch - slip
    tick = Decimal(str(details.tick_at(float(touch)) or 0))
    if tick:
        inwards, outwards = (ROUND_FLOOR, ROUND_CEILING) if buying else (ROUND_CEILING, ROUND_FLOOR)
        limit = _on_tick(limit, tick, inwards)
        touch = _on_tick(touch, tick, outwards)
    limit = max(limit, touch) if buying else min(limit, touch)
    return float(limit if limit > 0 else touch)


def _on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick
