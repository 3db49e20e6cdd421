"""PATCH and DELETE, related orders, and what is shown of open orders."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from support.simulator_client import Answer, SimulatorClient

GTC = {"DurationType": "GoodTillCancel"}
LIMIT: dict[str, Any] = {"OrderType": "Limit", "OrderPrice": 20, "OrderDuration": GTC}


def patch(api: SimulatorClient, order_id: object, **changed: Any) -> Answer:
    body = {"AccountKey": api.sim.account_key, "OrderId": order_id, "AssetType": "Stock", **changed}
    return api.api("PATCH", "/trade/v2/orders", body)


def cancel(api: SimulatorClient, order_ids: str) -> Answer:
    return api.api("DELETE", f"/trade/v2/orders/{order_ids}", AccountKey=api.sim.account_key)


def child(api: SimulatorClient, **changed: Any) -> dict[str, object]:
    return api.order(BuySell="Sell", OrderDuration=GTC, **changed)


def bracket(api: SimulatorClient, price: float = 20, **stop: Any) -> Answer:
    target = child(api, OrderType="Limit", OrderPrice=round(price * 1.1, 2))
    guard = child(api, **{"OrderType": "StopIfTraded", "OrderPrice": round(price * 0.9, 2), **stop})
    return api.place(
        OrderType="Limit",
        OrderPrice=price,
        OrderDuration=GTC,
        ExternalReference="parent",
        Orders=[target, guard],
    )


def test_a_change_keeps_the_id_and_is_in_the_audit_log(api: SimulatorClient) -> None:
    order = api.placed(**LIMIT)
    assert patch(api, order, OrderPrice=21.5, Amount=3, OrderType="Limit").status == 200
    shown = api.open_orders()[0]
    assert (shown["OrderId"], shown["Price"], shown["Amount"]) == (order, 21.5, 3)
    assert api.story(order)[2:] == ["Changed/Requested", "Changed/Confirmed"]


def test_a_change_can_make_an_order_marketable(api: SimulatorClient) -> None:
    order = api.placed(**LIMIT)
    assert patch(api, order, OrderPrice=50, OrderType="Limit").status == 200
    assert api.story(order)[-1] == "FinalFill/Confirmed"


def test_changes_that_are_refused(api: SimulatorClient) -> None:
    order = api.placed(**LIMIT)
    ticks = patch(api, order, OrderPrice=20.001)
    assert (ticks.status, ticks.json["ErrorInfo"]["ErrorCode"]) == (
        400,
        "PriceNotInTickSizeIncrements",
    )
    assert patch(api, order, OrderPrice="20").json["ErrorCode"] == "InvalidModelState"
    assert patch(api, order, AccountKey="x").json["ErrorInfo"]["ErrorCode"] == "IllegalAccount"
    assert api.send("PATCH", "/sim/openapi/trade/v2/orders", b"[]").status == 400
    api.fault("partial_fill", fraction=0.6)
    partly = api.placed(OrderType="Limit", OrderPrice=50)
    less = patch(api, partly, Amount=2)
    assert less.json["ErrorInfo"]["ErrorCode"] == "AmountCannotBeLessThanFilledAmount"


@pytest.mark.parametrize("order_id", ["5039287596", "1", "x", "9" * 30])
def test_an_order_that_is_gone_cannot_be_changed(api: SimulatorClient, order_id: str) -> None:
    api.placed()
    gone = patch(api, order_id, OrderPrice=21)
    assert (gone.status, gone.json["ErrorInfo"]["ErrorCode"]) == (404, "OrderNotFound")


def test_cancelling_several_at_once_answers_for_each(api: SimulatorClient) -> None:
    first, second, done = api.placed(**LIMIT), api.placed(**LIMIT, Amount=2), api.placed()
    answer = cancel(api, f"{first},{done},77,{second}")
    assert answer.status == 400
    codes = [o.get("ErrorInfo", {}).get("ErrorCode") for o in answer.json["Orders"]]
    assert codes == [None, "TooLateToCancelOrder", "OrderNotFound", None]
    assert api.open_orders() == []
    assert api.story(first)[-2:] == ["Cancelled/Requested", "Cancelled/Confirmed"]


def test_cancelling_everything_in_an_instrument(api: SimulatorClient) -> None:
    api.placed(**LIMIT)
    other = api.placed(**LIMIT, Uic=211, Amount=1)
    query: dict[str, Any] = {"AccountKey": api.sim.account_key, "AssetType": "Stock", "Uic": 10001}
    assert api.api("DELETE", "/trade/v2/orders", **query).status == 200
    assert [o["OrderId"] for o in api.open_orders()] == [other]
    query["Uic"] = 1
    assert api.api("DELETE", "/trade/v2/orders", **query).status == 400


def test_cancelling_needs_the_right_account(api: SimulatorClient) -> None:
    order = api.placed(**LIMIT)
    for path in (f"/trade/v2/orders/{order}", "/trade/v2/orders"):
        assert api.api("DELETE", path).json["ErrorCode"] == "InvalidModelState"
        assert api.api("DELETE", path, AccountKey="x").json["ErrorCode"] == "IllegalAccount"


def test_a_cancelled_partial_fill_keeps_what_was_filled(api: SimulatorClient) -> None:
    api.fault("partial_fill", fraction=0.6)
    order = api.placed(OrderType="Limit", OrderPrice=50)
    assert api.open_orders()[0]["FilledAmount"] == 6
    assert api.story(order)[-1] == "Fill/Confirmed"
    cancel(api, order)
    last = api.audit(OrderId=order, EntryType="Last")[0]
    assert (last["Status"], last["FilledAmount"]) == ("Cancelled", 6)


def test_one_order_by_its_id(api: SimulatorClient) -> None:
    order = api.placed(**LIMIT)
    key = quote(api.sim.client_key, safe="")
    found = api.get(f"/port/v1/orders/{key}/{order}").json
    assert (found["__count"], found["Data"][0]["OrderId"]) == (1, order)
    assert api.get("/port/v1/orders", ClientKey=api.sim.client_key, OrderId=order).json == found
    cancel(api, order)
    assert api.get(f"/port/v1/orders/{key}/{order}").json == {"__count": 0, "Data": []}
    assert api.get(f"/port/v1/orders/someone/{order}").status == 401
    assert api.get("/port/v1/orders", ClientKey="someone").status == 400
    assert api.get("/port/v1/orders/me", Status="Gone").status == 400


def test_related_orders_wait_for_their_entry(api: SimulatorClient) -> None:
    answer = bracket(api)
    assert answer.status == 200
    entry, first, second = [answer.json["OrderId"], *(o["OrderId"] for o in answer.json["Orders"])]
    top = api.get("/port/v1/orders/me").data
    assert [o["OrderId"] for o in top] == [entry]
    assert top[0]["OrderRelation"] == "IfDoneMaster"
    assert [o["OrderId"] for o in top[0]["RelatedOpenOrders"]] == [first, second]
    everything = {o["OrderId"]: o for o in api.open_orders()}
    assert everything[first]["OrderRelation"] == "IfDoneSlaveOco"
    assert everything[first]["ExternalReference"] == "parent"
    assert everything[first]["Status"] == "NotWorking"
    patch(api, entry, OrderPrice=50, OrderType="Limit")
    assert {o["Status"] for o in api.open_orders()} == {"Working"}
    patch(api, first, OrderPrice=5, OrderType="Limit")
    assert api.story(first)[-1] == "FinalFill/Confirmed"
    assert api.story(second)[-1] == "Cancelled/Confirmed"
    assert api.get("/port/v1/positions/me").data == []


def test_cancelling_an_entry_removes_its_children(api: SimulatorClient) -> None:
    answer = bracket(api)
    cancel(api, answer.json["OrderId"])
    assert api.open_orders() == []


def test_a_refused_child_leaves_a_live_entry(api: SimulatorClient) -> None:
    answer = bracket(api, OrderPrice=1)
    assert answer.status == 400
    assert api.open_orders()[0]["OrderId"] == answer.json["OrderId"]
    assert answer.json["Orders"][1]["ErrorInfo"]["ErrorCode"] == "TooFarFromEntryOrder"
    same_side = api.place(**LIMIT, Orders=[api.order(**LIMIT), api.order(**LIMIT)])
    codes = [o["ErrorInfo"]["ErrorCode"] for o in same_side.json["Orders"]]
    assert codes == ["WrongSideOfRelatedOrder", "OrderNotPlaced"]
    unknown = api.place(**{**LIMIT, "OrderPrice": 19}, Orders=[api.order(Uic=5)])
    assert unknown.json["Orders"][0]["ErrorInfo"]["ErrorCode"] == "IllegalInstrumentId"


def test_children_are_checked_for_their_shape_first(api: SimulatorClient) -> None:
    answer = api.place(**LIMIT, Orders=[api.order(ManualOrder=None)])
    assert answer.json["ErrorCode"] == "InvalidModelState"
    assert api.open_orders() == []


def pair(api: SimulatorClient, **second: Any) -> Answer:
    orders = [
        api.order(**LIMIT, ExternalReference="oco-1"),
        api.order(
            **{"OrderType": "StopIfTraded", "OrderPrice": 40, "OrderDuration": GTC, **second},
            ExternalReference="oco-2",
        ),
    ]
    return api.api("POST", "/trade/v2/orders", {"Orders": orders})


def test_of_a_pair_one_fill_cancels_the_other(api: SimulatorClient) -> None:
    first, second = (o["OrderId"] for o in pair(api).json["Orders"])
    patch(api, first, OrderPrice=50, OrderType="Limit")
    assert api.story(first)[-1] == "FinalFill/Confirmed"
    assert api.story(second)[-1] == "Cancelled/Confirmed"


def test_cancelling_one_of_a_pair_leaves_the_other_alone(api: SimulatorClient) -> None:
    first, second = (o["OrderId"] for o in pair(api).json["Orders"])
    cancel(api, first)
    (left,) = api.open_orders()
    assert (left["OrderId"], left["OrderRelation"]) == (second, "StandAlone")


def test_a_pair_of_which_one_is_refused(api: SimulatorClient) -> None:
    answer = pair(api, OrderPrice=5)
    assert answer.status == 400
    first, second = answer.json["Orders"]
    assert set(first) == {"OrderId", "ExternalReference"}
    assert second["ErrorInfo"]["ErrorCode"] == "OnWrongSideOfMarket"
    assert second["ExternalReference"] == "oco-2"
    assert pair(api, ManualOrder=None).json["ErrorCode"] == "InvalidModelState"
    assert api.api("POST", "/trade/v2/orders", {"Orders": [api.order()]}).status == 400
    assert pair(api, Uic=5).json["Orders"][1]["ErrorInfo"]["ErrorCode"] == "IllegalInstrumentId"


def test_lists_come_in_pages(api: SimulatorClient) -> None:
    ids = [api.placed(**{**LIMIT, "OrderPrice": 15 + n}) for n in range(5)]
    found: list[str] = []
    answer = api.get("/port/v1/orders/me", Status="All", _top=2)
    while True:
        assert answer.json["__count"] == 5
        found += [o["OrderId"] for o in answer.data]
        if "__next" not in answer.json:
            break
        answer = api.follow(answer.json["__next"])
    assert found == ids
    assert api.get("/port/v1/orders/me", _top="many").status == 400
