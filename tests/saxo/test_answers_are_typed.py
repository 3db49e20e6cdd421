"""Every endpoint's documented shapes decode; wrong ones are named by endpoint and field.

Keys, ids and prices are invented; the shapes are those of Saxo's reference and of real servers.
"""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from support.saxo_client import scripted_client
from support.scripted_http import reply
from support.shapes import ACCOUNT_KEY, APPLE, CLIENT_KEY, EURUSD, answer, at
from tradebot.errors import BadAnswer
from tradebot.model import Bar
from tradebot.saxo.client import SaxoClient


def test_user() -> None:
    body = {
        "Active": True,
        "ClientKey": CLIENT_KEY,
        "LegalAssetTypes": ["FxSpot", "Stock"],
        "MarketDataViaOpenApiTermsAccepted": False,
        "SomethingNew": {"Deep": [1]},
        "UserId": "19000001",
        "UserKey": "VXNlci1LZXk=",
    }
    with scripted_client([answer(body)]) as (client, server):
        user = client.user()
    assert user.client_key == CLIENT_KEY
    assert user.legal_asset_types == ("FxSpot", "Stock")
    assert user.market_data_via_open_api_terms_accepted is False
    assert server.received[0].path == "/sim/openapi/port/v1/users/me"


def test_client() -> None:
    body = {
        "ClientKey": CLIENT_KEY,
        "DefaultAccountKey": ACCOUNT_KEY,
        "PositionNettingProfile": "FifoRealTime",
    }
    with scripted_client([answer(body)]) as (client, server):
        info = client.client()
    assert (info.default_account_key, info.position_netting_profile) == (
        ACCOUNT_KEY,
        "FifoRealTime",
    )
    assert server.received[0].path == "/sim/openapi/port/v1/clients/me"


def test_accounts() -> None:
    body = {"__count": 1, "Data": [{"AccountKey": ACCOUNT_KEY, "Currency": "EUR", "Active": True}]}
    with scripted_client([answer(body)]) as (client, server):
        (account,) = client.accounts()
    assert (account.account_key, account.currency, account.active) == (ACCOUNT_KEY, "EUR", True)
    assert server.received[0].path == "/sim/openapi/port/v1/accounts/me"


def test_balance() -> None:
    body = {"CashBalance": 100000.0, "Currency": "USD", "TotalValue": 99984, "OrdersCount": 1}
    with scripted_client([answer(body)]) as (client, server):
        balance = client.balance(CLIENT_KEY, ACCOUNT_KEY)
    assert (balance.cash_balance, balance.total_value, balance.currency) == (100000, 99984, "USD")
    assert server.received[0].query == {"ClientKey": [CLIENT_KEY], "AccountKey": [ACCOUNT_KEY]}


def test_positions() -> None:
    body = {
        "Data": [
            {
                "DisplayAndFormat": {"Currency": "USD", "Symbol": "AAPL:xnas"},
                "NetPositionId": "211__Share",
                "PositionBase": {
                    "AccountKey": ACCOUNT_KEY,
                    "Amount": -2.5,
                    "AssetType": "Stock",
                    "ExecutionTimeOpen": "2026-07-20T14:09:05.447144Z",
                    "ExternalReference": "ATB-1",
                    "OpenPrice": 231.41,
                    "SourceOrderId": "5039287596",
                    "Status": "Open",
                    "Uic": 211,
                    "ValueDate": "2026-07-21T00:00:00.000000Z",
                },
                "PositionId": "5026930126",
                "PositionView": {"CurrentPriceType": "NoAccess", "Exposure": 2.0},
            }
        ]
    }
    with scripted_client([answer(body)]) as (client, _):
        (position,) = client.positions()
    base = position.position_base
    assert base.amount == Decimal("-2.5")
    assert base.instrument == APPLE
    assert base.execution_time_open == at("2026-07-20T14:09:05.447144")
    assert position.position_view is not None
    assert position.position_view.market_value is None


def test_net_positions() -> None:
    body = {
        "Data": [
            {
                "NetPositionId": "EURUSD__FxSpot",
                "NetPositionBase": {"Amount": 10000, "AssetType": "FxSpot", "Uic": 21},
                "NetPositionView": {"Status": "Open", "PositionCount": 1},
            }
        ]
    }
    with scripted_client([answer(body)]) as (client, _):
        (net,) = client.net_positions()
    assert net.net_position_base.instrument == EURUSD
    assert net.net_position_base.amount == 10000


def test_open_orders() -> None:
    body = {
        "Data": [
            {
                "AccountKey": ACCOUNT_KEY,
                "Amount": 2.0,
                "AssetType": "Stock",
                "BuySell": "Buy",
                "Duration": {"DurationType": "DayOrder"},
                "ExternalReference": "ATB-1",
                "OpenOrderType": "Limit",
                "OrderId": "5039287600",
                "OrderTime": "2026-07-20T14:09:05",
                "Price": 228.0,
                "Status": "Working",
                "Uic": 211,
            }
        ]
    }
    with scripted_client([answer(body)]) as (client, server):
        (order,) = client.open_orders()
    assert order.instrument == APPLE
    assert order.order_time == at("2026-07-20T14:09:05")
    assert order.filled_amount is None
    assert server.received[0].query == {"Status": ["All"]}


