"""What an order is refused for, with Saxo's codes, and what that leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.simulator import Simulator, SimulatorOptions

FX: dict[str, Any] = {"Uic": 21, "AssetType": "FxSpot", "Amount": 10000}
GTD = {"DurationType": "GoodTillDate"}


def test_manual_order_is_mandatory(api: SimulatorClient) -> None:
    answer = api.place(ManualOrder=None)
    assert answer.status == 400
    assert answer.json == {
        "ErrorCode": "InvalidModelState",
        "Message": "One or more properties of the request are invalid!",
        "ModelState": {
            "ManualOrder": [
                "The current platform requires ManualOrder to be specified as true or false"
                " on all orders"
            ]
        },
    }
    assert api.audit() == []


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"ExternalReference": "x" * 51}, "ExternalReference"),
        ({"ExternalReference": 7}, "ExternalReference"),
        ({"Uic": "10001"}, "Uic"),
        ({"Uic": True}, "Uic"),
        ({"AssetType": None}, "AssetType"),
        ({"BuySell": "Long"}, "BuySell"),
        ({"Amount": "10"}, "Amount"),
        ({"Amount": float("nan")}, "Amount"),
        ({"OrderType": "Sideways"}, "OrderType"),
        ({"OrderType": ["Market"]}, "OrderType"),
        ({"OrderType": "Limit"}, "OrderPrice"),
        ({"OrderType": "Limit", "OrderPrice": "20"}, "OrderPrice"),
        ({"OrderType": "StopLimit", "OrderPrice": 30}, "StopLimitPrice"),
        ({"StopLimitPrice": "1"}, "StopLimitPrice"),
        ({"OrderDuration": None}, "OrderDuration"),
        ({"OrderDuration": {"DurationType": "ForEver"}}, "OrderDuration"),
        ({"OrderDuration": "DayOrder"}, "OrderDuration"),
    ],
)
def test_properties_that_are_wrong_in_themselves(
    api: SimulatorClient, changed: dict[str, Any], name: str
) -> None:
    for answer in (api.place(**changed), api.precheck(**changed)):
        assert answer.status == 400
        assert answer.json["ErrorCode"] == "InvalidModelState"
        assert set(answer.json["ModelState"]) == {name}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"AccountKey": "somebody"}, "IllegalAccount"),
        ({"Uic": 99999999}, "IllegalInstrumentId"),
        ({"Uic": 21}, "IllegalInstrumentId"),
        ({"OrderType": "Stop", "OrderPrice": 30}, "OrderTypeNotSupported"),
        ({"OrderDuration": {"DurationType": "GoodTillCancel"}}, "DurationNotSupported"),
        (
            {"OrderType": "Limit", "OrderPrice": 20, "OrderDuration": GTD},
            "ExpirationDateRequired",
        ),
        ({"Amount": 0}, "IllegalAmount"),
        ({"Amount": -5}, "IllegalAmount"),
        ({"Amount": 0.5}, "AmountBelowMinimumLotSize"),
        ({"Amount": 1.5}, "AmountNotInLotSize"),
        ({**FX, "Amount": 999}, "AmountBelowMinimumLotSize"),
        ({**FX, "Amount": 10000.5}, "AmountNotInLotSize"),
        ({"Amount": 2_000_000}, "OrderSizeGreaterThanMaximumAllowed"),
        ({"OrderType": "Limit", "OrderPrice": 20.005}, "PriceNotInTickSizeIncrements"),
        ({"OrderType": "Limit", "OrderPrice": 0.50005}, "PriceNotInTickSizeIncrements"),
        ({"OrderType": "Limit", "OrderPrice": -1}, "OrderPriceOutsideLimit"),
        ({**FX, "OrderType": "Limit", "OrderPrice": 1.20005}, "PriceNotInTickSizeIncrements"),
        ({**FX, "OrderType": "Stop", "OrderPrice": 1.50001}, "PriceNotInTickSizeIncrements"),
        ({"BuySell": "Sell"}, "NotOwned"),
    ],
)
def test_business_refusals_at_precheck_and_placement(
    api: SimulatorClient, changed: dict[str, Any], code: str
) -> None:
    checked = api.precheck(**changed)
    assert checked.status == 200
    assert checked.json["PreCheckResult"] == "Error"
    assert checked.json["ErrorInfo"]["ErrorCode"] == code
    assert checked.json["EstimatedCashRequired"] == 0.0
    refused = api.place(ExternalReference="ref", **changed)
    assert refused.status == 400
    assert refused.json["ErrorInfo"]["ErrorCode"] == code
    assert refused.json["ExternalReference"] == "ref"
    assert api.open_orders() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"OrderType": "Limit", "OrderPrice": 0.5001},
        {**FX, "OrderType": "Limit", "OrderPrice": 1.2001},
        {**FX, "OrderType": "Stop", "OrderPrice": 1.50005},
        {**FX, "Amount": 1000, "OrderType": "Market"},
        {"OrderType": "Limit", "OrderPrice": 20.07, "ExternalReference": "x" * 50},
    ],
)
def test_ticks_sizes_and_references_at_their_limits(
    api: SimulatorClient, changed: dict[str, Any]
) -> None:
    assert api.place(**changed).status == 200


def test_a_refused_placement_is_one_audit_row_and_no_order(api: SimulatorClient) -> None:
    api.place(BuySell="Sell", ExternalReference="sold")
    rows = api.audit()
    assert [(r["Status"], r["SubStatus"]) for r in rows] == [("Placed", "Rejected")]
    assert rows[0]["ExternalReference"] == "sold"
    assert api.open_orders() == []


def test_too_little_cash_is_ok_with_error_info_then_a_refusal(api: SimulatorClient) -> None:
    checked = api.precheck(Amount=20000).json
    assert checked["PreCheckResult"] == "Ok"
    assert checked["ErrorInfo"]["ErrorCode"] == "InsufficientCash"
    assert checked["EstimatedCashRequired"] > 100_000
    refused = api.place(Amount=20000)
    assert (refused.status, refused.json["ErrorInfo"]["ErrorCode"]) == (400, "InsufficientCash")


def test_fx_needs_margin_not_cash(api: SimulatorClient) -> None:
    big = {**FX, "Amount": 1_000_000}
    assert "ErrorInfo" not in api.precheck(**big).json
    too_big = {**FX, "Amount": 5_000_000}
    assert api.precheck(**too_big).json["ErrorInfo"]["ErrorCode"] == "WouldExceedMargin"
    assert api.place(**too_big).json["ErrorInfo"]["ErrorCode"] == "WouldExceedMargin"


def test_fx_can_be_sold_short(api: SimulatorClient) -> None:
    api.placed(**FX, BuySell="Sell")
    assert api.get("/port/v1/netpositions/me").data[0]["NetPositionBase"]["Amount"] == -10000


def test_the_precheck_does_not_look_at_the_side_of_the_market(api: SimulatorClient) -> None:
    wrong: dict[str, Any] = {"OrderType": "StopIfTraded", "OrderPrice": 20.0}
    assert api.precheck(**wrong).json["PreCheckResult"] == "Ok"
    assert api.place(**wrong).json["ErrorInfo"]["ErrorCode"] == "OnWrongSideOfMarket"
    short = {**FX, "BuySell": "Sell", "OrderType": "Stop", "OrderPrice": 1.5}
    assert api.place(**short).json["ErrorInfo"]["ErrorCode"] == "OnWrongSideOfMarket"


def test_selling_what_a_working_order_already_sells(api: SimulatorClient) -> None:
    api.placed(Amount=10)
    api.placed(BuySell="Sell", OrderType="Limit", OrderPrice=90, Amount=6)
    refused = api.place(BuySell="Sell", Amount=5)
    assert refused.json["ErrorInfo"]["ErrorCode"] == "SellOrdersAlreadyExistForOwnedContracts"
    assert api.place(BuySell="Sell", Amount=4).status == 200
    assert api.place(BuySell="Sell", Amount=7).json["ErrorInfo"]["ErrorCode"] == "NotOwned"


def test_a_precheck_reserves_nothing_and_leaves_no_trace(api: SimulatorClient) -> None:
    before = api.balance()
    api.precheck(ExternalReference="ref")
    assert api.balance() == before
    assert api.audit() == []


def test_the_reference_is_echoed_and_is_no_idempotency_key(api: SimulatorClient) -> None:
    first = api.placed(ExternalReference="same", request_id="1")
    second = api.placed(ExternalReference="same", request_id="2")
    assert first != second
    assert {row["ExternalReference"] for row in api.audit()} == {"same"}
    positions = api.get("/port/v1/positions/me").data
    assert [p["PositionBase"]["ExternalReference"] for p in positions] == ["same", "same"]


@pytest.mark.parametrize("path", ["/trade/v2/orders", "/trade/v2/orders/precheck"])
def test_a_body_that_is_no_object(api: SimulatorClient, path: str) -> None:
    for body in (b"", b"[1]", b"{"):
        answer = api.send("POST", f"/sim/openapi{path}", body)
        assert (answer.status, answer.json["ErrorCode"]) == (400, "InvalidRequest")


def test_market_orders_wait_for_the_exchange_when_hours_are_kept(
    tmp_path: Path, clock: Any
) -> None:
    from tradebot.simulator import RateLimits

    clock.step(-36 * 3600)  # a Sunday, two in the morning
    options = SimulatorOptions(
        clock=clock, trading_hours="exchange", rate_limits=RateLimits(enabled=False)
    )
    with Simulator(tmp_path / "s.db", options=options) as sim, SimulatorClient(sim) as api:
        assert api.place().json["ErrorInfo"]["ErrorCode"] == "MarketClosed"
        assert api.place(OrderType="Limit", OrderPrice=20).status == 200
        quote = api.get("/trade/v1/infoprices", Uic=21, AssetType="FxSpot").json["Quote"]
        assert (quote["MarketState"], quote["PriceTypeBid"]) == ("Closed", "OldIndicative")
