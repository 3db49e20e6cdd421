"""What the broker says of each watched instrument, kept for the day."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradebot.clock import Clock
from tradebot.market.cache import FileCache
from tradebot.model import InstrumentId
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.reference_messages import InstrumentDetails

_CACHE_NAME = "instruments"


class _Kept(msgspec.Struct):
    day: str
    details: dict[str, InstrumentDetails]


class InstrumentSource:
    """Instrument details: tick sizes, lot sizes, tradability, currency."""

    def __init__(self, broker: SaxoClient, clock: Clock, cache: FileCache) -> None:
        self._broker = broker
        self._clock = clock
        self._cache = cache

    def fetch(self, instruments: Sequence[InstrumentId]) -> dict[InstrumentId, InstrumentDetails]:
        """Details by instrument; one that the broker does not know is left out.

        Raises BrokerError.
        """
        today = self._clock.now().date().isoformat()
        kept = self._cache.load(_CACHE_NAME, _Kept)
        known = kept.details if kept is not None and kept.day == today else {}
        missing = [instrument for instrument in instruments if str(instrument) not in known]
        if missing:
            fetched = self._broker.instrument_details(missing)
            known = {**known, **{str(key): details for key, details in fetched.items()}}
            self._cache.store(_CACHE_NAME, _Kept(today, known))
        return {i: known[str(i)] for i in instruments if str(i) in known}


def is_tradable(details: InstrumentDetails) -> bool:
    """False when the broker says that the instrument may not be traded (or only reduced)."""
    if details.is_tradable is False:
        return False
    return details.trading_status in (None, "Tradable", "NotDefined")
