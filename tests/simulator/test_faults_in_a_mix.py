"""A mix is chance with a seed: the same requests meet the same faults."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from support.simulator_client import SimulatorClient
from tradebot.simulator.fault_kinds import IN_A_MIX, KINDS

ME = "/port/v1/users/me"
CLIENTS = "/port/v1/clients/me"
GONE = (http.client.HTTPException, ConnectionError)


def switch_on(api: SimulatorClient, **what: Any) -> None:
    answer = api.control("POST", "mixes", {"seed": 7, "probability": 0.5, **what})
    assert answer.status == 201, answer.body


def mix(api: SimulatorClient) -> dict[str, Any]:
    [found] = api.control("GET", "mixes").json["mixes"]
    assert isinstance(found, dict)
    return found


def met(api: SimulatorClient, path: str) -> object:
    try:
        answer = api.get(path)
    except GONE as error:
        return type(error).__name__
    return answer.status, answer.body[:20]


def runs(api: SimulatorClient, paths: list[str], **what: Any) -> Iterator[list[object]]:
    """The same requests, twice, each time with the mix switched on anew."""
    for _ in range(2):
        api.control("DELETE", "mixes")
        switch_on(api, **what)
        yield [met(api, path) for path in paths]


def test_the_same_seed_makes_the_same_decisions(api: SimulatorClient) -> None:
    kinds = ["status", "drop_before", "html", "empty"]
    first, second = runs(api, [ME] * 30, kinds=kinds)
    assert first == second
    assert len({str(what) for what in first}) > 3
    [other, _] = runs(api, [ME] * 30, kinds=kinds, seed=8)
    assert other != first


def test_the_order_of_other_endpoints_requests_changes_nothing(api: SimulatorClient) -> None:
    kinds = ["status", "html", "empty"]
    [alone, _] = runs(api, [ME] * 12, kinds=kinds)
    [mixed, _] = runs(api, [CLIENTS, ME, ME, CLIENTS] * 6, kinds=kinds)
    assert mixed[1::4] + mixed[2::4] != []
    assert [what for n, what in enumerate(mixed) if n % 4 in (1, 2)] == alone


def test_probability(api: SimulatorClient) -> None:
    switch_on(api, probability=0, kinds=["status"])
    assert [api.get(ME).status for _ in range(20)] == [200] * 20
    assert (mix(api)["matched"], mix(api)["fired"]) == (20, {})
    api.control("DELETE", "mixes")
    switch_on(api, probability=1, kinds=["html"])
    assert {api.get(ME).status for _ in range(20)} <= {503, 403}
    assert mix(api)["fired"] == {"html": 20}


def test_chosen_endpoints_only(api: SimulatorClient) -> None:
    switch_on(api, probability=1, kinds=["html"], endpoint=["/cs/*", "/token"])
    assert api.get(ME).status == 200
    assert api.get("/cs/v1/audit/orderactivities").status in (503, 403)
    assert api.send("POST", "/token", b"grant_type=x").status in (503, 403)


def test_a_kind_happens_only_where_it_can(api: SimulatorClient) -> None:
    switch_on(api, probability=1, kinds=["refuse", "precheck_error"])
    assert api.get(ME).status == 200
    assert api.place().status == 400
    assert api.precheck().json["PreCheckResult"] == "Error"


def test_kinds_may_have_parameters(api: SimulatorClient) -> None:
    teapot = {"kind": "status", "params": {"status": 418}}
    switch_on(api, probability=1, kinds=[teapot])
    assert {api.get(ME).status for _ in range(5)} == {418}


def test_a_placement_may_meet_everything_that_can_happen_to_one(api: SimulatorClient) -> None:
    """By default: each kind that is said to be in a mix turns up, and no other."""
    switch_on(api, probability=1)
    assert mix(api)["kinds"] == list(IN_A_MIX)
    possible = {
        name
        for name, kind in KINDS.items()
        if kind.mixed and kind.happens_at("POST", "/trade/v2/orders")
    }
    for number in range(400):
        try:
            if api.place(ExternalReference=f"r{number}").status == 401:
                api.token = api.sim.access_token()
        except GONE:
            pass
        if set(mix(api)["fired"]) == possible:
            break
    assert set(mix(api)["fired"]) == possible
    assert {"trade_not_completed", "drop_after", "disclaimers"} <= possible
    assert not possible & {"drip", "oversize", "date_off", "missing_activities"}


def test_nothing_in_a_mix_waits_long(api: SimulatorClient) -> None:
    waits = [
        params.get("seconds", 0)
        for name in IN_A_MIX
        for params in KINDS[name].mixed
        if name in ("delay", "delay_after", "drip")
    ]
    assert waits
    assert max(waits) <= 0.1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"probability": 0.5}, "seed is missing"),
        ({"seed": 1}, "probability is None; it must be a number from 0 to 1"),
        ({"seed": 1, "probability": 2}, "probability is 2"),
        ({"seed": 1, "probability": True}, "probability is True"),
        ({"seed": 1, "probability": 1, "kinds": []}, "kinds must be a list"),
        ({"seed": 1, "probability": 1, "kinds": ["rain"]}, "'rain' is no kind of fault"),
        ({"seed": 1, "probability": 1, "kinds": ["refuse"], "method": "GET"}, "cannot happen"),
        ({"seed": 1, "probability": 1, "count": 3}, "'count' is no field of a mix"),
    ],
)
def test_a_mix_that_cannot_be_meant(api: SimulatorClient, body: dict[str, Any], words: str) -> None:
    answer = api.control("POST", "mixes", body)
    assert answer.status == 400
    assert words in answer.json["error"]
