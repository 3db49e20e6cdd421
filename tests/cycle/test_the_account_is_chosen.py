"""Which account a cycle trades on, and what it holds there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from support.bench import MSFT, Bench
from tradebot.cycle_setup import broker_positions, choose_account
from tradebot.errors import RequestRefused, SettingsError
from tradebot.execution.account import TradingAccount
from tradebot.saxo.messages import Account, ClientInfo, NetPosition, NetPositionBase


class Login:
    """A login with these accounts; `default` is the client's own choice."""

    def __init__(
        self, accounts: Sequence[Account], default: str = "", positions: Sequence[NetPosition] = ()
    ) -> None:
        self._accounts = accounts
        self._client = ClientInfo(client_key="the-client", default_account_key=default)
        self._positions = positions

    def accounts(self) -> Sequence[Account]:
        return self._accounts

    def client(self) -> ClientInfo:
        return self._client

    def net_positions(self) -> Sequence[NetPosition]:
        return self._positions


def account(key: str, **more: Any) -> Account:
    return Account(account_key=key, **{"currency": "EUR", "account_id": key.upper(), **more})


def chosen(login: Login, **settings: str | None) -> TradingAccount:
    wanted = {"saxo_account_key": None, "saxo_client_key": None, **settings}
    return choose_account(login, SimpleNamespace(**wanted))  # type: ignore[arg-type]


def test_the_only_account() -> None:
    found = chosen(Login([account("one", client_key="c")]))
    assert (found.account_key, found.client_key, found.currency) == ("one", "c", "EUR")
    assert "one" not in found.hash


def test_of_several_the_configured_one_else_the_clients_default() -> None:
    login = Login([account("one"), account("two"), account("three")], default="two")
    assert chosen(login, saxo_account_key="three").account_key == "three"
    assert chosen(login).account_key == "two"
    assert chosen(login).client_key == "the-client"
    assert chosen(login, saxo_client_key="other").client_key == "other"


def test_an_account_that_is_not_active_is_not_traded_on() -> None:
    login = Login([account("one", active=False), account("two", active=True)])
    assert chosen(login).account_key == "two"


def test_a_configured_account_that_the_login_does_not_have() -> None:
    with pytest.raises(SettingsError, match="SAXO_ACCOUNT_KEY") as caught:
        chosen(Login([account("one")]), saxo_account_key="secret-key")
    assert "secret-key" not in str(caught.value)


def test_of_several_without_a_default_none_is_guessed() -> None:
    with pytest.raises(SettingsError, match="Name one of them"):
        chosen(Login([account("one"), account("two")], default=""))


def test_no_account_at_all() -> None:
    with pytest.raises(RequestRefused, match="no active account"):
        chosen(Login([]))


def test_positions_of_other_accounts_do_not_count() -> None:
    def position(amount: int, account_id: str | None) -> NetPosition:
        base = NetPositionBase(
            uic=MSFT.uic, asset_type="Stock", amount=Decimal(amount), account_id=account_id
        )
        return NetPosition(net_position_base=base)

    login = Login([], positions=[position(5, "ONE"), position(7, "TWO"), position(1, None)])
    mine = TradingAccount("one", "c", "EUR", "hash", "ONE")
    assert broker_positions(login, mine) == {MSFT: Decimal(6)}  # type: ignore[arg-type]


def test_a_cycle_on_an_account_that_is_not_the_logins_ends_as_bad_configuration(
    bench: Bench,
) -> None:
    report = bench.cycle(SAXO_ACCOUNT_KEY="not-an-account-of-this-login")
    assert report.exit_code == 78
    assert bench.lines("cycle_failed")[0]["failure_reason"] == "settings_error"
    assert bench.orders_at_broker() == 0


def test_details_that_cannot_be_read_end_the_cycle_with_a_reason_for_each(bench: Bench) -> None:
    bench.fault("status", count=None, endpoint="/ref/*", params={"status": 503})
    report = bench.cycle()
    assert report.exit_code == 69
    assert bench.lines("marketdata_fetch_failure")[0]["failure_reason"] == "unavailable"
    assert {d["reason"] for d in bench.lines("strategy_decision")} == {"cycle_failed"}
    assert len(bench.lines("strategy_decision")) == 3


def test_a_chart_that_cannot_be_read_skips_that_instrument(bench: Bench) -> None:
    bench.fault("status", count=None, skip=1, endpoint="/chart/*", params={"status": 503})
    report = bench.cycle()
    reasons = [str(decision.reason) for decision in report.decisions]
    assert reasons == ["crossed_above", "bars_unavailable", "bars_unavailable"]
    assert report.exit_code == 0


def test_an_instrument_that_may_not_be_traded_is_left_alone(bench: Bench) -> None:
    from tradebot.market.instruments import is_tradable
    from tradebot.saxo.reference_messages import InstrumentDetails

    def details(**more: Any) -> InstrumentDetails:
        return InstrumentDetails(uic=1, asset_type="Stock", **more)

    assert is_tradable(details())
    assert is_tradable(details(is_tradable=True, trading_status="Tradable"))
    assert not is_tradable(details(is_tradable=False))
    assert not is_tradable(details(trading_status="ReduceOnly"))
    assert not is_tradable(details(trading_status="NonTradable"))
    body = (
        '{"Data": [{"Uic": 10001, "AssetType": "Stock", "IsTradable": false},'
        ' {"Uic": 10002, "AssetType": "Etf"}, {"Uic": 21, "AssetType": "FxSpot"}]}'
    )
    bench.fault(
        "status", endpoint="/ref/v1/instruments/details", params={"status": 200, "body": body}
    )
    reasons = [str(decision.reason) for decision in bench.cycle().decisions]
    assert reasons[0] == "not_tradable"


def test_an_account_of_another_client_than_the_configured_one_is_refused() -> None:
    login = Login([account("one", client_key="c")])
    assert chosen(login, saxo_client_key="c").client_key == "c"
    with pytest.raises(SettingsError, match="another client than the one that SAXO_CLIENT_KEY"):
        chosen(login, saxo_client_key="other")


def test_the_message_about_the_account_is_not_masked_away() -> None:
    from tradebot.observability import mask_sensitive

    with pytest.raises(SettingsError) as problem:
        chosen(Login([account("one")]), saxo_account_key="two")
    told = mask_sensitive(str(problem.value), "msg")
    assert "None of the login's 1 active accounts" in told
