"""Price lists, instrument look-ups and trading hours, the awkward questions included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

LIST = "/trade/v1/infoprices/list"


def test_a_list_leaves_out_what_it_does_not_know(api: SimulatorClient) -> None:
    found = api.get(LIST, Uics="211,307,99999999,21", AssetType="Stock").data
    assert [p["Uic"] for p in found] == [211, 307]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"Uics": "21,21", "AssetType": "FxSpot"}, "UicsInListNotUnique"),
        ({"Uics": "21", "AssetType": "Bond"}, "InvalidRequest"),
        ({"Uics": "21"}, "InvalidRequest"),
        ({"Uics": "", "AssetType": "FxSpot"}, "InvalidUic"),
        ({"Uics": "21,x", "AssetType": "FxSpot"}, "InvalidUic"),
        ({"Uics": ",".join(map(str, range(1, 102))), "AssetType": "FxSpot"}, "InvalidRequest"),
    ],
)
def test_lists_that_fail_as_a_whole(api: SimulatorClient, query: dict[str, Any], code: str) -> None:
    answer = api.get(LIST, **query)
    assert (answer.status, answer.json["ErrorCode"]) == (400, code)


def test_a_hundred_uics_are_allowed(api: SimulatorClient) -> None:
    assert api.get(LIST, Uics=",".join(map(str, range(1, 101))), AssetType="FxSpot").status == 200


def test_single_prices_that_do_not_exist(api: SimulatorClient) -> None:
    unknown = api.get("/trade/v1/infoprices", Uic=5, AssetType="FxSpot")
    assert (unknown.status, unknown.json["ErrorCode"]) == (404, "IllegalInstrumentId")
    assert api.get("/trade/v1/infoprices", Uic="x", AssetType="FxSpot").status == 404
    assert api.get("/trade/v1/infoprices", Uic=21, AssetType="?").status == 400


def test_details_of_a_wrong_pair_are_404(api: SimulatorClient) -> None:
    for path in ("details", "tradingschedule"):
        answer = api.get(f"/ref/v1/instruments/{path}/211/FxSpot")
        assert (answer.status, answer.body) == (404, b"")
        assert api.get(f"/ref/v1/instruments/{path}/211/Stock").status == 200


def test_details_by_list(api: SimulatorClient) -> None:
    every = api.get("/ref/v1/instruments/details").json
    assert every["__count"] == 6
    first = api.get("/ref/v1/instruments/details", _top=4)
    assert len(first.data) == 4
    assert len(api.follow(first.json["__next"]).data) == 2
    wrong = api.get("/ref/v1/instruments/details", AssetTypes="Stock,Junk")
    assert (wrong.status, wrong.json["ErrorCode"]) == (400, "InvalidAssetType")
    assert api.get("/ref/v1/instruments/details", Uics="5").data == []


@pytest.mark.parametrize(
    ("query", "uics"),
    [
        ({"Keywords": "usd"}, {21, 31}),
        ({"Keywords": "microsoft corp"}, {10001}),
        ({"AssetTypes": "Stock,Etf"}, {211, 307, 10001, 10002}),
        ({"ExchangeId": "NYSE"}, {307}),
        ({"Uics": "21,211"}, {21, 211}),
        ({"Keywords": "nothing"}, set()),
    ],
)
def test_the_search(api: SimulatorClient, query: dict[str, str], uics: set[int]) -> None:
    assert {hit["Identifier"] for hit in api.get("/ref/v1/instruments", **query).data} == uics


def test_always_open_by_default(api: SimulatorClient) -> None:
    answer = api.get("/ref/v1/instruments/tradingschedule/10001/Stock").json
    assert {s["State"] for s in answer["Sessions"]} == {"AutomatedTrading"}
    covers(answer["Sessions"], datetime(2026, 7, 20, 14, 9, 5, tzinfo=UTC))


def covers(sessions: list[dict[str, str]], moment: datetime) -> str:
    """The state at a moment; asserts that the sessions abut and reach a day further."""
    for before, after in pairwise(sessions):
        assert before["EndTime"] == after["StartTime"]
    spans = [
        (datetime.fromisoformat(s["StartTime"]), datetime.fromisoformat(s["EndTime"]), s["State"])
        for s in sessions
    ]
    assert spans[0][0] <= moment
    assert spans[-1][1] >= moment + timedelta(days=1)
    return next(state for start, end, state in spans if start <= moment < end)


@pytest.mark.parametrize(
    ("moment", "share", "rate"),
    [
        ("2026-07-20T14:09:05", "AutomatedTrading", "AutomatedTrading"),
        ("2026-07-20T12:00:00", "PreTrading", "AutomatedTrading"),
        ("2026-07-20T20:30:00", "PostTrading", "AutomatedTrading"),
        ("2026-07-20T03:00:00", "Closed", "AutomatedTrading"),
        ("2026-07-24T20:59:00", "PostTrading", "Closed"),
        ("2026-07-25T15:00:00", "Closed", "Closed"),
        ("2026-07-26T21:04:00", "Closed", "AutomatedTrading"),
        ("2026-01-20T14:29:00", "PreTrading", "AutomatedTrading"),
        ("2026-01-20T14:30:00", "AutomatedTrading", "AutomatedTrading"),
    ],
)
def test_exchange_hours(tmp_path: Path, moment: str, share: str, rate: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    options = SimulatorOptions(
        clock=ManualClock(now), trading_hours="exchange", rate_limits=RateLimits(enabled=False)
    )
    with Simulator(tmp_path / "s.db", options=options) as sim, SimulatorClient(sim) as api:
        for path, expected in (("10001/Stock", share), ("21/FxSpot", rate)):
            answer = api.get(f"/ref/v1/instruments/tradingschedule/{path}").json
            assert covers(answer["Sessions"], now) == expected
            uic, asset_type = path.split("/")
            quote = api.get("/trade/v1/infoprices", Uic=uic, AssetType=asset_type).json["Quote"]
            assert quote["MarketState"] == ("Open" if expected == "AutomatedTrading" else "Closed")
        summer = now.month == 7
        assert answer["TimeZoneOffset"] == ("-04:00:00" if summer else "-05:00:00")
        assert answer["TimeZoneAbbreviation"] == ("EDT" if summer else "EST")
