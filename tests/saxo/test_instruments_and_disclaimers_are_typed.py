"""Reference data, disclaimers and the audit log decode in their documented shapes."""

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from __future__ import annotations

import pytest

from support.saxo_client import scripted_client
from support.scripted_http import Received, Step, reply
from support.shapes import ACCOUNT_KEY, APPLE, CLIENT_KEY, EURUSD, answer, at
from tradebot.errors import RequestRefused
from tradebot.model import InstrumentId


def test_instrument_search() -> None:
    body = {
        "Data": [
            {
                "AssetType": "Stock",
                "Identifier": 211,
                "SummaryType": "Instrument",
                "Symbol": "AAPL:xnas",
                "TradableAs": ["Stock", "CfdOnStock"],
            }
        ]
    }
    with scripted_client([answer(body)]) as (client, server):
        (hit,) = client.search_instruments("AAPL & co", ["Stock", "Etf"])
    assert (hit.identifier, hit.symbol) == (211, "AAPL:xnas")
    assert server.received[0].query["Keywords"] == ["AAPL & co"]
    assert server.received[0].query["AssetTypes"] == ["Stock,Etf"]


STOCK_DETAILS = {
    "AmountDecimals": 0,
    "AssetType": "Stock",
    "CurrencyCode": "USD",
    "Exchange": {"ExchangeId": "NASDAQ", "TimeZoneId": "3"},
    "Format": {"Decimals": 2, "OrderDecimals": 2},
    "LotSize": 1.0,
    "OrderSetting": {"MaxOrderSize": 1000000, "MinOrderValue": 1},
    "SupportedOrderTypes": ["Limit", "Market"],
    "SupportedOrderTypeSettings": [{"OrderType": "Market", "DurationTypes": ["DayOrder"]}],
    "Symbol": "AAPL:xnas",
    "TickSizeScheme": {
        "DefaultTickSize": 0.01,
        "Elements": [{"HighPrice": 0.9999, "TickSize": 0.0001}],
    },
    "TradingSessions": {
        "Sessions": [
            {
                "EndTime": "2026-07-20T20:00:00.000000Z",
                "StartTime": "2026-07-20T13:30:00.000000Z",
                "State": "AutomatedTrading",
            }
        ],
        "TimeZone": 3,
    },
    "Uic": 211,
}
FX_DETAILS = {
    "AssetType": "FxSpot",
    "Uic": 21,
    "TickSize": 0.00005,
    "TickSizeLimitOrder": 0.0001,
    "MinimumTradeSize": 1000.0,
}


def test_instrument_details() -> None:
    # 211 exists as FxSpot too in this answer, which nobody asked for.
    stray = {"AssetType": "FxSpot", "Uic": 211}
    with scripted_client([answer({"Data": [STOCK_DETAILS, FX_DETAILS, stray]})]) as (
        client,
        server,
    ):
        details = client.instrument_details([EURUSD, APPLE, APPLE, InstrumentId("Etf", 5)])
    assert list(details) == [EURUSD, APPLE]
    assert details[APPLE].lot_size == 1
    assert details[APPLE].supported_order_type_settings[0].duration_types == ("DayOrder",)
    assert details[APPLE].trading_sessions is not None
    assert server.received[0].query["Uics"] == ["21,211,5"]
    assert server.received[0].query["AssetTypes"] == ["FxSpot,Stock,Etf"]


@pytest.mark.parametrize(
    ("row", "price", "tick"),
    [
        (STOCK_DETAILS, 231.4, 0.01),
        (STOCK_DETAILS, 0.5, 0.0001),
        (FX_DETAILS, 1.14, 0.0001),
        ({"AssetType": "FxSpot", "Uic": 22, "TickSize": 0.00005}, 1.14, 0.00005),
        ({"AssetType": "FxSpot", "Uic": 22}, 1.14, None),
    ],
)
def test_the_tick_at_a_price(row: dict[str, object], price: float, tick: float | None) -> None:
    with scripted_client([answer({"Data": [row]})]) as (client, _):
        instrument = InstrumentId(str(row["AssetType"]), int(str(row["Uic"])))
        details = client.instrument_details([instrument])[instrument]
    assert details.tick_at(price) == tick


def test_many_instruments_are_asked_for_in_parts() -> None:
    def some(request: Received) -> Step:
        uics = request.query["Uics"][0].split(",")
        assert len(uics) <= 100
        return answer({"Data": [{"AssetType": "Stock", "Uic": int(uic)} for uic in uics]})

    with scripted_client(some) as (client, server):
        details = client.instrument_details(InstrumentId("Stock", uic) for uic in range(250))
    assert len(details) == 250
    assert len(server.received) == 3


