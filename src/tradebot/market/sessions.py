"""Trading sessions by instrument, for TRADING_HOURS_MODE=instrument; asked for about once a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tradebot.clock import Clock
from tradebot.errors import BrokerError
from tradebot.market.cache import FileCache
from tradebot.model import InstrumentId
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.reference_messages import Session

_CACHE_NAME = "sessions"


class _Kept(msgspec.Struct):
    day: str
    sessions: dict[str, tuple[Session, ...]]


class SessionSource:
    """The broker's trading schedules: "about this and the next trading day", in UTC (Saxo's
    reference of ref/v1/instruments/tradingschedule)."""

    def __init__(self, broker: SaxoClient, clock: Clock, cache: FileCache) -> None:
        self._broker = broker
        self._clock = clock
        self._cache = cache

    def fetch(self, instruments: Sequence[InstrumentId]) -> dict[InstrumentId, tuple[Session, ...]]:
        """Sessions by instrument; none for one whose schedule could not be read."""
        now = self._clock.now()
        kept = self._cache.load(_CACHE_NAME, _Kept)
        known = kept.sessions if kept and kept.day == now.date().isoformat() else {}
        found: dict[InstrumentId, tuple[Session, ...]] = {}
        for instrument in instruments:
            plan = known.get(str(instrument), ())
            found[instrument] = plan if _covers(plan, now) else self._ask(instrument)
        fresh = {str(instrument): plan for instrument, plan in found.items() if plan}
        if fresh != known:
            self._cache.store(_CACHE_NAME, _Kept(now.date().isoformat(), {**known, **fresh}))
        return found

    def _ask(self, instrument: InstrumentId) -> tuple[Session, ...]:
        try:
            return self._broker.trading_schedule(instrument)
        except BrokerError:
            return ()  # logged where it happened; without a plan the market counts as closed


def last_known_sessions(
    cache: FileCache, instruments: Sequence[InstrumentId]
) -> dict[InstrumentId, tuple[Session, ...]]:
    """What an earlier run kept, of whatever day: nobody is asked. For looking back."""
    kept = cache.load(_CACHE_NAME, _Kept)
    known = {} if kept is None else kept.sessions
    return {i: known[str(i)] for i in instruments if str(i) in known}


def _covers(plan: Sequence[Session], now: datetime) -> bool:
    return any(session.start_time <= now < session.end_time for session in plan)
