"""Where Saxo's documents and its clients disagree, the simulator can be either."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from support.simulator_client import SimulatorClient
from tradebot.clock import ManualClock
from tradebot.simulator import RateLimits, Simulator, SimulatorOptions

ORDERS = "/trade/v2/orders"


@contextmanager
def broker(folder: Path, clock: ManualClock, **options: Any) -> Iterator[SimulatorClient]:
    limits = options.pop("rate_limits", RateLimits(enabled=False))
    chosen = SimulatorOptions(clock=clock, rate_limits=limits, **options)
    with Simulator(folder / "s.db", options=chosen) as sim, SimulatorClient(sim) as api:
        yield api


@pytest.mark.parametrize(("gone", "status"), [("empty", 200), ("not_found", 404)])
def test_an_order_that_is_no_longer_open(
    tmp_path: Path, clock: ManualClock, gone: str, status: int
) -> None:
    with broker(tmp_path, clock, order_gone=gone) as api:
        filled, waiting = api.placed(), api.placed(OrderType="Limit", OrderPrice=20)
        key = quote(api.sim.client_key, safe="")
        assert api.get(f"/port/v1/orders/{key}/{filled}").status == status
        assert len(api.get(f"/port/v1/orders/{key}/{waiting}").data) == 1


@pytest.mark.parametrize(("needed", "status"), [(False, 201), (True, 400)])
def test_a_refresh_without_a_redirect_uri(
    tmp_path: Path, clock: ManualClock, needed: bool, status: int
) -> None:
    with broker(tmp_path, clock, refresh_needs_redirect_uri=needed) as api:
        sim = api.sim
        query = {
            "response_type": "code",
            "client_id": sim.app_key,
            "redirect_uri": sim.redirect_uri,
        }
        answer = api.send("GET", f"/authorize?{urlencode(query)}")
        code = (answer.header("Location") or "").partition("code=")[2]
        app = {"client_id": sim.app_key, "client_secret": sim.app_secret}

        def token(**form: str) -> Any:
            return api.send("POST", "/token", urlencode({**app, **form}).encode())

        pair = token(grant_type="authorization_code", code=code, redirect_uri=sim.redirect_uri)
        again = pair.json["refresh_token"]
        assert token(grant_type="refresh_token", refresh_token=again).status == status
        if needed:
            whole = {"refresh_token": again, "redirect_uri": sim.redirect_uri}
            assert token(grant_type="refresh_token", **whole).status == 201, "and it still lives"


@pytest.mark.parametrize(("scope", "status"), [("application", 409), ("session", 200)])
def test_another_sessions_request_is_a_duplicate_or_not(
    tmp_path: Path, clock: ManualClock, scope: str, status: int
) -> None:
    with broker(tmp_path, clock, duplicate_scope=scope) as api:
        assert api.place(request_id="1").status == 200
        assert api.place(request_id="1").status == 409
        api.token = api.control("POST", "token", {"seconds": 600}).json["access_token"]
        assert api.place(request_id="1").status == status


@pytest.mark.parametrize(("body", "status"), [("raw", 200), ("normalised", 409)])
def test_the_same_json_in_other_bytes_is_a_duplicate_or_not(
    tmp_path: Path, clock: ManualClock, body: str, status: int
) -> None:
    with broker(tmp_path, clock, duplicate_body=body) as api:
        assert api.place().status == 200
        turned = dict(reversed(api.order().items()))
        sent = json.dumps(turned, indent=1).encode()
        assert api.send("POST", f"/sim/openapi{ORDERS}", sent).status == status


@pytest.mark.parametrize(("restarts", "status"), [(False, 200), (True, 409)])
def test_the_duplicate_window_begins_anew_or_not(
    tmp_path: Path, clock: ManualClock, restarts: bool, status: int
) -> None:
    with broker(tmp_path, clock, duplicate_restarts=restarts) as api:
        assert api.place(request_id="1").status == 200
        clock.advance(10)
        assert api.place(request_id="1").status == 409
        clock.advance(10)
        assert api.place(request_id="1").status == status


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("name", ["count_changes", "count_cancels", "count_prechecks"])
def test_what_counts_as_an_order_request(
    tmp_path: Path, clock: ManualClock, name: str, counted: bool
) -> None:
    with broker(tmp_path, clock, rate_limits=RateLimits(**{name: counted})) as api:
        order = api.placed(OrderType="Limit", OrderPrice=20)
        if name == "count_changes":
            body = api.order(OrderId=order, OrderType="Limit", OrderPrice=19)
            status = api.api("PATCH", ORDERS, body).status
        elif name == "count_cancels":
            account = api.sim.account_key
            status = api.api("DELETE", f"{ORDERS}/{order}", AccountKey=account).status
        else:
            status = api.precheck().status
        assert status == (429 if counted else 200)


def test_a_scenario_changes_the_options_of_a_running_broker(
    tmp_path: Path, clock: ManualClock
) -> None:
    with broker(tmp_path, clock, max_uics=7) as api:
        options = {"max_uics": 1, "rate_limits": {"enabled": True, "orders_per_second": 2}}
        assert api.control("POST", "scenario", {"options": options}).status == 201
        many = {"Uics": "211,10001", "AssetType": "Stock"}
        assert api.get("/trade/v1/infoprices/list", **many).status == 400
        assert [api.place(Amount=n).status for n in (1, 2, 3)] == [200, 200, 429]
        assert api.control("DELETE", "scenario").status == 204
        assert api.get("/trade/v1/infoprices/list", **many).status == 200
        assert api.place(Amount=4).status == 200
