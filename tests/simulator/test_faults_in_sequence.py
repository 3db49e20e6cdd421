"""A sequence says what happens to the first, the second, the third … of one matcher's requests."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from support.simulator_client import SimulatorClient

ME = "/port/v1/users/me"
ORDERS = "/trade/v2/orders"
GONE = (http.client.RemoteDisconnected, ConnectionResetError)


def switch_on(api: SimulatorClient, *steps: Any, endpoint: object = ME, **more: Any) -> int:
    answer = api.control("POST", "sequences", {"endpoint": endpoint, "steps": steps, **more})
    assert answer.status == 201, answer.body
    number = answer.json["id"]
    assert isinstance(number, int)
    return number


def used(api: SimulatorClient) -> list[int]:
    return [one["used"] for one in api.control("GET", "sequences").json["sequences"]]


def test_each_request_uses_up_one_step(api: SimulatorClient) -> None:
    down = {"kind": "status", "params": {"status": 502}}
    switch_on(api, "pass", down, "pass", "html")
    assert [api.get(ME).status for _ in range(6)] == [200, 502, 200, 503, 200, 200]
    assert api.get("/port/v1/clients/me").status == 200, "another endpoint is not concerned"
    assert used(api) == [4]


def test_steps_of_every_stage_stay_in_step(api: SimulatorClient) -> None:
    """Before, inside and after processing: none of them shifts the others."""
    switch_on(
        api,
        "drop_before",
        "trade_not_completed",
        "drop_after",
        {"kind": "refuse", "params": {"code": "PriceHasMoved"}},
        {"kind": "status_after", "params": {"status": 504}},
        endpoint=ORDERS,
        method="POST",
    )
    seen: list[object] = []
    for number in range(6):
        try:
            seen.append(api.place(ExternalReference=f"r{number}").status)
        except GONE:
            seen.append("gone")
    assert seen == ["gone", 202, "gone", 400, 504, 200]
    counted = api.control("GET", "requests").json["references"]
    assert [counted[f"r{n}"]["orders"] for n in range(6)] == [0, 1, 1, 0, 1, 1]


def test_a_request_that_is_turned_away_uses_up_its_step_too(api: SimulatorClient) -> None:
    api.placed(request_id="a")
    switch_on(api, "drop_after", "refuse", endpoint=ORDERS)
    assert api.place(request_id="a").status == 409
    token, api.token = api.token, "wrong"
    assert api.place(request_id="b").status == 401
    api.token = token
    assert api.place(request_id="c").status == 200
    assert used(api) == [2]


def test_a_reference_has_a_sequence_of_its_own(api: SimulatorClient) -> None:
    switch_on(api, "pass", "refuse", endpoint=ORDERS, reference="a-*")
    statuses = [api.place(ExternalReference=r).status for r in ("b", "a-1", "b2", "a-2", "b3")]
    assert statuses == [200, 200, 200, 400, 200]


def test_two_sequences_keep_their_own_count(api: SimulatorClient) -> None:
    switch_on(api, "pass", {"kind": "status", "params": {"status": 500}})
    switch_on(
        api, "pass", "pass", {"kind": "status", "params": {"status": 501}}, endpoint="/port/*"
    )
    assert [api.get(ME).status for _ in range(4)] == [200, 500, 501, 200]
    assert used(api) == [2, 3]


def test_a_single_fault_goes_before_a_step_of_the_same_kind(api: SimulatorClient) -> None:
    switch_on(api, {"kind": "status", "params": {"status": 500}})
    api.fault("status", status=501, endpoint=ME)
    assert [api.get(ME).status for _ in range(2)] == [501, 200]


def test_listing_and_removing(api: SimulatorClient) -> None:
    slow = {"kind": "delay", "params": {"seconds": 2}}
    first = switch_on(api, "pass", slow, endpoint=["/port/*", "/cs/*"], method="get")
    [listed] = api.control("GET", "sequences").json["sequences"]
    assert listed == {
        "id": first,
        "endpoint": "/port/* /cs/*",
        "method": "GET",
        "reference": None,
        "steps": ["pass", slow],
        "used": 0,
    }
    assert api.control("DELETE", f"sequences/{first}").status == 204
    assert api.control("DELETE", f"sequences/{first}").status == 404
    switch_on(api, "html")
    assert api.control("DELETE", "sequences").status == 204
    assert api.get(ME).status == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "steps is missing"),
        ({"steps": []}, "steps is missing"),
        ({"steps": "pass"}, "steps is missing"),
        ({"steps": ["pass", "drop_aftr"]}, "step 2: 'drop_aftr' is no kind of fault; did you mean"),
        ({"steps": [7]}, "step 1: 7 is no kind of fault"),
        ({"steps": [{"kind": "html", "count": 3}]}, "step 1: 'count' is no field of a step"),
        ({"steps": [{"kind": "html", "params": {"body": "x"}}]}, "no parameter of html"),
        ({"steps": [{"kind": "never_fill", "params": {"x": 1}}]}, "never_fill: it has none"),
        ({"steps": [{"kind": "html", "params": []}]}, "params is [], not an object"),
        ({"steps": ["html"], "kind": "html"}, "'kind' is no field of a sequence"),
        (
            {"steps": ["refuse"], "endpoint": "/port/*"},
            "step 1: refuse cannot happen at * /port/*, only at POST /trade/v2/orders",
        ),
        ({"steps": ["refuse"], "endpoint": ORDERS, "method": "GET"}, "refuse cannot happen at"),
    ],
)
def test_a_sequence_that_cannot_be_meant(
    api: SimulatorClient, body: dict[str, Any], words: str
) -> None:
    answer = api.control("POST", "sequences", body)
    assert answer.status == 400
    assert words in answer.json["error"]
