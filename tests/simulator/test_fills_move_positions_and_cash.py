"""Orders fill at once or when the market gets there; positions net; money adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

FX: dict[str, Any] = {"Uic": 21, "AssetType": "FxSpot", "Amount": 10000}
GTC = {"DurationType": "GoodTillCancel"}


@contextmanager
def running(folder: Path, clock: ManualClock, **options: Any) -> Iterator[SimulatorClient]:
    chosen = SimulatorOptions(clock=clock, rate_limits=RateLimits(enabled=False), **options)
    with Simulator(folder / "o.db", options=chosen) as sim, SimulatorClient(sim) as api:
        yield api


def quote(api: SimulatorClient, uic: int = 10001, asset_type: str = "Stock") -> tuple[float, float]:
    found = api.get("/trade/v1/infoprices", Uic=uic, AssetType=asset_type).json["Quote"]
    return found["Bid"], found["Ask"]


def net(api: SimulatorClient) -> dict[int, float]:
    rows = api.get("/port/v1/netpositions/me").data
    return {r["NetPositionBase"]["Uic"]: r["NetPositionBase"]["Amount"] for r in rows}


def test_a_market_order_fills_at_the_quote(api: SimulatorClient) -> None:
    bid, ask = quote(api)
    buy = api.placed()
    sell = api.placed(BuySell="Sell")
    assert api.story(buy) == ["Placed/Requested", "Placed/Confirmed", "FinalFill/Confirmed"]
    assert api.audit(OrderId=buy)[-1]["ExecutionPrice"] == ask
    assert api.audit(OrderId=sell)[-1]["ExecutionPrice"] == bid
    assert api.open_orders() == []


def test_shares_are_paid_for_at_once_and_booked_two_days_later(api: SimulatorClient) -> None:
    _, ask = quote(api)
    api.placed(Amount=100)
    cost = round(100 * ask + 1.0, 2)
    balance = api.balance()
    assert balance["CashBalance"] == 100_000
    assert balance["TransactionsNotBooked"] == -cost
    assert balance["CashAvailableForTrading"] == round(100_000 - cost, 2)
    assert balance["TotalValue"] == round(100_000 - 1 - 100 * 0.02, 2)
    api.sim.advance()
    assert api.balance()["CashBalance"] == 100_000
    api.sim.advance()
    balance = api.balance()
    assert (balance["CashBalance"], balance["TransactionsNotBooked"]) == (100_000 - cost, 0)


def test_fx_profit_is_booked_on_closing(api: SimulatorClient) -> None:
    _, bought = quote(api, 21, "FxSpot")
    api.placed(**FX)
    balance = api.balance()
    assert balance["TransactionsNotBooked"] == 0
    assert balance["MarginUsedByCurrentPositions"] < 0
    assert balance["UnrealizedMarginOpenProfitLoss"] == pytest.approx(-10000 * 0.00014, abs=0.01)
    api.sim.advance(3)
    sold, _ = quote(api, 21, "FxSpot")
    api.placed(**FX, BuySell="Sell")
    profit = round(10000 * (sold - bought), 2)
    balance = api.balance()
    assert balance["TransactionsNotBooked"] == pytest.approx(profit)
    assert balance["MarginUsedByCurrentPositions"] == 0
    closed = api.get("/port/v1/closedpositions/me").data[0]["ClosedPosition"]
    assert closed["ClosedProfitLossInBaseCurrency"] == pytest.approx(profit)
    assert (closed["OpenPrice"], closed["ClosingPrice"]) == (bought, sold)


def test_a_limit_waits_until_the_market_reaches_it(api: SimulatorClient) -> None:
    order = api.placed(OrderType="Limit", OrderPrice=25.5, OrderDuration=GTC)
    assert api.story(order) == ["Placed/Requested", "Placed/Confirmed"]
    assert api.balance()["CashBlocked"] == pytest.approx(256)
    for _ in range(60):
        api.sim.advance()
        bar = api.get("/chart/v3/charts", Uic=10001, AssetType="Stock", Horizon=1440, Count=1)
        if bar.data[0]["Low"] <= 25.5:
            break
        assert api.story(order)[-1] == "Placed/Confirmed"
    assert api.story(order)[-1] == "FinalFill/Confirmed"
    price = api.audit(OrderId=order)[-1]["ExecutionPrice"]
    assert price == min(25.5, bar.data[0]["Open"])


def test_a_marketable_limit_fills_at_the_touch(api: SimulatorClient) -> None:
    bid, ask = quote(api)
    order = api.placed(OrderType="Limit", OrderPrice=round(ask + 1, 2))
    assert api.audit(OrderId=order)[-1]["ExecutionPrice"] == ask
    order = api.placed(OrderType="Limit", OrderPrice=round(bid - 1, 2), BuySell="Sell")
    assert api.audit(OrderId=order)[-1]["ExecutionPrice"] == bid


def test_a_sell_limit_fills_at_the_opening_if_that_is_better(api: SimulatorClient) -> None:
    api.placed()
    order = api.placed(BuySell="Sell", OrderType="Limit", OrderPrice=27.0, OrderDuration=GTC)
    while len(api.story(order)) < 3:
        assert api.sim.advance()
    bar = api.get("/chart/v3/charts", Uic=10001, AssetType="Stock", Horizon=1440, Count=1).data[0]
    assert bar["High"] >= 27.0
    assert api.audit(OrderId=order)[-1]["ExecutionPrice"] == max(27.0, bar["Open"])


def test_day_orders_expire_after_the_next_day(api: SimulatorClient) -> None:
    order = api.placed(OrderType="Limit", OrderPrice=10)
    stays = api.placed(OrderType="Limit", OrderPrice=10, OrderDuration=GTC)
    api.sim.advance()
    assert api.story(order)[-1] == "Expired/Confirmed"
    assert [o["OrderId"] for o in api.open_orders()] == [stays]


@pytest.mark.parametrize("duration", ["ImmediateOrCancel", "FillOrKill"])
def test_now_or_never(api: SimulatorClient, duration: str) -> None:
    now = {"DurationType": duration}
    assert api.story(api.placed(**FX, OrderDuration=now))[-1] == "FinalFill/Confirmed"
    if duration == "ImmediateOrCancel":
        away = api.placed(**FX, OrderDuration=now, OrderType="Limit", OrderPrice=1.0)
        assert api.story(away)[-1] == "Cancelled/Confirmed"


def test_stops_wait_and_trigger(api: SimulatorClient) -> None:
    api.placed(Amount=30)
    stop = api.placed(
        Amount=10, BuySell="Sell", OrderType="StopIfTraded", OrderPrice=25.0, OrderDuration=GTC
    )
    with_limit = api.placed(
        Amount=10,
        BuySell="Sell",
        OrderType="StopLimit",
        OrderPrice=25.0,
        StopLimitPrice=24.0,
        OrderDuration=GTC,
    )
    buy_stop = api.placed(Amount=10, OrderType="StopIfTraded", OrderPrice=27.5, OrderDuration=GTC)
    shown = {o["OrderId"]: o for o in api.open_orders()}
    assert shown[with_limit]["StopLimitPrice"] == 24.0
    api.sim.advance(400)
    for order in (stop, with_limit, buy_stop):
        assert api.story(order)[-1] == "FinalFill/Confirmed"
    assert api.audit(OrderId=stop)[-1]["ExecutionPrice"] <= 25.0
    assert api.audit(OrderId=with_limit)[-1]["ExecutionPrice"] >= 24.0
    assert api.audit(OrderId=buy_stop)[-1]["ExecutionPrice"] >= 27.5


def test_a_limit_at_the_opening_waits_for_the_next_day(api: SimulatorClient) -> None:
    order = api.placed(
        OrderType="Limit", OrderPrice=40, OrderDuration={"DurationType": "AtTheOpening"}
    )
    assert len(api.story(order)) == 2
    api.sim.advance()
    bar = api.get("/chart/v3/charts", Uic=10001, AssetType="Stock", Horizon=1440, Count=1).data[0]
    assert api.audit(OrderId=order)[-1]["ExecutionPrice"] == bar["Open"]


def test_fifo_netting_splits_what_is_closed(api: SimulatorClient) -> None:
    api.placed(Amount=10, ExternalReference="a")
    api.placed(Amount=10, ExternalReference="b")
    api.placed(Amount=15, BuySell="Sell", ExternalReference="c")
    assert net(api) == {10001: 5}
    rows = [r["ClosedPosition"] for r in api.get("/port/v1/closedpositions/me").data]
    assert [(r["Amount"], r["OpeningExternalReferenceId"]) for r in rows] == [(10, "a"), (5, "b")]
    assert sum(r["CostOpening"] for r in rows) == pytest.approx(-1.5)
    assert sum(r["CostClosing"] for r in rows) == pytest.approx(-1.0)
    left = api.get("/port/v1/positions/me").data[0]["PositionBase"]
    assert (left["Amount"], left["ExternalReference"]) == (5, "b")


def test_fx_can_turn_from_long_to_short(api: SimulatorClient) -> None:
    api.placed(**FX)
    api.placed(**{**FX, "Amount": 30000}, BuySell="Sell")
    assert net(api) == {21: -20000}
    assert api.get("/port/v1/netpositions/me").data[0]["NetPositionId"] == "EURUSD__FxSpot"
    position = api.get("/port/v1/positions/me").data[0]
    assert position["PositionBase"]["Amount"] == -20000
    assert position["PositionView"]["CurrentPriceType"] == "Ask"


def test_closing_an_fx_position_needs_no_margin(api: SimulatorClient) -> None:
    api.placed(**{**FX, "Amount": 2_000_000})
    assert "ErrorInfo" not in api.precheck(**{**FX, "Amount": 2_000_000}, BuySell="Sell").json


def test_end_of_day_netting_keeps_both_sides_until_the_next_day(
    tmp_path: Path, clock: ManualClock
) -> None:
    with running(tmp_path, clock, netting_profile="FifoEndOfDay") as api:
        assert api.get("/port/v1/clients/me").json["PositionNettingMode"] == "EndOfDay"
        api.placed()
        api.placed(BuySell="Sell")
        assert len(api.get("/port/v1/positions/me").data) == 2
        square = api.get("/port/v1/netpositions/me", FieldGroups="DisplayAndFormat").data[0]
        assert square["NetPositionBase"]["Amount"] == 0
        assert square["NetPositionView"]["Status"] == "Square"
        assert square["NetPositionView"]["ProfitLossOnTrade"] == pytest.approx(-0.2)
        assert square["DisplayAndFormat"]["Symbol"] == "MSFT:xnas"
        api.sim.advance()
        assert api.get("/port/v1/positions/me").data == []
        assert len(api.get("/port/v1/closedpositions/me").data) == 1


def test_fills_can_take_a_while(tmp_path: Path, clock: ManualClock) -> None:
    with running(tmp_path, clock, fill_delay_seconds=3) as api:
        order = api.placed()
        assert [o["OrderId"] for o in api.open_orders()] == [order]
        clock.advance(2.9)
        assert len(api.story(order)) == 2
        clock.advance(60)
        rows = api.audit(OrderId=order)
        assert rows[-1]["Status"] == "FinalFill"
        assert rows[-1]["ActivityTime"] == "2026-07-20T14:09:08.000000Z"
        # Moved away while the order waited: it becomes an ordinary resting limit.
        slow = api.placed(OrderType="Limit", OrderPrice=quote(api)[1], OrderDuration=GTC)
        api.sim.broker.state.set("cursor", api.sim.broker.market.cursor - 1)
        clock.advance(4)
        assert len(api.story(slow)) == 2


def test_selling_what_is_owned_needs_no_cash(api: SimulatorClient) -> None:
    api.placed()
    checked = api.precheck(BuySell="Sell", FieldGroups=["MarginImpactBuySell"]).json
    assert checked["EstimatedCashRequired"] == 0
    assert checked["MarginImpactBuySell"]["InitialMarginSell"] == 0


def test_value_dates_skip_the_weekend(api: SimulatorClient, clock: ManualClock) -> None:
    clock.advance(3 * 86_400)  # a Thursday
    api.token = api.sim.access_token()
    groups = "InstrumentPriceDetails"
    rate = api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot", FieldGroups=groups)
    assert rate.json["InstrumentPriceDetails"]["ValueDate"] == "2026-07-27"


def test_commission_is_configurable(tmp_path: Path, clock: ManualClock) -> None:
    with running(tmp_path, clock, commission={"FxSpot": 3.0}) as api:
        api.placed(**FX)
        assert api.balance()["TransactionsNotBooked"] == -3
        api.placed()
        assert api.audit()[-1]["ExecutionPrice"] * 10 == pytest.approx(
            -3 - api.balance()["TransactionsNotBooked"]
        )


def test_orders_in_instruments_without_a_feed_still_fill(api: SimulatorClient) -> None:
    limit = api.placed(Uic=307, OrderType="Limit", OrderPrice=1)
    assert api.open_orders()[0]["CurrentPriceType"] == "NoAccess"
    assert (
        api.api("DELETE", f"/trade/v2/orders/{limit}", AccountKey=api.sim.account_key).status == 200
    )
    assert api.story(api.placed(Uic=307))[-1] == "FinalFill/Confirmed"
    assert json.dumps(net(api)) == '{"307": 10.0}'
