"""A marketable limit lies on the tick, at the touch or beyond, and never past the slippage."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bench import Bench
from tradebot.execution.pricing import marketable_limit
from tradebot.model import Action, Quote
from tradebot.saxo.reference_messages import InstrumentDetails

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def limit(side: Action, bid: float, ask: float, bps: int, tick: float | None = 0.01) -> float:
    details = InstrumentDetails(uic=1, asset_type="Stock", tick_size=tick)
    return marketable_limit(side, Quote(bid, ask, NOW), details, bps)


@pytest.mark.parametrize(
    ("side", "bps", "expected"),
    [
        (Action.BUY, 50, 100.55),
        (Action.SELL, 50, 99.46),
        (Action.BUY, 0, 100.05),
        (Action.SELL, 0, 99.95),
    ],
)
def test_the_limit(side: Action, bps: int, expected: float) -> None:
    assert limit(side, 99.95, 100.05, bps) == pytest.approx(expected)


@given(
    st.decimals(1, 5000, places=2), st.integers(0, 500), st.sampled_from([Action.BUY, Action.SELL])
)
def test_it_trades_at_once_and_within_the_slippage(price: Decimal, bps: int, side: Action) -> None:
    found = Decimal(str(limit(side, float(price), float(price), bps)))
    worst = price * bps / 10_000
    assert found % Decimal("0.01") == 0
    if side is Action.BUY:
        assert price <= found <= price + worst
    else:
        assert price - worst <= found <= price


def test_a_touch_between_ticks_goes_to_the_next_tick_outwards() -> None:
    assert limit(Action.BUY, 1.1, 1.10003, 0, 0.00005) == pytest.approx(1.10005)
    assert limit(Action.SELL, 1.10003, 1.2, 0, 0.00005) == pytest.approx(1.1)


def test_a_sale_never_has_a_limit_of_nothing() -> None:
    assert limit(Action.SELL, 5.0, 5.1, 10_000) == pytest.approx(5.0)


def test_without_a_tick_it_is_not_rounded() -> None:
    assert limit(Action.BUY, 1.0, 1.00001, 10, None) == pytest.approx(1.00101001)


def test_a_bot_that_asks_for_it_sends_limit_orders(bench: Bench) -> None:
    report = bench.cycle(ORDER_TYPE="marketable_limit")
    assert report.executions[0].outcome == "SUCCESS"
    [intent] = bench.lines("execution_intent_created")
    assert intent["order_type"] == "marketable_limit"
    assert Decimal(intent["limit_price"]) > 26
