"""Closed bars, asked for once: a day's bar is fetched in the first cycle after it closed.

The last bar of a chart may still be forming, so a bar counts only when the next one has begun by
the clock. Bars are kept in a small file per instrument until the next one can have closed; when
that time is past and the broker still has nothing newer (a weekend, a holiday), it is asked again
only now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from tradebot.clock import Clock
from tradebot.market.cache import FileCache
from tradebot.model import Bar, InstrumentId
from tradebot.saxo.client import SaxoClient
from tradebot.saxo.messages import ChartBar

ASK_AGAIN_PARTS = 288
"""Ask again after this part of a bar's length: five minutes for daily bars."""
EXTRA_BARS = 2
"""One that still forms, and one in case the newest two are the same bar revised."""


class _Kept(msgspec.Struct):
    bars: list[Bar]
    not_before: datetime


@dataclass(frozen=True, slots=True)
class BarSource:
    """Fetches closed bars of one length (`horizon_minutes`) for a strategy."""

    broker: SaxoClient
    clock: Clock
    cache: FileCache
    horizon_minutes: int

    def fetch(self, instrument: InstrumentId, count: int) -> tuple[Bar, ...]:
        """The newest `count` closed bars, oldest first; fewer where the broker has fewer.

        Raises BrokerError.
        """
        name = f"bars-{instrument.asset_type}-{instrument.uic}-{self.horizon_minutes}"
        kept = self.cache.load(name, _Kept)
        now = self.clock.now()
        if kept is not None and now < kept.not_before and len(kept.bars) >= count:
            return tuple(kept.bars[-count:])
        chart = self.broker.chart(instrument, self.horizon_minutes, count + EXTRA_BARS)
        delay = (
            timedelta(minutes=chart.chart_info.delayed_by_minutes or 0)
            if (chart.chart_info)
            else timedelta()
        )
        bars = closed_bars(chart.data, self.horizon_minutes, now - delay)
        if bars:
            before = kept.bars[-1].time if kept and kept.bars else None
            self.cache.store(name, _Kept(bars, self._not_before(bars[-1], before, now, delay)))
        return tuple(bars[-count:])

    def _not_before(
        self, last: Bar, before: datetime | None, now: datetime, delay: timedelta
    ) -> datetime:
        """When there can be something new: the bar after `last` has closed, and is shown."""
        horizon = timedelta(minutes=self.horizon_minutes)
        next_close = last.time + 2 * horizon + delay
        if next_close <= now and last.time == before:
            return now + horizon / ASK_AGAIN_PARTS
        return next_close


def closed_bars(samples: Sequence[ChartBar], horizon_minutes: int, now: datetime) -> list[Bar]:
    """The samples that are whole and closed, in time order, each time once.

    `now` is the time up to which the feed shows: a delayed feed's last bar is still forming
    although its time is over (`DelayedByMinutes` in Saxo's reference of chart/v3).
    """
    horizon = timedelta(minutes=horizon_minutes)
    bars: dict[datetime, Bar] = {}
    for sample in samples:
        bar = sample.to_bar()
        if bar is not None and bar.time + horizon <= now:
            bars[bar.time] = bar
    return [bars[time] for time in sorted(bars)]
