"""Quotes of many instruments in few requests; what the broker leaves out is named."""

from __future__ import annotations

# ruff: noqa: SIM117 - what raises stands apart from what sets the scene
from datetime import UTC, datetime

import pytest

from support.saxo_client import scripted_client
from support.scripted_http import Received, Step, reply
from tradebot.errors import RequestRefused

APPLE = {
    "AssetType": "Stock",
    "DisplayAndFormat": {"Currency": "USD", "Symbol": "AAPL:xnas"},
    "LastUpdated": "2026-07-20T13:54:04.000000Z",
    "Quote": {
        "Amount": 1,
        "Ask": 231.42,
        "Bid": 231.38,
        "DelayedByMinutes": 15,
        "ErrorCode": "None",
        "MarketState": "Open",
        "PriceTypeAsk": "Indicative",
        "PriceTypeBid": "Indicative",
    },
    "Uic": 211,
}
NO_ACCESS = {
    "AssetType": "Stock",
    "LastUpdated": "0001-01-01T00:00:00Z",
    "Quote": {"Amount": 0, "PriceTypeAsk": "NoAccess", "PriceTypeBid": "NoAccess"},
    "Uic": 307,
}


def uics_of(request: Received) -> list[int]:
    return [int(uic) for uic in request.query["Uics"][0].split(",")]


def prices_of(uics: list[int]) -> Step:
    return reply(200, {"Data": [{"Uic": uic, "AssetType": "Stock"} for uic in uics]})


def test_what_is_left_out_is_missing() -> None:
    with scripted_client([reply(200, {"Data": [NO_ACCESS, APPLE]})]) as (client, server):
        found = client.info_prices("Stock", [211, 307, 99999999], "ac|key=")
    assert list(found.prices) == [211, 307]
    assert found.missing == (99999999,)
    quote = found.prices[211].quote
    assert quote is not None
    assert (quote.bid, quote.ask, quote.delayed_by_minutes) == (231.38, 231.42, 15)
    no_access = found.prices[307]
    assert no_access.quote is not None
    assert (no_access.quote.bid, no_access.quote.price_type_bid) == (None, "NoAccess")
    assert no_access.last_updated == datetime(1, 1, 1, tzinfo=UTC)
    assert server.received[0].target == (
        "/sim/openapi/trade/v1/infoprices/list?Uics=211,307,99999999&AssetType=Stock"
        "&AccountKey=ac%7Ckey%3D&FieldGroups=Quote,DisplayAndFormat,InstrumentPriceDetails"
    )


def test_what_nobody_asked_for_is_left_out() -> None:
    with scripted_client([reply(200, {"Data": [APPLE, NO_ACCESS]})]) as (client, _):
        assert list(client.info_prices("Stock", [211]).prices) == [211]


def test_nothing_is_asked_for_nothing() -> None:
    with scripted_client([reply(500)]) as (client, server):
        found = client.info_prices("Stock", [])
    assert (found.prices, found.missing) == ({}, ())
    assert server.received == []


def test_each_uic_is_asked_for_once() -> None:
    with scripted_client(lambda r: prices_of(uics_of(r))) as (client, server):
        client.info_prices("Stock", [1, 2, 1, 2, 3])
    assert uics_of(server.received[0]) == [1, 2, 3]


@pytest.mark.parametrize(("number", "requests"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_lists_are_asked_for_in_parts_of_a_hundred(number: int, requests: int) -> None:
    with scripted_client(lambda r: prices_of(uics_of(r))) as (client, server):
        found = client.info_prices("Stock", range(1, number + 1))
    assert len(found.prices) == number
    assert list(found.prices) == list(range(1, number + 1))
    assert len(server.received) == requests
    assert max(len(uics_of(r)) for r in server.received) <= 100


@pytest.mark.parametrize("status", [400, 404])
def test_one_bad_uic_does_not_hide_the_others(status: int) -> None:
    def picky(request: Received) -> Step:
        uics = uics_of(request)
        if 13 in uics:
            return reply(status, {"ErrorCode": "IllegalInstrumentId"})
        return prices_of(uics)

    with scripted_client(picky) as (client, server):
        found = client.info_prices("Stock", range(100))
    assert found.missing == (13,)
    assert len(found.prices) == 99
    assert len(server.received) < 20


def test_a_list_refused_as_a_whole_ends_soon() -> None:
    with scripted_client([reply(400, {"ErrorCode": "InvalidRequest"})]) as (client, server):
        found = client.info_prices("Stock", range(100))
    assert len(found.missing) == 100
    assert len(server.received) <= 41


def test_a_refusal_that_is_no_instruments_fault_is_an_error() -> None:
    with scripted_client([reply(403)]) as (client, server):
        with pytest.raises(RequestRefused):
            client.info_prices("Stock", range(100))
    assert len(server.received) == 1
