"""The built-in strategy against a naive oracle, and its words for everything it decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.model import Action, Bar, InstrumentId, Quote, Signal
from tradebot.strategies import MarketView
from tradebot.strategies.sma_cross import SmaCross

START = datetime(2025, 1, 1, tzinfo=UTC)
PRICES = st.integers(1, 40).map(lambda tenths: tenths / 10)


def view(closes: list[float], held: str = "0") -> MarketView:
    bars = tuple(
        Bar(START + timedelta(days=day), close, close, close, close)
        for day, close in enumerate(closes)
    )
    quote = Quote(1.0, 1.1, START)
    return MarketView(InstrumentId("Stock", 211), "AAPL:xnas", bars, quote, Decimal(held))


def naive_sign(closes: list[float], fast: int, slow: int) -> int:
    """Which average is higher, in exact decimal arithmetic."""
    prices = [Fraction(str(close)) for close in closes]
    difference = sum(prices[-fast:]) / fast - sum(prices[-slow:]) / slow
    return (difference > 0) - (difference < 0)


def naive_decision(closes: list[float], fast: int, slow: int, held: bool) -> Signal:
    before, now = naive_sign(closes[:-1], fast, slow), naive_sign(closes, fast, slow)
    if now == 1 and before != 1:
        return Signal(Action.BUY, "crossed_above")
    if now == -1 and before != -1:
        if held:
            return Signal(Action.SELL, "crossed_below")
        return Signal(Action.HOLD, "no_position")
    return Signal(Action.HOLD, "no_cross")


@settings(deadline=None)
@given(st.data())
def test_it_decides_as_the_naive_oracle_does(data: st.DataObject) -> None:
    slow = data.draw(st.integers(2, 8))
    fast = data.draw(st.integers(1, slow - 1))
    closes = data.draw(st.lists(PRICES, min_size=slow + 1, max_size=slow + 4))
    held = data.draw(st.booleans())
    decided = SmaCross(fast=fast, slow=slow).decide(view(closes, "3" if held else "0"))
    assert decided == naive_decision(closes, fast, slow, held)


@settings(deadline=None)
@given(PRICES, st.integers(2, 30), st.data())
def test_a_market_that_stands_still_never_crosses(
    price: float, slow: int, data: st.DataObject
) -> None:
    fast = data.draw(st.integers(1, slow - 1))
    signal = SmaCross(fast=fast, slow=slow).decide(view([price] * (slow + 1), "1"))
    assert signal == Signal(Action.HOLD, "no_cross")


RISING = [10.0] * 20 + [11.0]
FALLING = [10.0] * 20 + [9.0]


@pytest.mark.parametrize(
    ("closes", "held", "signal"),
    [
        (RISING, "0", Signal(Action.BUY, "crossed_above")),
        (RISING, "5", Signal(Action.BUY, "crossed_above")),
        (FALLING, "5", Signal(Action.SELL, "crossed_below")),
        (FALLING, "0", Signal(Action.HOLD, "no_position")),
        ([*RISING, 12.0], "0", Signal(Action.HOLD, "no_cross")),
        ([*FALLING, 8.0], "5", Signal(Action.HOLD, "no_cross")),
    ],
)
def test_each_answer_of_the_default_lengths(closes: list[float], held: str, signal: Signal) -> None:
    assert SmaCross().decide(view(closes, held)) == signal


def test_only_the_newest_bars_count() -> None:
    noise = [float(price) for price in range(50, 90)]
    assert SmaCross().decide(view(noise + RISING)) == SmaCross().decide(view(RISING))


def test_prices_of_very_different_size_are_compared_exactly() -> None:
    closes = [1e15] * 3 + [1e-9]
    assert SmaCross(fast=1, slow=3).decide(view(closes, "1")).action is Action.SELL


def test_the_defaults_and_what_follows_from_them() -> None:
    strategy = SmaCross()
    assert (strategy.fast, strategy.slow, strategy.horizon_minutes) == (5, 20, 1440)
    assert (strategy.name, strategy.version, strategy.bars_needed) == ("sma_cross", "1.0", 21)


def test_too_few_bars_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="needs 21 bars, got 20"):
        SmaCross().decide(view(RISING[1:]))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"fast": 0}, r"^fast must be a whole number from 1 to 19$"),
        ({"fast": 20}, r"^fast must be a whole number from 1 to 19$"),
        ({"fast": 5.0}, r"^fast must be"),
        ({"fast": True}, r"^fast must be"),
        ({"fast": "5"}, r"^fast must be"),
        ({"slow": 1}, r"^slow must be a whole number from 2 to 1197$"),
        ({"slow": 1200}, r"^slow must be"),
        ({"horizon_minutes": 7}, r"^horizon_minutes must be one of 1, 2, 3, 5"),
        ({"horizon_minutes": True}, r"^horizon_minutes must be"),
        ({"horizon_minutes": "60"}, r"^horizon_minutes must be"),
        ({"horizon_minutes": [60]}, r"^horizon_minutes must be"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_it_may_be(params: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SmaCross(**params)
