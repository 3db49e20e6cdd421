"""saxo_openapi, a client library written in 2019 by someone else, works against the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import saxo_openapi.endpoints.chart as charts
import saxo_openapi.endpoints.eventnotificationservices as ens
import saxo_openapi.endpoints.portfolio as pf
import saxo_openapi.endpoints.referencedata as rd
import saxo_openapi.endpoints.rootservices as rs
import saxo_openapi.endpoints.trading as tr
from saxo_openapi import API, saxo_openapi
from saxo_openapi.contrib.orders import LimitOrder, MarketOrder, tie_account_to_order
from saxo_openapi.contrib.session import account_info
from saxo_openapi.exceptions import OpenAPIError

from tradebot.simulator import Simulator


@pytest.fixture
def client(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    environment = {"api": sim.auth_base, "stream": sim.auth_base, "prefix": "sim"}
    monkeypatch.setitem(saxo_openapi.TRADING_ENVIRONMENTS, "simulation", environment)
    api = API(access_token=sim.access_token())
    yield api
    api.client.close()


def tied(client: Any, order: Any) -> Any:
    return tie_account_to_order(account_info(client).AccountKey, order)


def test_who_and_what(client: Any, sim: Simulator) -> None:
    assert account_info(client).AccountKey == sim.account_key
    assert client.request(pf.users.UsersMe())["ClientKey"] == sim.client_key
    assert client.request(pf.clients.ClientDetailsMe())["DefaultAccountKey"] == sim.account_key
    params = {"ClientKey": sim.client_key, "AccountKey": sim.account_key}
    balance = client.request(pf.balances.AccountBalances(params=params))
    assert balance["CashBalance"] == 100_000
    assert client.request(pf.balances.AccountBalancesMe()) == balance


def test_prices_charts_and_instruments(client: Any) -> None:
    params = {"Uics": "21,31", "AssetType": "FxSpot"}
    prices = client.request(tr.infoprices.InfoPrices(params=params))
    assert [p["Uic"] for p in prices["Data"]] == [21, 31]
    chart = charts.charts.GetChartData(
        params={"AssetType": "FxSpot", "Horizon": 1440, "Count": 24, "Uic": 21}
    )
    assert len(client.request(chart)["Data"]) == 24
    found = client.request(rd.instruments.Instruments(params={"Keywords": "EURUSD"}))
    assert found["Data"][0]["Identifier"] == 21
    details = client.request(rd.instruments.InstrumentDetails(Uic=21, AssetType="FxSpot"))
    assert details["Symbol"] == "EURUSD"
    listed = rd.instruments.InstrumentsDetails(params={"Uics": "21", "AssetTypes": "FxSpot"})
    assert client.request(listed)["Data"] == [details]
    hours = client.request(rd.instruments.TradingSchedule(Uic=21, AssetType="FxSpot"))
    assert hours["Sessions"]


def test_an_order_from_placement_to_position(client: Any) -> None:
    order = tied(client, MarketOrder(Uic=21, AssetType="FxSpot", Amount=10000))
    checked = client.request(tr.orders.PrecheckOrder(data=order))
    assert checked["PreCheckResult"] == "Ok"
    placed = client.request(tr.orders.Order(data=order))
    position = client.request(pf.positions.PositionsMe())["Data"][0]
    assert position["PositionBase"]["SourceOrderId"] == placed["OrderId"]
    assert client.request(pf.netpositions.NetPositionsMe())["__count"] == 1
    activities = ens.clientactivities.GetActivities(params={"Activities": "Orders"})
    assert client.request(activities)["Data"][-1]["Status"] == "FinalFill"
    out = tied(client, MarketOrder(Uic=21, AssetType="FxSpot", Amount=-10000))
    client.request(tr.orders.Order(data=out))
    assert client.request(pf.closedpositions.ClosedPositionsMe())["__count"] == 1


def test_a_waiting_order_is_listed_changed_and_cancelled(client: Any, sim: Simulator) -> None:
    order = tied(client, LimitOrder(Uic=21, AssetType="FxSpot", Amount=10000, OrderPrice=1.1))
    order_id = client.request(tr.orders.Order(data=order))["OrderId"]
    listed = client.request(pf.orders.GetOpenOrdersMe())["Data"]
    assert [o["OrderId"] for o in listed] == [order_id]
    key = quote(sim.client_key, safe="")  # this client does not encode what goes into a path
    one = pf.orders.GetOpenOrder(ClientKey=key, OrderId=order_id, params={})
    assert client.request(one)["Data"] == listed
    change = {**order, "OrderId": order_id, "OrderPrice": 1.2}
    assert client.request(tr.orders.ChangeOrder(data=change))["OrderId"] == order_id
    cancel = tr.orders.CancelOrders(OrderIds=order_id, params={"AccountKey": sim.account_key})
    assert client.request(cancel)["Orders"] == [{"OrderId": order_id}]
    assert client.request(pf.orders.GetOpenOrdersMe())["Data"] == []


def test_the_session_and_the_trial_account(client: Any, sim: Simulator) -> None:
    change = rs.sessions.ChangeSessionCapabilities(data={"TradeLevel": "FullTradingAndChat"})
    client.request(change)
    assert change.status_code == 202
    level = client.request(rs.sessions.GetSessionCapabilities())["TradeLevel"]
    assert level == "FullTradingAndChat"
    key = quote(sim.account_key, safe="")
    reset = pf.accounts.AccountReset(AccountKey=key, data={"NewBalance": 5000})
    client.request(reset)
    assert client.request(pf.balances.AccountBalancesMe())["CashBalance"] == 5000


def test_errors_reach_the_client(client: Any) -> None:
    wrong = rd.instruments.InstrumentDetails(Uic=21, AssetType="Stock")
    with pytest.raises(OpenAPIError) as caught:
        client.request(wrong)
    assert caught.value.code == 404
    with pytest.raises(OpenAPIError) as caught:
        client.request(tr.orders.Order(data={"Uic": 21}))
    assert "InvalidModelState" in caught.value.content
