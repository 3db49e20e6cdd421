"""Quotas: requests a minute per session and service group, orders a second, requests a day.

Every answer tells what is left; the quota that is used up has `Remaining: 0`, and `Reset` is in
whole seconds, rounded up so that waiting for it is enough (Saxo learn/rate-limiting). The windows
live in memory: unlike an order, a quota is not worth keeping through a restart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tradebot.simulator.options import RateLimits


@dataclass(slots=True)
class Window:
    """A quota that starts anew some time after its first use."""

    limit: int = 0
    seconds: float = 60
    started: float = -math.inf
    used: int = 0

    def roll(self, now: float, limit: int) -> None:
        """Begin anew when the time is over; the limit may have changed meanwhile."""
        self.limit = limit
        if not self.started <= now < self.started + self.seconds:
            self.started, self.used = now, 0

    def headers(self, dimension: str, now: float) -> dict[str, str]:
        reset = math.ceil(self.started + self.seconds - now)
        return {
            f"X-RateLimit-{dimension}-Limit": str(self.limit),
            f"X-RateLimit-{dimension}-Remaining": str(max(0, self.limit - self.used)),
            f"X-RateLimit-{dimension}-Reset": str(max(0, reset)),
        }


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a request may pass, and the headers that its answer carries."""

    allowed: bool
    headers: dict[str, str]


class Limiter:
    """Not safe with threads by itself: the request's transaction is the lock."""

    def __init__(self, limits: Callable[[], RateLimits], monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._day = Window(seconds=86400)
        self._minutes: dict[tuple[str, str], Window] = {}
        self._orders: dict[str, Window] = {}

    def take(self, session: str, group: str, *, order: bool) -> Ruling:
        """Count a request of a session against its quotas. A refused one uses up nothing."""
        limits, now = self._limits(), self._monotonic()
        if not limits.enabled:
            return Ruling(True, {})
        minute = self._minutes.setdefault((session, group), Window())
        quotas = {"AppDay": (self._day, limits.app_per_day)}
        quotas["Session"] = (minute, limits.session_per_minute)
        if order:
            second = self._orders.setdefault(session, Window(seconds=1))
            quotas["SessionOrders"] = (second, limits.orders_per_second)
        for window, limit in quotas.values():
            window.roll(now, limit)
        windows = {name: window for name, (window, _) in quotas.items()}
        spent = [name for name, window in windows.items() if window.used >= window.limit]
        headers: dict[str, str] = {}
        for name, window in windows.items():
            if not spent:
                window.used += 1
            if not spent or name in spent or name == "AppDay":
                headers.update(window.headers(name, now))
        return Ruling(not spent, headers)


def is_order_request(limits: RateLimits, method: str, path: str) -> bool:
    """Does this request count against the orders a second?"""
    if path == "/trade/v2/orders/precheck":
        return limits.count_prechecks
    if not path.startswith("/trade/v2/orders"):
        return False
    counted = {
        "POST": True,
        "PATCH": limits.count_changes,
        "DELETE": limits.count_cancels,
    }
    return counted.get(method, False)
