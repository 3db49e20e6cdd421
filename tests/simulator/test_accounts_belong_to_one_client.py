"""Whose data it is, resetting a trial account, and the session's level."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from support.simulator_client import SimulatorClient


def test_keys_need_encoding_as_real_ones_do(api: SimulatorClient) -> None:
    for key in (api.sim.client_key, api.sim.account_key):
        assert set("|+/-=") <= set(key)


def test_every_state_is_an_account_of_its_own(api: SimulatorClient) -> None:
    from tradebot.simulator import Simulator

    with Simulator(api.sim.state_path.with_name("other.db")) as other:
        assert other.account_key != api.sim.account_key
        assert other.app_key != api.sim.app_key


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"ClientKey": "bad"}, "InvalidClientId"),
        ({}, "NoValidInput"),
    ],
)
def test_balances_of_others(api: SimulatorClient, query: dict[str, str], code: str) -> None:
    answer = api.get("/port/v1/balances", **query)
    assert (answer.status, answer.json["ErrorCode"]) == (400, code)


def test_an_unknown_account(api: SimulatorClient) -> None:
    query = {"ClientKey": api.sim.client_key, "AccountKey": "x"}
    assert api.get("/port/v1/balances", **query).json["ErrorCode"] == "NoValidInput"


@pytest.mark.parametrize("what", ["positions", "netpositions", "closedpositions"])
def test_positions_of_others_are_401(api: SimulatorClient, what: str) -> None:
    assert api.get(f"/port/v1/{what}", ClientKey="someone").status == 401
    assert api.get(f"/port/v1/{what}", ClientKey=api.sim.client_key).data == []


def test_a_trial_account_starts_over(api: SimulatorClient) -> None:
    api.placed()
    path = f"/port/v1/accounts/{quote(api.sim.account_key, safe='')}/reset"
    assert api.api("PUT", path, {"NewBalance": 50000}).status == 204
    balance = api.balance()
    assert (balance["CashBalance"], balance["OpenPositionsCount"]) == (50000, 0)
    assert api.audit() == []
    assert api.api("PUT", path, {"NewBalance": "much"}).status == 400
    assert api.api("PUT", path).status == 400
    assert api.api("PUT", "/port/v1/accounts/x/reset", {"NewBalance": 1}).status == 404


def test_session_capabilities(api: SimulatorClient) -> None:
    path = "/root/v1/sessions/capabilities"
    assert api.get(path).json["TradeLevel"] == "OrdersOnly"
    for method in ("PUT", "PATCH"):
        answer = api.api(method, path, {"TradeLevel": "FullTradingAndChat"})
        assert (answer.status, answer.body) == (202, b"")
    assert api.get(path).json["TradeLevel"] == "FullTradingAndChat"
    assert api.api("PUT", path, {"TradeLevel": "All"}).status == 400
