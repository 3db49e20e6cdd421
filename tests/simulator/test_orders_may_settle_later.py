"""Orders whose placement is answered before it is decided, and orders that are seen late."""

from __future__ import annotations

from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock

REQUESTED = ["Placed/Requested"]
FILLED = ["Placed/Requested", "Placed/Confirmed", "FinalFill/Confirmed"]
REJECTED = ["Placed/Requested", "Placed/Rejected"]


def open_statuses(api: SimulatorClient) -> list[str]:
    return [order["Status"] for order in api.open_orders()]


@pytest.mark.parametrize(("outcome", "story"), [("filled", FILLED), ("rejected", REJECTED)])
@pytest.mark.parametrize("kind", ["trade_not_completed", "error_with_order_id"])
def test_it_fills_or_is_rejected_later(
    api: SimulatorClient, clock: ManualClock, kind: str, outcome: str, story: list[str]
) -> None:
    api.fault(kind, outcome=outcome, after_seconds=30)
    order = api.place(ExternalReference="r").json["OrderId"]
    clock.advance(29)
    assert api.story(order) == REQUESTED
    assert open_statuses(api) == ["LockedPlacementPending"]
    clock.advance(1)
    assert open_statuses(api) == []
    assert api.story(order) == story
    assert api.audit(OrderId=order)[-1]["ActivityTime"] == "2026-07-20T14:09:35.000000Z"
    assert len(api.get("/port/v1/positions/me").data) == (outcome == "filled")


def test_a_200_may_be_rejected_later(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("rejected_later", after_seconds=3)
    order = api.placed()
    assert api.story(order) == REQUESTED
    clock.advance(3)
    assert api.story(order) == REJECTED
    assert api.control("GET", "orders").json["instruments"][0]["rejected"] == 1


def test_a_limit_is_confirmed_later_and_then_works(
    api: SimulatorClient, clock: ManualClock
) -> None:
    api.fault("trade_not_completed", after_seconds=5)
    answer = api.place(OrderType="Limit", OrderPrice=20)
    clock.advance(5)
    assert open_statuses(api) == ["Working"]
    assert api.story(answer.json["OrderId"]) == FILLED[:2]


def test_a_pending_order_waits_through_new_bars(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("trade_not_completed", outcome="rejected", after_seconds=60)
    order = api.place().json["OrderId"]
    api.sim.advance(3)
    assert api.story(order) == REQUESTED, "neither filled nor expired"
    clock.advance(60)
    assert api.story(order) == REJECTED


def test_a_pending_order_cannot_be_changed_or_cancelled(api: SimulatorClient) -> None:
    api.fault("trade_not_completed", after_seconds=5)
    order = api.place().json["OrderId"]
    body = api.order(OrderId=order, Amount=5)
    changed = api.api("PATCH", "/trade/v2/orders", body)
    assert changed.json["ErrorInfo"]["ErrorCode"] == "OrderCannotBeChangedAtThisTime"
    cancelled = api.api("DELETE", f"/trade/v2/orders/{order}", AccountKey=api.sim.account_key)
    [info] = cancelled.json["Orders"]
    assert info["ErrorInfo"]["ErrorCode"] == "OrderCannotBeCancelledAtThisTime"
    assert api.story(order) == REQUESTED


def test_it_is_settled_across_a_restart(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("trade_not_completed", outcome="rejected", after_seconds=5)
    order = api.place().json["OrderId"]
    api.sim.stop()
    clock.advance(5)
    with api.sim, SimulatorClient(api.sim) as again:
        assert again.story(order) == REJECTED


@pytest.mark.parametrize("outcome", ["filled", "never"])
def test_202_without_an_order_id(api: SimulatorClient, outcome: str) -> None:
    api.fault("trade_not_completed", outcome=outcome, order_id=False)
    answer = api.place(ExternalReference="r")
    assert answer.status == 202
    assert "OrderId" not in answer.json
    assert answer.json["ErrorInfo"]["ErrorCode"] == "TradeNotCompleted"
    found = api.control("GET", "requests?reference=r").json["references"]["r"]
    assert found["orders"] == (outcome == "filled")


def test_the_error_beside_an_order_id_can_be_chosen(api: SimulatorClient) -> None:
    api.fault("error_with_order_id", status=200, code="OrderCommandTimeout", message="")
    answer = api.place()
    assert answer.status == 200
    assert answer.json["ErrorInfo"] == {"ErrorCode": "OrderCommandTimeout"}
    assert api.story(answer.json["OrderId"]) == FILLED


def test_a_refusal_may_come_with_200(api: SimulatorClient) -> None:
    api.fault("refuse", status=200, code="TooFarFromMarket")
    answer = api.place()
    assert (answer.status, answer.json["ErrorInfo"]["ErrorCode"]) == (200, "TooFarFromMarket")


def test_an_order_is_among_the_open_ones_only_later(
    api: SimulatorClient, clock: ManualClock
) -> None:
    api.fault("orders_delay", seconds=10)
    order = api.placed(OrderType="Limit", OrderPrice=20)
    gone = {"ClientKey": api.sim.client_key, "OrderId": order}
    assert api.open_orders() == []
    assert api.get("/port/v1/orders", **gone).data == []
    assert api.story(order) == FILLED[:2], "the audit log is not concerned"
    clock.advance(10)
    assert [o["OrderId"] for o in api.open_orders()] == [order]
    assert len(api.get("/port/v1/orders", **gone).data) == 1


def test_an_order_vanishes_from_the_open_ones(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("audit_only", after_seconds=10)
    order = api.placed(OrderType="Limit", OrderPrice=20)
    assert [o["OrderId"] for o in api.open_orders()] == [order]
    clock.advance(10)
    assert api.open_orders() == []
    assert api.story(order) == FILLED[:2]


def test_late_everywhere(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("orders_delay", seconds=20)
    api.fault("audit_delay", seconds=30)
    order = api.placed(OrderType="Limit", OrderPrice=20)
    seen: list[tuple[int, int]] = []
    for _ in range(4):
        seen.append((len(api.open_orders()), len(api.story(order))))
        clock.advance(10)
    assert seen == [(0, 0), (0, 0), (1, 0), (1, 2)]


def test_lists_that_leave_orders_out(api: SimulatorClient) -> None:
    def references(rows: list[Any]) -> set[str]:
        return {row["ExternalReference"] for row in rows}

    for name in ("a-1", "a-2", "b"):
        api.placed(ExternalReference=name, OrderType="Limit", OrderPrice=20)
    api.fault("missing_orders", references=["a-*"])
    assert references(api.open_orders()) == {"b"}
    assert references(api.open_orders()) == {"a-1", "a-2", "b"}, "once"
    api.fault("missing_activities", references=["b", "a-2"])
    assert references(api.audit()) == {"a-1"}
    api.fault("missing_activities")
    assert api.audit() == []
    assert references(api.audit()) == {"a-1", "a-2", "b"}