def test_closed_positions_may_be_a_bare_list() -> None:
    with scripted_client([answer([])]) as (client, _):
        assert client.closed_positions() == ()


def test_closed_positions() -> None:
    detail = {
        "Amount": 2.0,
        "AssetType": "Stock",
        "BuyOrSell": "Buy",
        "ClosingExternalReferenceId": "ATB-2",
        "ConversionRateInstrumentToBaseSettledClosing": False,
        "ExecutionTimeClose": "2026-07-20T14:23:38.156164Z",
        "OpeningExternalReferenceId": "ATB-1",
        "Uic": 211,
    }
    body = [{"ClosedPosition": detail, "ClosedPositionUniqueId": "1-2"}]
    with scripted_client([answer(body)]) as (client, _):
        (closed,) = client.closed_positions()
    assert closed.closed_position.opening_external_reference_id == "ATB-1"
    assert closed.closed_position.execution_time_close == at("2026-07-20T14:23:38.156164")


def test_chart_of_a_traded_instrument() -> None:
    body = {
        "ChartInfo": {"DelayedByMinutes": 15, "Horizon": 1440},
        "Data": [
            {
                "Close": 230.15,
                "High": 231.9,
                "Interest": 0.0,
                "Low": 228.7,
                "Open": 229,
                "Time": "2026-07-16T00:00:00.000000Z",
                "Volume": 41230118.0,
            }
        ],
        "DataVersion": 44120017,
    }
    with scripted_client([answer(body)]) as (client, server):
        chart = client.chart(APPLE, 1440, 5000)
    assert chart.data_version == 44120017
    assert chart.data[0].to_bar() == Bar(at("2026-07-16"), 229.0, 231.9, 228.7, 230.15, 41230118.0)
    assert server.received[0].query == {
        "Uic": ["211"],
        "AssetType": ["Stock"],
        "Horizon": ["1440"],
        "Count": ["1200"],
        "FieldGroups": ["ChartInfo,Data"],
    }


def test_chart_of_a_quoted_instrument_has_mid_prices() -> None:
    bar = {f"{part}{side}": 1.5 if side == "Ask" else 1.0 for part in
           ("Open", "High", "Low", "Close") for side in ("Bid", "Ask")}  # fmt: skip
    half = {"Time": "2026-07-20T11:00:00.000000Z", "OpenBid": 1.0}
    body = {"Data": [bar | {"Time": "2026-07-20T10:00:00.000000Z"}, half]}
    with scripted_client([answer(body)]) as (client, server):
        chart = client.chart(EURUSD, 60, 4, time=at("2026-07-20T13:00:00"))
    assert chart.data[0].to_bar() == Bar(at("2026-07-20T10:00:00"), 1.25, 1.25, 1.25, 1.25)
    assert chart.data[1].to_bar() is None
    assert server.received[0].query["Mode"] == ["UpTo"]
    assert server.received[0].query["Time"] == ["2026-07-20T13:00:00.000000Z"]


ALL_READS: list[Callable[[SaxoClient], object]] = [
    lambda client: client.user(),
    lambda client: client.client(),
    lambda client: client.accounts(),
    lambda client: client.balance("c", "a"),
    lambda client: client.positions(),
    lambda client: client.net_positions(),
    lambda client: client.open_orders(),
    lambda client: client.closed_positions(),
    lambda client: client.info_prices("Stock", [211]),
    lambda client: client.chart(APPLE, 60, 10),
    lambda client: client.search_instruments("x", ["Stock"]),
    lambda client: client.instrument_details([APPLE]),
    lambda client: client.trading_schedule(APPLE),
    lambda client: client.disclaimers(["t"]),
    lambda client: client.order_activities("c", since=at("2026-07-20")),
]


@pytest.mark.parametrize("read", ALL_READS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<html></html>",
        b'{"Data": [',
        b"\xff\xfe",
        b'"text"',
        b"7",
        b"null",
        b'{"Data": null, "ClientKey": 5, "Sessions": 5, "Currency": 5}',
        b'{"Data": [5], "ClientKey": null, "Sessions": [5], "Currency": [5]}',
        b'{"Data": {"a": 1}, "ClientKey": {}, "Sessions": {}, "CashBalance": "1"}',
    ],
)
def test_a_wrong_answer_is_a_bad_answer(read: Callable[[SaxoClient], object], body: bytes) -> None:
    with scripted_client([reply(200, body)]) as (client, _), pytest.raises(BadAnswer) as caught:
        read(client)
    assert caught.value.endpoint is not None
    assert caught.value.endpoint in str(caught.value)


def test_a_wrong_type_is_named_by_endpoint_and_field() -> None:
    body = {"Data": [{"PositionId": "1", "PositionBase": {"Uic": "211"}}]}
    with scripted_client([answer(body)]) as (client, _), pytest.raises(BadAnswer) as caught:
        client.positions()
    assert "GET /port/v1/positions/me" in str(caught.value)
    assert "$.Data[0].PositionBase.Uic" in str(caught.value)


def test_a_list_that_is_not_there_is_not_an_empty_list() -> None:
    """`not in the list of orders` is an argument in reconciliation."""
    with scripted_client([answer({"__count": 0})]) as (client, _):
        with pytest.raises(BadAnswer, match="Data"):
            client.open_orders()
