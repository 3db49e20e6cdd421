"""Prices on the tick: the limit of a marketable order."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from tradebot.model import Action, Quote
from tradebot.saxo.reference_messages import InstrumentDetails


def marketable_limit(
    side: Action, quote: Quote, details: InstrumentDetails, max_slippage_bps: int
) -> float:
    """A limit that trades at once, and at most `max_slippage_bps` worse than the quote.

    Rounded to the tick so that the allowed slippage is never exceeded, and never so far that the
    limit leaves the touch.
    """
    touch = Decimal(str(quote.ask if side is Action.BUY else quote.bid))
    slip = touch * max_slippage_bps / Decimal(10_000)
    tick = Decimal(str(details.tick_at(float(touch)) or 0))
    limit = touch + slip if side is Action.BUY else touch - slip
    if tick:
        rounding = ROUND_FLOOR if side is Action.BUY else ROUND_CEILING
        limit = (limit / tick).to_integral_value(rounding) * tick
    limit = max(limit, touch) if side is Action.BUY else min(limit, touch)
    return float(limit)
