"""Every fault does what its name says, as often as it was asked to, and nothing else."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock

ME = "/port/v1/users/me"
GONE = (http.client.RemoteDisconnected, ConnectionResetError)


def orders_of(api: SimulatorClient, reference: str) -> int:
    """How many orders came to exist for a reference."""
    found = api.control("GET", f"requests?reference={reference}").json["references"]
    number = found.get(reference, {}).get("orders", 0)
    assert isinstance(number, int)
    return number


def test_status_instead_of_processing(api: SimulatorClient) -> None:
    api.fault("status", status=503, body="later", headers={"Retry-After": 120})
    answer = api.place(ExternalReference="r")
    assert (answer.status, answer.body, answer.header("Retry-After")) == (503, b"later", "120")
    assert orders_of(api, "r") == 0
    assert api.place(ExternalReference="r").status == 200, "once, by default"


def test_empty_and_html(api: SimulatorClient) -> None:
    api.fault("empty")
    answer = api.get(ME)
    assert (answer.status, answer.body) == (200, b"")
    api.fault("html", status=403)
    answer = api.get(ME)
    assert (answer.status, answer.header("Content-Type")) == (403, "text/html")
    assert b"<html>" in answer.body
    assert answer.header("X-Correlation") is None, "it did not come from the API"


def test_dropped_before_it_was_accepted(api: SimulatorClient) -> None:
    api.fault("drop_before", endpoint="/trade/v2/orders")
    with pytest.raises(GONE):
        api.place(ExternalReference="r")
    assert orders_of(api, "r") == 0
    counted = api.control("GET", "requests?reference=r").json
    assert [r["status"] for r in counted["order_requests"]] == [0]


def test_dropped_after_it_was_accepted(api: SimulatorClient) -> None:
    api.fault("drop_after", endpoint="/trade/v2/orders")
    with pytest.raises(GONE):
        api.place(ExternalReference="r")
    assert orders_of(api, "r") == 1


def test_a_server_error_after_it_was_accepted(api: SimulatorClient) -> None:
    api.fault("status_after", status=502, body="<h1>Bad gateway</h1>", method="POST")
    answer = api.place(ExternalReference="r")
    assert (answer.status, answer.body) == (502, b"<h1>Bad gateway</h1>")
    assert orders_of(api, "r") == 1


@pytest.mark.parametrize("params", [{}, {"bytes": 3}])
def test_a_truncated_body(api: SimulatorClient, params: dict[str, Any]) -> None:
    api.fault("truncate", **params)
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.place(ExternalReference="r")
    assert caught.value.partial.startswith(b'{"O')
    assert orders_of(api, "r") == 1


def test_delays_hold_up_nobody_else(api: SimulatorClient) -> None:
    api.fault("delay", seconds=0.05, endpoint=ME)
    api.fault("delay_after", seconds=0.05, endpoint=ME)
    assert api.get(ME).status == 200
    assert {f["fired"] for f in api.control("GET", "faults").json["faults"]} == {1}


def test_stopping_cuts_a_delay_short(api: SimulatorClient) -> None:
    import threading

    api.fault("delay", seconds=3600)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(api.get(ME).status))
    thread.start()
    with SimulatorClient(api.sim) as other:
        while not other.control("GET", "faults").json["faults"][0]["fired"]:
            pass
    api.sim.stop()
    thread.join()
    assert statuses == [200]


@pytest.mark.parametrize(
    ("outcome", "orders", "story"),
    [
        ("filled", 1, ["Placed/Requested", "Placed/Confirmed", "FinalFill/Confirmed"]),
        ("working", 1, ["Placed/Requested", "Placed/Confirmed"]),
        ("rejected", 1, ["Placed/Requested", "Placed/Rejected"]),
        ("never", 0, []),
    ],
)
def test_trade_not_completed(
    api: SimulatorClient, outcome: str, orders: int, story: list[str]
) -> None:
    api.fault("trade_not_completed", outcome=outcome)
    answer = api.place(ExternalReference="r")
    assert answer.status == 202
    assert answer.json["ErrorInfo"]["ErrorCode"] == "TradeNotCompleted"
    assert answer.json["ExternalReference"] == "r"
    assert api.story(answer.json["OrderId"]) == story
    assert orders_of(api, "r") == orders
    assert len(api.open_orders()) == (1 if outcome == "working" else 0)
    api.sim.advance(2)
    assert api.story(answer.json["OrderId"]) == story, "a working one works on"


def test_rejected_after_a_200(api: SimulatorClient) -> None:
    api.fault("rejected_later")
    order = api.placed()
    assert api.story(order)[-1] == "Placed/Rejected"
    assert api.get("/port/v1/positions/me").data == []


def test_an_error_with_the_id_of_a_live_order(api: SimulatorClient) -> None:
    api.fault("error_with_order_id")
    answer = api.place()
    assert answer.status == 400
    assert answer.json["ErrorInfo"]["ErrorCode"] == "OtherError"
    assert api.story(answer.json["OrderId"])[-1] == "FinalFill/Confirmed"


def test_precheck_ok_then_a_refusal(api: SimulatorClient) -> None:
    api.fault("refuse", code="PriceHasMoved", message="Too late")
    assert api.precheck().json["PreCheckResult"] == "Ok"
    refused = api.place()
    assert refused.json["ErrorInfo"] == {"ErrorCode": "PriceHasMoved", "Message": "Too late"}
    assert [r["SubStatus"] for r in api.audit()] == ["Rejected"]


def test_precheck_ok_with_error_info_and_error(api: SimulatorClient) -> None:
    api.fault("precheck_error_info")
    answer = api.precheck().json
    assert answer["PreCheckResult"] == "Ok"
    assert answer["ErrorInfo"]["ErrorCode"] == "InsufficientCash"
    api.fault("precheck_error", code="NotTradableAtPresent")
    answer = api.precheck(Amount=3).json
    assert answer["PreCheckResult"] == "Error"
    assert answer["ErrorInfo"]["ErrorCode"] == "NotTradableAtPresent"
    assert api.place().status == 200, "the placement is not concerned"


def test_a_partial_fill_is_completed_on_the_next_day(api: SimulatorClient) -> None:
    api.fault("partial_fill", fraction=0.4)
    order = api.placed(Amount=10)
    assert api.audit(OrderId=order)[-1]["FilledAmount"] == 4
    assert api.open_orders()[0]["FilledAmount"] == 4
    api.sim.advance()
    last = api.audit(OrderId=order)[-1]
    assert (last["Status"], last["FillAmount"], last["FilledAmount"]) == ("FinalFill", 6, 10)
    assert api.open_orders() == []
    assert api.balance()["OpenPositionsCount"] == 2


def test_never_fill(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("never_fill")
    order = api.placed()
    clock.advance(100)
    api.sim.advance(3)
    assert len(api.story(order)) == 2
    assert api.balance()["CashBlocked"] > 0
    body = api.order(OrderId=order, OrderType="Limit", OrderPrice=50)
    assert api.api("PATCH", "/trade/v2/orders", body).status == 200
    assert [o["OrderId"] for o in api.open_orders()] == [order]


def test_only_in_the_audit_log(api: SimulatorClient) -> None:
    api.fault("audit_only")
    order = api.placed(OrderType="Limit", OrderPrice=20)
    assert api.open_orders() == []
    assert api.get("/port/v1/orders", ClientKey=api.sim.client_key, OrderId=order).data == []
    assert api.story(order) == ["Placed/Requested", "Placed/Confirmed"]


def test_the_audit_log_may_lag(api: SimulatorClient, clock: ManualClock) -> None:
    api.fault("audit_delay", seconds=30)
    order = api.placed()
    assert api.story(order) == []
    assert api.get("/ens/v1/activities", Activities="Orders").data == []
    clock.advance(30)
    assert len(api.story(order)) == 3
    assert api.audit()[0]["ActivityTime"] == "2026-07-20T14:09:05.000000Z"


def test_prices_that_are_missing_withheld_or_pending(api: SimulatorClient) -> None:
    def prices() -> list[Any]:
        return api.get("/trade/v1/infoprices/list", Uics="211,10001", AssetType="Stock").data

    api.fault("missing_uics", uics=[211])
    assert [p["Uic"] for p in prices()] == [10001]
    api.fault("missing_uics")
    assert prices() == []
    api.fault("no_access", uics=[10001])
    api.fault("pending", uics=[211])
    found = {p["Uic"]: p["Quote"] for p in prices()}
    assert (found[211]["PriceTypeBid"], found[10001]["PriceTypeBid"]) == ("Pending", "NoAccess")
    assert "Bid" not in found[211]
    api.fault("missing_uics")
    single = api.get("/trade/v1/infoprices", Uic=211, AssetType="Stock")
    assert (single.status, single.json["ErrorCode"]) == (404, "InvalidPriceRequest")


def test_skip_count_and_reference_narrow_a_fault(api: SimulatorClient) -> None:
    api.fault("status", status=500, skip=1, count=2, endpoint="/port/*")
    assert [api.get(ME).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert api.get("/ref/v1/instruments").status == 200
    api.fault("refuse", reference="bad-*", count=None)
    assert api.place(ExternalReference="good").status == 200
    assert api.place(ExternalReference="bad-1").status == 400
    assert api.place().status == 200
    assert api.place(ExternalReference="bad-2").status == 400


def test_a_seeded_mix_repeats_itself(api: SimulatorClient) -> None:
    runs = []
    for _ in range(2):
        api.fault("status", status=500, count=None, probability=0.5, seed=7)
        runs.append([api.get(ME).status for _ in range(20)])
        api.control("DELETE", "faults")
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_a_request_turned_away_uses_up_no_fault(api: SimulatorClient) -> None:
    api.placed(request_id="a")
    api.fault("drop_after", endpoint="/trade/v2/orders")
    api.fault("refuse")
    assert api.place(request_id="a").status == 409
    assert [f["remaining"] for f in api.control("GET", "faults").json["faults"]] == [1, 1]


def test_faults_also_meet_the_login(api: SimulatorClient) -> None:
    api.fault("status", endpoint="/token", status=500)
    assert api.send("POST", "/token", b"grant_type=x").status == 500
    assert api.send("POST", "/token", b"grant_type=x").status == 400


def test_listing_and_removing(api: SimulatorClient) -> None:
    first = api.fault("html")
    api.fault("delay", seconds=2, count=3)
    listed = api.control("GET", "faults").json["faults"]
    assert [f["kind"] for f in listed] == ["html", "delay"]
    assert listed[1]["params"] == {"seconds": 2}
    assert api.control("DELETE", f"faults/{first}").status == 204
    assert api.control("DELETE", f"faults/{first}").status == 404
    assert api.control("DELETE", "faults").status == 204
    assert api.control("GET", "faults").json["faults"] == []
    assert api.control("DELETE", "faults/x").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "nonsense"},
        {"kind": "html", "percentage": 3},
        {"kind": "html", "count": "often"},
        {"kind": "html", "probability": 2},
        {"kind": "html", "params": [1]},
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused(
    api: SimulatorClient, body: dict[str, Any]
) -> None:
    answer = api.control("POST", "faults", body)
    assert answer.status == 400
    assert answer.json["error"]
    assert api.send("POST", "/simulator/faults", b"[]").status == 400
