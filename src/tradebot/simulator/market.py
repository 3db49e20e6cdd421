"""Where the replay stands: one cursor over the trading days, shared by all instruments.

The bar under the cursor is the newest closed one. Bars carry the real dates of the history; the
quote says what the wall clock says. The history does not begin again when it ends: its dates would
repeat, and a bot that never decides twice about one bar would rightly do nothing. `advance` then
moves no further, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tradebot.simulator import prices
from tradebot.simulator.instruments import Instrument
from tradebot.simulator.state import State

START = 1649
"""The day number a new state starts on: 2012-07-20.

Computed once over the history: the 5-day average of MSFT:xnas crosses above its 20-day average on
exactly this bar, so the default strategy's first run buys; within the next six bars it crosses
below again and SP500:arcx crosses up, and in the next 60 the default watch list has 14 crosses
both ways.
"""


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of one instrument, in its currency. For FX these are mid prices."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float


class Market:
    """Reads and moves the cursor; call inside a transaction of `state`."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def cursor(self) -> int:
        return int(self._state.get("cursor", str(START)))

    @property
    def last(self) -> int:
        """The number of the last day of the history."""
        return prices.day_count() - 1

    @property
    def date(self) -> date:
        return prices.day(self.cursor)

    @property
    def at_end(self) -> bool:
        return self.cursor >= self.last

    def advance(self, bars: int) -> int:
        """Move on by at most `bars`; how many it was in the end."""
        before = self.cursor
        after = max(before, min(before + bars, self.last))
        self._state.set("cursor", after)
        return after - before

    def bar(self, instrument: Instrument, index: int | None = None) -> DayBar:
        """The bar of a day; by default the one under the cursor."""
        index = self.cursor if index is None else index
        row = prices.row(instrument.series, index)
        digits, scale = instrument.price_decimals, instrument.scale
        return DayBar(
            prices.day(index),
            round(row.open * scale, digits),
            round(row.high * scale, digits),
            round(row.low * scale, digits),
            round(row.close * scale, digits),
            row.volume * 1000.0,
        )
