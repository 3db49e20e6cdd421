"""Buy when the fast moving average crosses above the slow one, sell when it crosses below."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext

from tradebot.model import Action, Bar, Signal
from tradebot.strategies.base import HORIZONS, MAX_BARS, MarketView

# Digits enough to add up a thousand prices of any size without rounding.
_PRECISION = 80
_ZERO = Decimal(0)


class SmaCross:
    """Simple moving averages of closing prices, compared on the last two closed bars.

    BUY `crossed_above`: the fast average was not above the slow one, and now is. SELL
    `crossed_below`: it was not below, now is, and something is held; HOLD `no_position` when
    nothing is. Otherwise HOLD `no_cross`.
    """

    name = "sma_cross"
    version = "1.0"

    def __init__(self, fast: int = 5, slow: int = 20, horizon_minutes: int = 1440) -> None:
        """Lengths in bars. Raises ValueError naming the parameter that is out of range."""
        _check_integer("slow", slow, 2, MAX_BARS - 1)
        _check_integer("fast", fast, 1, slow - 1)
        if isinstance(horizon_minutes, bool) or horizon_minutes not in HORIZONS:
            known = ", ".join(map(str, HORIZONS))
            raise ValueError(f"horizon_minutes must be one of {known}")
        self.fast = fast
        self.slow = slow
        self.horizon_minutes = int(horizon_minutes)

    @property
    def bars_needed(self) -> int:
        """One more than the slow average: a crossing takes two moments."""
        return self.slow + 1

    def decide(self, view: MarketView) -> Signal:
        """Raises ValueError when the view has fewer than `bars_needed` bars."""
        if len(view.bars) < self.bars_needed:
            raise ValueError(f"{self.name} needs {self.bars_needed} bars, got {len(view.bars)}")
        before, now = self._lead(view.bars[:-1]), self._lead(view.bars)
        if before <= 0 < now:
            return Signal(Action.BUY, "crossed_above")
        if before >= 0 > now:
            if view.held > 0:
                return Signal(Action.SELL, "crossed_below")
            return Signal(Action.HOLD, "no_position")
        return Signal(Action.HOLD, "no_cross")

    def _lead(self, bars: Sequence[Bar]) -> Decimal:
        """Above 0 when the fast average is the higher one, 0 when they are equal.

        Exact: with rounded averages a market that stands still seems to cross now and then.
        """
        closes = [Decimal(repr(bar.close)) for bar in bars[-self.slow :]]
        with localcontext() as context:
            context.prec = _PRECISION
            return sum(closes[-self.fast :], _ZERO) * self.slow - sum(closes, _ZERO) * self.fast


def _check_integer(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
