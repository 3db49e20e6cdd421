"""A quote is usable, or there is a word for why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.bench import Bench
from tradebot.clock import ManualClock
from tradebot.market.quotes import QuoteSource
from tradebot.model import InstrumentId
from tradebot.saxo.messages import InfoPrice, PriceQuote
from tradebot.saxo.prices import InfoPrices

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
STOCK = InstrumentId("Stock", 1)
GOOD: dict[str, Any] = {"bid": 10.0, "ask": 10.1, "market_state": "Open"}


class Answers:
    """Stands in for the client with one prepared list answer."""

    def __init__(self, *prices: InfoPrice) -> None:
        self._prices = {price.uic: price for price in prices}

    def info_prices(self, asset_type: str, uics: list[int], account_key: object) -> InfoPrices:
        return InfoPrices(self._prices, ())


def judge(quote: PriceQuote | None, updated: datetime | None = NOW) -> object:
    price = InfoPrice(uic=1, quote=quote, last_updated=updated)
    source = QuoteSource(
        Answers(price),  # type: ignore[arg-type]
        ManualClock(NOW),
        account_key=None,
        max_delay_minutes=20,
        staleness_seconds=900,
    )
    found = source.fetch([STOCK])
    assert len(found.usable) + len(found.unusable) == 1
    return found.usable.get(STOCK) or str(found.unusable[STOCK])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price_type_bid": "NoAccess", "price_type_ask": "NoAccess"}, "no_access"),
        ({"price_type_ask": "Pending"}, "price_pending"),
        ({"price_type_bid": "NoMarket"}, "no_quote"),
        ({"bid": None}, "no_quote"),
        ({"ask": None}, "no_quote"),
        ({"bid": 0.0}, "no_quote"),
        ({"bid": 11.0}, "no_quote"),
        ({"market_state": "Closed"}, "market_closed"),
        ({"delayed_by_minutes": 21}, "quote_delayed"),
    ],
)
def test_an_unusable_quote_has_a_reason(change: dict[str, Any], reason: str) -> None:
    assert judge(PriceQuote(**GOOD | change)) == reason


def test_no_quote_at_all() -> None:
    assert judge(None) == "no_quote"


@pytest.mark.parametrize(
    ("age", "delay", "usable"),
    [(0, 0, True), (900, 0, True), (901, 0, False), (900 + 901, 15, False), (1700, 15, True)],
)
def test_age_counts_beyond_the_known_delay(age: float, delay: int, usable: bool) -> None:
    quote = PriceQuote(**GOOD, delayed_by_minutes=delay)
    judged = judge(quote, NOW - timedelta(seconds=age))
    assert (judged != "quote_stale") is usable


def test_a_time_that_means_never_is_not_an_age() -> None:
    assert judge(PriceQuote(**GOOD), datetime(1, 1, 1, tzinfo=UTC)) != "quote_stale"
    assert judge(PriceQuote(**GOOD), None) != "quote_stale"


def test_a_request_that_fails_leaves_the_other_asset_types(bench: Bench) -> None:
    bench.fault(
        "status",
        count=None,
        endpoint="/trade/v1/infoprices/list",
        skip=1,
        params={"status": 503},
    )
    bench.cycle()
    reasons = {d["instrument_id"]: d["reason"] for d in bench.lines("strategy_decision")}
    assert reasons["Stock:10001"] == "crossed_above"
    assert reasons["Etf:10002"] == reasons["FxSpot:21"] == "quotes_unavailable"
    failed = bench.lines("http_error", http_url_path="/sim/openapi/trade/v1/infoprices/list")
    assert {line.get("asset_type") for line in failed} == {"Etf", "FxSpot"}
