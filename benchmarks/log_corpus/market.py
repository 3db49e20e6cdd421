"""The market of a corpus: the last closed bars, which of them cross, and what has no price."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from benchmarks.log_corpus.agenda import Agenda, Bars, instruments_of, is_open
from benchmarks.log_corpus.model import (
    DAY,
    DELAYED_INSTRUMENT,
    CorpusOptions,
    Instrument,
    Run,
)
from tradebot.execution.references import account_hash, derive_reference
from tradebot.model import InstrumentId

ACCOUNT = account_hash("the corpus has no real account")
STRATEGY = "sma_cross"
_RARE = ("quote_stale", "no_quote", "price_pending", "quote_delayed", "insufficient_data")


class Market:
    """What a run can see of it."""

    def __init__(
        self, options: CorpusOptions, agenda: Agenda, rng: random.Random, bar_seconds: int
    ) -> None:
        self._agenda, self._rng = agenda, rng
        self._cadence = options.cadence_minutes * 60
        self.instruments = instruments_of(options)
        self.bars: dict[int, int] = {}
        """When the last closed bar of each instrument began."""
        self._last = Bars(bar_seconds)
        self._crosses: dict[int, tuple[int, str | None]] = {}
        hours = sum(20 if one.around_the_clock else 13 for one in self.instruments)
        self._share = min(0.95, 1.5 * options.orders_per_day / (hours * 3600 / bar_seconds))

    def look(self, run: Run) -> None:
        """The bars of this run, and the instruments without a usable price."""
        moment = int(run.start)
        forced = {number for number, _ in self._agenda.forced.get(run.slot or -1, ())}
        for number, instrument in enumerate(self.instruments):
            self.bars[number] = self._last.last(instrument, moment)
            reason = self._why_unusable(run, number, moment)
            if reason is None or number in forced:
                continue
            if reason == "insufficient_data":
                run.insufficient.append(number)
            else:
                run.unusable[number] = reason

    def _why_unusable(self, run: Run, number: int, moment: int) -> str | None:
        if not is_open(self.instruments[number], moment):
            return "market_closed"
        if number == DELAYED_INSTRUMENT and moment // DAY % 3 == 0:
            return "quote_delayed"
        if run.what == "partial" and number < 2:
            return ("insufficient_data", "no_quote")[number]
        if self._rng.random() < 0.008:
            return self._rng.choice(_RARE)
        return None

    def cross(self, run: Run, number: int, own: int, *, always_above: bool) -> str | None:
        """`above` or `below` if the averages cross on the last bar; the same as long as it lasts.

        `own`: what the bot holds.
        """
        bar = self.bars[number]
        forced = any(number == other for other, _ in self._agenda.forced.get(run.slot or -1, ()))
        known = self._crosses.get(number)
        if known is None or known[0] != bar or (forced and known[1] is None):
            wanted = "below" if own > 0 else "above"
            drawn = wanted if forced else self._draw(number, wanted, int(run.start))
            if always_above and drawn is not None:
                drawn = "above"
            self._crosses[number] = bar, drawn
        return self._crosses[number][1]

    def _draw(self, number: int, wanted: str, moment: int) -> str | None:
        slot = moment // self._cadence * self._cadence
        draw = self._rng.random()
        if self._agenda.is_reserved(number, slot) or draw >= self._share:
            return None
        other = "above" if wanted == "below" else "below"
        return wanted if draw < self._share * 0.85 else other

    def stranger(self, run: Run) -> str:
        """The reference of an order that another copy of the bot has sent."""
        bar = self.bars.get(1, int(run.start))
        return reference_of(self.instruments[1], bar, 1, account="another")


def reference_of(instrument: Instrument, bar: int, attempt: int, *, account: str = ACCOUNT) -> str:
    """As the bot derives it."""
    return derive_reference(
        account=account,
        strategy=STRATEGY,
        instrument=InstrumentId(instrument.asset_type, instrument.uic),
        bar_time=datetime.fromtimestamp(bar, UTC),
        attempt=attempt,
        dry_run=False,
    )
