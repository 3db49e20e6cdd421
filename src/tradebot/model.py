"""The shared nouns: what every room of the house means by an instrument, a bar, a decision.

Frozen, standard library only, no behaviour beyond construction. Times are aware UTC datetimes;
prices are floats in the instrument's currency, as the broker sends them; quantities are Decimals
in base units (shares, or currency units for FX), because they are added up over months.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


class Action(enum.StrEnum):
    """What was decided for one instrument in one cycle."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"
    SKIP = "SKIP"


class ExecutionOutcome(enum.StrEnum):
    """What became of an intent, in the words of the log."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    RECONCILIATION_NEEDED = "RECONCILIATION_NEEDED"


class OrderState(enum.StrEnum):
    """How an accepted order stands at the broker."""

    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"


@dataclass(frozen=True, slots=True, order=True)
class InstrumentId:
    """A Saxo instrument. A Uic means nothing without its asset type, documented in Saxo's
    reference for ref/v1/instruments.

    `str()` gives the form used in logs and settings, for example ``Stock:211``.
    """

    asset_type: str
    uic: int

    def __str__(self) -> str:
        return f"{self.asset_type}:{self.uic}"

    @classmethod
    def parse(cls, text: str) -> InstrumentId:
        """The inverse of `str()`. Raises ValueError when `text` has another form."""
        asset_type, colon, uic = text.partition(":")
        if not colon or not asset_type.isalnum() or not uic.isdecimal():
            raise ValueError(f"not an instrument id of the form AssetType:Uic: {text!r}")
        return cls(asset_type, int(uic))


@dataclass(frozen=True, slots=True)
class WatchItem:
    """One entry of the watch list: an instrument and how much of it one order buys."""

    instrument: InstrumentId
    quantity: Decimal
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed price bar. For quote-driven instruments (FX) the prices are mid prices."""

    time: datetime
    """When the bar began: the broker's `Time`."""
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask, and what is known of their age and kind."""

    bid: float
    ask: float
    received_at: datetime
    last_updated: datetime | None = None
    delayed_by_minutes: int = 0
    market_state: str = "Unknown"

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Signal:
    """A strategy's answer for one instrument: BUY, SELL or HOLD, and why (a lower_snake word)."""

    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the bot does about one instrument in one cycle, and the reason it gives for it.

    `signal` is the strategy's wish, where it was asked; a guard may turn a BUY into a SKIP.
    """

    instrument: InstrumentId
    action: Action
    reason: str
    symbol: str | None = None
    signal: Action | None = None
    bar_time: datetime | None = None
    quantity: Decimal | None = None

    @property
    def is_order(self) -> bool:
        return self.action in (Action.BUY, Action.SELL)


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt to turn a decision into an order; durable before anything is sent."""

    external_reference: str
    instrument: InstrumentId
    side: Action
    """BUY or SELL."""
    quantity: Decimal
    bar_time: datetime
    attempt: int
    """1 to 3: an attempt that provably sent nothing may be followed by another."""
    symbol: str | None = None
    limit_price: float | None = None
    """None for a market order."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an intent ended. Written once; `failure_reason` is None on SUCCESS."""

    outcome: ExecutionOutcome
    failure_reason: str | None = None
    order_id: str | None = None
    order_state: OrderState | None = None
    filled_quantity: Decimal = Decimal(0)
    average_price: float | None = None
