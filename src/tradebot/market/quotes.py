"""Quotes for the whole watch list, and for each instrument without one the reason.

The list endpoint silently leaves out what it cannot price, so what was asked is compared with
what came back; a price without access, still pending, too old or from a closed market is named as
such (Saxo's reference of trade/v1/infoprices).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tradebot.clock import Clock
from tradebot.errors import BadAnswer, BrokerUnavailable, RequestRefused
from tradebot.model import InstrumentId, Quote
from tradebot.observability import bind
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.messages import InfoPrice
from tradebot.vocabulary.reasons import DecisionReason

_CLOSED_STATES = frozenset({"Closed"})
_NO_PRICE_TYPES = {
    "NoAccess": DecisionReason.NO_ACCESS,
    "Pending": DecisionReason.PRICE_PENDING,
    "NoMarket": DecisionReason.NO_QUOTE,
    "None": DecisionReason.NO_QUOTE,
    "OldIndicative": DecisionReason.QUOTE_STALE,
}
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
"""Up to here a LastUpdated means "never": seen as 0001-01-01 where there is no access."""


@dataclass(slots=True)
class Quotes:
    """`usable` by instrument, and why the others are not."""

    usable: dict[InstrumentId, Quote] = field(default_factory=dict)
    unusable: dict[InstrumentId, DecisionReason] = field(default_factory=dict)


class QuoteSource:
    """Asks for quotes, one list request per asset type and hundred instruments."""

    def __init__(
        self,
        broker: SaxoClient,
        clock: Clock,
        *,
        account_key: str | None,
        max_delay_minutes: int,
        staleness_seconds: float,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._account_key = account_key
        self._max_delay = max_delay_minutes
        self._staleness = staleness_seconds

    def fetch(self, instruments: Sequence[InstrumentId]) -> Quotes:
        """Every instrument ends in `usable` or in `unusable`. Raises LoginError only."""
        quotes = Quotes()
        by_type: dict[str, list[int]] = defaultdict(list)
        for instrument in instruments:
            by_type[instrument.asset_type].append(instrument.uic)
        for asset_type, uics in by_type.items():
            try:
                with bind(asset_type=asset_type):
                    answer = self._broker.info_prices(
                        asset_type, uics, account_key=self._account_key
                    )
            except (BrokerUnavailable, RequestRefused, BadAnswer):
                for uic in uics:
                    instrument = InstrumentId(asset_type, uic)
                    quotes.unusable[instrument] = DecisionReason.QUOTES_UNAVAILABLE
                continue
            for uic in uics:
                self._file(quotes, InstrumentId(asset_type, uic), answer.prices.get(uic))
        return quotes

    def _file(self, quotes: Quotes, instrument: InstrumentId, price: InfoPrice | None) -> None:
        judged = self._judge(price)
        if isinstance(judged, Quote):
            quotes.usable[instrument] = judged
        else:
            quotes.unusable[instrument] = judged

    def _judge(self, price: InfoPrice | None) -> Quote | DecisionReason:
        if price is None or price.quote is None:
            return DecisionReason.NO_QUOTE
        raw = price.quote
        for kind in (raw.price_type_bid, raw.price_type_ask):
            if kind in _NO_PRICE_TYPES:
                return _NO_PRICE_TYPES[kind]
        if raw.bid is None or raw.ask is None or raw.bid <= 0 or raw.ask < raw.bid:
            return DecisionReason.NO_QUOTE
        if raw.market_state in _CLOSED_STATES:
            return DecisionReason.MARKET_CLOSED
        now = self._clock.now()
        quote = Quote(
            bid=raw.bid,
            ask=raw.ask,
            received_at=now,
            last_updated=price.last_updated,
            delayed_by_minutes=raw.delayed_by_minutes or 0,
            market_state=raw.market_state or "Unknown",
        )
        return self._age_problem(quote, now) or quote

    def _age_problem(self, quote: Quote, now: datetime) -> DecisionReason | None:
        if self._max_delay and quote.delayed_by_minutes > self._max_delay:
            return DecisionReason.QUOTE_DELAYED
        if quote.last_updated is None or quote.last_updated <= _NEVER:
            return None
        age = (now - quote.last_updated).total_seconds() - quote.delayed_by_minutes * 60
        return DecisionReason.QUOTE_STALE if age > self._staleness else None