def test_instruments_that_do_not_exist_are_left_out() -> None:
    with scripted_client([reply(404)]) as (client, _):
        assert client.instrument_details([APPLE]) == {}


def test_a_refused_details_request_is_an_error() -> None:
    with scripted_client([reply(400, {"ErrorCode": "InvalidAssetType"})]) as (client, _):
        with pytest.raises(RequestRefused, match="InvalidAssetType"):
            client.instrument_details([APPLE])


def test_trading_schedule() -> None:
    session = {
        "EndTime": "2026-07-20T11:00:00.000000Z",
        "StartTime": "2026-07-17T20:00:00.000000Z",
        "State": "Closed",
    }
    with scripted_client([answer({"Sessions": [session], "TimeZone": 3})]) as (client, server):
        (found,) = client.trading_schedule(APPLE)
    assert (found.start_time, found.end_time, found.state) == (
        at("2026-07-17T20:00:00"),
        at("2026-07-20T11:00:00"),
        "Closed",
    )
    assert server.received[0].path.endswith("/ref/v1/instruments/tradingschedule/211/Stock")


def test_a_schedule_of_nothing_is_refused() -> None:
    with scripted_client([reply(404)]) as (client, _), pytest.raises(RequestRefused):
        client.trading_schedule(APPLE)


def test_disclaimers() -> None:
    body = {
        "Data": [
            {
                "Body": "<p>…</p>",
                "Conditions": [{"InputText": "I understand", "Type": "UserInput"}],
                "DisclaimerToken": "a+b/c=",
                "IsBlocking": False,
                "ResponseOptions": [{"Label": "Accept", "ResponseType": "Accepted"}],
                "Title": "Risk warning",
            },
            {"DisclaimerToken": "d+e", "IsBlocking": True, "Conditions": []},
        ],
        "MaxRows": 100,
    }
    with scripted_client([answer(body)]) as (client, server):
        normal, blocking = client.disclaimers(["a+b/c=", "d+e"])
    assert normal.conditions[0].input_text == "I understand"
    assert normal.response_options[0].response_type == "Accepted"
    assert blocking.is_blocking
    assert server.received[0].query == {"DisclaimerTokens": ["a+b/c=", "d+e"]}


@pytest.mark.parametrize("status", [200, 201, 204])
def test_answering_a_disclaimer_takes_any_2xx(status: int) -> None:
    with scripted_client([reply(status)]) as (client, server):
        client.answer_disclaimer("context-1", "a+b", "Accepted", "I understand")
    assert server.received[0].body == (
        b'{"DisclaimerContext":"context-1","DisclaimerToken":"a+b",'
        b'"ResponseType":"Accepted","UserInput":"I understand"}'
    )


def test_a_refused_answer_to_a_disclaimer_is_an_error() -> None:
    with scripted_client([reply(400, {"ErrorCode": "InvalidRequest"})]) as (client, _):
        with pytest.raises(RequestRefused, match="InvalidRequest"):
            client.answer_disclaimer("context-1", "a+b", "Accepted")


def test_order_activities_follow_pages_and_never_polls() -> None:
    row = {
        "ActivityTime": "2026-07-20T14:09:05.447000Z",
        "AveragePrice": 231.41,
        "ExternalReference": "ATB-1",
        "FillAmount": 2.0,
        "FilledAmount": 2.0,
        "LogId": "1",
        "OrderId": "5039287596",
        "Status": "FinalFill",
        "SubStatus": "Confirmed",
        "Uic": 211,
    }

    def pages(request: Received) -> Step:
        poll = f"http://{request.headers['host']}{request.path}?poll=1"
        assert "poll" not in request.query
        if "$skiptoken" in request.query:
            return answer({"Data": [row | {"LogId": "2"}], "__nextPoll": poll})
        more = f"http://{request.headers['host']}{request.path}?ClientKey=a%2Bb&$skiptoken=7"
        return answer({"Data": [row], "__next": more, "__nextPoll": poll})

    with scripted_client(pages) as (client, server):
        rows = client.order_activities(
            CLIENT_KEY, since=at("2026-07-20T14:00:00"), account_key=ACCOUNT_KEY, order_id="5"
        )
    assert [r.log_id for r in rows] == ["1", "2"]
    assert rows[0].filled_amount == 2
    first, second = server.received
    assert first.query == {
        "ClientKey": [CLIENT_KEY],
        "FromDateTime": ["2026-07-20T14:00:00.000000Z"],
        "EntryType": ["All"],
        "AccountKey": [ACCOUNT_KEY],
        "OrderId": ["5"],
    }
    assert second.query == {"ClientKey": ["a+b"], "$skiptoken": ["7"]}
