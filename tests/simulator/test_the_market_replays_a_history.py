"""Bars, quotes and the cursor: real days, one place in time, a first day worth trading on."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions, prices
from tradebot.simulator.market import START
from tradebot.simulator.synthetic import WALKS, walk

WATCHED = {10001: "Stock", 10002: "Etf", 21: "FxSpot"}
FX_HALF_SPREAD = 0.00007


def bars(api: SimulatorClient, uic: int, asset_type: str, **more: Any) -> list[Any]:
    query = {"Horizon": 1440, "Count": 100, **more}
    return api.get("/chart/v3/charts", Uic=uic, AssetType=asset_type, **query).data


def closes(api: SimulatorClient, uic: int, count: int) -> list[float]:
    """Closing prices as a strategy sees them: mid prices for FX."""
    return [
        bar["Close"] if "Close" in bar else (bar["CloseBid"] + bar["CloseAsk"]) / 2
        for bar in bars(api, uic, WATCHED[uic], Count=count)
    ]


def cross(series: list[float]) -> int:
    """+1 when the 5-day average crosses above the 20-day one on the last day, -1 below, else 0."""
    now = fmean(series[-5:]) - fmean(series[-20:])
    before = fmean(series[-6:-1]) - fmean(series[-21:-1])
    return 1 if before <= 0 < now else -1 if before >= 0 > now else 0


def test_the_first_day_is_one_to_buy_on(api: SimulatorClient) -> None:
    assert api.sim.broker.market.cursor == START == 1649
    assert {uic: cross(closes(api, uic, 21)) for uic in WATCHED} == {10001: 1, 10002: 0, 21: 0}


def test_the_next_sixty_days_have_trades_both_ways(api: SimulatorClient) -> None:
    assert api.sim.advance(60) == 60
    counts = {1: 0, -1: 0}
    for uic in WATCHED:
        series = closes(api, uic, 81)
        for end in range(22, 82):
            if (sign := cross(series[:end])) != 0:
                counts[sign] += 1
    assert counts[1] >= 5
    assert counts[-1] >= 5


def test_the_shipped_series_are_whole() -> None:
    assert prices.day_count() == 2987
    for name in ("msft", "sp500", "nasdaq"):
        text = gzip.decompress((prices.DATA_DIR / f"{name}.csv.gz").read_bytes()).decode()
        lines = text.splitlines()
        assert lines[0] == "date,open,high,low,close,volume"
        days = [date.fromisoformat(line[:10]) for line in lines[1:]]
        assert days == [prices.day(n) for n in range(prices.day_count())]
        assert all(a < b for a, b in pairwise(days))
        for n in range(prices.day_count()):
            row = prices.row(name, n)
            assert row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
            assert row.volume >= 0
    assert sum(f.stat().st_size for f in prices.DATA_DIR.iterdir()) < 300_000
    # Two well-known days: the first of the window, and the worst of the crisis.
    assert prices.row("sp500", 0).close == 1268.80
    assert (prices.day(701), prices.row("sp500", 701).close) == (date(2008, 10, 15), 907.84)


def test_the_synthetic_rates_never_change() -> None:
    first = list(walk(WALKS["eurusd"], 3))
    assert first == [prices.row("eurusd", n) for n in range(3)]
    assert (first[0].open, prices.row("eurusd", START).close) == (1.25, 1.36518)
    assert prices.row("gbpusd", START).close == 1.61724
    for n in range(prices.day_count()):
        row = prices.row("eurusd", n)
        assert 1.0 < row.low <= min(row.open, row.close) <= row.high < 1.5


def test_quotes_surround_the_close_and_are_of_now(api: SimulatorClient) -> None:
    for uic, asset_type in WATCHED.items():
        close = closes(api, uic, 1)[0]
        answer = api.get("/trade/v1/infoprices", Uic=uic, AssetType=asset_type).json
        quote = answer["Quote"]
        assert quote["Bid"] < close < quote["Ask"]
        assert quote["Mid"] == pytest.approx(close)
        assert quote["MarketState"] == "Open"
        assert answer["LastUpdated"] == "2026-07-20T14:09:05.000000Z"


def test_advancing_moves_every_instrument(api: SimulatorClient) -> None:
    before = {uic: bars(api, uic, kind)[-1] for uic, kind in WATCHED.items()}
    assert api.sim.advance() == 1
    for uic, kind in WATCHED.items():
        rows = bars(api, uic, kind)
        assert rows[-2] == before[uic]
        assert rows[-1]["Time"].startswith(api.sim.market_date)


def test_the_history_ends_and_says_so(api: SimulatorClient) -> None:
    left = api.sim.broker.market.last - START
    api.sim.broker.state.set("cursor", api.sim.broker.market.last - 1)
    answer = api.control("POST", "advance", {"bars": 5})
    assert (answer.status, answer.json["moved"], answer.json["at_end"]) == (200, 1, True)
    assert "ends here" in answer.json["message"]
    assert api.sim.advance() == 0
    assert api.control("POST", "advance").status == 409
    assert left > 1000, "weeks of runs before that"
    assert api.sim.market_date == "2017-11-10"


def test_bars_up_to_and_from_a_time_include_it(api: SimulatorClient) -> None:
    every = bars(api, 10001, "Stock", Count=10)
    at = every[4]["Time"]
    assert bars(api, 10001, "Stock", Count=3, Mode="UpTo", Time=at) == every[2:5]
    assert bars(api, 10001, "Stock", Count=3, Time=at) == every[2:5]
    assert bars(api, 10001, "Stock", Mode="From", Time=at) == every[4:]
    assert bars(api, 10001, "Stock", Count=2, Mode="From", Time=at) == every[4:6]
    inside = datetime.fromisoformat(at) + timedelta(hours=5)
    assert bars(api, 10001, "Stock", Count=1, Mode="UpTo", Time=inside.isoformat()) == [every[4]]
    assert bars(api, 10001, "Stock", Mode="From", Time=inside.isoformat()) == every[5:]
    assert bars(api, 10001, "Stock", Mode="UpTo", Time="1999-01-01T00:00:00Z") == []
    assert bars(api, 10001, "Stock", Mode="From", Time="2030-01-01") == []
    assert len(bars(api, 10001, "Stock", Mode="From", Time="1999-01-01", Count=7)) == 7


def test_a_history_is_no_longer_than_it_is(api: SimulatorClient) -> None:
    api.sim.broker.state.set("cursor", 3)
    assert [b["Time"][:10] for b in bars(api, 10002, "Etf", Count=1200)] == [
        "2006-01-03",
        "2006-01-04",
        "2006-01-05",
        "2006-01-06",
    ]


@pytest.mark.parametrize(
    ("horizon", "starts"),
    [
        (10080, lambda d: d.weekday() == 0),
        (43200, lambda d: d.day == 1),
        (129600, lambda d: d.day == 1 and d.month in (1, 4, 7, 10)),
        (518400, lambda d: d.day == 1 and d.month == 1),
    ],
)
def test_longer_bars_are_put_together_from_days(
    api: SimulatorClient, horizon: int, starts: Any
) -> None:
    rows = bars(api, 10001, "Stock", Horizon=horizon, Count=3)
    assert len(rows) == 3
    assert all(starts(datetime.fromisoformat(row["Time"])) for row in rows)
    period = rows[1]
    days = bars(api, 10001, "Stock", Mode="From", Time=period["Time"], Count=1200)
    inside = [d for d in days if d["Time"] < rows[2]["Time"]]
    assert period["Open"] == inside[0]["Open"]
    assert period["Close"] == inside[-1]["Close"]
    assert period["High"] == max(d["High"] for d in inside)
    assert period["Volume"] == sum(d["Volume"] for d in inside)
    around = bars(api, 10001, "Stock", Horizon=horizon, Count=1, Time=inside[0]["Time"])
    assert around == [period], "whole, though it was asked for by its first day"


def test_shorter_bars_follow_the_day(api: SimulatorClient) -> None:
    day = bars(api, 10001, "Stock")[-1]
    hours = bars(api, 10001, "Stock", Horizon=60, Count=24)
    assert len(hours) == 24
    assert hours[0]["Time"] == day["Time"]
    assert (hours[0]["Open"], hours[-1]["Close"]) == (day["Open"], day["Close"])
    assert max(h["High"] for h in hours) == day["High"]
    assert min(h["Low"] for h in hours) == day["Low"]
    assert all(a["Close"] == b["Open"] for a, b in pairwise(hours))
    assert len(bars(api, 21, "FxSpot", Horizon=1, Count=1200)) == 1200
    later = bars(api, 10001, "Stock", Horizon=60, Mode="From", Time=hours[20]["Time"])
    assert later == hours[20:]


@pytest.mark.parametrize(
    "query",
    [
        {"Horizon": 7},
        {"Horizon": ""},
        {"Count": 1201},
        {"Count": 0},
        {"Count": "x"},
        {"Mode": "Around"},
        {"Mode": "From"},
        {"Time": "noon"},
    ],
)
def test_charts_that_cannot_be_drawn(api: SimulatorClient, query: dict[str, Any]) -> None:
    asked = {"Uic": 21, "AssetType": "FxSpot", "Horizon": 1440, **query}
    answer = api.get("/chart/v3/charts", **asked)
    assert (answer.status, answer.json["ErrorCode"]) == (400, "InvalidModelState")


def test_charts_of_nothing(api: SimulatorClient) -> None:
    assert api.get("/chart/v3/charts", Uic=21, AssetType="Stock", Horizon=1440).status == 404
    assert api.get("/chart/v1/charts", Uic=21, AssetType="FxSpot", Horizon=1440).status == 200


def test_the_data_version_does_not_change(api: SimulatorClient) -> None:
    def version() -> int:
        chart = api.get("/chart/v3/charts", Uic=21, AssetType="FxSpot", Horizon=1440, Count=1)
        number = chart.json["DataVersion"]
        assert isinstance(number, int)
        return number

    first = version()
    api.sim.advance()
    assert version() == first


def test_quotes_may_be_delayed(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 7, 20, 14, 0, tzinfo=UTC))
    options = SimulatorOptions(
        clock=clock, quote_delay_minutes=15, rate_limits=RateLimits(enabled=False)
    )
    with Simulator(tmp_path / "s.db", options=options) as sim, SimulatorClient(sim) as api:
        share = api.get("/trade/v1/infoprices", Uic=10001, AssetType="Stock").json
        assert share["Quote"]["DelayedByMinutes"] == 15
        assert share["LastUpdated"] == "2026-07-20T13:45:00.000000Z"
        rate = api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot").json
        assert rate["Quote"]["DelayedByMinutes"] == 0
