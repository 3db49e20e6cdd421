"""Filters, pages and the live cursor of the audit log, and the same events through ENS."""

from __future__ import annotations

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock

PATH = "/cs/v1/audit/orderactivities"


def test_filters(api: SimulatorClient, clock: ManualClock) -> None:
    first = api.placed()
    clock.advance(3600)
    second = api.placed(BuySell="Sell")
    assert {r["OrderId"] for r in api.audit(OrderId=first)} == {first}
    later = api.audit(ClientKey=api.sim.client_key, FromDateTime="2026-07-20T14:30:00Z")
    assert {r["OrderId"] for r in later} == {second}
    earlier = api.audit(AccountKey=api.sim.account_key, ToDateTime="2026-07-20T14:30:00")
    assert {r["OrderId"] for r in earlier} == {first}
    last = api.audit(EntryType="Last")
    assert [(r["OrderId"], r["Status"]) for r in last] == [
        (first, "FinalFill"),
        (second, "FinalFill"),
    ]
    assert len(api.audit(Status=["Placed", "Cancelled"])) == 4
    assert len(api.audit(Status="All")) == 6
    assert api.audit(OrderId="x") == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"ClientKey": "someone"}, 404, "NotFoundError"),
        ({"AccountKey": "someone"}, 404, "NotFoundError"),
        ({"FromDateTime": "yesterday"}, 400, "BadRequestError"),
        ({"_top": "x"}, 400, "BadRequestError"),
        ({"_skiptoken": "x"}, 400, "BadRequestError"),
        ({"_skiptoken": "poll-x"}, 400, "BadRequestError"),
    ],
)
def test_questions_it_refuses(
    api: SimulatorClient, query: dict[str, str], status: int, code: str
) -> None:
    answer = api.get(PATH, **query)
    assert (answer.status, answer.json["ErrorCode"]) == (status, code)


def test_pages_end(api: SimulatorClient) -> None:
    api.placed()
    api.placed(Amount=3)
    answer = api.get(PATH, _top=4, EntryType="All")
    rows, pages = answer.data, 1
    while "__next" in answer.json:
        assert answer.json["__count"] == 6
        answer = api.follow(answer.json["__next"])
        rows += answer.data
        pages += 1
    assert (len(rows), pages) == (6, 2)
    assert len({r["LogId"] for r in rows}) == 6


def test_the_live_cursor_is_not_pagination(api: SimulatorClient, clock: ManualClock) -> None:
    order = api.placed()
    poll = api.get(PATH, OrderId=order).json["__nextPoll"]
    refused = api.follow(poll)
    assert (refused.status, refused.body) == (429, b"")
    clock.advance(5)
    waited = api.follow(poll)
    assert (waited.status, waited.data) == (200, [])
    assert "__nextPoll" in api.get(PATH, FromDateTime="2030-01-01T00:00:00Z").json


def test_ens_keeps_fourteen_days_and_starts_today(api: SimulatorClient, clock: ManualClock) -> None:
    def count(**query: str) -> int:
        return len(api.get("/ens/v1/activities", Activities="Orders", **query).data)

    api.placed()
    assert count() == 3
    clock.advance(86_400)
    api.token = api.sim.access_token()
    assert count() == 0
    assert count(FromDateTime="2026-07-20T00:00:00Z") == 3
    assert count(FromDateTime="2026-07-20T00:00:00Z", ToDateTime="2026-07-20T01:00:00Z") == 0
    clock.advance(14 * 86_400)
    api.token = api.sim.access_token()
    assert count(FromDateTime="2026-07-20T00:00:00Z") == 0
    assert api.get("/ens/v1/activities", Activities="Positions").data == []
    assert api.get("/ens/v1/activities", FromDateTime="x").status == 400
