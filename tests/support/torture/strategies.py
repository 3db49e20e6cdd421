"""A strategy that wants to trade in each cycle, so that any cycle can be one with orders."""

from __future__ import annotations

from tradebot.model import Action, Signal
from tradebot.strategies.base import MarketView


class Turn:
    """BUY while nothing is held, SELL while something is."""

    name = "turn"
    version = "1.0"
    horizon_minutes = 1440
    bars_needed = 2

    def decide(self, view: MarketView) -> Signal:
        if view.held > 0:
            return Signal(Action.SELL, "held")
        return Signal(Action.BUY, "not_held")
