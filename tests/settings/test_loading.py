"""From environment, .env and defaults to settings: who wins, and what is filled in."""

from __future__ import annotations

import dataclasses
import os
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.errors import SettingsError
from tradebot.model import InstrumentId, WatchItem
from tradebot.settings import Settings, load, load_lenient
from tradebot.settings.variables import VARIABLES

FX = '[{"asset_type":"FxSpot","uic":21,"symbol":"EURUSD","quantity":10000}]'
SIM = {
    "SAXO_ENV": "SIM",
    "SAXO_APP_KEY": "key-0123456789",
    "SAXO_APP_SECRET": "secret-0123456789",
    "SAXO_REDIRECT_URI": "http://localhost/callback",
    "WATCHLIST_JSON": FX,
}


def write_env(home: Path, text: str) -> Path:
    path = home / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def problems_of(environ: dict[str, str], home: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(environ, home=home)
    return caught.value.problems


def test_nothing_set_is_the_simulator_and_complete(tmp_path: Path) -> None:
    settings = load({}, home=tmp_path)
    assert settings.saxo_env == "LOCAL"
    assert settings.dry_run is False
    assert (settings.saxo_rest_base, settings.saxo_auth_base) == (None, None)
    assert settings.watchlist == (
        WatchItem(InstrumentId("Stock", 10001), Decimal(10), "MSFT:xnas"),
        WatchItem(InstrumentId("Etf", 10002), Decimal(5), "SP500:arcx"),
        WatchItem(InstrumentId("FxSpot", 21), Decimal(10000), "EURUSD"),
    )
    assert settings.strategy_name == "sma_cross"
    assert dict(settings.strategy_params) == {}
    assert settings.schedule_cadence == 300
    assert settings.schedule_max_lateness == 150
    assert settings.reconcile_grace_seconds == 60
    assert settings.data_staleness_seconds == 900
    assert settings.max_trades_per_day == 50
    assert settings.cycle_deadline_seconds is None
    assert settings.trading_days == {0, 1, 2, 3, 4}
    assert (settings.log_retention_days, settings.log_max_bytes) == (30, 10485760)
    assert settings.log_dir == tmp_path / "logs"
    assert settings.state_dir == tmp_path / "state"
    assert settings.state_path == tmp_path / "state" / "default" / "LOCAL"
    assert settings.saxo_token_file == settings.state_path / "tokens.json"
    assert settings.env_file is None
    assert settings.warnings == ()
    assert set(settings.origins.values()) == {"default"}


def test_there_is_one_attribute_per_variable() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)}
    extra = {"home", "env_file", "origins", "warnings"}
    assert fields - extra == {variable.attribute for variable in VARIABLES}
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)


def test_the_environment_wins_over_the_file_which_wins_over_the_default(tmp_path: Path) -> None:
    path = write_env(tmp_path, "LOG_LEVEL=DEBUG\nINSTANCE=paper\n")
    settings = load({"LOG_LEVEL": "warning"}, home=tmp_path)
    assert (settings.log_level, settings.instance) == ("WARN", "paper")
    assert settings.origins["LOG_LEVEL"] == "environment"
    assert settings.origins["INSTANCE"] == ".env"
    assert settings.origins["LOG_DIR"] == "default"
    assert settings.env_file == path


def test_an_empty_value_in_the_environment_switches_off_a_line_of_the_file(tmp_path: Path) -> None:
    write_env(tmp_path, "INSTANCE=paper\n")
    settings = load({"INSTANCE": " "}, home=tmp_path)
    assert settings.instance == "default"
    assert settings.origins["INSTANCE"] == "default"


def test_another_file_may_be_named_and_must_exist(tmp_path: Path) -> None:
    write_env(tmp_path, "INSTANCE=beside\n")
    other = tmp_path / "other.env"
    other.write_text("INSTANCE=other\n", encoding="utf-8")
    assert load({}, home=tmp_path, env_file=other).instance == "other"
    missing = tmp_path / "missing.env"
    with pytest.raises(SettingsError, match="there is no such file"):
        load({}, home=tmp_path, env_file=missing)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert "cannot be read" in problems_of({}, tmp_path)[0]


