"""The account a cycle trades on, as read from the broker in that cycle."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TradingAccount:
    """The keys are secrets: they live in memory only, and `hash` stands for them on disk."""

    account_key: str
    client_key: str
    currency: str
    hash: str
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionPolicy:
    """What the operator allows (the settings of the same names)."""

    dry_run: bool
    order_type: str = "market"
    max_slippage_bps: int = 50
    max_trades_per_day: int = 0
    max_position_value: Decimal = Decimal(0)
    disclaimer_policy: str = "block"
    data_staleness_seconds: float = 900.0
    reconcile_grace_seconds: float = 60.0
