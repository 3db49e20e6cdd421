"""Rate limits with their headers, and the refusal of the same order request twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import Answer, SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions


@contextmanager
def limited(folder: Path, clock: ManualClock, **limits: Any) -> Iterator[SimulatorClient]:
    options = SimulatorOptions(clock=clock, rate_limits=RateLimits(**limits))
    with Simulator(folder / "l.db", options=options) as sim, SimulatorClient(sim) as api:
        yield api


def quota(answer: Answer, dimension: str) -> tuple[int, int, int] | None:
    """(limit, remaining, reset) of a dimension, or None where it is not mentioned."""
    values = [
        answer.header(f"X-RateLimit-{dimension}-{part}") for part in ("Limit", "Remaining", "Reset")
    ]
    numbers = [int(value) for value in values if value is not None]
    return (numbers[0], numbers[1], numbers[2]) if numbers else None


def test_every_answer_says_what_is_left(tmp_path: Path, clock: ManualClock) -> None:
    with limited(tmp_path, clock) as api:
        first = api.get("/port/v1/users/me")
        assert quota(first, "Session") == (120, 119, 60)
        assert quota(first, "AppDay") == (10_000_000, 9_999_999, 86400)
        assert quota(first, "SessionOrders") is None
        clock.advance(20.5)
        assert quota(api.get("/port/v1/users/me"), "Session") == (120, 118, 40)
        assert quota(api.get("/ref/v1/instruments"), "Session") == (120, 119, 60)


def test_120_requests_a_minute_per_service_group(tmp_path: Path, clock: ManualClock) -> None:
    with limited(tmp_path, clock) as api:
        assert {api.get("/port/v1/users/me").status for _ in range(120)} == {200}
        refused = api.get("/port/v1/users/me")
        assert (refused.status, refused.body) == (429, b"")
        assert quota(refused, "Session") == (120, 0, 60)
        assert quota(refused, "AppDay") is not None
        assert refused.header("X-Correlation")
        assert api.get("/ref/v1/instruments").status == 200, "another group has its own quota"
        clock.advance(60)
        assert api.get("/port/v1/users/me").status == 200


def test_sessions_have_quotas_of_their_own(tmp_path: Path, clock: ManualClock) -> None:
    with limited(tmp_path, clock, session_per_minute=1) as api:
        assert api.get("/port/v1/users/me").status == 200
        assert api.get("/port/v1/users/me").status == 429
        api.token = api.control("POST", "token").json["access_token"]
        assert api.get("/port/v1/users/me").status == 200


def test_one_order_a_second(tmp_path: Path, clock: ManualClock) -> None:
    with limited(tmp_path, clock) as api:
        assert quota(api.place(request_id="1"), "SessionOrders") == (1, 0, 1)
        refused = api.place(request_id="2")
        assert refused.status == 429
        assert quota(refused, "SessionOrders") == (1, 0, 1)
        assert quota(refused, "Session") is None, "only the quota that is used up, and the day's"
        assert api.precheck().status == 200, "a precheck is no order"
        clock.advance(1)
        assert api.place(request_id="2").status == 200, "the refused try left no trace"
        assert len(api.get("/port/v1/positions/me").data) == 2


@pytest.mark.parametrize(
    ("limits", "method", "allowed"),
    [
        ({}, "PATCH", False),
        ({"count_changes": False}, "PATCH", True),
        ({}, "DELETE", True),
        ({"count_cancels": True}, "DELETE", False),
        ({}, "precheck", True),
        ({"count_prechecks": True}, "precheck", False),
        ({"orders_per_second": 2}, "POST", True),
        ({"enabled": False}, "POST", True),
    ],
)
def test_what_counts_as_an_order_request(
    tmp_path: Path, clock: ManualClock, limits: dict[str, Any], method: str, allowed: bool
) -> None:
    with limited(tmp_path, clock, **limits) as api:
        order_id = api.placed(OrderType="Limit", OrderPrice=20)
        if method == "precheck":
            answer = api.precheck()
        elif method == "DELETE":
            path = f"/trade/v2/orders/{order_id}"
            answer = api.api("DELETE", path, AccountKey=api.sim.account_key)
        elif method == "PATCH":
            body = api.order(OrderId=order_id, OrderType="Limit", OrderPrice=21)
            answer = api.api("PATCH", "/trade/v2/orders", body)
        else:
            answer = api.place()
        assert answer.status == (200 if allowed else 429)


def test_the_day_has_a_quota_too(tmp_path: Path, clock: ManualClock) -> None:
    with limited(tmp_path, clock, app_per_day=2) as api:
        api.get("/port/v1/users/me")
        api.get("/ref/v1/instruments")
        refused = api.get("/port/v1/users/me")
        assert refused.status == 429
        assert quota(refused, "AppDay") == (2, 0, 86400)


def test_without_quotas_nothing_is_said(api: SimulatorClient) -> None:
    assert quota(api.get("/port/v1/users/me"), "Session") is None


def test_the_same_request_twice_is_a_duplicate(api: SimulatorClient, clock: ManualClock) -> None:
    assert api.place(request_id="a").status == 200
    again = api.place(request_id="a")
    assert (again.status, again.body) == (409, b"")
    assert api.place(request_id="b").status == 200, "another id is another order"
    assert len(api.get("/port/v1/positions/me").data) == 2
    clock.advance(14.9)
    assert api.place(request_id="a").status == 409
    clock.advance(0.1)
    assert api.place(request_id="a").status == 200, "after the window it is forgotten"


def test_without_an_id_the_body_decides(api: SimulatorClient) -> None:
    assert api.place().status == 200
    assert api.place().status == 409
    assert api.place(Amount=11).status == 200


def test_prechecks_and_changes_are_covered_but_not_cancels(api: SimulatorClient) -> None:
    assert [api.precheck().status for _ in range(2)] == [200, 409]
    order_id = api.placed(OrderType="Limit", OrderPrice=20)
    body = api.order(OrderId=order_id, OrderType="Limit", OrderPrice=21)
    assert [api.api("PATCH", "/trade/v2/orders", body).status for _ in range(2)] == [200, 409]
    path = f"/trade/v2/orders/{order_id}"
    key = api.sim.account_key
    assert [api.api("DELETE", path, AccountKey=key).status for _ in range(2)] == [200, 400]


def test_a_401_registers_nothing(api: SimulatorClient) -> None:
    token, api.token = api.token, "stale"
    assert api.place(request_id="a").status == 401
    api.token = token
    assert api.place(request_id="a").status == 200


def test_a_refused_order_registers(api: SimulatorClient) -> None:
    assert api.place(BuySell="Sell", request_id="a").status == 400
    assert api.place(BuySell="Sell", request_id="a").status == 409