def test_relative_paths_start_at_home_and_never_at_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "list.json").write_text(FX, encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    environ = {
        "LOG_DIR": "l",
        "STATE_DIR": "s",
        "SAXO_TOKEN_FILE": "t/tokens.json",
        "WATCHLIST_JSON": "@list.json",
    }
    settings = load(environ, home=home)
    assert settings.log_dir == home / "l"
    assert settings.state_dir == home / "s"
    assert settings.saxo_token_file == home / "t" / "tokens.json"
    assert settings.watchlist[0].instrument == InstrumentId("FxSpot", 21)


def test_absolute_paths_stay_and_a_relative_home_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load({"LOG_DIR": str(tmp_path / "there")}, home=Path())
    assert settings.log_dir == tmp_path / "there"
    assert settings.state_dir == tmp_path / "state"


@pytest.mark.parametrize(
    ("env", "rest", "auth"),
    [
        ("SIM", "https://gateway.saxobank.com/sim/openapi", "https://sim.logonvalidation.net"),
        ("LIVE", "https://gateway.saxobank.com/openapi", "https://live.logonvalidation.net"),
    ],
)
def test_saxos_own_addresses_are_filled_in(env: str, rest: str, auth: str, tmp_path: Path) -> None:
    settings = load(SIM | {"SAXO_ENV": env}, home=tmp_path)
    assert (settings.saxo_rest_base, settings.saxo_auth_base) == (rest, auth)
    assert settings.dry_run is True


@pytest.mark.parametrize("given_value", ["", "true", "false"])
def test_the_dry_run_flag_only_ever_turns_it_on(given_value: str, tmp_path: Path) -> None:
    settings = load(SIM | {"DRY_RUN": given_value}, home=tmp_path, dry_run_flag=True)
    assert settings.dry_run is True
    without = load(SIM | {"DRY_RUN": given_value}, home=tmp_path)
    assert without.dry_run is (given_value != "false")


def test_the_flag_is_named_as_the_origin_where_it_made_a_difference(tmp_path: Path) -> None:
    assert load({}, home=tmp_path, dry_run_flag=True).origins["DRY_RUN"] == "command line"
    set_already = load({"DRY_RUN": "yes"}, home=tmp_path, dry_run_flag=True)
    assert set_already.origins["DRY_RUN"] == "environment"


def test_a_watch_list_entry_without_a_quantity_gets_the_default(tmp_path: Path) -> None:
    environ = {
        "WATCHLIST_JSON": '[{"asset_type":"Stock","uic":211},'
        '{"asset_type":"Stock","uic":307,"quantity":2.5}]',
        "DEFAULT_QUANTITY": "7",
    }
    items = load(environ, home=tmp_path).watchlist
    assert [item.quantity for item in items] == [Decimal(7), Decimal("2.5")]
    assert items[0].symbol is None


def test_strategy_parameters_are_read_and_cannot_be_changed(tmp_path: Path) -> None:
    text = '{"fast":3,"x":0.5,"deep":{"list":[1.5,"a",null,true]}}'
    settings = load({"STRATEGY_PARAMS_JSON": text}, home=tmp_path)
    assert dict(settings.strategy_params) == {
        "fast": 3,
        "x": 0.5,
        "deep": {"list": [1.5, "a", None, True]},
    }
    assert isinstance(settings.strategy_params["x"], float)
    with pytest.raises(TypeError):
        settings.strategy_params["fast"] = 4  # type: ignore[index]


def test_a_fixed_window_is_read(tmp_path: Path) -> None:
    environ = {
        "TRADING_HOURS_MODE": "fixed",
        "TRADING_START": "09:30",
        "TRADING_END": "16:00",
        "TIMEZONE": "America/New_York",
        "TRADING_HOLIDAYS": "XNYS",
    }
    settings = load(environ, home=tmp_path)
    assert (settings.trading_start, settings.trading_end) == (time(9, 30), time(16))
    assert (settings.timezone, settings.trading_holidays) == ("America/New_York", "XNYS")


def test_with_problems_the_lenient_settings_say_where_the_log_is_but_never_trade(
    tmp_path: Path,
) -> None:
    environ = {"SAXO_ENV": "nowhere", "LOG_DIR": "there", "LOG_MAX_BYTES": "many"}
    settings, problems = load_lenient(environ, home=tmp_path)
    assert len(problems) == 2
    assert settings.log_dir == tmp_path / "there"
    assert settings.log_max_bytes == 10485760
    assert settings.saxo_env == "LOCAL"
    assert settings.dry_run is True


def test_the_fingerprint_changes_with_every_setting_but_not_with_a_secrets_value(
    tmp_path: Path,
) -> None:
    base = load(SIM, home=tmp_path)
    assert len(base.fingerprint()) == 12
    assert int(base.fingerprint(), 16) >= 0
    assert load(dict(reversed(SIM.items())), home=tmp_path).fingerprint() == base.fingerprint()
    other_secret = load(SIM | {"SAXO_APP_SECRET": "another-secret-1"}, home=tmp_path)
    assert other_secret.fingerprint() == base.fingerprint()
    for change in (
        {"LOG_LEVEL": "DEBUG"},
        {"TRADING_DAYS": "mon"},
        {"STRATEGY_PARAMS_JSON": '{"fast":3}'},
        {"DEFAULT_QUANTITY": "2"},
        {"SAXO_ACCOUNT_KEY": "account-0123456789"},
        {"DRY_RUN": "false"},
    ):
        assert load(SIM | change, home=tmp_path).fingerprint() != base.fingerprint(), change


def test_the_fingerprint_is_the_same_in_every_process(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, pathlib, tradebot.settings as s;"
        "print(s.load({'STRATEGY_PARAMS_JSON': '{\"b\":1,\"a\":[2]}'},"
        "home=pathlib.Path(sys.argv[1])).fingerprint())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_secrets_are_listed_for_redaction_and_absent_from_repr(tmp_path: Path) -> None:
    secrets = {
        "SAXO_APP_KEY": "key-0123456789",
        "SAXO_APP_SECRET": "secret-0123456789",
        "SAXO_ACCESS_TOKEN": "token-0123456789",
        "SAXO_ACCOUNT_KEY": "account-0123456789",
        "SAXO_CLIENT_KEY": "client-0123456789",
    }
    params = '{"api_key":"parameter-0123456789"}'
    settings = load(SIM | secrets | {"STRATEGY_PARAMS_JSON": params}, home=tmp_path)
    assert set(settings.secrets()) == set(secrets.values())
    assert list(load({}, home=tmp_path).secrets()) == []
    assert "0123456789" not in repr(settings)


@settings(deadline=None)
@given(st.sampled_from(["90", "60s", "2m", "1h", "4h", "86400"]), st.integers(1, 50))
def test_lateness_defaults_to_half_of_any_cadence(cadence: str, lateness: int) -> None:
    home = Path("/nowhere/at/all")
    settings = load({"SCHEDULE_CADENCE": cadence}, home=home)
    assert settings.schedule_max_lateness == settings.schedule_cadence / 2
    chosen = {"SCHEDULE_CADENCE": cadence, "SCHEDULE_MAX_LATENESS": str(lateness)}
    assert load(chosen, home=home).schedule_max_lateness == lateness
