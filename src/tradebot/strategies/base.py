"""What a strategy is: a name, its need for bars, and one decision for one instrument.

A strategy keeps nothing between calls, asks nobody and reads no clock: the same view gets the
same answer, so a decision can be explained later from the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tradebot.model import Bar, InstrumentId, Quote, Signal


@dataclass(frozen=True, slots=True)
class MarketView:
    """Everything a strategy may look at for one instrument in one cycle."""

    instrument: InstrumentId
    symbol: str | None
    bars: tuple[Bar, ...]
    """Closed bars, oldest first, at least `bars_needed` of them."""
    quote: Quote
    held: Decimal
    """The quantity that the bot may sell, in base units; 0 when it holds none."""


class Strategy(Protocol):
    """The interface. A class of your own needs no base class, only these attributes.

    STRATEGY_PARAMS_JSON becomes the keyword arguments of the constructor, which raises ValueError
    naming a wrong parameter and what it may be.
    """

    @property
    def name(self) -> str:
        """Part of a decision's identity: letters, digits, `_`, `.` and `-`."""

    @property
    def version(self) -> str:
        """Written beside the name on every log line; likewise."""

    @property
    def horizon_minutes(self) -> int:
        """The length of a bar: one of `HORIZONS`."""

    @property
    def bars_needed(self) -> int:
        """How many closed bars a decision takes: 1 to `MAX_BARS`."""

    def decide(self, view: MarketView) -> Signal:
        """BUY, SELL or HOLD, and a lower_snake word that says why."""


# Documented in Saxo's reference for chart/v3/charts: the horizons it has, and that one request
# returns at most 1200 bars, of which the newest may still be forming.
HORIZONS = (
    *(1, 2, 3, 5, 10, 15, 30, 60, 120, 180, 240, 300, 360, 480),
    *(1440, 10080, 43200, 129600, 518400),
)
MAX_BARS = 1198
