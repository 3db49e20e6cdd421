"""One decision and one reason for every watched instrument: what a cycle owes its log.

Market data, positions, the strategy and the guards meet here; each instrument passes them in the
same order and leaves with the first reason that stopped it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tradebot.clock import Clock
from tradebot.errors import BrokerError
from tradebot.execution.guards import Guards, Wish
from tradebot.execution.trade_executor import PlannedOrder
from tradebot.market.bars import BarSource
from tradebot.market.instruments import InstrumentSource, is_tradable
from tradebot.market.quotes import QuoteSource
from tradebot.model import Action, Bar, Decision, InstrumentId, Quote, Signal, WatchItem
from tradebot.observability import bind, log_event
from tradebot.saxo.reference_messages import InstrumentDetails
from tradebot.strategies.base import MarketView, Strategy
from tradebot.vocabulary.reasons import DecisionReason

_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(slots=True)
class MarketData:
    """What was read for the watch list; an instrument without it stands in `unusable`."""

    details: dict[InstrumentId, InstrumentDetails] = field(default_factory=dict)
    quotes: dict[InstrumentId, Quote] = field(default_factory=dict)
    bars: dict[InstrumentId, tuple[Bar, ...]] = field(default_factory=dict)
    unusable: dict[InstrumentId, DecisionReason] = field(default_factory=dict)

    @property
    def is_unavailable(self) -> bool:
        """No usable price for any instrument, and not because a market is closed."""
        reasons = self.unusable.values()
        return not self.bars and DecisionReason.MARKET_CLOSED not in reasons


class MarketReader:
    """Reads everything that decisions need, and says in the log what was missing."""

    def __init__(
        self, instruments: InstrumentSource, quotes: QuoteSource, bars: BarSource, clock: Clock
    ) -> None:
        self._instruments = instruments
        self._quotes = quotes
        self._bars = bars
        self._clock = clock

    def read(self, watchlist: Sequence[WatchItem], bars_needed: int) -> MarketData:
        """Details, quotes and bars of the watch list. Raises BrokerError for details only."""
        begun = self._clock.monotonic()
        wanted = [item.instrument for item in watchlist]
        log_event("marketdata_fetch_begin", instruments=len(wanted))
        data = MarketData()
        try:
            data.details = self._instruments.fetch(wanted)
        except BrokerError as error:
            log_event("marketdata_fetch_failure", str(error), failure_reason="unavailable")
            raise
        for instrument in wanted:
            details = data.details.get(instrument)
            if details is None:
                data.unusable[instrument] = DecisionReason.UNKNOWN_INSTRUMENT
            elif not is_tradable(details):
                data.unusable[instrument] = DecisionReason.NOT_TRADABLE
        self._read_prices(data, [i for i in wanted if i not in data.unusable], bars_needed)
        self._tell(data, len(wanted), round((self._clock.monotonic() - begun) * 1000))
        return data

    def _read_prices(
        self, data: MarketData, wanted: Sequence[InstrumentId], bars_needed: int
    ) -> None:
        quotes = self._quotes.fetch(wanted)
        data.quotes = quotes.usable
        data.unusable.update(quotes.unusable)
        for instrument in quotes.usable:
            if self._clock.stopping:
                data.unusable[instrument] = DecisionReason.STOPPING
                continue
            try:
                with bind(instrument_id=str(instrument)):
                    data.bars[instrument] = self._bars.fetch(instrument, bars_needed)
            except BrokerError:
                data.unusable[instrument] = DecisionReason.BARS_UNAVAILABLE

    def _tell(self, data: MarketData, wanted: int, latency_ms: int) -> None:
        if not data.unusable:
            log_event(
                "marketdata_fetch_success",
                instruments=wanted,
                quotes=len(data.quotes),
                bars=sum(len(bars) for bars in data.bars.values()),
                latency_ms=latency_ms,
            )
            return
        reasons = sorted(set(data.unusable.values()))
        if data.is_unavailable:
            log_event("marketdata_fetch_failure", failure_reason=reasons[0])
            return
        log_event(
            "marketdata_fetch_partial",
            missing=len(data.unusable),
            missing_ids=",".join(str(instrument) for instrument in data.unusable),
            reason=reasons[0] if len(reasons) == 1 else None,
        )


class Decider:
    """Turns market data into decisions: the strategy's wish, then the guards."""

    def __init__(self, strategy: Strategy, guards: Guards, data: MarketData) -> None:
        self._strategy = strategy
        self._guards = guards
        self._data = data
        self.signals: list[Signal] = []

    def decide(self, item: WatchItem, held: Mapping[InstrumentId, Decimal]) -> Decision:
        """The decision for one instrument; logs nothing but missing bars and strategy errors."""
        instrument = item.instrument
        reason = self._data.unusable.get(instrument)
        if reason is not None:
            return Decision(instrument, Action.SKIP, reason, symbol=item.symbol)
        bars = self._data.bars[instrument]
        if len(bars) < self._strategy.bars_needed:
            log_event(
                "strategy_signal_skipped_insufficient_data",
                instrument_id=str(instrument),
                bars_have=len(bars),
                bars_need=self._strategy.bars_needed,
            )
            reason = DecisionReason.INSUFFICIENT_DATA
            return Decision(instrument, Action.SKIP, reason, symbol=item.symbol)
        signal = self._ask(item, bars, held.get(instrument, Decimal(0)))
        if signal is None:
            reason = DecisionReason.STRATEGY_ERROR
            return Decision(instrument, Action.SKIP, reason, symbol=item.symbol)
        self.signals.append(signal)
        return self._guarded(item, signal, bars[-1])

    def planned(self, decision: Decision) -> PlannedOrder:
        """A BUY or SELL decision with what is needed to carry it out."""
        instrument = decision.instrument
        return PlannedOrder(decision, self._data.quotes[instrument], self._data.details[instrument])

    def _ask(self, item: WatchItem, bars: tuple[Bar, ...], held: Decimal) -> Signal | None:
        """The strategy's answer; None when it raised or answered what no strategy may."""
        quote = self._data.quotes[item.instrument]
        view = MarketView(item.instrument, item.symbol, bars, quote, held)
        try:
            return _checked(self._strategy.decide(view))
        except (Exception, SystemExit):  # noqa: BLE001 - a user's own code must not stop the rest
            log_event(
                "unexpected_exception",
                f"the strategy {self._strategy.name} failed",
                exc_info=True,
                instrument_id=str(item.instrument),
            )
            return None

    def _guarded(self, item: WatchItem, signal: Signal, bar: Bar) -> Decision:
        instrument = item.instrument
        if signal.action is Action.HOLD:
            return Decision(
                instrument,
                Action.HOLD,
                signal.reason,
                symbol=item.symbol,
                signal=Action.HOLD,
                bar_time=bar.time,
            )
        quantity = item.quantity
        if signal.action is Action.SELL:
            quantity = self._guards.sellable(instrument)
        wish = Wish(
            instrument,
            signal.action,
            quantity,
            bar.time,
            self._data.quotes[instrument],
            self._data.details[instrument].currency_code,
        )
        refusal = self._guards.refusal(wish)
        return Decision(
            instrument,
            Action.SKIP if refusal else signal.action,
            refusal or signal.reason,
            symbol=item.symbol,
            signal=signal.action,
            bar_time=bar.time,
            quantity=None if refusal else quantity,
        )


def _checked(signal: Signal) -> Signal:
    """The signal with an action that is one of ours, not a text that only looks like it.

    Raises ValueError for an answer that no strategy may give.
    """
    action = Action(signal.action)
    if action is Action.SKIP:
        raise ValueError("a strategy answers BUY, SELL or HOLD")
    if not _WORD.fullmatch(signal.reason):
        raise ValueError("a signal's reason is one lower_snake word")
    return Signal(action, signal.reason)


def log_decision(decision: Decision, held: Decimal | None) -> None:
    """The one line that says what was decided for an instrument, and why."""
    log_event(
        "strategy_decision",
        instrument_id=str(decision.instrument),
        asset_type=decision.instrument.asset_type,
        uic=decision.instrument.uic,
        symbol=decision.symbol,
        action=decision.action,
        reason=decision.reason,
        signal=decision.signal,
        quantity=decision.quantity,
        bar_time=decision.bar_time,
        held=held or None,
    )
