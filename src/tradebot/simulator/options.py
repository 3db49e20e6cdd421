"""What can be set about the simulated broker. The defaults are what an embedded run gets.

Where Saxo documents a number, it is the default; where nothing is documented (how many Uics one
list call takes, whether a DELETE counts as an order request), it can be set either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from tradebot.clock import Clock, SystemClock
from tradebot.model import InstrumentId

DEFAULT_COMMISSION: Mapping[str, float] = MappingProxyType({"Stock": 1.0, "Etf": 1.0})


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Saxo learn/rate-limiting: 120 a minute per session and service group, one order a second
    per session, ten million a day per application."""

    enabled: bool = True
    session_per_minute: int = 120
    orders_per_second: int = 1
    app_per_day: int = 10_000_000
    count_changes: bool = True
    """Does a PATCH count as an order request?"""
    count_cancels: bool = False
    """Does a DELETE?"""
    count_prechecks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """Everything about one simulator that is not state. Durations are in seconds."""

    clock: Clock = field(default_factory=SystemClock)
    access_token_seconds: float = 1200
    refresh_token_seconds: float = 2400
    rate_limits: RateLimits = field(default_factory=RateLimits)
    duplicate_window_seconds: float = 15
    max_uics: int = 100
    """The longest list that /trade/v1/infoprices/list takes."""
    initial_balance: float = 100_000
    """In US dollars; used when the state is created or reset."""
    commission: Mapping[str, float] = field(default_factory=lambda: DEFAULT_COMMISSION)
    """A fee per filled order by asset type, in US dollars; an absent type is free."""
    fill_delay_seconds: float = 0
    """How long a marketable order works before it fills. Real ones took about three seconds."""
    quote_delay_minutes: int = 0
    """How late quotes of exchange products are (Saxo: typically 15 without a subscription)."""
    no_access: frozenset[InstrumentId] = frozenset({InstrumentId("Stock", 307)})
    """Instruments whose quotes answer NoAccess, as a SIM user without a feed sees them."""
    netting_profile: Literal["FifoRealTime", "FifoEndOfDay"] = "FifoRealTime"
    """FifoEndOfDay keeps both sides open (net position `Square`) until the next market day."""
    trading_hours: Literal["always", "exchange"] = "always"
    """`exchange`: US stock hours and the FX week by the wall clock, with market orders refused
    outside them. `always` lets a first run on a Sunday trade."""
    audit_page_rows: int = 1000
    """The longest page of the audit log."""
    poll_after_seconds: float = 5
    """How long `__nextPoll` of the audit log answers 429 after it was handed out."""
    order_gone: Literal["empty", "not_found"] = "empty"
    """What /port/v1/orders/{ClientKey}/{OrderId} answers once the order is no longer open: an empty
    list, or 404. Clients report both."""
    refresh_needs_redirect_uri: bool = False
    """Is a refresh without `redirect_uri` refused? Clients report both."""
    duplicate_scope: Literal["application", "session"] = "application"
    """Are requests of another session duplicates, too?"""
    duplicate_body: Literal["raw", "normalised"] = "raw"
    """Is the same JSON in other bytes a duplicate?"""
    duplicate_restarts: bool = False
    """Does a refused duplicate begin the window anew?"""


def overridden(options: SimulatorOptions, changes: Mapping[str, Any]) -> SimulatorOptions:
    """`options` with checked changes by name; `rate_limits` is an object of such changes."""
    limits = changes.get("rate_limits")
    if limits is not None:
        changes = {**changes, "rate_limits": replace(options.rate_limits, **limits)}
    return replace(options, **changes)
