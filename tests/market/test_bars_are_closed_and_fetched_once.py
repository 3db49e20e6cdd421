"""Only closed bars count, each once; and a bar is asked for when there can be a new one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tradebot.clock import ManualClock
from tradebot.market.bars import BarSource, closed_bars
from tradebot.market.cache import FileCache
from tradebot.model import InstrumentId
from tradebot.saxo.messages import Chart, ChartBar, ChartInfo

DAY = 1440
FRIDAY = datetime(2026, 3, 6, tzinfo=UTC)
STOCK = InstrumentId("Stock", 1)


def sample(day: datetime, close: float = 10.0) -> ChartBar:
    return ChartBar(time=day, open=9.0, high=11.0, low=8.0, close=close, volume=5.0)


class Broker:
    """Serves daily bars up to `last`, and counts how often it is asked."""

    def __init__(self, last: datetime, delay: int = 0) -> None:
        self.last = last
        self.info = ChartInfo(delayed_by_minutes=delay)
        self.asked = 0

    def chart(self, instrument: InstrumentId, horizon: int, count: int) -> Chart:
        self.asked += 1
        days = [self.last - timedelta(days=back) for back in range(count)][::-1]
        return Chart(data=tuple(sample(day) for day in days), chart_info=self.info)


def source(broker: Broker, clock: ManualClock, folder: Path | None) -> BarSource:
    return BarSource(broker, clock, FileCache(folder), DAY)  # type: ignore[arg-type]


def test_a_bar_that_still_forms_does_not_count() -> None:
    samples = [sample(FRIDAY - timedelta(days=1)), sample(FRIDAY)]
    before, after = FRIDAY + timedelta(hours=23), FRIDAY + timedelta(hours=24)
    assert len(closed_bars(samples, DAY, before)) == 1
    assert len(closed_bars(samples, DAY, after)) == 2


def test_on_a_delayed_feed_a_bar_closes_later(tmp_path: Path) -> None:
    clock = ManualClock(FRIDAY + timedelta(days=1, minutes=10))
    broker = Broker(FRIDAY, delay=15)
    assert source(broker, clock, tmp_path).fetch(STOCK, 5)[-1].time == FRIDAY - timedelta(days=1)
    clock.advance(300)
    assert source(broker, clock, tmp_path).fetch(STOCK, 5)[-1].time == FRIDAY


def test_quoted_bars_become_mid_prices_and_halves_are_left_out() -> None:
    quoted = ChartBar(
        time=FRIDAY,
        open_bid=1.0,
        open_ask=1.2,
        high_bid=1.1,
        high_ask=1.3,
        low_bid=0.9,
        low_ask=1.1,
        close_bid=1.0,
        close_ask=1.4,
    )
    half = ChartBar(time=FRIDAY + timedelta(days=1), open=1.0)
    [bar] = closed_bars([quoted, half], DAY, FRIDAY + timedelta(days=9))
    assert (bar.open, bar.close) == (1.1, 1.2)


@given(st.permutations(range(6)), st.lists(st.integers(0, 5)))
def test_bars_come_in_order_each_time_once(order: list[int], again: list[int]) -> None:
    samples = [sample(FRIDAY + timedelta(days=n)) for n in [*order, *again]]
    bars = closed_bars(samples, DAY, FRIDAY + timedelta(days=99))
    assert [bar.time for bar in bars] == [FRIDAY + timedelta(days=n) for n in range(6)]


def test_a_days_bars_are_fetched_once(tmp_path: Path) -> None:
    clock = ManualClock(FRIDAY + timedelta(days=1, minutes=1))
    broker = Broker(FRIDAY)
    for _ in range(5):
        bars = source(broker, clock, tmp_path).fetch(STOCK, 20)
        assert (len(bars), bars[-1].time) == (20, FRIDAY)
        clock.advance(3600)
    assert broker.asked == 1
    clock.advance(86400)
    broker.last = FRIDAY + timedelta(days=1)
    assert source(broker, clock, tmp_path).fetch(STOCK, 20)[-1].time == broker.last
    assert broker.asked == 2


def test_while_there_is_nothing_new_it_is_asked_now_and_then(tmp_path: Path) -> None:
    clock = ManualClock(FRIDAY + timedelta(days=2, hours=1))  # Sunday: no bar since Friday's
    broker = Broker(FRIDAY)
    for _ in range(60):
        source(broker, clock, tmp_path).fetch(STOCK, 20)
        clock.advance(60)
    assert 10 <= broker.asked <= 14


def test_asking_for_more_bars_than_are_kept_asks_the_broker(tmp_path: Path) -> None:
    clock = ManualClock(FRIDAY + timedelta(days=1, minutes=1))
    broker = Broker(FRIDAY)
    source(broker, clock, tmp_path).fetch(STOCK, 5)
    assert len(source(broker, clock, tmp_path).fetch(STOCK, 50)) == 50
    assert broker.asked == 2


def test_a_spoilt_or_unwritable_cache_costs_a_request_and_nothing_else(tmp_path: Path) -> None:
    clock = ManualClock(FRIDAY + timedelta(days=1, minutes=1))
    broker = Broker(FRIDAY)
    first = source(broker, clock, tmp_path).fetch(STOCK, 20)
    for path in tmp_path.glob("*.json"):
        path.write_text('{"bars": 7', encoding="utf-8")
    assert source(broker, clock, tmp_path).fetch(STOCK, 20) == first
    blocked = tmp_path / "a-file"
    blocked.write_text("", encoding="utf-8")
    assert source(broker, clock, blocked).fetch(STOCK, 20) == first
    assert source(broker, clock, None).fetch(STOCK, 20) == first
    assert broker.asked == 4
